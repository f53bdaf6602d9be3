import type { Disk } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { listIfThere, type Paths } from './files.ts';
import { createSegment, isSegmentName } from './segment.ts';
import { findUsedSegment } from './segments.ts';
import { SNAPSHOT_EXTENSION } from './snapshot-file.ts';
import {
  BLANK_CONTENT,
  createSuperblocks,
  isFormatted,
  SUPERBLOCK_COPIES,
  type Superblock,
  type SuperblockCopies,
} from './superblock.ts';
import type { StorageOptions } from './types.ts';

const FIRST_SEGMENT_BYTES = 1_048_576;

/**
 * Makes a blank directory ours. The superblock comes last: once it is there, a directory without
 * segments is one that lost them (a volume that is not mounted), not a new one.
 */
export async function format(
  disk: Disk,
  options: StorageOptions,
  paths: Paths,
  copies: SuperblockCopies,
): Promise<Superblock> {
  await refuseOrphans(disk, options, paths, copies);
  const identity = options.identityIfBlank;
  if (identity === null) {
    const what = 'it holds no data of Quoll';
    throw new StorageError('blank', paths.own, -1, -1, what);
  }
  for (const name of await listIfThere(disk, paths.log)) {
    if (isSegmentName(name)) await disk.remove(`${paths.log}/${name}`);
  }
  const bytes = options.segmentBytesFirst ?? FIRST_SEGMENT_BYTES;
  // At once, because each waits for the device several times and a start must not.
  await Promise.all(
    [0, 1].map((sequence) =>
      createSegment(disk, options.checksums, paths.log, sequence, bytes, identity.clusterId),
    ),
  );
  const parents = new Set([paths.own, paths.logParent, paths.dataDir, paths.dataLogDir]);
  await Promise.all([...parents].map((directory) => disk.syncDirectory(directory)));
  const superblock = { ...identity, ...BLANK_CONTENT, sequence: 1 };
  const all = Array.from({ length: SUPERBLOCK_COPIES }, (_, copy) => copy);
  await createSuperblocks(disk, options.checksums, paths.own, superblock, all);
  return superblock;
}

/** Without a superblock nobody knows what this replica promised: its data must not be served. */
async function refuseOrphans(
  disk: Disk,
  options: StorageOptions,
  paths: Paths,
  copies: SuperblockCopies,
): Promise<void> {
  const snapshots = await listIfThere(disk, paths.snapshots);
  const orphan =
    copies.found || snapshots.some((name) => name.endsWith(SNAPSHOT_EXTENSION))
      ? paths.snapshots
      : await findUsedSegment(disk, options.checksums, paths.log);
  if (orphan === null) return;
  const what = copies.found
    ? `no copy of the superblock can be read (${copies.problems.join('; ')})`
    : `there is data (${orphan}) but no superblock`;
  const advice = 'Restore the superblock files from a backup, or replace this replica.';
  throw new StorageError('damage', paths.own, -1, -1, what, advice);
}

const ZOOKEEPER_FILE = /^(log|snapshot)\.[0-9a-f]+/;

/** ZooKeeper's data is taken over by an import, never ignored and never overwritten. */
export async function refuseForeignFiles(
  disk: Disk,
  dataDir: string,
  dataLogDir: string | undefined,
): Promise<void> {
  if (await isFormatted(disk, `${dataDir}/quoll`)) return;
  for (const directory of new Set([dataDir, dataLogDir ?? dataDir])) {
    const names = await listIfThere(disk, `${directory}/version-2`);
    const file = names.find((name) => ZOOKEEPER_FILE.test(name));
    if (file === undefined) continue;
    const what = 'it is a file of ZooKeeper, and there is no data of Quoll yet';
    const advice =
      `"quoll import ${dataDir}" will take the data over in a later release; ` +
      'until then give Quoll an empty dataDir. It never starts empty on data that is not its own.';
    throw new StorageError('foreign', `${directory}/version-2/${file}`, -1, -1, what, advice);
  }
}
