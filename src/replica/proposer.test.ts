import { describe, expect, it } from 'vitest';
import { viewOf } from '../base/bytes.ts';
import { BATCH_BYTES_MAX } from '../base/limits.ts';
import { Writer } from '../base/writer.ts';
import { EntryKind } from '../paxos/entry.ts';
import type { Paxos } from '../paxos/paxos.ts';
import { Op } from '../protocol/constants.ts';
import { SimClock } from '../sim/clock.ts';
import { CommandKind } from '../state/command.ts';
import { State } from '../state/state.ts';
import { type CommandInput, encodeCommand } from '../state/testing/commands.ts';
import { Intake } from './intake.ts';
import { Proposer } from './proposer.ts';
import { ReplicaStats } from './stats.ts';

/** A leader's proposer, and a consensus that only notes what it is given. */
class Bench {
  readonly clock: SimClock = new SimClock(9_000);
  readonly intake: Intake = new Intake(this.clock, 0);
  readonly state: State = new State({ seed: [1, 2] });
  readonly proposed: { kind: number; body: Uint8Array }[] = [];
  readonly paxos = {
    wantsOpening: false,
    isOpen: true,
    isAlone: false,
    lastSlot: 0,
    decidedSlot: Number.POSITIVE_INFINITY,
    releasedSlot: 0,
    progress: [],
    configuration: { id: 1, quorums: { voters: [] }, observers: [] },
    propose: (kind: number, body: Uint8Array): number => {
      this.proposed.push({ kind, body });
      return ++this.paxos.lastSlot;
    },
  };
  readonly proposer: Proposer = new Proposer({
    serverId: 1,
    state: this.state,
    paxos: this.paxos as unknown as Paxos,
    clock: this.clock,
    intake: this.intake,
    stats: new ReplicaStats(),
    identityOf: () => undefined,
  });

  get lastBody(): Uint8Array {
    return this.proposed[this.proposed.length - 1]?.body ?? new Uint8Array(0);
  }

  arrive(...commands: CommandInput[]): void {
    const writer = new Writer();
    for (const command of commands) writer.buffer(encodeCommand(command));
    const bytes = writer.written().slice();
    this.intake.arrive(2, 1, bytes, viewOf(bytes), 0, bytes.length);
  }
}

const WRITE: CommandInput = { kind: CommandKind.write, opcode: Op.create, high: 1, sequence: 1 };
const RECONFIG: CommandInput = { ...WRITE, opcode: Op.reconfig, sequence: 2 };

describe('a leader proposes', () => {
  it('its first entry before anything else, however busy the disk is', () => {
    const bench = new Bench();
    bench.arrive(WRITE);
    bench.paxos.wantsOpening = true;
    bench.paxos.isOpen = false;
    expect(bench.proposer.propose(false)).toBe(true);
    bench.paxos.wantsOpening = false;
    expect(bench.proposer.propose(true)).toBe(false);
    expect(bench.proposed.map(({ kind }) => kind)).toEqual([EntryKind.opening]);
    bench.paxos.isOpen = true;
    expect(bench.proposer.propose(true)).toBe(true);
    expect(bench.proposed.map(({ kind }) => kind)).toEqual([EntryKind.opening, EntryKind.batch]);
  });

  it('a batch only while the disk is idle: while it works the next one gathers', () => {
    const bench = new Bench();
    bench.arrive(WRITE);
    expect(bench.proposer.propose(false)).toBe(false);
    bench.arrive(WRITE);
    expect([bench.proposer.propose(true), bench.proposer.propose(true)]).toEqual([true, false]);
  });

  it('no third batch before the first is decided, so that it gathers more', () => {
    const bench = new Bench();
    bench.paxos.decidedSlot = 0;
    const proposeOne = (): boolean => {
      bench.arrive(WRITE);
      return bench.proposer.propose(true);
    };
    expect([proposeOne(), proposeOne(), proposeOne()]).toEqual([true, true, false]);
    const { length } = bench.lastBody;
    bench.arrive(WRITE);
    bench.paxos.decidedSlot = 1;
    expect(bench.proposer.propose(true)).toBe(true);
    expect(bench.lastBody.length).toBe(2 * length);
  });

  it('a full batch at once, however many are not decided', () => {
    const bench = new Bench();
    bench.paxos.decidedSlot = 0;
    const filled = { ...WRITE, body: new Uint8Array(BATCH_BYTES_MAX) };
    for (let slot = 1; slot < 5; slot++) {
      bench.arrive(filled);
      expect(bench.proposer.propose(true)).toBe(true);
    }
  });

  it('a reconfiguration in a slot of its own, once all before it is applied', () => {
    const bench = new Bench();
    bench.arrive(WRITE, RECONFIG, { ...WRITE, sequence: 3 });
    expect(bench.proposer.propose(true)).toBe(true);
    // The batch ahead of it has slot 1: what it changes decides what becomes of the reconfig.
    expect(bench.proposer.propose(true)).toBe(false);
    bench.state.applied(1);
    expect(bench.proposer.propose(true)).toBe(true);
    expect([bench.proposed.length, bench.intake.solitary]).toEqual([2, null]);
    expect(bench.proposer.propose(true)).toBe(true);
    expect(bench.proposed).toHaveLength(3);
  });

  it('from a buffer that serves again only when nobody refers to it any more', () => {
    const bench = new Bench();
    const buffers: ArrayBufferLike[] = [];
    const next = (): void => {
      bench.arrive(WRITE);
      bench.proposer.propose(true);
      buffers.push(bench.lastBody.buffer);
    };
    next();
    next();
    // Applied here, but a follower may still have to be sent the first one.
    bench.proposer.release(2);
    next();
    expect(new Set(buffers).size).toBe(3);
    bench.paxos.releasedSlot = 1;
    bench.proposer.release(3);
    next();
    next();
    expect(new Set(buffers.slice(1)).size).toBe(4);
    expect(buffers.slice(3)).toContain(buffers[0]);
  });

  it('from buffers that never serve again after its leadership: their entries may yet be decided', () => {
    const bench = new Bench();
    bench.arrive(WRITE);
    bench.proposer.propose(true);
    const first = bench.lastBody.buffer;
    bench.proposer.forget();
    bench.intake.clear();
    bench.paxos.releasedSlot = 9;
    bench.proposer.release(9);
    for (let i = 0; i < 6; i++) {
      bench.arrive(WRITE);
      bench.proposer.propose(true);
    }
    const later = bench.proposed.slice(1).map(({ body }) => body.buffer);
    expect(later).not.toContain(first);
  });
});
