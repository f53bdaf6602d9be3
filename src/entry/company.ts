import type { ServerConfig } from '../config/server-config.ts';
import type { Entry } from '../paxos/entry.ts';
import { SERVER_ID_MAX } from '../protocol/ensemble-text.ts';
import { parseServerLine } from '../protocol/server-line.ts';
import { serveFetches } from '../replica/peers/fetch-server.ts';
import { Fetcher } from '../replica/peers/fetcher.ts';
import { type Hello, Purpose, sameId } from '../replica/peers/hello.ts';
import { Observers } from '../replica/peers/observers.ts';
import { type PeerAddress, Peers } from '../replica/peers/peers.ts';
import type { Replica } from '../replica/replica.ts';
import { SessionIds } from '../replica/session-ids.ts';
import { GENESIS_HASH } from '../storage/record.ts';
import type { CompanionOptions, Companions } from './companions.ts';
import { ReplicaTarget } from './fetch-target.ts';
import type { Place } from './place.ts';
import { peerAddresses } from './voters.ts';

/** How often the consensus hears that time passes. */
export const TICK_MS = 20;

export interface CompanyOptions extends CompanionOptions {
  readonly place: Place;
}

/** Everything that a member has to do with the others. */
export class Company implements Companions {
  readonly peers: Peers;
  readonly sessionIds: SessionIds;
  private readonly observers: Observers;
  private readonly options: CompanyOptions;
  private readonly fetcher: Fetcher;
  private readonly target: ReplicaTarget;
  private replica: Replica | null = null;
  private stops: (() => void)[] = [];
  private readonly learners = new Map<number, PeerAddress>();
  /** Everyone who holds a connection to this replica. */
  private readonly connected = new Map<number, Hello>();

  constructor(options: CompanyOptions) {
    this.options = options;
    const { place, ports, storage } = options;
    const { io, listener, identity, line } = place;
    const { serverId } = place.config;
    const { clusterId } = storage.identity;
    this.target = new ReplicaTarget(options);
    this.fetcher = new Fetcher({
      io,
      clock: ports.clock,
      hello: { clusterId, serverId, identity, line },
      peers: () => this.others(),
      target: this.target,
    });
    this.peers = new Peers({
      io,
      clock: ports.clock,
      listener,
      serverId,
      identity,
      clusterId,
      line,
      refuse: (hello) => this.refuse(hello),
      onLearner: (hello, isHere) => this.onConnection(hello, isHere),
      fetch: (from) => this.fetcher.start(from),
    });
    this.sessionIds = new SessionIds(serverId, ports.clock.wallMs());
    this.observers = new Observers({
      io,
      clock: ports.clock,
      listener,
      identity,
      refuse: (hello) => this.refuse(hello),
      sessionIds: this.sessionIds,
      applied: options.applied,
    });
  }

  isConnected(serverId: number): boolean {
    return this.peers.isConnected(serverId);
  }

  start(replica: Replica, config: ServerConfig): void {
    this.replica = this.target.replica = replica;
    const { place, ports, storage } = this.options;
    this.peers.start(replica);
    this.observers.start(replica);
    this.membersChanged();
    const source = {
      beginning: { slot: 0, hash: GENESIS_HASH },
      get decidedSlot() {
        return replica.paxos.decidedSlot;
      },
      readLog: (fromSlot: number, maxBytes: number) => storage.readLog(fromSlot, maxBytes),
      openNewestSnapshot: () => storage.openNewestSnapshot(),
      writeSnapshot: this.options.writeSnapshot,
    };
    serveFetches(place.listener, source, (hello) => this.refuse(hello), ports.logger);
    const heartbeatMs = config.ensemble?.heartbeatIntervalMs ?? 100;
    this.stops = [
      ports.clock.every(TICK_MS, () => replica.tick(TICK_MS)),
      ports.clock.every(heartbeatMs, () => replica.reportTouches()),
    ];
  }

  cut(): void {
    this.peers.stop();
    this.observers.stop();
  }

  stop(): void {
    for (const stop of this.stops) stop();
    this.fetcher.stop();
    this.cut();
    this.replica = this.target.replica = null;
  }

  decided(entries: readonly Entry[]): void {
    this.observers.decided(entries);
  }

  membersChanged(): void {
    const members = this.members();
    for (const { serverId } of members) this.learners.delete(serverId);
    this.peers.setMembers([...members, ...this.learners.values()]);
    // Whoever was removed runs on and follows without a vote, as a server of ZooKeeper does.
    const ids = new Set(members.map(({ serverId }) => serverId));
    for (const [id, hello] of this.connected) {
      if (!ids.has(id) && !this.learners.has(id)) this.welcomeLearner(hello);
    }
  }

  identityOf(serverId: number): Uint8Array | undefined {
    const member = this.members().find((each) => each.serverId === serverId);
    // Who has lost its vote on the connection that it still has was no stranger when it came.
    const present = member?.identity === null ? this.connected.get(serverId) : undefined;
    if (present !== undefined) return present.identity;
    return this.options.place.strangers.identityOf(serverId, member?.identity ?? null);
  }

  private members(): PeerAddress[] {
    return peerAddresses(this.options.place.config.servers, this.options.membership());
  }

  private others(): PeerAddress[] {
    const self = this.options.place.config.serverId;
    return this.members().filter(({ serverId }) => serverId !== self);
  }

  private refuse(hello: Hello): string | null {
    const { storage, place } = this.options;
    if (hello.clusterId === null || !sameId(hello.clusterId, storage.identity.clusterId)) {
      return 'it belongs to another ensemble';
    }
    if (hello.serverId === place.config.serverId) return 'it bears the id of this server';
    const isMembers = hello.purpose === Purpose.messages;
    if (isMembers && hello.serverId > SERVER_ID_MAX) return 'an observer has nothing to say here';
    const known = this.members().find(({ serverId }) => serverId === hello.serverId)?.identity;
    if (known == null || sameId(known, hello.identity)) return null;
    return `server ${hello.serverId} is another replica; if its disk is lost, run "quoll replace ${hello.serverId}"`;
  }

  private onConnection(hello: Hello, isHere: boolean): void {
    const { serverId } = hello;
    if (isHere) this.connected.set(serverId, hello);
    else this.connected.delete(serverId);
    const member = this.members().find((each) => each.serverId === serverId);
    // An observer may be whichever replica; should it get a vote, it has to be this one.
    if (member?.identity === null) this.options.place.strangers.note(hello);
    if (member !== undefined || this.replica === null) return;
    if (isHere) this.welcomeLearner(hello);
    else this.replica.paxos.removeLearner(serverId);
  }

  private welcomeLearner(hello: Hello): void {
    const line = parseServerLine(hello.line);
    if (typeof line === 'string') return;
    this.options.place.strangers.note(hello);
    const addresses = line.addresses.map(({ host, quorumPort: port }) => ({ host, port }));
    const { serverId, identity } = hello;
    this.learners.set(serverId, { serverId, addresses, identity });
    this.replica?.paxos.addLearner(serverId);
    this.membersChanged();
  }
}
