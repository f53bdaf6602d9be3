import type { PlantedBug } from './bug.ts';
import { CONSENSUS_BUGS } from './consensus.ts';
import { REPLICA_BUGS } from './replica.ts';
import { SESSION_BUGS } from './sessions.ts';
import { STATE_BUGS } from './state.ts';
import { STORAGE_BUGS } from './storage.ts';

/** Each in a build of its own; the production code knows nothing of them. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...CONSENSUS_BUGS,
  ...STORAGE_BUGS,
  ...REPLICA_BUGS,
  ...SESSION_BUGS,
  ...STATE_BUGS,
];
