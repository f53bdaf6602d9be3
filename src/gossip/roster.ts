import { GOSSIP_MEMBERS_MAX, GOSSIP_TOMBSTONES_MAX } from '../base/limits.ts';
import type { Member, MemberId, Meta, MetaVersion } from './member.ts';

/** A member that is dead or left, remembered so that old news can't raise it. */
export interface Tombstone extends MetaVersion {
  readonly id: MemberId;
  readonly status: 'dead' | 'left';
  readonly incarnation: number;
  readonly meta: Meta | null;
  /** The tick at which it died, as far as is known; negative for before this process began. */
  readonly since: number;
}

/** Everyone but oneself: those that live, for picking one at random, and those that do not. */
export class Roster {
  private readonly living = new Map<MemberId, Member>();
  private readonly ids: MemberId[] = [];
  private readonly places = new Map<MemberId, number>();
  private readonly buried = new Map<MemberId, Tombstone>();
  private readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  get size(): number {
    return this.ids.length;
  }

  get isFull(): boolean {
    // One place is its own.
    return this.ids.length >= GOSSIP_MEMBERS_MAX - 1;
  }

  get members(): Iterable<Member> {
    return this.living.values();
  }

  get tombstones(): Iterable<Tombstone> {
    return this.buried.values();
  }

  get tombstoneCount(): number {
    return this.buried.size;
  }

  find(id: MemberId): Member | undefined {
    return this.living.get(id);
  }

  tombstone(id: MemberId): Tombstone | undefined {
    return this.buried.get(id);
  }

  /** Adds a member, or replaces what is known of it; its tombstone goes. */
  put(member: Member): void {
    if (!this.living.has(member.id)) {
      this.places.set(member.id, this.ids.length);
      this.ids.push(member.id);
      this.buried.delete(member.id);
    }
    this.living.set(member.id, member);
  }

  bury(tombstone: Tombstone): void {
    this.remove(tombstone.id);
    this.buried.delete(tombstone.id);
    if (this.buried.size >= GOSSIP_TOMBSTONES_MAX) {
      for (const oldest of this.buried.keys()) {
        this.buried.delete(oldest);
        break;
      }
    }
    this.buried.set(tombstone.id, tombstone);
  }

  /** Forgets the dead that died before `tick`, and returns them. */
  reap(tick: number): Tombstone[] {
    const reaped = [...this.buried.values()].filter(({ since }) => since < tick);
    for (const { id } of reaped) this.buried.delete(id);
    return reaped;
  }

  clear(): void {
    this.living.clear();
    this.ids.length = 0;
    this.places.clear();
    this.buried.clear();
  }

  private remove(id: MemberId): void {
    const place = this.places.get(id);
    if (place === undefined) return;
    const last = this.ids.pop() as MemberId;
    if (last !== id) {
      this.ids[place] = last;
      this.places.set(last, place);
    }
    this.places.delete(id);
    this.living.delete(id);
  }

  /** Up to `count` members that fit, each as likely as any other. */
  pick(count: number, fits: (member: Member) => boolean): Member[] {
    const { ids } = this;
    const found: Member[] = [];
    // The first places of a shuffle that is never finished, undone at the end by nobody: the order
    // of the list means nothing.
    for (let at = 0; at < ids.length && found.length < count; at++) {
      const other = at + Math.floor(this.random() * (ids.length - at));
      this.swap(at, other);
      const member = this.living.get(ids[at] as MemberId) as Member;
      if (fits(member)) found.push(member);
    }
    return found;
  }

  private swap(a: number, b: number): void {
    const { ids, places } = this;
    if (a === b) return;
    [ids[a], ids[b]] = [ids[b] as MemberId, ids[a] as MemberId];
    places.set(ids[a] as MemberId, a);
    places.set(ids[b] as MemberId, b);
  }

  shuffledIds(): MemberId[] {
    for (let at = 0; at < this.ids.length; at++) {
      this.swap(at, at + Math.floor(this.random() * (this.ids.length - at)));
    }
    return [...this.ids];
  }
}
