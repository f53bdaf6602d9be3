import { NO_BALLOT } from '../ballot.ts';
import type { PaxosOptions } from '../core.ts';
import type { ChainHash } from '../entry.ts';

/** A blank replica that is an ensemble by itself. */
export function loneOptions(chain: ChainHash): PaxosOptions {
  const voters = [{ id: 1, weight: 1, group: 0 }];
  const quorums = { voters, electionSize: 0, writeSize: 0, hierarchical: false };
  return {
    id: 1,
    chain,
    random: () => 0,
    heartbeatTicks: 5,
    electionTicks: 40,
    retainBytes: 0,
    chunkBytes: 1_048_576,
    state: {
      promised: NO_BALLOT,
      accepted: NO_BALLOT,
      configuration: { id: 1, quorums, observers: [] },
    },
    applied: { slot: 0, hash: new Uint8Array(32) },
    entries: [],
    damaged: false,
  };
}
