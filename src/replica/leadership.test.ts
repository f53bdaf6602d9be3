import { describe, expect, it } from 'vitest';
import { viewOf } from '../base/bytes.ts';
import { Reader } from '../base/reader.ts';
import { SimClock } from '../sim/clock.ts';
import { CommandKind } from '../state/command.ts';
import { State } from '../state/state.ts';
import { agesBody, encodeCommand, openingBody } from '../state/testing/commands.ts';
import { Intake } from './intake.ts';
import { AGES_MARK, Leadership } from './leadership.ts';
import { NO_PEERS } from './peer-port.ts';

const SELF = 1;
const TICK_MS = 100;
const TIMEOUT_MS = 4_000;
const FIRST_NUMBER = 1_000;

/** A leader whose quorum, log and clock are the test's. */
class Bench {
  readonly clock: SimClock = new SimClock();
  readonly state: State;
  /** What the others that are connected can follow. */
  readonly levels: Map<number, number> = new Map();
  readonly intake: Intake = new Intake(this.clock, 0);
  readonly told: string[] = [];
  readonly paxos = {
    probes: 0,
    confirmedProbe: 0,
    decidedSlot: 5,
    isAlone: false,
    confirm: () => 0,
    configuration: {
      id: 1,
      quorums: {
        voters: [1, 2, 3].map((id) => ({ id, weight: 1, group: 0 })),
        electionSize: 0,
        writeSize: 0,
        hierarchical: false,
      },
      observers: [],
    },
  };
  readonly leadership: Leadership;

  constructor(isAlone = false, levelSupported = 1, isReachable = !isAlone) {
    this.state = new State({ seed: [1, 2], levelSupported });
    this.paxos.isAlone = isAlone;
    this.paxos.confirm = () => ++this.paxos.probes;
    this.leadership = new Leadership({
      state: this.state,
      paxos: this.paxos,
      intake: this.intake,
      clock: this.clock,
      peers: isReachable
        ? {
            ...NO_PEERS,
            levels: this.levels,
            confirmReport: (to, number) => this.told.push(`report ${to} ${number}`),
            tellIndex: (to, number, slot) => this.told.push(`index ${to} ${number} ${slot}`),
          }
        : NO_PEERS,
      tickTimeMs: TICK_MS,
      serverId: SELF,
      firstNumber: FIRST_NUMBER,
    });
  }

  /** A session that is there before this replica leads. */
  session(low: number, age = 0): void {
    const body = openingBody(TIMEOUT_MS, new Uint8Array(32));
    this.apply(encodeCommand({ kind: CommandKind.openSession, low, body }));
    if (age > 0) {
      const ages = agesBody([[0, low, 1, age]]);
      this.apply(encodeCommand({ kind: CommandKind.sessionAges, body: ages }));
    }
  }

  lead(): void {
    this.leadership.startClocks();
  }

  touch(low: number, peer = 2, number = 7): void {
    this.leadership.onReport(peer, number, [{ high: 0, low }]);
  }

  /** A quorum has answered everything it was asked. */
  confirm(): string[] {
    this.paxos.confirmedProbe = this.paxos.probes;
    this.leadership.answerConfirmed({
      onReportConfirmed: (number) => this.told.push(`own report ${number}`),
      onTellIndex: (number, slot) => this.told.push(`own index ${number} ${slot}`),
    });
    return this.told.splice(0);
  }

  /** What the leader has proposed is decided: what it was. */
  decide(): string[] {
    const batch = this.intake.take();
    if (batch === null) return [];
    const reader = new Reader(batch.written().slice());
    const list: string[] = [];
    while (reader.remaining > 0) {
      const length = reader.i32();
      const outcome = this.apply(reader.bytes.slice(reader.at, reader.at + length));
      reader.skip(length);
      const { kind, sessionLow, sequence } = outcome;
      if (kind === CommandKind.sessionAges) this.leadership.agesApplied();
      const isMark = kind === CommandKind.mark && sessionLow === AGES_MARK;
      if (isMark) this.leadership.passed(sequence);
      if (outcome.closedSession) this.leadership.expiry.stop(0, sessionLow);
      list.push(kind === CommandKind.expireSession ? `expire ${sessionLow}` : `kind ${kind}`);
    }
    return list;
  }

  /** Passes time in ticks, sweeping at each; who has expired, and when. */
  pass(ms: number): string[] {
    const expired: string[] = [];
    const untilMs = this.clock.monotonicMs() + ms;
    while (this.clock.monotonicMs() < untilMs) {
      this.clock.advance(TICK_MS);
      this.leadership.sweep();
      for (const one of this.decide()) {
        if (one.startsWith('expire')) expired.push(`${one} at ${this.clock.monotonicMs()}`);
      }
    }
    return expired;
  }

  age(low: number): number | undefined {
    return this.state.sessions.get(0, low)?.age;
  }

  private apply(bytes: Uint8Array) {
    const reader = new Reader();
    reader.reset(bytes, viewOf(bytes), 0, bytes.length);
    return this.state.apply(reader);
  }
}

describe('a new leader', () => {
  it('gives every session its time-out anew, and a quarter more for what reports take', () => {
    const bench = new Bench();
    bench.session(1);
    bench.clock.advance(50_000);
    bench.lead();
    expect(bench.pass(5_000)).toEqual([]);
    expect(bench.pass(200)).toEqual(['expire 1 at 55100']);
  });

  it('leaves less to those whom the log calls silent, so that nobody lives for ever', () => {
    const bench = new Bench();
    bench.session(1, 3);
    bench.session(2, 2);
    bench.session(3);
    bench.lead();
    expect(bench.pass(6_000)).toEqual(['expire 1 at 2100', 'expire 2 at 3100', 'expire 3 at 5100']);
  });

  it('ends silent sessions though leaders follow each other faster than sessions time out', () => {
    const bench = new Bench();
    bench.session(1);
    let expired: string[] = [];
    for (let i = 0; i < 10 && expired.length === 0; i++) {
      bench.leadership.stop();
      bench.intake.clear();
      bench.lead();
      expired = bench.pass(2_200);
    }
    expect(expired).toHaveLength(1);
  });

  it('judges by what was decided when it began, not by what its slow disk has', () => {
    const bench = new Bench();
    bench.paxos.decidedSlot = 1;
    bench.session(1, 3);
    expect(bench.leadership.hasBegun).toBe(false);
    bench.leadership.begin();
    expect([bench.leadership.isDue, bench.leadership.hasBegun]).toEqual([false, false]);
    bench.state.applied(1);
    expect(bench.leadership.isDue).toBe(true);
    bench.leadership.startClocks();
    expect([bench.leadership.isDue, bench.leadership.hasBegun]).toEqual([false, true]);
    bench.leadership.stop();
    expect(bench.leadership.hasBegun).toBe(false);
  });

  it('adds nothing where it is alone, as ZooKeeper does', () => {
    const bench = new Bench(true);
    bench.session(1);
    bench.lead();
    expect(bench.pass(5_000)).toEqual(['expire 1 at 4100']);
  });

  it('adds it where it decides alone and observers may speak for their sessions', () => {
    const bench = new Bench(true, 1, true);
    bench.session(1);
    bench.lead();
    expect(bench.pass(5_000)).toEqual([]);
    expect(bench.pass(1_000)).toHaveLength(1);
  });

  it('names the generation that was silent: who attached meanwhile lives on', () => {
    const bench = new Bench();
    bench.session(1);
    bench.lead();
    bench.clock.advance(6_000);
    bench.leadership.sweep();
    bench.state.sessions.attach(bench.state.sessions.get(0, 1) as never, TIMEOUT_MS);
    bench.decide();
    expect(bench.state.sessions.size).toBe(1);
  });
});

describe('ages of sessions', () => {
  it('are logged from half of the time-out on, when they change, and taken back', () => {
    const bench = new Bench();
    bench.session(1);
    bench.lead();
    bench.pass(1_900);
    expect(bench.age(1)).toBe(0);
    bench.pass(200);
    expect(bench.age(1)).toBe(2);
    bench.leadership.sweep();
    expect(bench.decide()).toEqual([]);
    bench.pass(1_000);
    expect(bench.age(1)).toBe(3);
    bench.touch(1);
    bench.decide();
    expect(bench.age(1)).toBe(0);
  });

  it('are not logged by a server alone', () => {
    const bench = new Bench(true);
    bench.session(1);
    bench.lead();
    bench.pass(3_900);
    expect(bench.age(1)).toBe(0);
  });

  it('are taken back in the log before a report is confirmed that speaks for the session', () => {
    // Were the report confirmed at once, and this leader lost with what it had not got decided, its
    // successor would leave the session half of its time-out (a quarter and the slack), while the
    // client was answered on the strength of the report and trusts the session for all of it.
    const bench = new Bench();
    bench.session(1, 3);
    bench.session(2);
    bench.lead();
    bench.touch(1, 2, 7);
    expect(bench.confirm()).toEqual([]);
    // What comes behind, from whomever, would be as good as the report itself.
    bench.touch(2, 2, 8);
    bench.leadership.onReport(SELF, 4, []);
    expect(bench.confirm()).toEqual([]);
    bench.decide();
    expect([bench.age(1), bench.confirm()]).toEqual([
      0,
      ['report 2 7', 'report 2 8', 'own report 4'],
    ]);
  });

  it('are taken back though the entry that told them is not decided yet', () => {
    const bench = new Bench();
    bench.session(1);
    bench.lead();
    bench.clock.advance(3_000);
    bench.leadership.sweep();
    bench.touch(1);
    expect(bench.confirm()).toEqual([]);
    bench.decide();
    expect([bench.age(1), bench.confirm()]).toEqual([0, ['report 2 7']]);
  });

  it('hold up nobody for whom they are not told', () => {
    const bench = new Bench();
    bench.session(1, 3);
    bench.session(2);
    bench.lead();
    bench.touch(2);
    expect(bench.confirm()).toEqual(['report 2 7']);
    expect(bench.decide()).toEqual([]);
  });

  it('hold up nobody under the next leadership of the same replica', () => {
    const bench = new Bench();
    bench.session(1, 3);
    bench.lead();
    bench.touch(1);
    bench.leadership.stop();
    bench.intake.clear();
    bench.lead();
    expect(bench.confirm()).toEqual([]);
    bench.leadership.onReport(2, 9, []);
    expect(bench.confirm()).toEqual(['report 2 9']);
  });
});

describe('what a leader tells', () => {
  it('waits for a quorum that was asked after the question came', () => {
    const bench = new Bench();
    bench.leadership.onAskIndex(2, 11);
    bench.paxos.confirmedProbe = bench.paxos.probes - 1;
    bench.paxos.probes--;
    expect(bench.confirm()).toEqual([]);
    bench.paxos.probes++;
    expect(bench.confirm()).toEqual(['index 2 11 5']);
  });

  it('is the slot that was decided when the question came, to each its own answer', () => {
    const bench = new Bench();
    bench.leadership.onAskIndex(2, 11);
    bench.paxos.decidedSlot = 6;
    bench.leadership.onAskIndex(SELF, 3);
    expect(bench.confirm()).toEqual(['index 2 11 5', 'own index 3 6']);
    expect(bench.confirm()).toEqual([]);
  });

  it('is nothing any more once it has lost its leadership', () => {
    const bench = new Bench();
    bench.leadership.onAskIndex(2, 11);
    bench.leadership.onReport(3, 4, []);
    bench.leadership.stop();
    expect(bench.confirm()).toEqual([]);
  });
});

describe('a behaviour that a later version brings', () => {
  it('begins once every voter can, and whoever else is connected', () => {
    const bench = new Bench(false, 2);
    const levelAfter = (...levels: [id: number, level: number][]): number => {
      bench.levels.clear();
      for (const [id, level] of levels) bench.levels.set(id, level);
      bench.leadership.sweep();
      bench.decide();
      return bench.state.level;
    };
    expect(levelAfter([2, 2])).toBe(1);
    expect(levelAfter([2, 2], [3, 1])).toBe(1);
    expect(levelAfter([2, 2], [3, 2], [4, 1])).toBe(1);
    expect(levelAfter([2, 3], [3, 2])).toBe(2);
  });

  it('is not proposed where it has begun', () => {
    const bench = new Bench(false, 2);
    for (const id of [2, 3]) bench.levels.set(id, 2);
    bench.leadership.sweep();
    expect(bench.decide()).toHaveLength(1);
    bench.leadership.sweep();
    expect(bench.decide()).toEqual([]);
  });
});
