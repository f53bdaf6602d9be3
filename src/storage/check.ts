import type { Checksums } from '../io/checksums.ts';
import type { Disk } from '../io/disk.ts';
import { checkLog, fatal, isInstalling, note, type Problem } from './check-log.ts';
import { StorageError } from './errors.ts';
import { listIfThere, numberInName, pathsOf, withFile } from './files.ts';
import { SNAPSHOT_EXTENSION } from './snapshot-file.ts';
import { verifySnapshot } from './snapshot-reader.ts';
import { readSuperblocks, type Superblock } from './superblock.ts';
import type { Identity, SnapshotInfo } from './types.ts';

export type { Problem } from './check-log.ts';

export interface CheckReport {
  readonly identity: Identity | null;
  readonly files: number;
  readonly bytes: number;
  /** Those that are good, oldest first. */
  readonly snapshots: SnapshotInfo[];
  readonly segments: number;
  readonly entries: number;
  /** 0 when the log is empty. */
  readonly firstSlot: number;
  readonly lastSlot: number;
  /** Entries that were acknowledged may be missing: a member of an ensemble does not vote. */
  readonly isDamaged: boolean;
  readonly problems: Problem[];
}

export interface CheckOptions {
  readonly checksums: Checksums;
  readonly dataDir: string;
  readonly dataLogDir?: string;
}

/** Reads everything and changes nothing. Meant for a directory that nobody serves. */
export async function check(disk: Disk, options: CheckOptions): Promise<CheckReport> {
  const paths = pathsOf(options.dataDir, options.dataLogDir);
  const problems: Problem[] = [];
  const copies = await readSuperblocks(disk, options.checksums, paths.own);
  const identity = copies.newest;
  for (const what of copies.problems) {
    problems.push(note(paths.own, what, 'The next start repairs it from the other copies.'));
  }
  if (identity === null) {
    const advice = 'Restore the superblock files, or replace this replica.';
    problems.push(fatal(paths.own, -1, 'no superblock can be read', advice));
  }
  const snapshots = await checkSnapshots(
    disk,
    options,
    paths.snapshots,
    identity?.clusterId ?? null,
    problems,
  );
  const log =
    identity === null
      ? null
      : await checkLog(
          { disk, checksums: options.checksums, directory: paths.log, ...identity },
          { block: identity, snapshots, dataDir: options.dataDir },
        );
  problems.push(...(log?.problems ?? []), ...notesOf(paths.own, identity, snapshots));
  const found = log?.found ?? [];
  const sizes = [...snapshots, ...found.map(({ segment }) => segment)].map(({ bytes }) => bytes);
  return {
    identity,
    files: sizes.length,
    bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    snapshots,
    segments: found.length,
    entries: log?.entries ?? 0,
    firstSlot: log?.firstSlot ?? 0,
    lastSlot: log?.lastSlot ?? 0,
    isDamaged: identity?.isDamaged ?? false,
    problems,
  };
}

/** What the superblock says is not as it should be for good. */
function notesOf(
  own: string,
  block: Superblock | null,
  snapshots: readonly SnapshotInfo[],
): Problem[] {
  const problems: Problem[] = [];
  if (block?.isDamaged === true) {
    const what = 'entries that were acknowledged may be missing; this member does not vote';
    const advice = 'It votes again once a leader has brought them back, or after --accept-loss.';
    problems.push(note(own, what, advice));
  }
  if (block !== null && block.adoption !== null) {
    const what = `a change of the log from slot ${block.adoption.fromSlot} on is under way`;
    problems.push(note(own, what, 'The next start finishes it.'));
  }
  if (block !== null && isInstalling(block, snapshots)) {
    const what = `the snapshot of slot ${block.installSlot} takes the place of the log`;
    problems.push(note(own, what, 'The next start finishes it.'));
  }
  return problems;
}

async function checkSnapshots(
  disk: Disk,
  options: CheckOptions,
  directory: string,
  clusterId: Uint8Array | null,
  problems: Problem[],
): Promise<SnapshotInfo[]> {
  const good: SnapshotInfo[] = [];
  for (const name of await listIfThere(disk, directory)) {
    if (numberInName(name, SNAPSHOT_EXTENSION) < 0) continue;
    const path = `${directory}/${name}`;
    try {
      good.push(
        await withFile(disk, path, (file) => verifySnapshot(file, options.checksums, clusterId)),
      );
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      const advice = 'The start falls back to the one before; remove the file once it runs.';
      problems.push({ ...note(path, error.what, advice), offset: error.offset });
    }
  }
  return good;
}
