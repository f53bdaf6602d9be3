import type { Prng } from '../../base/prng.ts';
import { Reader } from '../../base/reader.ts';
import { Writer } from '../../base/writer.ts';
import { NO_HASH } from '../../paxos/testing/chain.ts';
import { decodeFrame, encodeFrame, frameBytes } from '../codec.ts';
import type { Anchor, Entry } from '../entry.ts';
import type { Fact, MemberId, Role } from '../member.ts';
import type { Envelope, Message } from '../messages.ts';
import type { Tuning } from '../options.ts';
import type { Change } from '../output.ts';
import { check, checkDelivery, checkIncarnations, checkSize } from './checks.ts';
import { Events } from './events.ts';
import { Network, type NetworkFaults } from './network.ts';
import { Node } from './node.ts';
import { hashOf, metaOf, TICK_MS, type World } from './world.ts';

const CLUSTER = 7;

/** Without other voters the leader is the only root. */
const LONE_FANOUT = 4;

export interface ClusterOptions {
  readonly voters: number;
  readonly observers: number;
  readonly faults: NetworkFaults;
  readonly tuning?: Partial<Tuning>;
  /** Every message is encoded and decoded again, and its facts are checked one by one. */
  readonly thorough: boolean;
  /** A member that stood still tells its core so, as the driver does. */
  readonly tellsStalls: boolean;
}

/** Members, the network between them, and what is committed. Nothing happens but by its verbs. */
export class Cluster implements World {
  readonly prng: Prng;
  readonly options: ClusterOptions;
  readonly events: Events = new Events();
  readonly network: Network;
  readonly nodes: Node[] = [];
  readonly log: Entry[] = [];
  readonly committedAt: number[] = [];
  onChange: (observer: Node, change: Change) => void = () => {};
  onDelivery: (node: Node, entry: Entry) => void = () => {};
  onSend: (from: Node, envelope: Envelope) => void = () => {};
  private readonly byId = new Map<MemberId, Node>();
  private readonly byAddress = new Map<string, Node>();
  private readonly writer = new Writer();

  constructor(prng: Prng, options: ClusterOptions) {
    this.prng = prng;
    this.options = options;
    this.network = new Network(prng.fork(), this.events, options.faults);
    for (let i = 0; i < options.voters; i++) this.add('voter');
    for (let i = 0; i < options.observers; i++) this.add('observer');
  }

  get now(): number {
    return this.events.now;
  }

  get running(): Node[] {
    return this.nodes.filter(({ isUp }) => isUp);
  }

  get observers(): Node[] {
    return this.running.filter(({ meta }) => meta.role === 'observer');
  }

  get leader(): Node {
    return this.nodes[0] as Node;
  }

  /** Their addresses, which everyone has from the configuration. */
  get voters(): string[] {
    const voters = this.nodes.filter(({ meta }) => meta.role === 'voter');
    return voters.map(({ meta }) => meta.address);
  }

  nodeOf(id: MemberId): Node | undefined {
    return this.byId.get(id);
  }

  add(role: Role): Node {
    const index = this.nodes.length;
    const node = new Node(index, metaOf(index, role), this);
    this.nodes.push(node);
    this.byId.set(node.id, node);
    this.byAddress.set(node.meta.address, node);
    return node;
  }

  /** All start at once and know each other, as after a while of quiet. */
  startKnown(): void {
    const facts = this.nodes.map((node) => factOf(node));
    for (const node of this.nodes) {
      node.start();
      const others = facts.filter(({ id }) => id !== node.id);
      const [teacher] = others;
      if (teacher === undefined) continue;
      node.receive(teacher.id, { type: 'exchange', wantsReply: false, facts: others }, null);
    }
    this.limitLeader();
  }

  /** All start within a second and know the first one's address. */
  startJoining(): void {
    for (const node of this.nodes) this.joinSoon(node, this.leader);
    this.run(1000);
    this.limitLeader();
  }

  /** Within a second, as a process starts that knows two others. */
  joinSoon(node: Node, seed: Node): void {
    this.events.at(this.now + this.prng.fraction() * 1000, () => {
      if (node.isUp) return;
      node.start();
      node.join([seed.meta.address, this.leader.meta.address]);
      this.catchUp(node);
    });
  }

  /** Voters have the log from Paxos. */
  catchUp(node: Node): void {
    if (node.meta.role === 'voter') node.decide(this.log.length);
  }

  /** Leaders let the other voters be the roots, as the driver has it. */
  private limitLeader(): void {
    const isAlone = this.options.voters === 1;
    this.leader.step((gossip) => gossip.limitFanout(isAlone ? LONE_FANOUT : 0));
  }

  run(ms: number): void {
    this.events.run(this.now + ms);
  }

  /** Runs until it holds; throws if it does not within `msMax`. Returns how long it took. */
  runUntil(holds: () => boolean, msMax: number, stepMs: number = TICK_MS): number {
    const begun = this.now;
    while (!holds()) {
      check(this.now - begun < msMax, 'it happens in time', `${holds} within ${msMax} ms`);
      this.run(stepMs);
    }
    return this.now - begun;
  }

  /** An entry is decided: the leader knows now, the other voters when they have heard. */
  commit(bodyBytes: number): void {
    const slot = this.log.length + 1;
    const previous = this.log[slot - 2]?.hash ?? NO_HASH;
    const body = new Uint8Array(bodyBytes).fill(slot & 0xff);
    this.log.push({ slot, previous, hash: hashOf(previous, slot, body), body });
    this.committedAt[slot] = this.now;
    for (const voter of this.nodes) {
      if (voter.meta.role !== 'voter') continue;
      const hears = () => {
        if (voter.isUp && this.network.reaches(this.leader.index, voter.index)) voter.decide(slot);
      };
      if (voter === this.leader) hears();
      else this.events.at(this.now + 1 + this.prng.fraction() * 4, hears);
    }
  }

  anchorAt(slot: number): Anchor {
    return { slot, hash: this.log[slot - 1]?.hash ?? NO_HASH };
  }

  /** Everyone that runs holds all of those that run alive, and nobody else. */
  isConverged(): boolean {
    const running = this.running;
    return running.every((node) => {
      if (node.gossip?.size !== running.length) return false;
      return running.every((other) => {
        if (other === node) return true;
        const known = node.gossip?.find(other.id);
        return known?.status === 'alive' && known.incarnation === other.gossip?.incarnation;
      });
    });
  }

  isLevel(): boolean {
    return this.running.every(({ slot }) => slot === this.log.length);
  }

  // What the members need of their surroundings.

  changed(observer: Node, change: Change): void {
    observer.graves.changed(change);
    this.onChange(observer, change);
  }

  delivered(node: Node, entry: Entry): void {
    checkDelivery(entry, node.slot, this.log);
    this.onDelivery(node, entry);
  }

  send(from: Node, envelope: Envelope): void {
    const bytes = frameBytes(envelope.message);
    const { message, stream } = envelope;
    checkSize(bytes, stream);
    from.count(message, bytes);
    this.onSend(from, envelope);
    const to = this.byAddress.get(envelope.address);
    if (to === undefined) return;
    const carried = this.options.thorough ? this.throughCodec(from, envelope, bytes) : message;
    const deliver = () => to.receive(from.id, carried, stream ? null : from.meta.address);
    if (stream) this.network.stream(from.index, to.index, bytes, deliver);
    else this.network.packet(from.index, to.index, deliver);
  }

  private throughCodec(from: Node, envelope: Envelope, bytes: number): Message {
    checkIncarnations(envelope, (id) => this.byId.get(id)?.gossip?.incarnation ?? Infinity);
    const { writer } = this;
    writer.clear();
    encodeFrame(writer, CLUSTER, from.id, envelope.message);
    check(writer.at === bytes, 'the codec counts exactly', `${writer.at} for ${bytes}`);
    return decodeFrame(new Reader(writer.written().slice()), CLUSTER).message;
  }
}

function factOf({ id, meta, incarnation }: Node): Fact {
  return {
    ...{ id, status: 'alive', incarnation, life: incarnation, counter: 0 },
    ...{ meta, accuser: null, ageTicks: 0 },
  };
}
