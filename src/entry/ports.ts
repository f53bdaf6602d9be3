import type { Checksums } from '../io/checksums.ts';
import type { Ciphers } from '../io/ciphers.ts';
import type { Clock } from '../io/clock.ts';
import type { Datagrams } from '../io/datagrams.ts';
import type { Disk } from '../io/disk.ts';
import type { Logger } from '../io/logger.ts';
import type { Network } from '../io/network.ts';
import type { Secrets } from '../io/secrets.ts';
import type { Observer } from '../replica/observer.ts';
import type { State } from '../state/state.ts';
import type { StorageOptions } from '../storage/types.ts';
import type { ProcessFacts } from './facts.ts';

/** All that a replica has of the world. The simulator puts its own in the place of Node.js. */
export interface Ports {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  /** Absent: nobody gossips. */
  readonly datagrams?: Datagrams;
  /** Absent: nothing can be encrypted. */
  readonly ciphers?: Ciphers;
  readonly secrets: Secrets;
  readonly checksums: Checksums;
  readonly logger: Logger;
  /** What the process tells of itself; absent: nothing. */
  readonly process?: ProcessFacts;
  /** Who shows it is on this machine (`local-access.ts`); absent: nobody can. */
  readonly localToken?: string;
  readonly observer?: Observer;
  /** Sizes of files; absent: the usual ones. Small ones make rolls and trims frequent. */
  readonly storageSizes?: StorageSizes;
  /** Sizes of messages between replicas; absent: the usual ones. */
  readonly messageSizes?: MessageSizes;
  /** The behaviour level that this server can follow; absent: all that this version can. */
  readonly levelSupported?: number;
  /** What a blank state begins with, on all replicas alike; absent: nothing. */
  readonly prepare?: (blank: State) => void;
}

export interface MessageSizes {
  /** Entries that a leader keeps in memory for those that are behind. */
  readonly retainBytes: number;
  /** Entries in one message; a longer one goes alone. */
  readonly chunkBytes: number;
}

export type StorageSizes = Pick<
  StorageOptions,
  'segmentBytesFirst' | 'segmentBytesMax' | 'reserveBytes'
>;
