import { factBytes } from './codec-facts.ts';
import type { Fact, MemberId } from './member.ts';

/**
 * News that still has to be told, one fact a member: a newer one takes the place of the older. What
 * was told least goes first, so that one piece of news never waits for another's last repetition.
 */
export class Rumours {
  /** By how often they have been told. */
  private readonly told: Map<MemberId, Fact>[] = [];
  private readonly times = new Map<MemberId, number>();

  get size(): number {
    return this.times.size;
  }

  put(fact: Fact): void {
    this.drop(fact.id);
    this.place(fact, 0);
  }

  drop(id: MemberId): void {
    const times = this.times.get(id);
    if (times === undefined) return;
    this.told[times]?.delete(id);
    this.times.delete(id);
  }

  clear(): void {
    this.told.length = 0;
    this.times.clear();
  }

  /**
   * Facts that fit `room` bytes together, for one packet, and counts them as told; after `limit`
   * times a fact is dropped. `except` is told about otherwise, or not at all.
   */
  take(room: number, limit: number, except: MemberId | null): Fact[] {
    const taken: Fact[] = [];
    if (this.times.size === 0) return taken;
    let left = room;
    for (const facts of this.told) {
      for (const fact of facts.values()) {
        if (left < FACT_BYTES_LOWEST) break;
        const bytes = factBytes(fact);
        if (bytes > left || fact.id === except) continue;
        left -= bytes;
        taken.push(fact);
      }
    }
    for (const fact of taken) this.count(fact, limit);
    return taken;
  }

  private count(fact: Fact, limit: number): void {
    const times = (this.times.get(fact.id) as number) + 1;
    this.drop(fact.id);
    if (times < limit) this.place(fact, times);
  }

  private place(fact: Fact, times: number): void {
    while (this.told.length <= times) this.told.push(new Map());
    (this.told[times] as Map<MemberId, Fact>).set(fact.id, fact);
    this.times.set(fact.id, times);
  }
}

/** No fact is shorter: below it the search can end. */
const FACT_BYTES_LOWEST = 21;
