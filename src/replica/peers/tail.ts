import { OBSERVER_TAIL_BYTES, OBSERVER_TAIL_SLOTS } from '../../base/limits.ts';
import type { Anchor, Entry } from '../../paxos/entry.ts';

/** Entries in a row, and what they follow. */
export interface Piece {
  readonly after: Anchor;
  readonly entries: readonly Entry[];
}

/** The newest decided entries, for observers that follow; kept only while there are some. */
export class Tail {
  private base: Anchor;
  private entries: Entry[] = [];
  private bytes = 0;

  /** `base`: what is decided so far. */
  constructor(base: Anchor) {
    this.base = base;
  }

  get last(): Anchor {
    return this.entries[this.entries.length - 1] ?? this.base;
  }

  /** Copies the bodies: at a leader their buffers serve again once they have been applied. */
  add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.entries.push({ ...entry, body: entry.body.slice() });
      this.bytes += entry.body.length;
    }
    this.trim();
  }

  /** Goes on behind `last` and keeps nothing. */
  skip(last: Anchor): void {
    this.base = { slot: last.slot, hash: last.hash };
    this.entries = [];
    this.bytes = 0;
  }

  /** What follows `slot`, at least one entry if there is one; null: this does not reach back. */
  after(slot: number, bytesMax: number): Piece | null {
    const { base, entries } = this;
    if (slot < base.slot) return null;
    const from = slot - base.slot;
    const after = from === 0 ? base : entries[from - 1];
    if (after === undefined) return { after: this.last, entries: [] };
    let to = from;
    let bytes = 0;
    while (to < entries.length && (to === from || bytes < bytesMax)) {
      bytes += (entries[to] as Entry).body.length;
      to++;
    }
    return { after, entries: entries.slice(from, to) };
  }

  /** Half of it goes at once, so that entries are moved once, not each time that one comes. */
  private trim(): void {
    if (this.bytes <= OBSERVER_TAIL_BYTES && this.entries.length <= OBSERVER_TAIL_SLOTS) return;
    let count = 0;
    while (
      count < this.entries.length - 1 &&
      (this.bytes > OBSERVER_TAIL_BYTES / 2 ||
        this.entries.length - count > OBSERVER_TAIL_SLOTS / 2)
    ) {
      this.bytes -= (this.entries[count] as Entry).body.length;
      count++;
    }
    const [last] = this.entries.splice(0, count).slice(-1);
    if (last !== undefined) this.base = { slot: last.slot, hash: last.hash };
  }
}
