import type { ServerConfig } from '../config/server-config.ts';
import { isVoter } from '../protocol/ensemble-text.ts';
import { GrantedIds } from '../replica/granted-ids.ts';
import type { Tree } from '../replica/peers/broadcast.ts';
import { Fetcher } from '../replica/peers/fetcher.ts';
import { sameId } from '../replica/peers/hello.ts';
import type { PeerAddress } from '../replica/peers/peers.ts';
import { Upstream } from '../replica/peers/upstream.ts';
import type { Replica } from '../replica/replica.ts';
import type { CompanionOptions, Companions } from './companions.ts';
import { TICK_MS } from './company.ts';
import { randomFraction } from './context.ts';
import { ReplicaTarget } from './fetch-target.ts';
import type { GossipAgent } from './gossip-agent.ts';
import type { Outpost } from './outpost.ts';
import { peerAddresses } from './voters.ts';

/** What an observer that nobody has configured has to do with the members: one link, and bulk. */
export class Tether implements Companions {
  readonly peers: Upstream;
  readonly sessionIds: GrantedIds = new GrantedIds();
  private readonly options: CompanionOptions & { readonly outpost: Outpost };
  private readonly target: ReplicaTarget;
  private readonly fetcher: Fetcher;
  private gossip: GossipAgent | null = null;
  private stops: (() => void)[] = [];
  private isAsking = false;
  /** What the join addresses said last; the log counts while it leads to somebody. */
  private told: readonly PeerAddress[] | null = null;

  constructor(options: CompanionOptions & { readonly outpost: Outpost }) {
    this.options = options;
    const { ports, storage, outpost } = options;
    const { io, identity, config } = outpost;
    const { clock, secrets } = ports;
    const { clusterId } = storage.identity;
    const hello = { clusterId, serverId: config.serverId, identity, line: '' };
    this.target = new ReplicaTarget(options);
    this.fetcher = new Fetcher({
      io,
      clock,
      hello,
      peers: () => this.members(false),
      target: this.target,
      onEnd: (helped) => {
        if (helped) this.peers.catchUp();
      },
    });
    this.peers = new Upstream({
      io,
      clock,
      hello,
      voters: () => this.members(true),
      random: (below) => Math.floor(randomFraction(secrets) * below),
      ids: this.sessionIds,
      fetch: (from) => this.fetcher.start(from),
      isFetching: () => this.fetcher.isBusy,
      tree: this.tree(),
      onLost: () => this.askAgain(),
    });
  }

  isConnected(serverId: number): boolean {
    return this.peers.isConnected(serverId);
  }

  start(replica: Replica, config: ServerConfig, gossip: GossipAgent | null): void {
    const { clock } = this.options.ports;
    this.target.replica = replica;
    if (gossip !== null) this.use(gossip);
    this.peers.start(replica);
    const heartbeatMs = config.ensemble?.heartbeatIntervalMs ?? 100;
    this.stops = [
      clock.every(TICK_MS, () => replica.tick(TICK_MS)),
      clock.every(heartbeatMs, () => replica.reportTouches()),
    ];
  }

  cut(): void {
    this.peers.stop();
  }

  stop(): void {
    for (const stop of this.stops) stop();
    this.fetcher.stop();
    this.cut();
    this.target.replica = null;
  }

  membersChanged(): void {
    this.told = null;
  }

  /** Nobody hangs on an observer. */
  decided(): void {}

  identityOf(): undefined {
    return undefined;
  }

  private use(gossip: GossipAgent): void {
    this.gossip = gossip;
    gossip.onDeliveries = (entries, after) => {
      const hash = entries[entries.length - 1]?.hash;
      if (hash !== undefined) this.target.learn(after, entries, hash);
    };
    gossip.onFetchFrom = ({ meta }) => this.fetcher.start(meta?.serverId ?? 0);
  }

  private tree(): Tree {
    const tether = this;
    return {
      get isThere() {
        return (tether.gossip?.driver?.gossip?.size ?? 0) > 1;
      },
    };
  }

  private members(votersOnly: boolean): readonly PeerAddress[] {
    const membership = this.options.membership();
    const servers = membership?.members ?? this.options.outpost.config.servers;
    const chosen = votersOnly ? servers.filter(isVoter) : servers;
    return this.told ?? peerAddresses(chosen, null);
  }

  /** All members may have moved while this observer was away. */
  private askAgain(): void {
    if (this.isAsking) return;
    this.isAsking = true;
    const { outpost, storage, ports } = this.options;
    void outpost.ask().then(({ servers, clusterId }) => {
      this.isAsking = false;
      if (!sameId(clusterId, storage.identity.clusterId)) {
        const message = 'at the join addresses is another ensemble than this observer’s';
        ports.logger.error({}, message);
        return;
      }
      this.told = peerAddresses(servers.filter(isVoter), null);
    });
  }
}
