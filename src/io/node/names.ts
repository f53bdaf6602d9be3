import { isIP } from 'node:net';

/** Names that are remembered; members may name what they like. */
const NAMES_MAX = 5_000;
/** Where a name leads is asked again after so long: addresses move with their machines. */
const FRESH_MS = 30_000;
/** The same for a name that led nowhere: at a machine's start its name server is often late. */
const RETRY_MS = 1_000;

interface Known {
  address: string | null;
  /** When it was last asked for. */
  askedMs: number;
}

export type Lookup = (name: string, done: (address: string | null) => void) => void;

/**
 * Addresses of names, asked for one at a time and behind the back of whoever sends: a look-up takes
 * a thread of the pool that the disk needs too, for as long as a name server keeps silent (rule
 * 34).
 */
export class Names {
  private readonly lookup: Lookup;
  private readonly nowMs: () => number;
  private readonly known = new Map<string, Known>();
  private readonly waiting: string[] = [];
  private isAsking = false;

  constructor(lookup: Lookup, nowMs: () => number) {
    this.lookup = lookup;
    this.nowMs = nowMs;
  }

  /** Null for a name whose address is not known yet, or not any more. */
  addressOf(name: string): string | null {
    if (isIP(name) !== 0) return name;
    const known = this.known.get(name);
    const nowMs = this.nowMs();
    const freshMs = known?.address == null ? RETRY_MS : FRESH_MS;
    if (known !== undefined && nowMs - known.askedMs < freshMs) return known.address;
    if (known === undefined && this.known.size >= NAMES_MAX) {
      const [oldest] = this.known.keys();
      if (oldest !== undefined) this.known.delete(oldest);
    }
    this.known.set(name, { address: known?.address ?? null, askedMs: nowMs });
    this.waiting.push(name);
    this.askNext();
    return known?.address ?? null;
  }

  private askNext(): void {
    if (this.isAsking) return;
    const name = this.waiting.shift();
    if (name === undefined) return;
    this.isAsking = true;
    this.lookup(name, (address) => {
      this.isAsking = false;
      const known = this.known.get(name);
      // A name server that fails for a while takes nobody's address away.
      if (known !== undefined && address !== null) known.address = address;
      this.askNext();
    });
  }
}
