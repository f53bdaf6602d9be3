import type { Prng } from '../../base/prng.ts';
import type { Peer } from '../../io/network.ts';

export interface BackOff {
  /** The longest wait before the second round over all hosts; it doubles with each round. */
  readonly minMs: number;
  /** No wait is longer. */
  readonly maxMs: number;
}

/**
 * Whom to dial next, and how long to wait before. All hosts are tried in an order of this client's
 * own, so that a thousand clients whose server has died do not all fall upon the next in the list.
 */
export class Hosts {
  private readonly hosts: readonly Peer[];
  private readonly prng: Prng;
  private readonly backOff: BackOff;
  private index = 0;
  private attempts = 0;

  constructor(hosts: readonly Peer[], prng: Prng, backOff: BackOff) {
    this.hosts = prng.shuffled(hosts);
    this.prng = prng;
    this.backOff = backOff;
  }

  get count(): number {
    return this.hosts.length;
  }

  /** Names are resolved by whoever dials, so a name that has moved is found at the next try. */
  next(): Peer {
    const host = this.hosts[this.index % this.hosts.length] as Peer;
    this.index += 1;
    return host;
  }

  /** A connection has proved good: the next trouble is a new one. */
  settled(): void {
    this.attempts = 0;
  }

  /**
   * How long to wait before the next attempt. Anything up to a limit is as likely: what makes
   * clients come together, their loss at one moment, is spread as widely as the limit allows.
   */
  delayMs(): number {
    const { minMs, maxMs } = this.backOff;
    const round = Math.floor(this.attempts / this.hosts.length);
    this.attempts += 1;
    return Math.floor(this.prng.fraction() * Math.min(maxMs, minMs * 2 ** Math.min(round, 30)));
  }
}
