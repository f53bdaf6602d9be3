import type { Prng } from '../../base/prng.ts';
import { NO_BALLOT } from '../ballot.ts';
import type { Configuration } from '../configuration.ts';
import type { Anchor, Entry } from '../entry.ts';
import type { HardState } from '../hard-state.ts';
import type { Write } from '../output.ts';
import { NO_HASH } from './chain.ts';

/** Of an append any prefix may have reached the disk; other writes are atomic. */
export function tearAppend(write: Write, prng: Prng): Write | null {
  if (write.kind !== 'append') return null;
  const entries = write.entries.slice(0, prng.below(write.entries.length));
  return entries.length === 0 ? null : { ...write, entries };
}

/**
 * What one replica would find after a crash. Writes wait in a queue and become durable in order:
 * until then they are lost with the process, but for the prefix that had reached the disk already.
 */
export class StableStorage {
  state: HardState;
  /** A snapshot stands here; the log begins behind it. */
  base: Anchor = { slot: 0, hash: NO_HASH };
  baseConfiguration: Configuration;
  entries: Entry[] = [];
  /** What the records say to be decided. */
  decidedHint = 0;
  isDamaged = false;
  readonly queue: Write[] = [];

  constructor(genesis: Configuration) {
    this.state = { promised: NO_BALLOT, accepted: NO_BALLOT, configuration: genesis };
    this.baseConfiguration = genesis;
  }

  get last(): Anchor {
    return this.entries[this.entries.length - 1] ?? this.base;
  }

  at(slot: number): Anchor | null {
    if (slot === this.base.slot) return this.base;
    return this.entries[slot - this.base.slot - 1] ?? null;
  }

  /** Entries behind `slot`, which the log must reach back to. */
  behind(slot: number, countMax: number = Number.POSITIVE_INFINITY): Entry[] {
    const from = slot - this.base.slot;
    return this.entries.slice(from, from + countMax);
  }

  /** Makes the oldest write durable and returns it. */
  complete(): Write {
    const write = this.queue.shift() as Write;
    this.apply(write);
    return write;
  }

  /** Some of what was under way is on the disk, in order; of the next write what `tear` leaves. */
  crash(
    prng: Prng,
    tear: (write: Write, prng: Prng, storage: StableStorage) => Write | null,
  ): Write[] {
    const survivors: Write[] = [];
    while (this.queue.length > 0 && prng.chance(0.5)) survivors.push(this.complete());
    const [next] = this.queue;
    const torn = next === undefined ? null : tear(next, prng, this);
    if (torn !== null) {
      this.apply(torn);
      survivors.push(torn);
    }
    this.queue.length = 0;
    return survivors;
  }

  /** The log behind `slot` is gone, acknowledged or not, and the replica knows. */
  damage(slot: number): void {
    this.entries.length = Math.max(0, slot - this.base.slot);
    this.decidedHint = Math.min(this.decidedHint, this.last.slot);
    this.isDamaged = true;
  }

  /** A snapshot at `slot` takes the place of the log before it. */
  trim(slot: number, configuration: Configuration): void {
    const entries = this.behind(slot);
    this.base = this.at(slot) as Anchor;
    this.entries = entries;
    this.baseConfiguration = configuration;
    this.decidedHint = Math.max(this.decidedHint, slot);
  }

  /** A snapshot from elsewhere; the log begins anew behind it. */
  install(anchor: Anchor, configuration: Configuration): void {
    this.base = anchor;
    this.entries = [];
    this.baseConfiguration = configuration;
    this.decidedHint = anchor.slot;
  }

  apply(write: Write): void {
    if (write.kind !== 'append') this.state = write.state;
    if (write.kind === 'state') return;
    if (write.kind === 'adopt') {
      this.entries.length = write.fromSlot - this.base.slot - 1;
      if (write.clearsDamage) this.isDamaged = false;
    }
    this.entries.push(...write.entries);
    this.decidedHint = Math.max(this.decidedHint, Math.min(write.decided, this.last.slot));
  }
}
