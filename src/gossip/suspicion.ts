import type { MemberId } from './member.ts';

/**
 * How long a suspicion lasts (Lifeguard, section IV-B): from `maxTicks` without confirmation down
 * to `minTicks` with `wanted`, and most of the way with the first one, because two independent
 * accusers are seldom both slow.
 */
export function suspicionTicks(
  minTicks: number,
  maxTicks: number,
  confirmations: number,
  wanted: number,
): number {
  if (wanted < 1) return minTicks;
  const share = Math.log(confirmations + 1) / Math.log(wanted + 1);
  return Math.max(minTicks, Math.round(maxTicks - (maxTicks - minTicks) * share));
}

/** One member under suspicion, with those who accuse it. */
export class Suspicion {
  private readonly accusers = new Set<MemberId>();
  private readonly first: MemberId;
  private readonly minTicks: number;
  private readonly maxTicks: number;
  private readonly wanted: number;
  private since: number;
  /** When the suspicion ends. Looked at each tick, so it is not computed there. */
  deadline: number;

  constructor(accuser: MemberId, now: number, minTicks: number, maxTicks: number, wanted: number) {
    this.first = accuser;
    this.accusers.add(accuser);
    this.since = now;
    this.minTicks = minTicks;
    this.maxTicks = maxTicks;
    this.wanted = wanted;
    this.deadline = this.end();
  }

  get accuser(): MemberId {
    return this.first;
  }

  private end(): number {
    const { minTicks, maxTicks, wanted } = this;
    return this.since + suspicionTicks(minTicks, maxTicks, this.accusers.size - 1, wanted);
  }

  /** True if this accuser is new and counts: as many as are wanted are remembered, no more. */
  confirm(accuser: MemberId): boolean {
    if (this.accusers.size > this.wanted || this.accusers.has(accuser)) return false;
    this.accusers.add(accuser);
    this.deadline = this.end();
    return true;
  }

  /** The time up to now does not count: the one who measured it stood still. */
  restart(now: number): void {
    this.since = now;
    this.deadline = this.end();
  }
}
