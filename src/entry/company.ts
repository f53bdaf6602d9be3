import type { ServerConfig } from '../config/server-config.ts';
import { parseServerLine } from '../protocol/server-line.ts';
import { serveFetches } from '../replica/peers/fetch-server.ts';
import { Fetcher } from '../replica/peers/fetcher.ts';
import { type Hello, sameId } from '../replica/peers/hello.ts';
import { type PeerAddress, Peers } from '../replica/peers/peers.ts';
import type { Replica } from '../replica/replica.ts';
import type { Membership } from '../state/membership.ts';
import { GENESIS_HASH } from '../storage/record.ts';
import type { Storage } from '../storage/storage.ts';
import type { Place } from './place.ts';
import type { Ports } from './ports.ts';
import { peerAddresses } from './voters.ts';

/** How often the consensus hears that time passes. */
export const TICK_MS = 20;

export interface CompanyOptions {
  readonly place: Place;
  readonly ports: Ports;
  readonly storage: Storage;
  readonly membership: () => Membership | null;
  /**
   * A peer's snapshot is about to take the place of this replica's data, by `install`: nobody may
   * be served any more from what goes, and the next life begins from disk.
   */
  readonly giveWay: (install: () => Promise<unknown>) => Promise<void>;
}

/** Everything that one replica has to do with the others. */
export class Company {
  readonly peers: Peers;
  private readonly options: CompanyOptions;
  private readonly fetcher: Fetcher;
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
    this.fetcher = new Fetcher({
      io,
      clock: ports.clock,
      hello: { clusterId, serverId, identity, line },
      peers: () => this.others(),
      target: this.fetchTarget(),
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
  }

  start(replica: Replica, config: ServerConfig): void {
    this.replica = replica;
    const { place, ports, storage } = this.options;
    this.peers.start(replica);
    this.membersChanged();
    const source = {
      beginning: { slot: 0, hash: GENESIS_HASH },
      get decidedSlot() {
        return replica.paxos.decidedSlot;
      },
      readLog: (fromSlot: number, maxBytes: number) => storage.readLog(fromSlot, maxBytes),
      openNewestSnapshot: () => storage.openNewestSnapshot(),
    };
    serveFetches(place.listener, source, (hello) => this.refuse(hello), ports.logger);
    const heartbeatMs = config.ensemble?.heartbeatIntervalMs ?? 100;
    this.stops = [
      ports.clock.every(TICK_MS, () => replica.tick(TICK_MS)),
      ports.clock.every(heartbeatMs, () => replica.reportTouches()),
    ];
  }

  stop(): void {
    for (const stop of this.stops) stop();
    this.fetcher.stop();
    this.peers.stop();
    this.replica = null;
  }

  /** The log has changed who belongs to the ensemble, or it is read for the first time. */
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

  /** Which replica bears an id and is no member: for whoever is about to become one. */
  identityOf(serverId: number): Uint8Array | undefined {
    const member = this.members().find((each) => each.serverId === serverId);
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

  private fetchTarget() {
    const company = this;
    const { storage, giveWay } = this.options;
    return {
      get learnFrom() {
        return company.replica?.paxos.learnFrom ?? { slot: 0, hash: GENESIS_HASH };
      },
      learn: (...args: Parameters<Replica['learn']>) => this.replica?.learn(...args) ?? false,
      get isBehindDisk() {
        return company.replica?.isBehindDisk ?? false;
      },
      async beginInstall(announced: Parameters<Storage['beginInstall']>[0]) {
        const decided = company.replica?.paxos.decidedSlot ?? 0;
        if (announced.slot <= decided) return null;
        // Where the log here agrees, what stands behind it may have been acknowledged: it stays.
        const { slot, hash } = announced;
        if (company.replica?.learn({ slot, hash }, [], hash) === true) return null;
        const install = await storage.beginInstall(announced);
        return {
          write: (bytes: Uint8Array) => install.write(bytes),
          finish: () => giveWay(() => install.finish()),
          abort: () => install.abort(),
        };
      },
    };
  }
}
