import { GOSSIP_CHUNK_BYTES, GOSSIP_FLOW_BYTES } from '../base/limits.ts';
import type { Core } from './core.ts';
import type { LogTail } from './log-tail.ts';
import type { MemberId } from './member.ts';
import type { Have, Push, Want } from './messages.ts';
import type { Neighbour, Neighbours } from './neighbours.ts';

/**
 * What this member gives to others: pushes to the neighbours it feeds, announcements to the rest,
 * answers to whoever asks.
 */
export class Feeding {
  private readonly core: Core;
  private readonly tail: LogTail;
  private readonly neighbours: Neighbours;
  /** How many this member feeds at most: a leader's uplink is for its voters. */
  fanoutMax: number;

  constructor(core: Core, tail: LogTail, neighbours: Neighbours) {
    this.core = core;
    this.tail = tail;
    this.neighbours = neighbours;
    this.fanoutMax = core.tuning.degreeMax;
  }

  get fanout(): number {
    let fed = 0;
    for (const { feeds } of this.neighbours.all) if (feeds) fed += 1;
    return fed;
  }

  limit(fanoutMax: number): void {
    this.fanoutMax = fanoutMax;
    let over = this.fanout - fanoutMax;
    for (const neighbour of this.neighbours.all) {
      if (over <= 0) return;
      if (!neighbour.feeds) continue;
      over -= 1;
      neighbour.feeds = false;
      this.say(neighbour);
    }
  }

  /** Begins to feed a neighbour that stands at `slot`, if there is room for one more. */
  begin(neighbour: Neighbour, slot: number): boolean {
    if (!neighbour.feeds && this.fanout >= this.fanoutMax) {
      this.say(neighbour);
      return false;
    }
    neighbour.feeds = true;
    neighbour.told = slot;
    neighbour.last = Math.max(neighbour.last, slot);
    this.feed(neighbour);
    return true;
  }

  /** New entries are here. */
  spread(): void {
    for (const neighbour of this.neighbours.all) {
      if (neighbour.feeds) this.feed(neighbour);
      else this.sayInTime(neighbour);
    }
  }

  /** Pushes what the neighbour lacks, as far ahead of its confirmations as it may get. */
  feed(neighbour: Neighbour): void {
    const { tail } = this;
    while (neighbour.feeds && neighbour.told < tail.last) {
      if (neighbour.told + 1 < tail.first) {
        // It lacks what is no longer here; it has to know, and ask somebody else.
        neighbour.feeds = false;
        this.say(neighbour);
        return;
      }
      const { told, last } = neighbour;
      if (told > last && tail.bytesFrom(last + 1, told) >= GOSSIP_FLOW_BYTES) return;
      neighbour.told = this.push(neighbour.id, told + 1, true);
    }
  }

  /** Returns the last slot pushed. */
  private push(to: MemberId, slot: number, isFeed: boolean): number {
    const { core, tail } = this;
    const member = core.roster.find(to);
    const { entries, round } = tail.from(slot, GOSSIP_CHUNK_BYTES);
    if (member === undefined || entries.length === 0) return tail.last;
    const message: Push = { type: 'push', round, isFeed, entries };
    core.send(to, member.meta.address, message, true);
    return slot + entries.length - 1;
  }

  onWant(from: MemberId, { slot, feed }: Want): void {
    const { core, tail } = this;
    const neighbour = this.neighbours.find(from);
    if (slot < tail.first || (neighbour === undefined && slot > tail.last)) {
      this.tell(from, neighbour);
      return;
    }
    if (neighbour === undefined) {
      this.push(from, slot, false);
      return;
    }
    neighbour.heardAt = core.now;
    if (feed && this.begin(neighbour, slot - 1)) return;
    // One answer a tick: a question takes a few bytes, an answer up to a chunk.
    if (slot > tail.last || core.now === neighbour.servedAt) return;
    neighbour.servedAt = core.now;
    this.push(from, slot, neighbour.feeds);
  }

  tick(): void {
    const { core } = this;
    for (const neighbour of this.neighbours.all) {
      if (core.now - neighbour.saidAt >= core.tuning.digestTicks) this.say(neighbour);
      else if (!neighbour.feeds) this.sayInTime(neighbour);
    }
  }

  private sayInTime(neighbour: Neighbour): void {
    const { core, tail } = this;
    if (neighbour.saidLast >= tail.last) return;
    if (core.now - neighbour.saidAt >= core.tuning.haveTicks) this.say(neighbour);
  }

  say(neighbour: Neighbour): void {
    neighbour.saidAt = this.core.now;
    neighbour.saidLast = this.tail.last;
    this.tell(neighbour.id, neighbour);
  }

  private tell(to: MemberId, neighbour: Neighbour | undefined): void {
    const { core, tail } = this;
    const member = core.roster.find(to);
    if (member === undefined) return;
    const message: Have = {
      type: 'have',
      first: tail.first,
      last: tail.last,
      round: tail.roundOf(tail.last) ?? 0,
      isNeighbour: neighbour !== undefined,
      isFeed: neighbour?.feeds ?? false,
    };
    core.send(to, member.meta.address, message);
  }
}
