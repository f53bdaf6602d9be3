import { copyBytes, viewOf } from '../base/bytes.ts';

export const PendingKind = {
  /** Submitted; its reply comes with its outcome. */
  write: 1,
  /** Waits for the writes ahead of it, then is executed from the bytes kept here. */
  request: 2,
  /** Was refused before it reached the log; the reply waits for its place. */
  error: 3,
  /** As `request`, but first a barrier has to be passed; then it becomes one. */
  barrier: 4,
} as const;

const FIELDS = 4;

/** Since `arrivedUs`, which is a time in µs modulo 2^32: what waits half an hour is long gone. */
export function elapsedMs(nowMs: number, arrivedUs: number): number {
  return Math.max((((nowMs * 1000) | 0) - arrivedUs) | 0, 0) / 1000;
}

/** What waits for its answer, all connections together: numbers only, so that counting is free. */
export class InFlight {
  requests = 0;
  /** Bytes of the large requests among them. */
  largeBytes = 0;
}

/**
 * Requests of one connection that have no reply yet, in the order they came: a ring of integers,
 * and the bytes of those that are executed later.
 */
export class Pending {
  private ring = new Int32Array(FIELDS * 16);
  private head = 0;
  count = 0;
  /** Requests among them that are executed later. */
  requests = 0;
  /** Those among them that wait for a barrier. */
  barriers = 0;
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = viewOf(this.bytes);
  private bytesFrom = 0;
  private bytesTo = 0;
  private popped = 0;
  /** Of each large request its place in the whole history of this connection, and its bytes. */
  private readonly large: number[] = [];
  private readonly inFlight: InFlight;

  /** Everything here is counted in `inFlight`, too. */
  constructor(inFlight: InFlight) {
    this.inFlight = inFlight;
  }

  /** Bytes kept for later execution. */
  get byteCount(): number {
    return this.bytesTo - this.bytesFrom;
  }

  /** Kind of the oldest entry; 0 if there is none. */
  get kind(): number {
    return this.count === 0 ? 0 : (this.ring[this.head] as number);
  }

  /** The client's xid; of a request, which carries its own: arrival, as `extra` has it. */
  get xid(): number {
    return this.ring[this.head + 1] as number;
  }

  /** Opcode of a write, error code of an error, start of a request's bytes. */
  get detail(): number {
    return this.ring[this.head + 2] as number;
  }

  /** Arrival in µs on the server's clock, modulo 2^32, for a write; end of a request's bytes. */
  get extra(): number {
    return this.ring[this.head + 3] as number;
  }

  push(kind: number, xid: number, detail: number, extra: number): void {
    if (this.count * FIELDS === this.ring.length) this.grow();
    const at = (this.head + this.count * FIELDS) % this.ring.length;
    this.ring[at] = kind;
    this.ring[at + 1] = xid;
    this.ring[at + 2] = detail;
    this.ring[at + 3] = extra;
    this.count++;
    this.inFlight.requests++;
  }

  /** Entries pushed so far, those that have left included. */
  get pushed(): number {
    return this.popped + this.count;
  }

  /** The entry pushed last is a large request; its bytes are in flight until it is popped. */
  markLarge(bytes: number): void {
    this.large.push(this.pushed - 1, bytes);
    this.inFlight.largeBytes += bytes;
  }

  /** Keeps a copy of a request's bytes; `kind` is `request` or `barrier`. */
  pushRequest(
    source: Uint8Array,
    from: number,
    to: number,
    arrivedUs: number,
    kind: number = PendingKind.request,
  ): void {
    const length = to - from;
    if (this.bytesTo + length > this.bytes.length) this.makeRoom(length);
    copyBytes(source, from, to, this.bytes, this.bytesTo);
    this.push(kind, arrivedUs, this.bytesTo, this.bytesTo + length);
    this.bytesTo += length;
    this.requests++;
    if (kind === PendingKind.barrier) this.barriers++;
  }

  /** The oldest barrier has been passed: it waits for its turn like any request. */
  passBarrier(): void {
    for (let i = 0, at = this.head; i < this.count; i++, at = (at + FIELDS) % this.ring.length) {
      if (this.ring[at] !== PendingKind.barrier) continue;
      this.ring[at] = PendingKind.request;
      this.barriers--;
      return;
    }
  }

  pop(): void {
    if (this.kind === PendingKind.request) {
      this.bytesFrom = this.extra;
      this.requests--;
      if (this.requests === 0) this.bytesFrom = this.bytesTo = 0;
    }
    if (this.large[0] === this.popped) this.releaseLarge();
    this.head = (this.head + FIELDS) % this.ring.length;
    this.count--;
    this.popped++;
    this.inFlight.requests--;
  }

  /** Nobody waits for an answer any more: the connection is gone, or about to go. */
  clear(): void {
    while (this.large.length > 0) this.releaseLarge();
    this.inFlight.requests -= this.count;
    this.popped += this.count;
    this.count = this.requests = this.barriers = 0;
    this.bytesFrom = this.bytesTo = 0;
  }

  private releaseLarge(): void {
    this.inFlight.largeBytes -= this.large[1] as number;
    this.large.splice(0, 2);
  }

  private grow(): void {
    const grown = new Int32Array(this.ring.length * 2);
    grown.set(this.ring.subarray(this.head));
    grown.set(this.ring.subarray(0, this.head), this.ring.length - this.head);
    this.ring = grown;
    this.head = 0;
  }

  /** Moves the kept bytes to the front of a buffer that is large enough, entries with them. */
  private makeRoom(length: number): void {
    const kept = this.byteCount;
    const needed = kept + length;
    const target = needed * 2 <= this.bytes.length ? this.bytes : new Uint8Array(needed * 2 + 256);
    target.set(this.bytes.subarray(this.bytesFrom, this.bytesTo));
    const shift = this.bytesFrom;
    for (let i = 0, at = this.head; i < this.count; i++) {
      const kind = this.ring[at];
      if (kind === PendingKind.request || kind === PendingKind.barrier) {
        this.ring[at + 2] = (this.ring[at + 2] as number) - shift;
        this.ring[at + 3] = (this.ring[at + 3] as number) - shift;
      }
      at = (at + FIELDS) % this.ring.length;
    }
    this.bytes = target;
    this.view = viewOf(target);
    this.bytesFrom = 0;
    this.bytesTo = kept;
  }
}
