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
  /** What was found missing and left to the peers, with `repair`. */
  damage: { readonly slot: number; readonly message: string } | null;
  /** Files that hold what `acceptLoss` or `repair` cut off. */
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
  /**
   * There are peers to repair damage of the log from (rule 24): the start goes on with what stands
   * before it, and `isDamaged` says that this replica must not vote.
   */
  readonly repair?: boolean;
  /** Snapshots that are kept, at least 2; Infinity keeps them all, and all of the log. */
  readonly snapRetainCount?: number;
  readonly segmentBytesFirst?: number;
  readonly segmentBytesMax?: number;
  readonly reserveBytes?: number;
  /** Told when space for appends runs out (false) and when it is back (true). */
  readonly onRoom?: (hasRoom: boolean) => void;
}

/** A change of the log's tail and of the consensus protocol's state, in one step. */
export interface Adoption {
  /** This slot and all behind it go; it is above the newest snapshot and at most the tail's + 1. */
  readonly fromSlot: number;
  /** What stands there then, from `fromSlot` on. The bodies must not change until it is done. */
  readonly entries: readonly LogEntry[];
  readonly state: Uint8Array;
  /** Slots up to here are decided. */
  readonly decidedSlot: number;
  /** Everything that was lost is back: `isDamaged` turns false in the same step. */
  readonly clearsDamage?: boolean;
}

/** What a peer says of the snapshot that it sends. */
export interface AnnouncedSnapshot extends Anchor {
  readonly zxid: number;
  /** Size of the file. */
  readonly bytes: number;
}

/** A snapshot that stays while a peer reads it. */
export interface SnapshotHandle extends AnnouncedSnapshot {
  /** Fills `target` from byte `at` of the file on; fewer bytes only at its end. */
  read(target: Uint8Array, at: number): Promise<number>;
  close(): Promise<void>;
}

/** What a scrubber found. */
export interface ScrubbedDamage {
  /** A damaged snapshot counts no more from now on: another should be written soon. */
  readonly kind: 'log' | 'snapshot';
  readonly file: string;
  /** The first slot of the log that is concerned; -1 when it is not known. */
  readonly slot: number;
  readonly message: string;
}
