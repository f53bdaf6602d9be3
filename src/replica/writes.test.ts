import { describe, expect, it } from 'vitest';
import type { Entry } from '../paxos/entry.ts';
import type { HardState } from '../paxos/hard-state.ts';
import type { Write } from '../paxos/output.ts';
import { loneOptions } from '../paxos/testing/lone.ts';
import { Writes } from './writes.ts';

type Done = (error: Error | null) => void;

const STATE: HardState = loneOptions(() => new Uint8Array(32)).state;

function entry(slot: number, bytes = 10): Entry {
  const body = new Uint8Array(bytes);
  return { slot, round: 1, replica: 1, kind: 0, body, hash: new Uint8Array(32) };
}

function append(slot: number, decided = 0): Write {
  return { kind: 'append', entries: [entry(slot)], decided };
}

function adoption(fromSlot: number): Write {
  const entries = [entry(fromSlot)];
  return { kind: 'adopt', fromSlot, entries, state: STATE, decided: 0, clearsDamage: true };
}

/** A disk that says what it is told to do, and ends it when the test says so. */
class Bench {
  readonly calls: string[] = [];
  readonly durable: number[] = [];
  readonly appends: (number | null)[] = [];
  readonly fatal: Error[] = [];
  onDurable: () => void = () => {};
  nowMs = 0;
  private done: Done[] = [];
  readonly writes: Writes = new Writes({
    store: {
      append: (entries, decidedSlot, done) => {
        this.start(`append ${entries.map(({ slot }) => slot)} decided ${decidedSlot}`, done);
      },
      saveState: (_state, done) => this.start('state', done),
      adopt: ({ fromSlot, clearsDamage }, done) => {
        this.start(`adopt ${fromSlot} ${clearsDamage}`, done);
      },
    },
    nowMs: () => this.nowMs,
    onDurable: (write, report) => {
      this.durable.push(write);
      this.appends.push(report?.bytes ?? null);
      this.onDurable();
    },
    onFatal: (error) => this.fatal.push(error),
  });

  end(error: Error | null = null): void {
    this.done.shift()?.(error);
  }

  get underWay(): number {
    return this.done.length;
  }

  private start(call: string, done: Done): void {
    this.calls.push(call);
    this.done.push(done);
  }
}

describe('writes of the consensus', () => {
  it('go to the disk one at a time and in order', () => {
    const bench = new Bench();
    bench.writes.add([{ kind: 'state', state: STATE }, append(1), adoption(1)]);
    expect([bench.calls, bench.underWay]).toEqual([['state'], 1]);
    bench.end();
    bench.end();
    expect(bench.calls).toEqual(['state', 'append 1 decided 0', 'adopt 1 true']);
    expect([bench.durable, bench.writes.isIdle]).toEqual([[1, 2], false]);
    bench.end();
    expect([bench.durable, bench.writes.isIdle]).toEqual([[1, 2, 3], true]);
  });

  it('that append, and gathered while the disk was busy, become one', () => {
    const bench = new Bench();
    bench.writes.add([append(1), append(2, 1), append(3, 2)]);
    bench.writes.add([adoption(3), append(4, 3)]);
    // What waits behind an adoption does not pass it.
    expect(bench.calls).toEqual(['append 1,2,3 decided 2']);
    expect(bench.writes.pendingBytes).toBe(50);
    bench.end();
    expect([bench.durable, bench.appends]).toEqual([[3], [30]]);
    bench.end();
    bench.end();
    expect(bench.calls.slice(1)).toEqual(['adopt 3 true', 'append 4 decided 3']);
    expect([bench.durable, bench.writes.pendingBytes]).toEqual([[3, 4, 5], 0]);
    expect(bench.appends).toEqual([30, null, 10]);
  });

  it('begin before what the one ahead made true is carried out, so that both work at once', () => {
    const bench = new Bench();
    bench.writes.add([{ kind: 'state', state: STATE }, append(1)]);
    bench.onDurable = () => bench.calls.push('carried out');
    bench.end();
    expect(bench.calls).toEqual(['state', 'append 1 decided 0', 'carried out']);
  });

  it('end for good with the first error: nothing is written or told any more', () => {
    const bench = new Bench();
    bench.writes.add([append(1), adoption(2)]);
    bench.end(new Error('EIO'));
    bench.writes.add([append(2)]);
    expect([bench.calls.length, bench.durable, bench.fatal.length]).toEqual([1, [], 1]);
    expect(bench.writes.isIdle).toBe(false);
  });

  it('are settled when none is under way, and when the disk has failed: none will end then', () => {
    const bench = new Bench();
    expect(bench.writes.isSettled).toBe(true);
    bench.writes.add([append(1), adoption(2)]);
    bench.end();
    expect(bench.writes.isSettled).toBe(false);
    bench.end(new Error('EIO'));
    expect([bench.writes.isIdle, bench.writes.isSettled]).toEqual([false, true]);
  });

  it('that a store ends twice are noticed', () => {
    const bench = new Bench();
    let twice: Done = () => {};
    const writes = new Writes({
      store: {
        append: (_entries, _decided, done) => {
          twice = done;
        },
        saveState: () => {},
        adopt: () => {},
      },
      nowMs: () => 0,
      onDurable: () => {},
      onFatal: (error) => bench.fatal.push(error),
    });
    writes.add([append(1)]);
    twice(null);
    expect(() => twice(null)).toThrow('a write ended twice');
  });
});
