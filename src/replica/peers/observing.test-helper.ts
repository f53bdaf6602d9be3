import type { Reader } from '../../base/reader.ts';
import { silentLogger } from '../../io/logger.ts';
import { type Ballot, NO_BALLOT } from '../../paxos/ballot.ts';
import type { Anchor, Entry, Unchained } from '../../paxos/entry.ts';
import { SimClock } from '../../sim/clock.ts';
import { GrantedIds } from '../granted-ids.ts';
import { areSubmittable } from '../intake.ts';
import { Relay } from '../relay.ts';
import type { Replica } from '../replica.ts';
import { SessionIds } from '../session-ids.ts';
import { Turn } from '../turn.ts';
import { dial } from './dial.ts';
import { FrameType } from './frames.ts';
import { type Hello, Purpose } from './hello.ts';
import { type PeerIo, PeerListener } from './listener.ts';
import { MemoryNetwork } from './memory-network.test-helper.ts';
import { NO_CHECKSUMS } from './named-network.test-helper.ts';
import { Observers } from './observers.ts';
import type { PeerAddress } from './peers.ts';
import { Upstream } from './upstream.ts';

export const CLUSTER: Uint8Array = new Uint8Array(16).fill(9);

export function testEntry(slot: number): Entry {
  const body = new Uint8Array(4).fill(slot);
  return { slot, round: 1, replica: 1, kind: 0, body, hash: new Uint8Array(32).fill(slot) };
}

/** A voter, as far as observers have to do with it. */
export class TestVoter {
  readonly id: number;
  readonly relay: Relay = new Relay();
  readonly chunks: string[] = [];
  readonly observers: Observers;
  readonly state: unknown = {
    level: 1,
    sessions: { get: (high: number) => (high === 1 ? {} : undefined) },
  };
  readonly turn: Turn;
  private readonly listener: PeerListener;

  constructor(world: TestWorld, id: number) {
    const { clock, network } = world;
    this.id = id;
    this.turn = new Turn(clock);
    const io = { ...world.io, network, turn: this.turn };
    this.listener = new PeerListener(io, id);
    const identity = new Uint8Array(16).fill(id);
    const refuse = ({ clusterId }: Hello) =>
      clusterId?.[0] === CLUSTER[0] ? null : 'it belongs to another ensemble';
    const sessionIds = new SessionIds(id, clock.wallMs());
    const applied = { slot: 0, hash: new Uint8Array(32) };
    const { listener } = this;
    const options = { io, clock, listener, identity, refuse, sessionIds, applied };
    this.observers = new Observers(options);
    this.observers.start(this as unknown as Replica);
    void this.listener.open(`zk${id}`, 2888);
  }

  decide(...slots: number[]): void {
    this.observers.decided(slots.map(testEntry));
  }

  relayChunk(origin: number, way: number, number: number, bytes: Uint8Array): boolean {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (!areSubmittable(view, 0, bytes.length)) return false;
    if (this.relay.isOpen(way)) this.chunks.push(`${origin}: ${number}`);
    return true;
  }
}

/** An observer, as far as its voter has to do with it. */
export class TestObserver {
  readonly upstream: Upstream;
  readonly ids: GrantedIds = new GrantedIds();
  readonly told: string[] = [];
  readonly fetched: number[] = [];
  readonly paxos: { decidedSlot: number } = { decidedSlot: 0 };
  isBehindDisk = false;
  leaderId: number | null = null;

  constructor(world: TestWorld, number: number, identity: number = number) {
    const { clock, network } = world;
    const io = { ...world.io, network, turn: new Turn(clock) };
    this.upstream = new Upstream({
      io,
      clock,
      hello: {
        clusterId: CLUSTER,
        serverId: number,
        identity: new Uint8Array(16).fill(identity),
        line: '',
      },
      voters: () => world.addresses,
      random: () => 0,
      ids: this.ids,
      fetch: (from) => this.fetched.push(from),
      isFetching: () => false,
      tree: world.tree,
      onLost: () => this.told.push('lost'),
    });
    this.upstream.start(this as unknown as Replica);
  }

  get voter(): number | undefined {
    return [1, 2, 3].find((id) => this.upstream.isConnected(id));
  }

  follow(leaderId: number | null): void {
    this.leaderId = leaderId;
    this.told.push(`leader ${leaderId}`);
  }

  learn(after: Anchor, entries: readonly Unchained[]): boolean {
    if (after.slot > this.paxos.decidedSlot) return false;
    this.paxos.decidedSlot = Math.max(this.paxos.decidedSlot, after.slot + entries.length);
    return true;
  }

  onReportConfirmed(number: number): void {
    this.told.push(`confirmed ${number}`);
  }

  onTellIndex(number: number, slot: number): void {
    this.told.push(`index ${number} is ${slot}`);
  }
}

/** Three voters in one memory. */
export class TestWorld {
  readonly clock: SimClock = new SimClock();
  readonly network: MemoryNetwork = new MemoryNetwork(this.clock);
  readonly tree: { isThere: boolean } = { isThere: false };
  readonly warnings: unknown[] = [];
  readonly io: Omit<PeerIo, 'network' | 'turn'> = {
    checksums: NO_CHECKSUMS,
    logger: {
      ...silentLogger,
      warn: ({ reason }: { readonly reason?: unknown }) => {
        this.warnings.push(reason);
      },
    },
    nowMs: () => this.clock.monotonicMs(),
  };
  readonly voters: TestVoter[];

  constructor() {
    this.voters = [1, 2, 3].map((id) => new TestVoter(this, id));
  }

  get addresses(): PeerAddress[] {
    return this.voters.map(({ id }) => ({
      serverId: id,
      addresses: [{ host: `zk${id}`, port: 2888 }],
      identity: null,
    }));
  }

  voter(id: number | undefined): TestVoter {
    const found = this.voters.find((one) => one.id === id);
    if (found === undefined) throw new Error(`there is no voter ${id}`);
    return found;
  }

  /** Everyone hears that this one leads. */
  lead(id: number | null, ballot: Ballot = NO_BALLOT): void {
    for (const { relay } of this.voters) relay.leaderIs(id, ballot);
    this.clock.settle();
  }

  /** One that greets and says nothing more; the result gathers why it is refused. */
  silentObserver(voter: number, clusterId: Uint8Array): string[] {
    const { clock, network } = this;
    const refusals: string[] = [];
    const identity = new Uint8Array(16).fill(77);
    const about = { purpose: Purpose.observing, clusterId, serverId: 300, identity, line: '' };
    const handler = {
      onFrame: (type: number, payload: Reader) => {
        if (type === FrameType.refused) refusals.push(payload.ustring() ?? '');
      },
      onClose: () => {},
    };
    const io = { ...this.io, network, turn: new Turn(clock) };
    const hello = { ...about, toServerId: voter };
    const address = { host: `zk${voter}`, port: 2888 };
    dial(
      io,
      clock,
      address,
      hello,
      () => handler,
      () => {},
    );
    clock.settle();
    return refusals;
  }

  observer(number: number, identity?: number): TestObserver {
    const observer = new TestObserver(this, number, identity);
    this.clock.settle();
    return observer;
  }
}
