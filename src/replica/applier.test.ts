import { describe, expect, it } from 'vitest';
import { Writer } from '../base/writer.ts';
import { beginStopSign } from '../paxos/configuration.ts';
import { type Entry, EntryKind } from '../paxos/entry.ts';
import { loneOptions } from '../paxos/testing/lone.ts';
import { SimClock } from '../sim/clock.ts';
import { CommandKind } from '../state/command.ts';
import { State } from '../state/state.ts';
import { encodeCommand } from '../state/testing/commands.ts';
import { Applier } from './applier.ts';

/** An entry of marks, numbered from `first`. */
function entry(slot: number, first: number, count: number, kind: number = EntryKind.batch): Entry {
  const writer = new Writer();
  if (kind === EntryKind.configuration) {
    beginStopSign(writer, loneOptions(() => new Uint8Array(32)).state.configuration);
  }
  for (let i = 0; i < count; i++) {
    writer.buffer(encodeCommand({ kind: CommandKind.mark, high: 1, sequence: first + i }));
  }
  return { slot, round: 1, replica: 1, kind, body: writer.written(), hash: new Uint8Array(32) };
}

class Bench {
  readonly clock: SimClock = new SimClock();
  readonly state: State = new State({ seed: [1, 2] });
  readonly told: (number | string)[] = [];
  onOutcome: (sequence: number) => void = () => {};
  readonly applier: Applier = new Applier({
    state: this.state,
    clock: this.clock,
    onOutcome: ({ sequence }) => {
      this.told.push(sequence);
      this.onOutcome(sequence);
    },
    onEntry: ({ slot }) => this.told.push(`slot ${slot} ${this.state.slot}`),
    onIdle: () => this.told.push('idle'),
  });
}

describe('applying what is decided', () => {
  it('tells each outcome, each slot behind its last command, and the end', () => {
    const bench = new Bench();
    bench.applier.add([entry(1, 1, 2), entry(2, 3, 0), entry(3, 3, 1)]);
    expect([bench.told, bench.applier.isBusy]).toEqual([[], true]);
    bench.applier.run();
    expect(bench.told).toEqual([1, 2, 'slot 1 1', 'slot 2 2', 3, 'slot 3 3', 'idle']);
    expect(bench.applier.isBusy).toBe(false);
    bench.applier.run();
    expect(bench.told).toHaveLength(7);
  });

  it('finds the commands behind the configuration that a stop-sign names', () => {
    const bench = new Bench();
    bench.applier.add([entry(1, 5, 2, EntryKind.configuration)]);
    bench.applier.run();
    expect(bench.told).toEqual([5, 6, 'slot 1 1', 'idle']);
  });

  it('lets others run after a slice of time, between two commands, and then goes on there', () => {
    const bench = new Bench();
    bench.onOutcome = (sequence) => {
      if (sequence === 64) bench.clock.advance(5);
    };
    bench.applier.add([entry(1, 1, 200)]);
    bench.applier.run();
    expect([bench.told.length, bench.state.slot, bench.applier.isBusy]).toEqual([64, 0, true]);
    // What is decided meanwhile waits behind.
    bench.applier.add([entry(2, 201, 1)]);
    bench.applier.run();
    expect(bench.told).toHaveLength(64);
    bench.clock.settle();
    const sequences = bench.told.filter((one) => typeof one === 'number');
    expect(sequences).toEqual(Array.from({ length: 201 }, (_, i) => i + 1));
    expect(bench.told.slice(-3)).toEqual([201, 'slot 2 2', 'idle']);
    expect(bench.told.filter((one) => one === 'idle')).toHaveLength(1);
  });

  it('knows about when an outcome came to be', () => {
    const bench = new Bench();
    bench.clock.advance(100);
    bench.applier.add([entry(1, 1, 1)]);
    bench.applier.run();
    expect(bench.applier.appliedMs).toBe(100);
  });
});
