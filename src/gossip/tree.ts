import { assert } from '../base/assert.ts';
import type { Core } from './core.ts';
import type { Anchor, Entry } from './entry.ts';
import { Feeding } from './feeding.ts';
import { LogTail } from './log-tail.ts';
import type { MemberId } from './member.ts';
import type { Have, Link, LogMessage, Push } from './messages.ts';
import { type LinkHooks, type Neighbour, Neighbours } from './neighbours.ts';
import { Repair } from './repair.ts';

/**
 * The epidemic broadcast tree (Plumtree) over random links: committed entries are pushed along the
 * links that were fastest and announced on the others. It has no shape of its own: a link belongs
 * to it until the receiver says that another one was faster, and becomes part of it when something
 * announced is missing.
 */
export class Tree implements LinkHooks {
  private readonly core: Core;
  private readonly tail: LogTail;
  readonly neighbours: Neighbours;
  private readonly feeding: Feeding;
  private readonly repair: Repair;

  constructor(core: Core) {
    this.core = core;
    this.tail = new LogTail(core.options.anchor, core.options.isGenuine);
    this.neighbours = new Neighbours(core, this);
    this.feeding = new Feeding(core, this.tail, this.neighbours);
    this.repair = new Repair(core, this.tail, this.neighbours);
    this.neighbours.onFeeder = (id) => {
      this.repair.feeder = id;
    };
  }

  get anchor(): Anchor {
    return this.tail.anchor;
  }

  /** The first slot that is kept for others. */
  get first(): number {
    return this.tail.first;
  }

  get feeder(): MemberId | null {
    return this.repair.feeder;
  }

  get fanout(): number {
    return this.feeding.fanout;
  }

  limitFanout(max: number): void {
    this.feeding.limit(max);
  }

  /** Entries that are committed and here already, by whatever way: they are not delivered. */
  announce(entries: readonly Entry[]): void {
    const { tail } = this;
    const before = tail.last;
    for (const entry of entries) {
      if (entry.slot <= tail.last) continue;
      assert(tail.isNext(entry), 'the log that is announced has no gap and one history');
      tail.append(entry, 0);
    }
    if (tail.last > before) this.grew(null, tail.absorb(0));
  }

  /** A snapshot was installed: the log goes on behind it. */
  reset(anchor: Anchor): void {
    if (anchor.slot <= this.tail.last) return;
    this.tail.reset(anchor);
    this.grew(null, this.tail.absorb(0));
  }

  need(slot: number): void {
    this.repair.need(slot);
  }

  tick(): void {
    this.neighbours.tick();
    this.feeding.tick();
    this.repair.tick();
  }

  stalled(): void {
    this.neighbours.stalled();
    this.repair.stalled();
  }

  departed(id: MemberId): void {
    this.neighbours.remove(id, false);
  }

  receive(from: MemberId, message: LogMessage): void {
    switch (message.type) {
      case 'link':
        this.neighbours.onLink(from, message);
        return;
      case 'linked':
        this.neighbours.onLinked(from, message.isAccepted);
        return;
      case 'unlink':
        this.neighbours.onUnlink(from);
        return;
      case 'push':
        this.onPush(from, message);
        return;
      case 'have':
        this.onHave(from, message);
        return;
      case 'want':
        this.feeding.onWant(from, message);
        return;
      case 'prune':
        this.onPrune(from);
    }
  }

  // What the links need to know.

  wantsFeed(): boolean {
    return this.repair.feeder === null && !this.core.isRoot;
  }

  isFeeder(id: MemberId): boolean {
    return this.repair.feeder === id;
  }

  slot(): number {
    return this.tail.last;
  }

  added(neighbour: Neighbour, link: Link | null): void {
    if (link !== null) neighbour.last = Math.max(neighbour.last, link.slot);
    if (link?.wantsFeed === true) this.feeding.begin(neighbour, link.slot);
    this.feeding.say(neighbour);
  }

  removed(id: MemberId): void {
    this.repair.departed(id);
  }

  private grew(from: MemberId | null, delivered: readonly Entry[]): void {
    for (const entry of delivered) this.core.output.deliveries.push(entry);
    this.repair.moved(from);
    this.feeding.spread();
  }

  private onPush(from: MemberId, { round, isFeed, entries }: Push): void {
    const { core, tail } = this;
    const neighbour = this.neighbours.find(from);
    if (core.roster.find(from) === undefined) return;
    if (core.isRoot) {
      // Its log comes from the consensus. Whatever a hash covers, only that says what is decided:
      // an entry taken here would part the tail from the log that is announced next.
      if (isFeed) this.refuse(from);
      return;
    }
    const fresh: Entry[] = [];
    let isEarly = false;
    for (const entry of entries) {
      const verdict = tail.offer(entry, round + 1);
      if (verdict === 'next') fresh.push(entry);
      else if (verdict === 'foreign') {
        this.distrust(from);
        break;
      } else if (verdict !== 'old') isEarly = true;
    }
    if (neighbour !== undefined) this.heardUpTo(neighbour, entries);
    if (!isFeed) this.repair.answeredOnce(from);
    if (fresh.length > 0) {
      if (isFeed && neighbour !== undefined) this.repair.feeder = from;
      this.grew(from, [...fresh, ...tail.absorb(round + 1)]);
    }
    if (isEarly) this.repair.fill(from);
    else if (fresh.length === 0 && isFeed) this.refuse(from);
  }

  /** What a neighbour has pushed need not be pushed to it. */
  private heardUpTo(neighbour: Neighbour, entries: readonly Entry[]): void {
    const slot = entries[entries.length - 1]?.slot ?? 0;
    neighbour.heardAt = this.core.now;
    neighbour.last = Math.max(neighbour.last, slot);
    neighbour.told = Math.max(neighbour.told, slot);
  }

  /** Somebody else was faster. A feeder may repeat what it was asked for. */
  private refuse(from: MemberId): void {
    const member = this.core.roster.find(from);
    if (from === this.repair.feeder || member === undefined) return;
    this.core.send(from, member.meta.address, { type: 'prune' });
  }

  private distrust(from: MemberId): void {
    this.core.counters.foreignEntries += 1;
    this.neighbours.remove(from, true);
  }

  private onHave(from: MemberId, have: Have): void {
    const { core, tail, repair } = this;
    const neighbour = this.neighbours.find(from);
    if (have.first > tail.last + 1 || have.last <= tail.last) repair.lacks(from);
    if (neighbour === undefined) {
      const member = core.roster.find(from);
      // It takes us for its neighbour, and we do not know it as ours.
      if (have.isNeighbour && member !== undefined) {
        core.send(from, member.meta.address, { type: 'unlink' });
      }
      return;
    }
    const { first, last, round } = have;
    Object.assign(neighbour, { first, last, round, heardAt: core.now });
    if (!have.isFeed && repair.feeder === from) repair.refusedBy(from);
    if (last > tail.last) repair.mark(last);
    else repair.considers(neighbour);
    if (neighbour.feeds) this.feeding.feed(neighbour);
  }

  private onPrune(from: MemberId): void {
    const neighbour = this.neighbours.find(from);
    if (neighbour !== undefined) neighbour.feeds = false;
  }
}
