import type { Entry } from '../paxos/entry.ts';
import { encodeHardState, type HardState } from '../paxos/hard-state.ts';
import type { Adoption, DurableStore } from '../replica/writes.ts';
import type { Storage } from '../storage/storage.ts';

type Done = (error: Error | null) => void;

/** Storage as the loop sees it: it knows of ballots, storage of bytes. */
export class ReplicaStore implements DurableStore {
  private readonly storage: Storage;

  constructor(storage: Storage) {
    this.storage = storage;
  }

  append(entries: readonly Entry[], decidedSlot: number, done: Done): void {
    this.storage.log.append(entries, decidedSlot, done);
  }

  saveState(state: HardState, done: Done): void {
    this.storage.saveState(encodeHardState(state), done);
  }

  adopt({ state, ...adoption }: Adoption, done: Done): void {
    this.storage.adopt({ ...adoption, state: encodeHardState(state) }, done);
  }
}
