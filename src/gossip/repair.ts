import type { Core } from './core.ts';
import type { LogTail } from './log-tail.ts';
import type { MemberId } from './member.ts';
import type { Neighbour, Neighbours } from './neighbours.ts';

/** Announcements of slots that have not come; when there are more, the last one is moved on. */
const MARKS_MAX = 64;

/** Members that are no neighbours and are asked before the log is given up. */
const STRANGERS_MAX = 3;

/** Whoever would not feed us is asked last for this long: a leader feeds nobody. */
const REFUSED_TICKS = 600;

/** While a snapshot is fetched, the driver is not told again. */
const FETCH_TICKS = 200;

/** Whoever lags this many times a graft's patience behind what is announced changes feeders. */
const LAGGING = 10;

/**
 * What this member lacks, and whom it asks. The tree brings what comes; whatever was announced and
 * is missing after a while is asked of a neighbour that has it, who feeds us from then on; that
 * heals the tree (Plumtree, section 3.4.2).
 */
export class Repair {
  private readonly core: Core;
  private readonly tail: LogTail;
  private readonly neighbours: Neighbours;
  /** The neighbour that feeds us, as far as we know. */
  feeder: MemberId | null = null;
  private marks: { slot: number; readonly at: number }[] = [];
  private wanted: { readonly to: MemberId; readonly feed: boolean; at: number } | null = null;
  private readonly tried = new Set<MemberId>();
  private strangers = 0;
  private movedAt = 0;
  private changedAt = 0;
  private quietUntil = 0;

  constructor(core: Core, tail: LogTail, neighbours: Neighbours) {
    this.core = core;
    this.tail = tail;
    this.neighbours = neighbours;
  }

  /** Somebody has this slot. */
  mark(slot: number): void {
    const last = this.marks[this.marks.length - 1];
    if (slot <= this.tail.last || (last !== undefined && slot <= last.slot)) return;
    const isLate = last !== undefined && last.at === this.core.now;
    if (last !== undefined && (isLate || this.marks.length >= MARKS_MAX)) last.slot = slot;
    else this.marks.push({ slot, at: this.core.now });
  }

  /** This slot exists, and somebody waits for it here: no time for the tree to bring it. */
  need(slot: number): void {
    if (slot <= this.tail.last) return;
    this.marks.unshift({ slot, at: this.core.now - this.core.tuning.graftTicks });
    this.movedAt = this.core.now - this.core.tuning.graftTicks;
    this.tick();
  }

  /** New entries came from `from`. */
  moved(from: MemberId | null): void {
    this.movedAt = this.core.now;
    this.quietUntil = 0;
    this.strangers = 0;
    this.tried.clear();
    this.marks = this.marks.filter(({ slot }) => slot > this.tail.last);
    if (this.wanted === null || this.wanted.to !== from) return;
    if (this.marks.length === 0) this.wanted = null;
    else this.wanted.at = this.core.now;
  }

  stalled(): void {
    this.marks = [];
    this.wanted = null;
    this.movedAt = this.core.now;
  }

  /** `from` does not have what comes next. */
  lacks(from: MemberId): void {
    if (this.wanted?.to !== from) return;
    this.wanted = null;
    this.tried.add(from);
  }

  departed(id: MemberId): void {
    if (this.wanted?.to === id) this.wanted = null;
    if (this.feeder !== id) return;
    this.feeder = null;
    this.seekFeeder();
  }

  /** `from` has sent what it was asked for, and no more. */
  answeredOnce(from: MemberId): void {
    if (this.wanted?.to === from && this.wanted.feed) this.refusedBy(from);
  }

  /** `id` does not feed us, or not any more. */
  refusedBy(id: MemberId): void {
    const neighbour = this.neighbours.find(id);
    if (neighbour !== undefined) neighbour.refusesUntil = this.core.now + REFUSED_TICKS;
    if (this.feeder !== id) return;
    this.feeder = null;
    this.seekFeeder();
  }

  /** Does not wait for something to be missing. Only from one that is no further from a root. */
  private seekFeeder(): void {
    const { core, tail } = this;
    if (core.isRoot) return;
    const round = tail.roundOf(tail.last) ?? Number.POSITIVE_INFINITY;
    let best: Neighbour | null = null;
    for (const each of this.neighbours.all) {
      if (each.feeds || each.round >= round || core.now < each.refusesUntil) continue;
      if (each.first <= tail.last + 1 && (best === null || each.round < best.round)) best = each;
    }
    if (best !== null) this.ask(best.id, true);
  }

  /** A neighbour is much nearer to a root than the one that feeds us: let the faster one win. */
  considers({ id, last, round, refusesUntil }: Neighbour): void {
    const { core, tail } = this;
    if (core.isRoot || id === this.feeder || this.marks.length > 0) return;
    if (core.now < refusesUntil || core.now - this.changedAt < core.tuning.digestTicks) return;
    const own = tail.roundOf(last);
    if (own === null || own - (round + 1) < core.tuning.optimiseRounds) return;
    this.ask(id, true);
  }

  tick(): void {
    const { core, tail, wanted } = this;
    const [mark] = this.marks;
    if (mark === undefined || core.isRoot || core.now < this.quietUntil) return;
    if (wanted !== null) {
      if (core.now - wanted.at < core.tuning.wantTicks) return;
      this.tried.add(wanted.to);
      this.wanted = null;
      if (this.feeder === wanted.to) this.feeder = null;
    }
    const { graftTicks } = core.tuning;
    const isMoving = core.now - this.movedAt < graftTicks;
    const patience = isMoving ? LAGGING * graftTicks : graftTicks;
    if (core.now - mark.at < patience) return;
    if (isMoving && core.now - this.changedAt < patience) return;
    const source = this.bestSource();
    if (source !== null) this.ask(source.id, true);
    else if (!this.askStranger()) this.giveUp(tail.last);
  }

  private bestSource(): Neighbour | null {
    const { core, tail } = this;
    let best: Neighbour | null = null;
    let bestRank = Number.POSITIVE_INFINITY;
    for (const each of this.neighbours.all) {
      if (each.last <= tail.last || each.first > tail.last + 1 || this.tried.has(each.id)) continue;
      // One that will not feed still answers.
      const rank = each.round + (core.now < each.refusesUntil ? 1000 : 0);
      if (rank < bestRank) [best, bestRank] = [each, rank];
    }
    return best;
  }

  /** Members beyond the neighbours may hold more of the log; voters keep it longest. */
  private askStranger(): boolean {
    const { core, tail } = this;
    if (this.strangers >= STRANGERS_MAX) return false;
    const suits = (id: MemberId) => !this.tried.has(id) && this.neighbours.find(id) === undefined;
    const [voter] = core.pick(1, ({ id, meta }) => suits(id) && meta.role === 'voter');
    const [stranger] =
      voter === undefined
        ? core.pick(1, ({ id, meta }) => suits(id) && meta.appliedSlot > tail.last)
        : [voter];
    if (stranger === undefined) return false;
    this.strangers += 1;
    this.ask(stranger.id, false);
    return true;
  }

  private giveUp(last: number): void {
    const { core } = this;
    const ahead = [...this.neighbours.all].filter((each) => each.last > last);
    const lost = ahead.filter(({ first }) => first > last + 1);
    this.tried.clear();
    this.strangers = 0;
    // Whoever has it and did not answer in time is asked again.
    if (lost.length === 0 || lost.length < ahead.length) return;
    const best = lost.reduce((a, b) => (b.last > a.last ? b : a));
    this.quietUntil = core.now + FETCH_TICKS;
    core.output.fetchFrom = best.id;
  }

  private ask(to: MemberId, feed: boolean): void {
    const { core, tail } = this;
    const member = core.roster.find(to);
    if (member === undefined) return;
    this.wanted = { to, feed, at: core.now };
    this.changedAt = core.now;
    core.send(to, member.meta.address, { type: 'want', slot: tail.last + 1, feed });
  }

  /** An entry came before the one in front of it: its sender has that one too. */
  fill(from: MemberId): void {
    if (this.core.isRoot || (this.wanted !== null && this.wanted.to !== from)) return;
    if (this.wanted !== null && this.core.now - this.wanted.at < this.core.tuning.wantTicks) return;
    this.mark(this.tail.firstEarly);
    this.ask(from, false);
  }
}
