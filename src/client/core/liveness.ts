const PING_EVERY_MAX_MS = 10_000;
/** One more look at the socket before a connection is given up; see `check`. */
const LAST_LOOK_MS = 20;

/**
 * What a client may believe about its connection and session, from times alone. With t for the
 * time-out that the server granted: it pings when it has sent nothing for t/3, gives a connection
 * up when nothing has come for 2t/3, and a session for lost after 4t/3, by which time the server
 * has closed it unless its clock is slow.
 */
export class Liveness {
  timeoutMs: number;
  /** When a server was last heard of. */
  heardMs = 0;
  sentMs = 0;
  /**
   * When the newest request was sent that has been answered. The session lives until t after the
   * server had that request, which was later: so until t after this moment it has not expired.
   */
  provenMs: number = Number.NEGATIVE_INFINITY;
  private pingSentMs: number | null = null;
  private isSuspect = false;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  get pingEveryMs(): number {
    return Math.min(this.timeoutMs / 3, PING_EVERY_MAX_MS);
  }

  get deadAfterMs(): number {
    return (this.timeoutMs * 2) / 3;
  }

  get lostAtMs(): number {
    return this.heardMs + (this.timeoutMs * 4) / 3;
  }

  connected(nowMs: number): void {
    this.heard(nowMs);
    this.sentMs = nowMs;
    this.pingSentMs = null;
  }

  heard(nowMs: number): void {
    this.heardMs = nowMs;
    this.isSuspect = false;
  }

  answered(sentMs: number): void {
    if (sentMs > this.provenMs) this.provenMs = sentMs;
  }

  pinged(nowMs: number): void {
    this.pingSentMs = nowMs;
    this.sentMs = nowMs;
  }

  ponged(): void {
    if (this.pingSentMs !== null) this.answered(this.pingSentMs);
    this.pingSentMs = null;
  }

  forgetSession(timeoutMs: number): void {
    this.timeoutMs = timeoutMs;
    this.provenMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * A process that was stopped for a minute runs its timers first and reads its sockets after: by
   * the clock nothing has come for a minute, while the answers wait in the kernel. So the first
   * verdict only makes the connection suspect, and the sockets are read before the second.
   */
  check(nowMs: number): 'fine' | 'ping' | 'dead' {
    if (nowMs - this.heardMs >= this.deadAfterMs) {
      if (this.isSuspect) return 'dead';
      this.isSuspect = true;
      return 'fine';
    }
    const isDue = this.pingSentMs === null && nowMs - this.sentMs >= this.pingEveryMs;
    return isDue ? 'ping' : 'fine';
  }

  /** When `check` has something to say next, unless more is heard or sent. */
  nextCheckMs(nowMs: number): number {
    if (this.isSuspect) return nowMs + LAST_LOOK_MS;
    const deadAtMs = this.heardMs + this.deadAfterMs;
    if (this.pingSentMs !== null) return deadAtMs;
    return Math.min(deadAtMs, this.sentMs + this.pingEveryMs);
  }
}
