import { PairMap } from '../base/pair-map.ts';
import type { Clock } from '../io/clock.ts';
import type { Paxos } from '../paxos/paxos.ts';
import { Op } from '../protocol/constants.ts';
import { CommandKind } from '../state/command.ts';
import type { State } from '../state/state.ts';
import { Expiry, type Lease } from './expiry.ts';
import { EXPIRY_SLACK } from './freshness.ts';
import type { Intake } from './intake.ts';
import { NO_PEERS, type PeerPort, type Touch } from './peer-port.ts';

/** A report of touches, to be confirmed. */
interface Report {
  readonly probe: number;
  readonly peer: number;
  readonly number: number;
  /** The restoring of ages that has to be decided before. */
  readonly mark: number;
}

/** A read index, to be told. */
interface Question {
  readonly probe: number;
  readonly peer: number;
  readonly number: number;
  readonly slot: number;
}

/** What of the consensus this needs. */
export type Confirming = Pick<
  Paxos,
  'confirm' | 'confirmedProbe' | 'decidedSlot' | 'isAlone' | 'configuration'
>;

/** Where confirmations go that are this replica's own. */
export interface OwnAnswers {
  onReportConfirmed(number: number): void;
  onTellIndex(number: number, slot: number): void;
}

/** `sessionLow` of a mark of ours, to tell it from those of chunks. */
export const AGES_MARK = 1;
const QUARTERS = 4;

/** What a replica does for the others, and for all sessions, while it leads. */
export class Leadership {
  expiry: Expiry;
  private readonly state: State;
  private readonly paxos: Confirming;
  private readonly intake: Intake;
  private readonly clock: Clock;
  private readonly peers: PeerPort;
  private readonly tickTimeMs: number;
  private readonly serverId: number;
  private readonly reports: Report[] = [];
  private readonly questions: Question[] = [];
  /** Sessions whose age in the log is, or will be, above 0. */
  private readonly aged = new PairMap<Lease>();
  /** The log has changed ages that `aged` may lack. */
  private agesChanged = true;
  /** True while this replica leads with a state that is no older than its leadership. */
  hasBegun = false;
  /** Clocks start when this slot has been applied; null: they have, or nobody leads. */
  private startsAt: number | null = null;
  private lastMark: number;
  private passedMark: number;

  constructor(options: {
    state: State;
    paxos: Confirming;
    intake: Intake;
    clock: Clock;
    peers: PeerPort;
    tickTimeMs: number;
    serverId: number;
    /** Differs from life to life, as for the outbox: marks of an earlier one mean nothing. */
    firstNumber: number;
  }) {
    this.state = options.state;
    this.paxos = options.paxos;
    this.intake = options.intake;
    this.clock = options.clock;
    this.peers = options.peers;
    this.tickTimeMs = options.tickTimeMs;
    this.serverId = options.serverId;
    this.lastMark = this.passedMark = options.firstNumber;
    this.expiry = this.startClocks();
  }

  /** This replica begins to lead. */
  begin(): void {
    this.startsAt = this.paxos.decidedSlot;
  }

  /**
   * Clocks start once everything is applied that was decided when this replica began to lead, and
   * before that nobody is heard or judged. Its disk may be slower than those of the quorum that
   * decided, and its state of long ago: who had been silent there for three quarters of its
   * time-out, and has spoken and been answered since, would be left one; and who was silent all the
   * time would count as younger with each new leader, or as heard of by the clocks of a follower if
   * a report came in the turn in which this replica opened.
   */
  get isDue(): boolean {
    return this.startsAt !== null && this.state.slot >= this.startsAt;
  }

  /**
   * Clocks of all sessions start now, at this leader's first commit: nobody is held to account for
   * the time without a leader. But what the log says a session had been silent for still counts,
   * so that it does not live for ever under leaders that follow each other fast (rule 19).
   */
  startClocks(): Expiry {
    this.hasBegun = this.startsAt !== null;
    this.startsAt = null;
    const nowMs = this.clock.monotonicMs();
    // Whoever can be reached by others may speak for their sessions, alone as it may decide.
    const slack = this.peers === NO_PEERS ? 0 : EXPIRY_SLACK;
    this.expiry = new Expiry(this.tickTimeMs, nowMs, slack);
    for (const { high, low, timeoutMs, age } of this.state.sessions.values()) {
      this.expiry.start(high, low, timeoutMs, nowMs - (timeoutMs * age) / QUARTERS);
    }
    for (const { high, low } of [...this.aged.values()]) this.aged.delete(high, low);
    this.agesChanged = true;
    return this.expiry;
  }

  stop(): void {
    this.hasBegun = false;
    this.startsAt = null;
    this.reports.length = 0;
    this.questions.length = 0;
    // What was proposed and not decided is proposed again by nobody.
    this.passedMark = this.lastMark;
  }

  /**
   * A replica's report, or this one's own. It is confirmed once a quorum has shown that this
   * replica still leads, and once the log no longer calls anyone old whom it names: a session that
   * had been silent for three quarters of its time-out, speaks, and is answered on the strength of
   * this report, would be left a quarter of it by a leader that takes over before it is said.
   */
  onReport(peer: number, number: number, touches: readonly Touch[]): void {
    const nowMs = this.clock.monotonicMs();
    for (const { high, low } of touches) {
      const lease = this.expiry.get(high, low);
      if (lease !== undefined) lease.heardMs = Math.max(lease.heardMs, nowMs);
    }
    this.restoreAges(nowMs);
    this.reports.push({ probe: this.paxos.confirm(), peer, number, mark: this.lastMark });
  }

  onAskIndex(peer: number, number: number): void {
    const slot = this.paxos.decidedSlot;
    this.questions.push({ probe: this.paxos.confirm(), peer, number, slot });
  }

  /** The log has told ages, by whichever leader. */
  agesApplied(): void {
    this.agesChanged = true;
  }

  /** Ages restored up to this mark are decided. */
  passed(mark: number): void {
    if (mark <= this.lastMark) this.passedMark = Math.max(this.passedMark, mark);
  }

  /** Answers those whose question a quorum has confirmed by now. */
  answerConfirmed(own: OwnAnswers): void {
    const { reports, questions, peers, serverId } = this;
    const { confirmedProbe } = this.paxos;
    for (let first = reports[0]; first !== undefined; first = reports[0]) {
      if (first.probe > confirmedProbe || first.mark > this.passedMark) break;
      reports.shift();
      if (first.peer === serverId) own.onReportConfirmed(first.number);
      else peers.confirmReport(first.peer, first.number);
    }
    for (let first = questions[0]; first !== undefined; first = questions[0]) {
      if (first.probe > confirmedProbe) break;
      questions.shift();
      if (first.peer === serverId) own.onTellIndex(first.number, first.slot);
      else peers.tellIndex(first.peer, first.number, first.slot);
    }
  }

  proposeReap(path: Uint8Array): void {
    this.intake.begin(CommandKind.reapNode, 0, 0, 0).buffer(path);
    this.intake.end();
  }

  /** Proposes the closing of silent sessions, and what all can do by now. */
  sweep(): void {
    this.raiseLevel();
    this.expiry.sweep(this.clock.monotonicMs(), (lease) => {
      const { high, low } = lease;
      const session = this.state.sessions.get(high, low);
      if (session === undefined) return;
      const kind = CommandKind.expireSession;
      this.intake.begin(kind, high, low, session.generation, 0, Op.closeSession);
      this.intake.end();
    });
    if (!this.paxos.isAlone) this.logAges();
  }

  /**
   * All begin to behave as a later version does at one slot, once every voter can, and whoever else
   * is connected. Who is away and can't ends when it gets there, rather than to differ.
   */
  private raiseLevel(): void {
    const { state, peers, serverId, intake } = this;
    if (state.levelSupported <= state.level) return;
    const levels = new Map(peers.levels).set(serverId, state.levelSupported);
    const { voters } = this.paxos.configuration.quorums;
    const level = Math.min(...levels.values());
    if (level <= state.level || voters.some(({ id }) => !levels.has(id))) return;
    const writer = intake.begin(CommandKind.openEpoch, 0, 0, 0);
    writer.i32(0);
    writer.i32(level);
    intake.end();
  }

  /** Logs who has been silent for half of its time-out or longer, and who has spoken again. */
  private logAges(): void {
    const nowMs = this.clock.monotonicMs();
    const changed: Aged[] = [];
    for (const lease of this.expiry.values()) {
      const session = this.state.sessions.get(lease.high, lease.low);
      if (session === undefined) continue;
      const age = ageOf(lease, nowMs);
      if (age !== session.age) changed.push({ lease, age });
      if (age > 0) this.aged.set(lease.high, lease.low, lease);
    }
    if (changed.length > 0) this.proposeAges(changed);
  }

  /** Takes back the ages of those who have spoken since they were logged. */
  private restoreAges(nowMs: number): void {
    if (this.agesChanged) this.findAged();
    if (this.aged.size === 0) return;
    const spoken = [...this.aged.values()].filter((lease) => ageOf(lease, nowMs) === 0);
    if (spoken.length === 0) return;
    for (const { high, low } of spoken) this.aged.delete(high, low);
    this.proposeAges(spoken.map((lease) => ({ lease, age: 0 })));
    this.intake.begin(CommandKind.mark, this.serverId, AGES_MARK, 0, ++this.lastMark);
    this.intake.end();
  }

  private findAged(): void {
    this.agesChanged = false;
    for (const { high, low } of [...this.aged.values()]) {
      if (this.state.sessions.get(high, low) === undefined) this.aged.delete(high, low);
    }
    for (const { high, low, age } of this.state.sessions.values()) {
      const lease = age > 0 ? this.expiry.get(high, low) : undefined;
      if (lease !== undefined) this.aged.set(high, low, lease);
    }
  }

  private proposeAges(ages: readonly Aged[]): void {
    const known = ages.flatMap(({ lease, age }) => {
      const session = this.state.sessions.get(lease.high, lease.low);
      return session === undefined ? [] : [{ session, age }];
    });
    const writer = this.intake.begin(CommandKind.sessionAges, 0, 0, 0);
    writer.i32(known.length);
    for (const { session, age } of known) {
      writer.i32(session.high);
      writer.i32(session.low);
      writer.i32(session.generation);
      writer.u8(age);
    }
    this.intake.end();
  }
}

interface Aged {
  readonly lease: Lease;
  readonly age: number;
}

/** Quarters of its time-out for which a session has been silent; 0 if less than a half. */
function ageOf({ heardMs, timeoutMs }: Lease, nowMs: number): number {
  const quarters = Math.floor(((nowMs - heardMs) * QUARTERS) / timeoutMs);
  return quarters < QUARTERS / 2 ? 0 : Math.min(quarters, QUARTERS - 1);
}
