import { describe, expect, it } from 'vitest';
import { DiskError } from '../io/disk.ts';
import { NO_BALLOT } from '../paxos/ballot.ts';
import { SimClock } from '../sim/clock.ts';
import type { Log } from '../storage/log.ts';
import { ReplicaStore } from './store.ts';
import { LONE_CONFIGURATION } from './voters.ts';

const state = { promised: NO_BALLOT, accepted: NO_BALLOT, configuration: LONE_CONFIGURATION };
const adoption = { fromSlot: 2, entries: [], decidedSlot: 1, state, clearsDamage: false };

type Done = (error: Error | null) => void;

/** Storage that gives one answer after the other. */
class Bench {
  readonly clock: SimClock = new SimClock();
  readonly answers: (Error | null)[] = [];
  readonly heard: (Error | null)[] = [];
  readonly logged: string[] = [];
  readonly store: ReplicaStore;
  tries = 0;

  constructor() {
    const answer = (done: Done): void => {
      this.tries++;
      done(this.answers.shift() ?? null);
    };
    const note = (_: object, message: string): void => {
      this.logged.push(message);
    };
    this.store = new ReplicaStore({
      storage: {
        adopt: (_, done) => answer(done),
        saveState: (_, done) => answer(done),
        log: null as unknown as Log,
      },
      clock: this.clock,
      logger: { debug: note, info: note, warn: note, error: note },
    });
  }
}

const full = new DiskError('ENOSPC', '/d', 'full');

describe('the store of a replica', () => {
  it('waits for space to adopt a log or to save a state, and says so once', () => {
    for (const what of ['adopt', 'saveState'] as const) {
      const bench = new Bench();
      bench.answers.push(full, full, null);
      const done: Done = (error) => bench.heard.push(error);
      if (what === 'adopt') bench.store.adopt(adoption, done);
      else bench.store.saveState(state, done);
      bench.clock.advance(1_500);
      expect(bench.heard).toEqual([]);
      bench.clock.advance(600);
      expect(bench.heard).toEqual([null]);
      expect(bench.tries).toBe(3);
      expect(bench.logged).toHaveLength(1);
    }
  });

  it('passes every other error on at once', () => {
    const bench = new Bench();
    const broken = new DiskError('EIO', '/d', 'broken');
    bench.answers.push(broken);
    bench.store.adopt(adoption, (error) => bench.heard.push(error));
    expect(bench.heard).toEqual([broken]);
  });
});
