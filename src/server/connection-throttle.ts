import type { ConnectionThrottleLimits } from '../base/limits.ts';

/**
 * A bucket of tokens that ConnectRequests draw from. After an outage all clients come back at once:
 * the bucket bounds how many are served per second, and dropping some at random before it is empty
 * spreads their next tries.
 */
export class ConnectionThrottle {
  /** The share of connections that is refused at random. */
  dropProbability = 0;
  private readonly options: ConnectionThrottleLimits;
  private readonly random: () => number;
  private tokens: number;
  private filledMs: number;
  private adaptedMs: number;

  /** `random` returns numbers from 0 up to, but not including, 1. */
  constructor(options: ConnectionThrottleLimits, nowMs: number, random: () => number) {
    this.options = options;
    this.random = random;
    this.tokens = options.tokens;
    this.filledMs = nowMs;
    this.adaptedMs = nowMs;
  }

  /** Tokens that a full bucket would have beyond those that are there. */
  get deficit(): number {
    return this.options.tokens - this.tokens;
  }

  /** Whether a client may open a session (`isNew`) or take its own up again, at `nowMs`. */
  admits(isNew: boolean, nowMs: number): boolean {
    if (this.options.tokens === 0) return true;
    this.fill(nowMs);
    const needed = this.weightOf(isNew);
    if (this.options.freezeTimeMs >= 0) {
      this.adapt(needed, nowMs);
      if (this.random() < this.dropProbability) return false;
    }
    if (this.tokens < needed) return false;
    this.tokens -= needed;
    return true;
  }

  /** Only whole intervals count, and what is left of one counts for the next. */
  private fill(nowMs: number): void {
    const { tokens, fillTimeMs, fillCount } = this.options;
    const intervals = Math.floor((nowMs - this.filledMs) / fillTimeMs);
    this.filledMs += intervals * fillTimeMs;
    this.tokens = Math.min(tokens, this.tokens + intervals * fillCount);
  }

  private weightOf(isNew: boolean): number {
    const { weightEnabled, globalSessionWeight, renewSessionWeight } = this.options;
    if (!weightEnabled) return 1;
    return isNew ? globalSessionWeight : renewSessionWeight;
  }

  private adapt(needed: number, nowMs: number): void {
    const { tokens, freezeTimeMs, dropIncrease, dropDecrease, decreaseRatio } = this.options;
    if (nowMs - this.adaptedMs < freezeTimeMs) return;
    this.adaptedMs = nowMs;
    if (this.tokens < needed) {
      this.dropProbability = Math.min(1, this.dropProbability + dropIncrease);
    } else if (this.tokens > tokens * decreaseRatio) {
      this.dropProbability = Math.max(0, this.dropProbability - dropDecrease);
    }
  }
}
