import type { Entry } from '../paxos/entry.ts';
import type { Message } from '../paxos/messages.ts';
import { Paxos } from '../paxos/paxos.ts';
import { testChain } from '../paxos/testing/chain.ts';
import { loneOptions } from '../paxos/testing/lone.ts';
import { Op } from '../protocol/constants.ts';
import { SimClock } from '../sim/clock.ts';
import { Identities } from '../state/identities.ts';
import type { Outcome } from '../state/outcome.ts';
import { State } from '../state/state.ts';
import { encodeWrite } from '../state/testing/commands.ts';
import type { Attachment, Client } from './attachment.ts';
import type { PeerPort } from './peer-port.ts';
import { Replica } from './replica.ts';
import { SessionIds } from './session-ids.ts';
import type { PathWatch } from './watches.ts';

type Done = (error: Error | null) => void;

/** A disk whose writes end by the next turn, or when the test says so. */
export class TestStore {
  automatic = true;
  private waiting: Done[] = [];
  private readonly clock: SimClock;

  constructor(clock: SimClock) {
    this.clock = clock;
  }

  append(_entries: readonly Entry[], _decidedSlot: number, done: Done): void {
    this.take(done);
  }

  saveState(_state: unknown, done: Done): void {
    this.take(done);
  }

  adopt(_adoption: unknown, done: Done): void {
    this.take(done);
  }

  /** What is under way has become durable. */
  finish(): void {
    for (const done of this.waiting.splice(0)) done(null);
  }

  private take(done: Done): void {
    if (this.automatic) this.clock.afterTurn(() => done(null));
    else this.waiting.push(done);
  }
}

/** A connection that remembers what it was told. */
export class TestClient implements Client {
  readonly watched: Set<PathWatch> = new Set();
  lastTrigger = 0;
  opening = 0;
  attachment: Attachment | null = null;
  readonly told: string[] = [];

  onAttached(attachment: Attachment | null): void {
    this.attachment = attachment;
    this.told.push(attachment === null ? 'refused' : 'attached');
  }

  onOutcome(outcome: Outcome): void {
    this.told.push(`reply ${outcome.sequence}`);
  }

  onBarrier(): void {
    this.told.push('barrier');
  }

  onFresh(): void {
    this.told.push('fresh');
  }

  onDetached(): void {
    this.told.push('detached');
  }

  mayRead(): boolean {
    return true;
  }

  notify(): void {
    this.told.push('event');
  }
}

/** One replica of a group. */
interface Member {
  readonly replica: Replica;
  readonly store: TestStore;
  readonly state: State;
}

const TICK_MS = 20;
const HEARTBEAT_MS = 100;

/** Replicas that decide together, on one clock and a network without delay; links can be cut. */
export class TestGroup {
  readonly clock: SimClock = new SimClock();
  readonly members: Map<number, Member> = new Map();
  /** Who has ended, and why. */
  readonly fatal: [id: number, error: Error][] = [];
  readonly disputes: [id: number, slot: number | null][] = [];
  /** Replicas for which time stands still: they answer, and begin nothing. */
  readonly asleep: Set<number> = new Set();
  /** What a replica hands over to be sent, and when it has it leave. */
  onSend: (from: number, message: Message) => void = () => {};
  onFlush: (from: number) => void = () => {};
  /** `from>to` of links that lose everything. */
  private readonly cut = new Set<string>();

  constructor(count = 3) {
    const ids = Array.from({ length: count }, (_, i) => i + 1);
    for (const id of ids) this.members.set(id, this.member(id, ids));
    // Past the first, hasty election: from here on all go by their time-outs.
    this.clock.advance(1_000);
  }

  replica(id: number): Replica {
    return this.get(id).replica;
  }

  store(id: number): TestStore {
    return this.get(id).store;
  }

  /** Runs until somebody leads, and returns who does. */
  leader(): number {
    for (let i = 0; i < 500; i++) {
      const ids = [...this.members.keys()].filter((id) => this.replica(id).isLeading);
      const [first] = ids;
      if (ids.length === 1 && first !== undefined && this.isCutOff(first) === false) return first;
      this.clock.advance(TICK_MS);
    }
    throw new Error('nobody leads');
  }

  /** The two that do not lead. */
  followers(): [number, number] {
    const leader = this.leader();
    return [...this.members.keys()].filter((id) => id !== leader) as [number, number];
  }

  /** Loses everything on the way, or on both ways. */
  cutLink(from: number, to: number): void {
    this.cut.add(`${from}>${to}`);
  }

  cutOff(id: number): void {
    for (const other of this.members.keys()) {
      if (other === id) continue;
      this.cutLink(id, other);
      this.cutLink(other, id);
    }
  }

  /** Both ways between the two are there again, and new. */
  mend(a: number, b: number): void {
    this.cut.delete(`${a}>${b}`);
    this.cut.delete(`${b}>${a}`);
    this.replica(a).onConnected(b);
    this.replica(b).onConnected(a);
  }

  /** All links work again, and those that did not are new. */
  heal(): void {
    const links = [...this.cut].map((link) => link.split('>').map(Number) as [number, number]);
    this.cut.clear();
    for (const [from, to] of links) this.replica(from).onConnected(to);
    this.clock.settle();
  }

  /** A client with a session at that replica. */
  client(id: number, timeoutMs = 4_000): TestClient {
    const client = new TestClient();
    this.replica(id).openSession(client, timeoutMs, new Uint8Array(32));
    this.clock.advance(1);
    return client;
  }

  create(id: number, client: TestClient, path: string, data = ''): void {
    const body = encodeWrite({ opcode: Op.create, path, data, flags: 0 });
    const attachment = client.attachment as Attachment;
    const { none } = Identities;
    this.replica(id).submitWrite(attachment, Op.create, 1, none, body, 0, body.length);
  }

  /** Whether that replica's tree has the node. */
  has(id: number, path: string): boolean {
    const bytes = new TextEncoder().encode(path);
    return this.get(id).state.find(bytes, 0, bytes.length) !== 0;
  }

  digest(id: number): string {
    const { digestHigh, digestLow } = this.get(id).state;
    return `${digestHigh}:${digestLow}`;
  }

  private get(id: number): Member {
    return this.members.get(id) as Member;
  }

  private isCutOff(id: number): boolean {
    return [...this.members.keys()].every(
      (other) => other === id || this.cut.has(`${id}>${other}`),
    );
  }

  private member(id: number, ids: readonly number[]): Member {
    const { clock } = this;
    const lone = loneOptions(testChain);
    const voters = ids.map((voter) => ({ id: voter, weight: 1, group: 0 }));
    const quorums = { ...lone.state.configuration.quorums, voters };
    const configuration = { ...lone.state.configuration, quorums };
    const state = new State({ seed: [1, 2] });
    const store = new TestStore(clock);
    const replica = new Replica({
      serverId: id,
      state,
      paxos: new Paxos({
        ...lone,
        id,
        // The lowest id stands first.
        random: () => id,
        retainBytes: 1_000_000,
        state: { ...lone.state, configuration },
      }),
      store,
      peers: this.port(id),
      clock,
      sessionIds: new SessionIds(id, clock.wallMs()),
      firstNumber: id * 2 ** 32,
      tickTimeMs: 1_000,
      flags: 0,
      identityOf: () => undefined,
      onFatal: (error) => {
        this.fatal.push([id, error]);
        this.cutOff(id);
      },
      onDispute: (slot) => this.disputes.push([id, slot]),
      onApplied: () => {},
    });
    clock.every(TICK_MS, () => {
      if (!this.asleep.has(id)) replica.tick(TICK_MS);
    });
    clock.every(HEARTBEAT_MS, () => replica.reportTouches());
    clock.every(1_000, () => clock.afterTurn(() => replica.sweepSessions()));
    return { replica, store, state };
  }

  private port(from: number): PeerPort {
    const deliver = (to: number, task: (replica: Replica) => void): void => {
      const isCut = (): boolean => this.cut.has(`${from}>${to}`);
      if (isCut()) return;
      this.clock.afterTurn(() => {
        if (!isCut()) task(this.replica(to));
      });
    };
    return {
      send: (to, message: Message) => {
        this.onSend(from, message);
        deliver(to, (replica) => replica.onMessage(from, message));
      },
      forward: (to, ballot, { number, commands }) => {
        const bytes = commands.written().slice();
        deliver(to, (replica) => replica.onForward(from, ballot, number, bytes));
      },
      relay: (to, ballot, origin, number, bytes) => {
        const copy = bytes.slice();
        deliver(to, (replica) => replica.onForward(origin, ballot, number, copy));
      },
      report: (to, ballot, number, touches) => {
        const copy = touches.map(({ high, low }) => ({ high, low }));
        deliver(to, (replica) => replica.onReport(from, ballot, number, copy));
      },
      confirmReport: (to, number) => deliver(to, (replica) => replica.onReportConfirmed(number)),
      askIndex: (to, ballot, number) =>
        deliver(to, (replica) => replica.onAskIndex(from, ballot, number)),
      tellIndex: (to, number, slot) => deliver(to, (replica) => replica.onTellIndex(number, slot)),
      tellDigests: (to, ballot, digests) => {
        const copy = [...digests];
        deliver(to, (replica) => replica.onDigests(from, ballot, copy));
      },
      tellDiffers: (to, ballot, digest) =>
        deliver(to, (replica) => replica.onDiffers(from, ballot, digest)),
      fetch: () => {},
      flush: () => this.onFlush(from),
    };
  }
}
