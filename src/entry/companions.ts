import type { ServerConfig } from '../config/server-config.ts';
import type { Anchor, Entry } from '../paxos/entry.ts';
import type { PeerPort } from '../replica/peer-port.ts';
import type { Replica } from '../replica/replica.ts';
import type { SessionIdSource } from '../replica/session-ids.ts';
import type { Membership } from '../state/membership.ts';
import type { Storage } from '../storage/storage.ts';
import type { GossipAgent } from './gossip-agent.ts';
import type { Ports } from './ports.ts';

export interface CompanionOptions {
  readonly ports: Ports;
  readonly storage: Storage;
  readonly membership: () => Membership | null;
  /** What has been applied at the start. */
  readonly applied: Anchor;
  /**
   * A peer's snapshot is about to take the place of this replica's data, by `install`: nobody may
   * be served any more from what goes, and the next life begins from disk.
   */
  readonly giveWay: (install: () => Promise<unknown>) => Promise<void>;
  /** Others need a newer snapshot than there is. */
  readonly writeSnapshot: () => void;
}

/** Everything that one life of a replica has to do with the others. */
export interface Companions {
  readonly peers: PeerPort;
  readonly sessionIds: SessionIdSource;
  isConnected(serverId: number): boolean;
  /** Whoever is no member may have the log by gossip; null: it takes no part. */
  start(replica: Replica, config: ServerConfig, gossip: GossipAgent | null): void;
  /** Nothing is said or heard any more, but for a transfer that is under way. */
  cut(): void;
  stop(): void;
  /** The log has changed who belongs to the ensemble, or it is read for the first time. */
  membersChanged(): void;
  /** Entries are decided and durable here. */
  decided(entries: readonly Entry[]): void;
  /** Which replica bears an id and is no member: for whoever is about to become one. */
  identityOf(serverId: number): Uint8Array | undefined;
}
