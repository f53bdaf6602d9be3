import { type Configuration, configurationIn } from '../paxos/configuration.ts';
import { type Entry, EntryKind } from '../paxos/entry.ts';

/** An entry of the agreed log, and when the first replica took it for decided. */
export interface DecidedEntry extends Entry {
  readonly atUs: number;
}

interface Digest {
  readonly server: number;
  readonly high: number;
  readonly low: number;
}

/**
 * The log that all replicas agree on, gathered from what each calls decided. It is checked as it
 * grows, so that a run ends where the disagreement begins:
 * - one value per slot (agreement, "Paxos Made Simple", 2.1: only a single value is chosen);
 * - log prefix: replicas pass slots in order, without a gap (rule 1), and each hash covers all
 *   before it, so that equal hashes mean equal logs;
 * - equal digests of the state at equal slots (rule 32).
 */
export class DecidedLog {
  readonly entries: DecidedEntry[] = [];
  readonly breaches: string[] = [];
  private readonly digests: Digest[] = [];
  private configuration: Configuration | null = null;
  private configurationSlot = 0;
  /** The last slot that each server has called decided since it began anew. */
  private readonly reached = new Map<number, number>();

  get lastSlot(): number {
    return this.entries.length;
  }

  /**
   * The configuration in force, once its own voters have decided something: from then on a quorum
   * of them has all that those of the one before had decided. Null on a server alone.
   */
  get settledConfiguration(): Configuration | null {
    return this.lastSlot > this.configurationSlot ? this.configuration : null;
  }

  /** The last slot that this server has applied since it began anew. */
  reachedBy(server: number): number {
    return this.reached.get(server) ?? 0;
  }

  /** A server begins anew behind a snapshot, its own or one that it got from another. */
  recovering(server: number, slot: number): void {
    this.reached.set(server, slot);
  }

  decided(server: number, entry: Entry, atUs: number): void {
    const { slot, hash } = entry;
    const before = this.reached.get(server) ?? 0;
    if (slot !== before + 1) {
      this.breaches.push(`server ${server} calls slot ${slot} decided right after ${before}`);
    }
    this.reached.set(server, slot);
    const known = this.entries[slot - 1];
    if (known === undefined) {
      if (slot !== this.entries.length + 1) {
        this.breaches.push(`server ${server} decides slot ${slot}, the last was ${this.lastSlot}`);
        return;
      }
      this.entries.push({ ...entry, hash: hash.slice(), body: entry.body.slice(), atUs });
      if (entry.kind !== EntryKind.configuration) return;
      this.configuration = configurationIn(entry.body);
      this.configurationSlot = slot;
    } else if (!known.hash.every((byte, i) => byte === hash[i])) {
      this.breaches.push(`slot ${slot} has two values, the second one on server ${server}`);
    }
  }

  applied(server: number, slot: number, high: number, low: number): void {
    const known = this.digests[slot];
    if (known === undefined) this.digests[slot] = { server, high, low };
    else if (known.high !== high || known.low !== low) {
      this.breaches.push(`servers ${known.server} and ${server} differ in state at slot ${slot}`);
    }
  }
}
