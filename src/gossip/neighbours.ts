import type { Core } from './core.ts';
import { isRoot, type Member, type MemberId } from './member.ts';
import type { Link } from './messages.ts';

/** How long the answer to a request for a link may take. */
const LINK_TICKS = 10;

/** Who refused a link is not asked again for this long. */
const REFUSED_TICKS = 100;

/** Below this many neighbours a member asks others to make room for it. */
const URGENT_BELOW = 2;

/** Another end of a link. */
export interface Neighbour {
  readonly id: MemberId;
  /** We push to it what comes. */
  feeds: boolean;
  /** The last slot that was pushed to it. */
  told: number;
  /** What it holds, as it last said; `last` is also what it confirms. */
  first: number;
  last: number;
  /** Hops that `last` took to it. */
  round: number;
  /** It would not feed us before this tick. */
  refusesUntil: number;
  heardAt: number;
  saidAt: number;
  saidLast: number;
  /** When it was last sent what it asked for. */
  servedAt: number;
}

/** What the tree does about links that come and go. */
export interface LinkHooks {
  /** Nobody feeds us. */
  wantsFeed(): boolean;
  isFeeder(id: MemberId): boolean;
  slot(): number;
  added(neighbour: Neighbour, link: Link | null): void;
  removed(id: MemberId): void;
}

/**
 * A random subset of the members, the same number for each, as HyParView keeps it: whoever has too
 * few neighbours asks a random member, who accepts as long as it has room; one with next to none
 * makes the other give up a random neighbour. Links are mutual; one that thinks so alone is told.
 */
export class Neighbours {
  private readonly core: Core;
  private readonly hooks: LinkHooks;
  private readonly links = new Map<MemberId, Neighbour>();
  private readonly refused = new Map<MemberId, number>();
  private refreshAt: number;
  private asked: { readonly id: MemberId; readonly until: number; readonly feed: boolean } | null =
    null;

  constructor(core: Core, hooks: LinkHooks) {
    this.core = core;
    this.hooks = hooks;
    this.refreshAt = this.nextRefresh();
  }

  get size(): number {
    return this.links.size;
  }

  get all(): Iterable<Neighbour> {
    return this.links.values();
  }

  find(id: MemberId): Neighbour | undefined {
    return this.links.get(id);
  }

  tick(): void {
    const { core } = this;
    for (const { id, heardAt } of this.links.values()) {
      if (core.now - heardAt > core.tuning.silentTicks) this.remove(id, true);
    }
    for (const [id, until] of this.refused) if (core.now >= until) this.refused.delete(id);
    if (this.asked !== null && core.now >= this.asked.until) this.refuse(this.asked.id);
    if (this.asked !== null) return;
    if (this.links.size < core.tuning.degree) this.ask();
    else if (core.now >= this.refreshAt) this.refresh();
  }

  /**
   * A cut leaves each half with as many neighbours as it wants, all of its own half. When it heals
   * everyone knows everyone again, and yet no link would lead from one half to the other: one had
   * the log and the other one did not, for ever (seed 118 of the fuzz test).
   */
  private refresh(): void {
    this.refreshAt = this.nextRefresh();
    this.ask();
  }

  private nextRefresh(): number {
    const { now, random, tuning } = this.core;
    return now + Math.ceil(tuning.refreshTicks * (0.5 + random()));
  }

  stalled(): void {
    for (const neighbour of this.links.values()) neighbour.heardAt = this.core.now;
  }

  leave(): void {
    for (const { id } of [...this.links.values()]) this.remove(id, true);
  }

  /** Roots have the log from each other already. */
  private suits({ id, status, meta }: Member): boolean {
    if (status !== 'alive' || this.links.has(id) || this.refused.has(id)) return false;
    return !(this.core.isRoot && isRoot(meta));
  }

  private ask(): void {
    const { core } = this;
    if (core.isLeaving) return;
    const [member] = core.pick(1, (each) => this.suits(each));
    if (member === undefined) return;
    const wantsFeed = this.hooks.wantsFeed();
    const isUrgent = this.links.size < URGENT_BELOW;
    this.asked = { id: member.id, until: core.now + LINK_TICKS, feed: wantsFeed };
    const slot = this.hooks.slot();
    core.send(member.id, member.meta.address, { type: 'link', isUrgent, wantsFeed, slot });
  }

  private refuse(id: MemberId): void {
    if (this.asked?.id === id) this.asked = null;
    this.refused.set(id, this.core.now + REFUSED_TICKS);
  }

  onLink(from: MemberId, link: Link): void {
    const { core } = this;
    const member = core.roster.find(from);
    if (member === undefined) return;
    const known = this.links.get(from);
    const hasRoom = known !== undefined || this.links.size < core.tuning.degreeMax;
    const isAccepted = !core.isLeaving && (hasRoom || (link.isUrgent && this.makeRoom()));
    core.send(from, member.meta.address, { type: 'linked', isAccepted });
    if (isAccepted) this.hooks.added(known ?? this.add(from), link);
  }

  private makeRoom(): boolean {
    const chosen = this.pickSpare(null) ?? [...this.links.keys()][0];
    if (chosen === undefined) return false;
    this.remove(chosen, true);
    return true;
  }

  /** A random link that is no part of the tree. */
  private pickSpare(except: MemberId | null): MemberId | undefined {
    const spare = [...this.links.values()].filter(
      ({ id, feeds }) => !feeds && id !== except && !this.hooks.isFeeder(id),
    );
    return spare[Math.floor(this.core.random() * spare.length)]?.id;
  }

  onLinked(from: MemberId, isAccepted: boolean): void {
    const { asked } = this;
    if (asked === null || asked.id !== from) return;
    if (!isAccepted) {
      this.refuse(from);
      return;
    }
    this.asked = null;
    if (this.core.roster.find(from) === undefined) return;
    this.hooks.added(this.links.get(from) ?? this.add(from), null);
    if (asked.feed) this.onFeeder(from);
    // A link that was refreshed takes the place of another.
    const spare = this.links.size > this.core.tuning.degree ? this.pickSpare(from) : undefined;
    if (spare !== undefined) this.remove(spare, true);
  }

  /** Called with the neighbour that has agreed to feed us. */
  onFeeder: (id: MemberId) => void = () => {};

  onUnlink(from: MemberId): void {
    this.remove(from, false);
  }

  private add(id: MemberId): Neighbour {
    const { now } = this.core;
    const neighbour: Neighbour = {
      ...{ id, feeds: false, told: 0, first: 1, last: 0, round: 0 },
      ...{ refusesUntil: 0, heardAt: now, saidAt: -1_000_000, saidLast: -1, servedAt: -1_000_000 },
    };
    this.links.set(id, neighbour);
    return neighbour;
  }

  remove(id: MemberId, tells: boolean): void {
    if (!this.links.delete(id)) return;
    const member = this.core.roster.find(id);
    if (tells && member !== undefined) {
      this.core.send(id, member.meta.address, { type: 'unlink' });
    }
    this.hooks.removed(id);
  }
}
