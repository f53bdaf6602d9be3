import { assert } from '../base/assert.ts';
import { equalBytes } from '../base/bytes.ts';
import type { Anchor, Entry } from './entry.ts';

/**
 * The end of the log as far as it is in memory: everything that is not decided, and of what is as
 * much as others may still ask for. No gap can occur (rules 1 and 4): an entry goes behind the
 * last one or nowhere.
 */
export class Slots {
  /** The entry before the first in memory. */
  private base: Anchor;
  private readonly entries: Entry[] = [];
  /** Bytes of the bodies in memory. */
  bytes = 0;

  constructor(base: Anchor, entries: readonly Entry[] = []) {
    this.base = base;
    for (const entry of entries) this.append(entry);
  }

  /** The last slot that has left memory. */
  get baseSlot(): number {
    return this.base.slot;
  }

  get lastSlot(): number {
    return this.base.slot + this.entries.length;
  }

  get last(): Anchor {
    return this.entries[this.entries.length - 1] ?? this.base;
  }

  has(slot: number): boolean {
    return slot > this.base.slot && slot <= this.lastSlot;
  }

  at(slot: number): Entry {
    const entry = this.entries[slot - this.base.slot - 1];
    assert(entry !== undefined && entry.slot === slot, `slot ${slot} is not in memory`);
    return entry;
  }

  /** Null where memory does not reach. */
  hashAt(slot: number): Uint8Array | null {
    if (slot === this.base.slot) return this.base.hash;
    return this.has(slot) ? this.at(slot).hash : null;
  }

  /** True if the entry at `anchor.slot` is known here and is the one that `anchor` names. */
  agreesWith(anchor: Anchor): boolean {
    const hash = this.hashAt(anchor.slot);
    return hash !== null && equalBytes(hash, 0, anchor.hash, 0, hash.length);
  }

  append(entry: Entry): void {
    assert(entry.slot === this.lastSlot + 1, `slot ${entry.slot} leaves a gap`);
    this.entries.push(entry);
    this.bytes += entry.body.length;
  }

  /** Forgets `fromSlot` and all behind it. */
  truncate(fromSlot: number): void {
    assert(fromSlot > this.base.slot, `slot ${fromSlot} has left memory`);
    for (const entry of this.entries.splice(fromSlot - this.base.slot - 1)) {
      this.bytes -= entry.body.length;
    }
  }

  /** Lets go of everything up to and including `slot`. */
  release(slot: number): void {
    const count = Math.min(slot, this.lastSlot) - this.base.slot;
    if (count <= 0) return;
    const { slot: last, hash } = this.entries[count - 1] as Entry;
    this.base = { slot: last, hash };
    for (const entry of this.entries.splice(0, count)) this.bytes -= entry.body.length;
  }

  /** Begins anew behind a snapshot. */
  restart(base: Anchor): void {
    this.base = base;
    this.entries.length = 0;
    this.bytes = 0;
  }

  /** Entries from `fromSlot` on: at least one, then as many as fit in `bytesMax`. */
  slice(fromSlot: number, bytesMax: number): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    for (let slot = fromSlot; slot <= this.lastSlot; slot++) {
      const entry = this.at(slot);
      bytes += entry.body.length;
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(entry);
    }
    return found;
  }
}
