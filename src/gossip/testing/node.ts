import { equalBytes } from '../../base/bytes.ts';
import type { Entry } from '../entry.ts';
import { Gossip } from '../gossip.ts';
import type { MemberId, Meta } from '../member.ts';
import type { Message } from '../messages.ts';
import { Graves } from './checks.ts';
import { hashOf, idOf, TICK_MS, type Traffic, type World } from './world.ts';

/** How long it takes to fetch a snapshot. */
const FETCH_MS = 50;

function isGenuine({ previous, slot, hash, body }: Entry): boolean {
  return equalBytes(hashOf(previous, slot, body), 0, hash, 0, hash.length);
}

interface Waiting {
  readonly from: MemberId;
  readonly message: Message;
  readonly address: string | null;
}

/** One member: a core, and the loop that carries out what the core says. */
export class Node {
  readonly index: number;
  readonly id: MemberId;
  readonly traffic: Traffic = { messages: 0, bytes: 0, copies: 0, copyBytes: 0 };
  /** Which incarnations it holds dead, since its last start. */
  graves: Graves = new Graves();
  meta: Meta;
  gossip: Gossip | null = null;
  /** Counts its starts, as a disk would. */
  incarnation = 1;
  /** What it has of the log, as its disk has it. */
  slot = 0;
  fetches = 0;
  private readonly world: World;
  private life = 0;
  /** What came while it stood still; null while it runs. */
  private waiting: Waiting[] | null = null;
  private ticksMissed = 0;

  constructor(index: number, meta: Meta, world: World) {
    this.index = index;
    this.id = idOf(index);
    this.meta = meta;
    this.world = world;
  }

  get isUp(): boolean {
    return this.gossip !== null;
  }

  start(): void {
    const { world } = this;
    const prng = world.prng.fork();
    this.gossip = new Gossip({
      id: this.id,
      incarnation: this.incarnation,
      meta: this.meta,
      anchor: world.anchorAt(this.slot),
      isGenuine: (entry) => !world.options.thorough || isGenuine(entry),
      random: () => prng.fraction(),
      tuning: world.options.tuning ?? {},
    });
    this.gossip.keepAsking(world.voters);
    this.life += 1;
    this.waiting = null;
    this.graves = new Graves();
    this.tickFrom(prng.fraction() * TICK_MS, this.life);
    this.drain();
  }

  /** The process is gone at once; the disk remains. */
  crash(): void {
    this.incarnation = (this.gossip?.incarnation ?? 0) + 1;
    this.gossip = null;
    this.life += 1;
  }

  join(seeds: readonly string[]): void {
    this.step((gossip) => gossip.join(seeds));
  }

  step(act: (gossip: Gossip) => void): void {
    if (this.gossip === null) return;
    act(this.gossip);
    this.drain();
  }

  /** Says goodbye, waits until the news is told, and stops. */
  leave(): void {
    this.step((gossip) => gossip.leave());
    const { life, world } = this;
    world.events.at(world.now + 2000, () => {
      if (this.life === life) this.crash();
    });
  }

  /** A voter learns that all up to `slot` is decided. */
  decide(slot: number): void {
    if (slot <= this.slot) return;
    const entries = this.world.log.slice(this.slot, slot);
    this.slot = slot;
    this.step((gossip) => gossip.announce(entries));
  }

  /** The process stands still: messages wait in the socket's buffer. */
  pause(): void {
    if (this.gossip !== null) this.waiting ??= [];
  }

  /** Timers that are due fire first, as in an event loop, then what came is read. */
  resume(): void {
    const { waiting, ticksMissed } = this;
    if (waiting === null) return;
    this.waiting = null;
    this.ticksMissed = 0;
    if (this.world.options.tellsStalls) this.step((gossip) => gossip.stalled(ticksMissed));
    else for (let i = 0; i < ticksMissed; i++) this.step((gossip) => gossip.tick());
    for (const { from, message, address } of waiting) this.receive(from, message, address);
  }

  receive(from: MemberId, message: Message, address: string | null): void {
    if (this.waiting === null) this.step((gossip) => gossip.receive(from, message, address));
    else if (this.waiting.length < 10_000) this.waiting.push({ from, message, address });
  }

  count(message: Message, bytes: number): void {
    this.traffic.messages += 1;
    this.traffic.bytes += bytes;
    if (message.type !== 'push') return;
    for (const { body } of message.entries) {
      this.traffic.copies += 1;
      this.traffic.copyBytes += body.length;
    }
  }

  private tickFrom(delayMs: number, life: number): void {
    const { world } = this;
    const tick = (): void => {
      if (this.life !== life) return;
      if (this.waiting === null) this.step((gossip) => gossip.tick());
      else this.ticksMissed += 1;
      world.events.at(world.now + TICK_MS, tick);
    };
    world.events.at(world.now + delayMs, tick);
  }

  private drain(): void {
    const { gossip, world } = this;
    if (gossip === null) return;
    const { sends, changes, deliveries, fetchFrom } = gossip.drain();
    for (const change of changes) world.changed(this, change);
    for (const entry of deliveries) this.deliver(entry);
    for (const envelope of sends) world.send(this, envelope);
    if (fetchFrom !== null) this.fetch(fetchFrom);
  }

  private deliver(entry: Entry): void {
    this.world.delivered(this, entry);
    this.slot = entry.slot;
  }

  private fetch(from: MemberId): void {
    const { world, life } = this;
    this.fetches += 1;
    world.events.at(world.now + FETCH_MS, () => {
      const source = world.nodeOf(from);
      if (this.life !== life || source === undefined || !source.isUp) return;
      if (source.slot <= this.slot || !world.network.reaches(source.index, this.index)) return;
      this.slot = source.slot;
      this.step((gossip) => gossip.reset(world.anchorAt(source.slot)));
    });
  }
}
