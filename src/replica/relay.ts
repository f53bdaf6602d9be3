import { PairMap } from '../base/pair-map.ts';
import { type Ballot, NO_BALLOT } from '../paxos/ballot.ts';
import type { Touch } from './peer-port.ts';

/** An observer that nobody has configured and that hangs on this replica. */
export interface Dependent {
  /** What the marks behind its chunks name. */
  readonly origin: number;
  /** What it sends from here on has to name this way; `leader` null: there is none. */
  tellWay(way: number, leader: number | null, ballot: Ballot): void;
  /** All that it sent up to this chunk has been applied here, the last of it in `slot`. */
  marked(number: number, slot: number): void;
  confirmReport(number: number): void;
  tellIndex(number: number, slot: number): void;
}

interface Asked {
  readonly dependent: Dependent;
  readonly number: number;
}

/** Reports on their way to the leader; what an older one said a newer one says again. */
const REPORTS_MAX = 256;
/** Questions that wait; beyond that they are dropped, and whoever asked asks again. */
const QUESTIONS_MAX = 65_536;

/**
 * What observers want of the leader goes through here, and is put together on the way: the leader
 * hears from its voters only, however many observers there are.
 *
 * A **way** is one connection from here to one leader under one ballot. Frames that were under way
 * when it broke may be lost; were a later chunk of the same observer to pass on the next way, a
 * write in the middle of its session would be missing. So all that observers send names the way
 * that they were told, what names an earlier one is dropped, and they begin again.
 */
export class Relay {
  private way = 0;
  private leader: number | null = null;
  private ballot: Ballot = NO_BALLOT;
  private readonly dependents = new Map<number, Dependent>();
  /** Sessions of observers that have spoken since the last report. */
  private touches = new PairMap<Touch>();
  /** The newest report of each that the next one of this replica speaks for. */
  private gathering = new Map<Dependent, number>();
  /** By the number of this replica's report. */
  private readonly reports = new Map<number, Map<Dependent, number>>();
  private asking: Asked[] = [];
  private readonly questions = new Map<number, readonly Asked[]>();
  private lastQuestion = 0;

  get hasReports(): boolean {
    return this.gathering.size > 0;
  }

  find(origin: number): Dependent | undefined {
    return this.dependents.get(origin);
  }

  add(dependent: Dependent): void {
    this.dependents.set(dependent.origin, dependent);
    dependent.tellWay(this.way, this.leader, this.ballot);
  }

  remove(dependent: Dependent): void {
    if (this.dependents.get(dependent.origin) !== dependent) return;
    this.dependents.delete(dependent.origin);
    this.gathering.delete(dependent);
    for (const report of this.reports.values()) report.delete(dependent);
  }

  /** There is another leader, or a new connection to it. */
  leaderIs(leader: number | null, ballot: Ballot): void {
    this.way++;
    this.leader = leader;
    this.ballot = ballot;
    this.touches = new PairMap();
    this.gathering = new Map();
    this.reports.clear();
    this.asking = [];
    this.questions.clear();
    for (const dependent of this.dependents.values()) {
      dependent.tellWay(this.way, leader, ballot);
    }
  }

  isOpen(way: number): boolean {
    return way === this.way && this.leader !== null;
  }

  report(dependent: Dependent, way: number, number: number, touches: readonly Touch[]): void {
    if (!this.isOpen(way)) return;
    for (const touch of touches) this.touches.set(touch.high, touch.low, touch);
    this.gathering.set(dependent, number);
  }

  /** What report `number` of this replica has to say for its observers. */
  takeReport(number: number): Touch[] {
    if (this.gathering.size === 0) return [];
    const touches = [...this.touches.values()];
    this.reports.set(number, this.gathering);
    this.touches = new PairMap();
    this.gathering = new Map();
    const [oldest] = this.reports.keys();
    if (oldest !== undefined && this.reports.size > REPORTS_MAX) this.reports.delete(oldest);
    return touches;
  }

  /** A connection carries reports in order, so that older ones have arrived with this one. */
  reportConfirmed(number: number): void {
    for (const [other, report] of this.reports) {
      if (other > number) return;
      this.reports.delete(other);
      for (const [dependent, theirs] of report) dependent.confirmReport(theirs);
    }
  }

  ask(dependent: Dependent, way: number, number: number): void {
    if (!this.isOpen(way) || this.asking.length >= QUESTIONS_MAX) return;
    this.asking.push({ dependent, number });
  }

  /** One question for all that were asked in this turn; below 0, to tell it from this replica's. */
  takeQuestion(): number | null {
    if (this.asking.length === 0) return null;
    const number = --this.lastQuestion;
    this.questions.set(number, this.asking);
    this.asking = [];
    const [oldest] = this.questions.keys();
    if (oldest !== undefined && this.questions.size > REPORTS_MAX) this.questions.delete(oldest);
    return number;
  }

  answered(number: number, slot: number): void {
    const asked = this.questions.get(number);
    this.questions.delete(number);
    for (const one of asked ?? []) one.dependent.tellIndex(one.number, slot);
  }

  marked(origin: number, number: number, slot: number): void {
    this.dependents.get(origin)?.marked(number, slot);
  }
}
