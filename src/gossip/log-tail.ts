import { equalBytes } from '../base/bytes.ts';
import {
  GOSSIP_AHEAD_BYTES,
  GOSSIP_AHEAD_SLOTS,
  GOSSIP_WINDOW_BYTES,
  GOSSIP_WINDOW_SLOTS,
} from '../base/limits.ts';
import type { Anchor, Entry } from './entry.ts';

export interface TailLimits {
  readonly windowBytes: number;
  readonly windowSlots: number;
  readonly aheadBytes: number;
  readonly aheadSlots: number;
}

export const TAIL_LIMITS: TailLimits = {
  windowBytes: GOSSIP_WINDOW_BYTES,
  windowSlots: GOSSIP_WINDOW_SLOTS,
  aheadBytes: GOSSIP_AHEAD_BYTES,
  aheadSlots: GOSSIP_AHEAD_SLOTS,
};

/** What became of an entry: `foreign` is one that belongs to another history, or to none. */
export type Verdict = 'next' | 'ahead' | 'old' | 'foreign' | 'full';

interface Held {
  readonly entry: Entry;
  /** Hops that it took from a root to here. */
  readonly round: number;
  /** Bytes of all bodies up to this one, since the tail began. */
  readonly bytesSoFar: number;
}

/**
 * The end of the log as far as it is here: the last entries, kept for others, and behind the end
 * those that came too early. Nothing enters it but the next slot, with the hash of the last one
 * (rule 38), so it is always a prefix of what was committed.
 */
export class LogTail {
  private readonly isGenuine: (entry: Entry) => boolean;
  private readonly limits: TailLimits;
  private readonly held = new Map<number, Held>();
  private readonly early = new Map<number, Entry>();
  private earlyBytes = 0;
  private end: Anchor;
  private firstSlot: number;
  private bytes = 0;

  constructor(
    anchor: Anchor,
    isGenuine: (entry: Entry) => boolean,
    limits: TailLimits = TAIL_LIMITS,
  ) {
    this.isGenuine = isGenuine;
    this.limits = limits;
    this.end = anchor;
    this.firstSlot = anchor.slot + 1;
  }

  /** The last slot that is here with everything before it. */
  get anchor(): Anchor {
    return this.end;
  }

  get last(): number {
    return this.end.slot;
  }

  /** The first slot that others can have from here; one behind the last if there is none. */
  get first(): number {
    return this.firstSlot;
  }

  get earlyCount(): number {
    return this.early.size;
  }

  /** The lowest slot that came too early; 0 without any. */
  get firstEarly(): number {
    let lowest = 0;
    for (const slot of this.early.keys()) if (lowest === 0 || slot < lowest) lowest = slot;
    return lowest;
  }

  roundOf(slot: number): number | null {
    return this.held.get(slot)?.round ?? null;
  }

  /** A snapshot has taken the place of everything up to `anchor`. */
  reset(anchor: Anchor): void {
    this.held.clear();
    this.end = anchor;
    this.firstSlot = anchor.slot + 1;
    for (const slot of this.early.keys()) if (slot <= anchor.slot) this.dropEarly(slot);
  }

  offer(entry: Entry, round: number): Verdict {
    if (entry.slot <= this.end.slot) return 'old';
    if (entry.slot > this.end.slot + 1) return this.keepEarly(entry);
    if (!this.follows(entry)) return 'foreign';
    this.dropEarly(entry.slot);
    this.append(entry, round);
    return 'next';
  }

  /** Entries that came too early and whose turn it is now; a foreign one among them is dropped. */
  absorb(round: number): Entry[] {
    const taken: Entry[] = [];
    for (;;) {
      const entry = this.early.get(this.end.slot + 1);
      if (entry === undefined) return taken;
      this.dropEarly(entry.slot);
      if (!this.follows(entry)) return taken;
      this.append(entry, round);
      taken.push(entry);
    }
  }

  /** For entries that this member itself holds for committed, whatever their hash. */
  append(entry: Entry, round: number): void {
    const { windowBytes, windowSlots } = this.limits;
    this.bytes += entry.body.length;
    this.held.set(entry.slot, { entry, round, bytesSoFar: this.bytes });
    this.end = { slot: entry.slot, hash: entry.hash };
    while (
      this.firstSlot < entry.slot &&
      (this.bytesFrom(this.firstSlot) > windowBytes || this.held.size > windowSlots)
    ) {
      this.held.delete(this.firstSlot);
      this.firstSlot += 1;
    }
  }

  isNext(entry: Entry): boolean {
    const { slot, hash } = this.end;
    return entry.slot === slot + 1 && equalBytes(entry.previous, 0, hash, 0, hash.length);
  }

  /** Bytes of bodies from `slot` up to and including `last`, as far as they are here. */
  bytesFrom(slot: number, last: number = this.end.slot): number {
    const first = this.held.get(Math.max(slot, this.firstSlot));
    const end = this.held.get(last);
    if (first === undefined || end === undefined) return 0;
    return Math.max(0, end.bytesSoFar - first.bytesSoFar + first.entry.body.length);
  }

  /** Entries from `slot` on, up to about so many bytes; one at least. */
  from(slot: number, bytesMax: number): { readonly entries: Entry[]; readonly round: number } {
    const entries: Entry[] = [];
    let [bytes, round] = [0, 0];
    for (let at = slot; at <= this.end.slot && bytes < bytesMax; at++) {
      const held = this.held.get(at);
      if (held === undefined) break;
      entries.push(held.entry);
      bytes += held.entry.body.length + held.entry.hash.length;
      round = held.round;
    }
    return { entries, round };
  }

  private follows(entry: Entry): boolean {
    return this.isNext(entry) && this.isGenuine(entry);
  }

  private keepEarly(entry: Entry): Verdict {
    const { aheadBytes, aheadSlots } = this.limits;
    if (this.early.has(entry.slot)) return 'old';
    if (this.early.size >= aheadSlots) return 'full';
    if (this.earlyBytes + entry.body.length > aheadBytes) return 'full';
    this.early.set(entry.slot, entry);
    this.earlyBytes += entry.body.length;
    return 'ahead';
  }

  private dropEarly(slot: number): void {
    this.earlyBytes -= this.early.get(slot)?.body.length ?? 0;
    this.early.delete(slot);
  }
}
