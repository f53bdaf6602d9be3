import type { DirectoryLock, Disk } from '../io/disk.ts';
import type { Paths } from './files.ts';
import type { Reserve } from './reserve.ts';
import type { SuperblockStore } from './superblock-store.ts';
import type { RecoveryReport, StorageOptions } from './types.ts';

/** What an open data directory consists of before its log is read. */
export interface StorageParts {
  readonly disk: Disk;
  readonly options: StorageOptions;
  readonly paths: Paths;
  readonly locks: readonly DirectoryLock[];
  readonly reserve: Reserve;
  readonly superblock: SuperblockStore;
  readonly report: RecoveryReport;
}
