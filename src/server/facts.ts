import type { Summary } from '../base/summary.ts';

export type ServerMode = 'standalone' | 'leader' | 'follower' | 'observer' | 'read-only';

/** The lines of `conf`, under ZooKeeper's names. */
export interface ConfFacts {
  readonly clientPort: number;
  /** -1: there is no second port for TLS. */
  readonly secureClientPort: number;
  readonly dataDir: string;
  readonly dataLogDir: string;
  readonly tickTimeMs: number;
  readonly maxClientCnxns: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** -1: the operating system's. */
  readonly listenBacklog: number;
  readonly serverId: number;
}

/** What of an ensemble does not change while the server runs. */
export interface EnsembleConf {
  readonly initLimitTicks: number;
  readonly syncLimitTicks: number;
  /** Several are joined by `|`. */
  readonly electionPort: string;
  readonly quorumPort: string;
}

/** How far a server that follows has come. */
export interface FollowerFacts {
  readonly id: number;
  readonly role: 'voter' | 'observer' | 'learner';
  /** Its log is the leader's, as far as was sent. */
  readonly isSynced: boolean;
  readonly isConnected: boolean;
  /** Slots that the leader has and that are not known to be durable there. */
  readonly lagSlots: number;
}

/** What a member of an ensemble knows of it. */
export interface EnsembleFacts {
  readonly conf: EnsembleConf;
  isObserver(): boolean;
  /** The data of /zookeeper/config. */
  membershipText(): string;
  /** `leading - broadcast` and the like. */
  peerState(): string;
  /** How many voters there are. */
  voters(): number;
  /** Null unless this server leads. */
  followers(): readonly FollowerFacts[] | null;
  /** How long it has been leading. */
  leaderUptimeMs(): number;
  readonly elections: number;
  /** From losing a leader to having one, in ms. */
  readonly electionMs: Summary;
  ballotRound(): number;
  /** 0: nobody leads, as far as is known here. */
  leaderId(): number;
  decidedSlot(): number;
  lastSlot(): number;
  /** The newest digest of the state that was compared with the others', `slot digest` in hexadecimal. */
  digestText(): string;
  /** Digests that were compared. */
  digestsCompared(): number;
}

/** What a member says of itself by gossip, and what is said of it. */
export interface GossipMemberFacts {
  readonly id: string;
  readonly status: 'alive' | 'suspect' | 'dead' | 'left';
  readonly incarnation: number;
  /** Null of one that is gone, if nobody remembers more. */
  readonly meta: {
    readonly role: 'voter' | 'observer';
    /** 0: no configuration names it. */
    readonly serverId: number;
    readonly address: string;
    /** Empty: nowhere. */
    readonly bulkAddress: string;
    readonly clientPort: number;
    readonly version: string;
    readonly load: number;
    readonly appliedSlot: number;
    readonly appliedZxid: number;
  } | null;
  /** Slots that the furthest member has applied beyond this one, by what both have told. */
  readonly lagSlots: number;
  readonly isSelf: boolean;
  readonly isLeader: boolean;
}

/** What is heard by gossip: it informs and decides nothing. */
export interface GossipFacts {
  /** Empty until gossip has begun. */
  members(): readonly GossipMemberFacts[];
  /** 0: well; up to 8: this server mistrusts itself, and accuses others later. */
  healthScore(): number;
  packetsReceived(): number;
  packetsSent(): number;
  streams(): number;
  /** By reason. */
  droppedPackets(): readonly (readonly [reason: string, count: number])[];
  refutations(): number;
  refusedMembers(): number;
  foreignEntries(): number;
}

/** How late the event loop runs what is due, in microseconds. */
export interface LoopDelay {
  quantileUs(share: number): number;
  readonly maxUs: number;
  reset(): void;
}

/** What storage and recovery have measured. */
export interface StorageFacts {
  /** Writing a snapshot, in ms. */
  readonly snapshotMs: Summary;
  /** Reading the newest snapshot at the start, in ms. */
  readonly snapshotLoadMs: Summary;
  /** Applying the log behind it: commands, and ms. */
  readonly replayedCommands: Summary;
  readonly replayMs: Summary;
  /** Both together, in ms. */
  readonly loadMs: Summary;
  /** Snapshots that could not be written. */
  snapshotsFailed(): number;
  /** Snapshots on disk. */
  snapshotCount(): number;
  /** Bytes of log behind the newest of them. */
  logBytes(): number;
}

/**
 * What the four-letter words and the metrics tell that the server's own parts don't know. No call
 * may wait: a figure that takes a disk is sampled beforehand.
 */
export interface ServerFacts {
  /** `3.9.5-quoll-0.1.0, built on 2026-11-23 05:36 UTC`; see `versionText`. */
  readonly version: string;
  /** Names of the words that answer. */
  readonly whitelist: readonly string[];
  readonly conf: ConfFacts;
  /** Null for a server alone. */
  readonly ensemble: EnsembleFacts | null;
  /** Null for a server that takes no part. */
  readonly gossip: GossipFacts | null;
  /** When the server started, on its monotonic clock. */
  readonly startedMs: number;
  readonly storage: StorageFacts;
  /** Null where nobody measures it. */
  readonly loopDelay: LoopDelay | null;
  mode(): ServerMode;
  /** False while there is no leader, or for a leader that may not serve. */
  serving(): boolean;
  /** Sizes of the files in the data directory and the log directory. */
  dataDirBytes(): number;
  logDirBytes(): number;
  /** `envi` from host.name on; the version goes in front. */
  environment(): readonly (readonly [key: string, value: string])[];
  /** -1 where the platform does not tell. */
  openFileDescriptors(): number;
  maxFileDescriptors(): number;
}

/** The ZooKeeper whose behaviour this server has, as far as clients look at versions. */
const COMPATIBLE_WITH = '3.9.5';

/**
 * A version that clients and dashboards parse as ZooKeeper's, and people recognise as ours.
 * `builtAt` is a time of ISO 8601.
 */
export function versionText(packageVersion: string, builtAt: string): string {
  const [day, minute] = [builtAt.slice(0, 10), builtAt.slice(11, 16)];
  return `${COMPATIBLE_WITH}-quoll-${packageVersion}, built on ${day} ${minute} UTC`;
}
