import { Prng } from '../../base/prng.ts';
import { NO_HASH } from '../../paxos/testing/chain.ts';
import type { Entry } from '../entry.ts';
import { Gossip } from '../gossip.ts';
import type { Fact, MemberId, Meta } from '../member.ts';
import type { Envelope, Message } from '../messages.ts';
import type { Tuning } from '../options.ts';
import type { Change, Output } from '../output.ts';
import { hashOf, idOf, metaOf } from './world.ts';

/** One core by itself, spoken to by hand; `said` and `changes` gather what it drained. */
export class Lone {
  readonly gossip: Gossip;
  readonly changes: Change[] = [];
  readonly deliveries: Entry[] = [];
  fetchFrom: MemberId | null = null;
  private sends: Envelope[] = [];

  constructor(tuning: Partial<Tuning> = {}, meta: Meta = metaOf(0, 'observer'), seed = 1) {
    const prng = new Prng(seed).fork();
    this.gossip = new Gossip({
      id: idOf(0),
      incarnation: 1,
      meta,
      anchor: { slot: 0, hash: NO_HASH },
      isGenuine: ({ previous, slot, hash, body }) =>
        hashOf(previous, slot, body).every((byte, i) => byte === hash[i]),
      random: () => prng.fraction(),
      tuning,
    });
    this.take();
  }

  /** Others, by number, known to be alive from the start. */
  knows(...indices: readonly number[]): this {
    return this.hears({
      ...{ type: 'exchange', wantsReply: false },
      facts: indices.map((index) => aliveFact(index)),
    });
  }

  hears(
    message: Message,
    from = 1,
    address: string | null = metaOf(from, 'observer').address,
  ): this {
    this.gossip.receive(idOf(from), message, address);
    this.take();
    return this;
  }

  ticks(count: number): this {
    for (let i = 0; i < count; i++) {
      this.gossip.tick();
      this.take();
    }
    return this;
  }

  acts(act: (gossip: Gossip) => void): this {
    act(this.gossip);
    this.take();
    return this;
  }

  /** What it has sent since the last time, of one type or all. */
  said<T extends Message['type']>(
    type?: T,
  ): (Envelope & { message: Extract<Message, { type: T }> })[] {
    const { sends } = this;
    this.sends = [];
    const chosen = sends.filter(({ message }) => type === undefined || message.type === type);
    return chosen as (Envelope & { message: Extract<Message, { type: T }> })[];
  }

  statusOf(index: number): string {
    const row = this.gossip.rows.find(({ id }) => id === idOf(index));
    return row === undefined ? 'unknown' : `${row.status} ${row.incarnation}`;
  }

  private take(): void {
    const output: Output = this.gossip.drain();
    this.sends.push(...output.sends);
    this.changes.push(...output.changes);
    this.deliveries.push(...output.deliveries);
    this.fetchFrom = output.fetchFrom ?? this.fetchFrom;
  }
}

export function aliveFact(index: number, incarnation = 1, counter = 0): Fact {
  return {
    ...{ id: idOf(index), status: 'alive', incarnation, life: 1, counter },
    ...{ meta: metaOf(index, 'observer'), accuser: null, ageTicks: 0 },
  };
}

/** What is said of a member without what it says of itself. */
export function statusFact(
  index: number,
  status: 'suspect' | 'dead' | 'left',
  incarnation = 1,
  accuser = 1,
): Fact {
  return {
    ...{ id: idOf(index), status, incarnation, life: 1, counter: 0, meta: null, ageTicks: 0 },
    accuser: status === 'suspect' ? idOf(accuser) : null,
  };
}

/** A log of `count` entries of a byte each. */
export function someLog(count: number, bytes = 1): Entry[] {
  const log: Entry[] = [];
  let previous: Uint8Array = NO_HASH;
  for (let slot = 1; slot <= count; slot++) {
    const body = new Uint8Array(bytes).fill(slot & 255);
    const hash = hashOf(previous, slot, body);
    log.push({ slot, previous, hash, body });
    previous = hash;
  }
  return log;
}
