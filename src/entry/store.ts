import type { Clock } from '../io/clock.ts';
import { isDiskError } from '../io/disk.ts';
import type { Logger } from '../io/logger.ts';
import type { Entry } from '../paxos/entry.ts';
import { encodeHardState, type HardState } from '../paxos/hard-state.ts';
import type { Adoption, DurableStore } from '../replica/writes.ts';
import type { Storage } from '../storage/storage.ts';

type Done = (error: Error | null) => void;

export interface StoreOptions {
  readonly storage: Pick<Storage, 'adopt' | 'saveState' | 'log'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RETRY_MS = 1_000;

/**
 * Storage as the loop sees it: it knows of ballots, storage of bytes. A full disk is waited for:
 * appends wait in the log, what else there is waits here. Were it an error, a voter without space
 * would end at the next election, and its clients could not even read.
 */
export class ReplicaStore implements DurableStore {
  private readonly options: StoreOptions;

  constructor(options: StoreOptions) {
    this.options = options;
  }

  append(entries: readonly Entry[], decidedSlot: number, done: Done): void {
    this.options.storage.log.append(entries, decidedSlot, done);
  }

  saveState(state: HardState, done: Done): void {
    const bytes = encodeHardState(state);
    this.untilThereIsRoom((tried) => this.options.storage.saveState(bytes, tried), done);
  }

  adopt({ state, ...adoption }: Adoption, done: Done): void {
    const bytes = encodeHardState(state);
    const run = (tried: Done): void =>
      this.options.storage.adopt({ ...adoption, state: bytes }, tried);
    this.untilThereIsRoom(run, done);
  }

  /** For what leaves everything as it was when it fails for want of space. */
  private untilThereIsRoom(run: (tried: Done) => void, done: Done): void {
    const { clock, logger } = this.options;
    let hasWaited = false;
    const tried = (error: Error | null): void => {
      if (!isDiskError(error, 'ENOSPC')) {
        done(error);
        return;
      }
      if (!hasWaited) logger.error({}, 'no space to follow a new leader: make space');
      hasWaited = true;
      clock.after(RETRY_MS, () => run(tried));
    };
    run(tried);
  }
}
