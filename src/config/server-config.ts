import type { ConnectionThrottleLimits } from '../base/limits.ts';
import type { NamedServer } from '../protocol/ensemble-text.ts';
import type { JoinAddress } from '../protocol/join-address.ts';

/**
 * What a server is told to do, with every default filled in, every unit in the name and every
 * contradiction already refused. Nothing below the command line reads configuration texts.
 */
export interface ServerConfig {
  /** Null: a server alone. */
  readonly ensemble: EnsembleConfig | null;
  /** Null: takes no part in gossip, whatever else is configured. */
  readonly gossip: GossipConfig | null;
  /** How it observes an ensemble that does not name it, if it is told to. */
  readonly join: JoinConfig;
  /** 0 picks a free port. */
  readonly clientPort: number;
  /** An address of this host; undefined listens on all of them. */
  readonly clientPortAddress: string | undefined;
  /** Connections that wait to be accepted; undefined leaves it to the operating system. */
  readonly listenBacklog: number | undefined;

  readonly dataDir: string;
  /** Equal to `dataDir` unless the operator keeps the log on a disk of its own. */
  readonly dataLogDir: string;
  /** False: a data directory that does not exist is an error, not a fresh start. */
  readonly dataDirAutocreate: boolean;

  readonly tickTimeMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** A connection that has not opened a session after this long is closed. */
  readonly sessionlessTimeoutMs: number;

  /** Connections per client address; 0 is no limit. */
  readonly maxClientCnxns: number;
  /** Connections in all; 0 is no limit. */
  readonly maxCnxns: number;
  readonly connectionThrottle: ConnectionThrottleLimits;
  /** Requests in flight from which on clients that wait for an answer are no longer read. */
  readonly globalOutstandingLimit: number;
  /** The longest frame a client may send. */
  readonly juteMaxbuffer: number;
  readonly largeRequest: LargeRequestConfig;
  /** Bytes the tree may take; beyond it creates and sets are refused, deletes pass. */
  readonly maxTreeBytes: number;

  readonly enforceQuota: boolean;
  readonly extendedTypesEnabled: boolean;
  readonly reconfigEnabled: boolean;
  readonly skipACL: boolean;
  /** `super:<base64 hash>`; undefined: nobody is super by password. */
  readonly superDigest: string | undefined;
  /** The hash of the digest scheme, by its Java name. */
  readonly digestAlg: string;
  /** Whether the digest scheme exists at all. */
  readonly digestEnabled: boolean;
  /** A connection must own an identity of one of these schemes; empty: nothing is asked. */
  readonly enforceAuthSchemes: readonly string[];

  /** Names of the four-letter words that answer, `*` and what is always on already spelt out. */
  readonly fourLetterWhitelist: readonly string[];

  /** False: answers do not wait for the disk, and a power cut loses acknowledged writes. */
  readonly forceSync: boolean;
  /** A write to the log that takes longer is logged and counted. */
  readonly fsyncWarningThresholdMs: number;
  /** Bytes of log after which a snapshot is written. */
  readonly snapSizeLimitBytes: number;
  /** Snapshots that purging leaves. */
  readonly snapRetainCount: number;
  /** False: old snapshots and logs stay for ever. */
  readonly purge: boolean;

  readonly containers: ContainerConfig;

  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** What an observer that nobody configures is told; the rest it asks its ensemble for. */
export interface JoinConfig extends EnsembleManners {
  /** Members to ask; empty: it joins nobody. */
  readonly addresses: readonly JoinAddress[];
}

/** What a server of an ensemble knows of it before the log tells. */
export interface EnsembleConfig extends EnsembleManners {
  /** Which of `servers` this one is. */
  readonly serverId: number;
  /** As the files have them, by id; the log overrules them once there is one. */
  readonly servers: readonly NamedServer[];
  /** Groups and weights decide instead of a majority. */
  readonly hierarchical: boolean;
  /** Sizes of quorums; 0: a majority. Any two meet. */
  readonly electionQuorumSize: number;
  readonly writeQuorumSize: number;
}

/** How a server behaves among others. */
export interface EnsembleManners {
  /** Listens for other servers on every address, not on those of its line only. */
  readonly quorumListenOnAllIPs: boolean;
  /** A server without a leader serves reads to clients that ask for that. */
  readonly readOnlyMode: boolean;
  /** False: whoever leads refuses clients. */
  readonly leaderServes: boolean;
  /** False: reconfig may leave a single voter. */
  readonly standaloneEnabled: boolean;
  /** Silence of the leader after which a follower stands for election. */
  readonly electionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** Every read waits until all is here that was decided when it came. */
  readonly linearizableReads: boolean;
  /** Told by `conf` and heeded by nobody; 0: not set. */
  readonly initLimitTicks: number;
  readonly syncLimitTicks: number;
}

/** How a server takes part in gossip. Keys are read where they are used, and told to nobody. */
export interface GossipConfig {
  /** Of a server that no server line names. 0: a free one if it joins, else it takes no part. */
  readonly port: number;
  /** By which others reach such a server; null: by the address that it has towards them. */
  readonly address: string | null;
  readonly listensEverywhere: boolean;
  /** Null: nothing is encrypted. */
  readonly keyFile: string | null;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** `auto`: for people on a terminal, JSON lines everywhere else. */
export type LogFormat = 'auto' | 'pretty' | 'json';

export interface LargeRequestConfig {
  /** Requests longer than this are large; 0 or less: none is. */
  readonly thresholdBytes: number;
  /** Bytes of large requests in flight; the connection that goes beyond is closed. */
  readonly maxBytes: number;
}

/** How empty containers and outlived TTL nodes are removed. */
export interface ContainerConfig {
  readonly checkIntervalMs: number;
  readonly maxPerMinute: number;
  /** Containers that never had a child go after this long; 0: they stay. */
  readonly maxNeverUsedIntervalMs: number;
}
