import type { Checksums } from '../io/checksums.ts';
import type { Clock } from '../io/clock.ts';
import type { Logger } from '../io/logger.ts';

/** One slot of the log: a batch of commands, opaque here. */
export interface LogEntry {
  readonly slot: number;
  /** The ballot (round, replica) of the leader that proposed the entry first. */
  readonly round: number;
  readonly replica: number;
  /** What the body is, to whoever decides: 32 bits, opaque here. */
  readonly kind: number;
  readonly body: Uint8Array;
  /** SHA-256 over the predecessor's hash and this entry: equal hashes mean equal histories. */
  readonly hash: Uint8Array;
}

/** A place in the history: a slot and the hash of its entry. Slot 0 is before everything. */
export interface Anchor {
  readonly slot: number;
  readonly hash: Uint8Array;
}

/** Who this data belongs to; 16 bytes each. Written once, when the directory is formatted. */
export interface Identity {
  readonly clusterId: Uint8Array;
  readonly replicaId: Uint8Array;
}

/** What an image is written from: slices until null. */
export interface SliceSource {
  next(maxBytes: number): Uint8Array | null;
}

export interface SnapshotInfo extends Anchor {
  /** For display only. */
  readonly zxid: number;
  /** It came from a peer, so that the log may end before it. */
  readonly installed: boolean;
  readonly file: string;
  readonly bytes: number;
}

export interface SnapshotContent extends SnapshotInfo {
  /** As they were written, in order; each is valid only until the next is asked for. */
  readonly slices: AsyncIterable<Uint8Array>;
}

/** What recovery had to do, for the log of the process and for `quoll check`. */
export interface RecoveryReport {
  /** Unacknowledged bytes of a torn last append that were cut. */
  tornBytes: number;
  /** Files that hold what `acceptLoss` cut off. */
  readonly lossFiles: string[];
  /** One sentence each; they name the file. */
  readonly warnings: string[];
}

export interface StorageOptions {
  readonly dataDir: string;
  /** Holds `quoll/log` instead of `dataDir`. */
  readonly dataLogDir?: string;
  readonly checksums: Checksums;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whose a blank directory becomes; null refuses a blank one. */
  readonly identityIfBlank: Identity | null;
  /** False: appends are reported before they are on the device (ZooKeeper's forceSync=no). */
  readonly forceSync?: boolean;
  /** Cut at damage, after the cut bytes were kept in a file beside. */
  readonly acceptLoss?: boolean;
  /** Snapshots that are kept, at least 2; Infinity keeps them all, and all of the log. */
  readonly snapRetainCount?: number;
  readonly segmentBytesFirst?: number;
  readonly segmentBytesMax?: number;
  readonly reserveBytes?: number;
  /** Told when space for appends runs out (false) and when it is back (true). */
  readonly onRoom?: (hasRoom: boolean) => void;
}
