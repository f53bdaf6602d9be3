import { PairMap } from '../base/pair-map.ts';

/** When a session was last heard of. The leader's concern; never part of the state. */
export interface Lease {
  readonly high: number;
  readonly low: number;
  timeoutMs: number;
  heardMs: number;
  /** The tick whose sweep looks at this lease next. */
  bucket: number;
}

/**
 * Session time-outs in buckets of one tick, as ZooKeeper has them: a silent session lives longer
 * than its time-out and at most one tick more. A touch is one store: a lease moves to its true
 * bucket only when the sweep finds it in an old one.
 */
export class Expiry {
  readonly tickMs: number;
  private readonly leases = new PairMap<Lease>();
  private readonly buckets = new Map<number, Set<Lease>>();
  private sweptBucket: number;
  /** How much longer than its time-out a session lives, as a part of it. */
  private readonly slack: number;

  constructor(tickMs: number, nowMs: number, slack = 0) {
    this.tickMs = tickMs;
    this.slack = slack;
    this.sweptBucket = Math.floor(nowMs / tickMs);
  }

  get size(): number {
    return this.leases.size;
  }

  get(high: number, low: number): Lease | undefined {
    return this.leases.get(high, low);
  }

  values(): IterableIterator<Lease> {
    return this.leases.values();
  }

  /** Starts a session's clock, or starts it anew with another time-out. */
  start(high: number, low: number, timeoutMs: number, nowMs: number): Lease {
    const known = this.leases.get(high, low);
    if (known !== undefined) this.unbucket(known);
    const lease = known ?? { high, low, timeoutMs, heardMs: nowMs, bucket: 0 };
    lease.timeoutMs = timeoutMs;
    lease.heardMs = nowMs;
    if (known === undefined) this.leases.set(high, low, lease);
    this.enqueue(lease);
    return lease;
  }

  stop(high: number, low: number): void {
    const lease = this.leases.get(high, low);
    if (lease === undefined) return;
    this.leases.delete(high, low);
    this.unbucket(lease);
  }

  /**
   * Calls `expired` for every session that has been silent for too long by `nowMs`, once: while the
   * disk hangs, its closing is not proposed again at every tick. The lease stays until `stop`; a
   * session that is attached before its closing is applied gets a fresh clock by `start`.
   */
  sweep(nowMs: number, expired: (lease: Lease) => void): void {
    const last = Math.floor(nowMs / this.tickMs);
    while (this.sweptBucket < last) {
      const bucket = this.buckets.get(++this.sweptBucket);
      if (bucket === undefined) continue;
      this.buckets.delete(this.sweptBucket);
      for (const lease of bucket) {
        lease.bucket = this.bucketOf(lease);
        if (lease.bucket > last) this.put(lease);
        else expired(lease);
      }
    }
  }

  /** Sessions by the time at which they would expire, for `dump`. */
  byDeadline(): Map<number, Lease[]> {
    const sets = new Map<number, Lease[]>();
    for (const lease of this.leases.values()) {
      const deadlineMs = this.bucketOf(lease) * this.tickMs;
      const set = sets.get(deadlineMs);
      if (set === undefined) sets.set(deadlineMs, [lease]);
      else set.push(lease);
    }
    return new Map([...sets].sort(([a], [b]) => a - b));
  }

  private bucketOf(lease: Lease): number {
    return Math.floor((lease.heardMs + lease.timeoutMs * (1 + this.slack)) / this.tickMs) + 1;
  }

  private enqueue(lease: Lease): void {
    lease.bucket = Math.max(this.bucketOf(lease), this.sweptBucket + 1);
    this.put(lease);
  }

  private put(lease: Lease): void {
    const bucket = this.buckets.get(lease.bucket);
    if (bucket === undefined) this.buckets.set(lease.bucket, new Set([lease]));
    else bucket.add(lease);
  }

  private unbucket(lease: Lease): void {
    const bucket = this.buckets.get(lease.bucket);
    bucket?.delete(lease);
    if (bucket?.size === 0) this.buckets.delete(lease.bucket);
  }
}
