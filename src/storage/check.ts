import { equalBytes } from '../base/bytes.ts';
import type { Checksums } from '../io/checksums.ts';
import type { Disk } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { listIfThere, numberInName, pathsOf, withFile } from './files.ts';
import type { LogPlace } from './log-reading.ts';
import { type ScanEnd, SegmentScan } from './scan.ts';
import { SEGMENT_HEADER_BYTES } from './segment.ts';
import { type FoundSegment, findSegments } from './segments.ts';
import { readSnapshotInfo, SNAPSHOT_EXTENSION } from './snapshot-file.ts';
import { readSlices } from './snapshot-reader.ts';
import { readSuperblocks } from './superblock.ts';
import type { Anchor, Identity, SnapshotInfo } from './types.ts';

export interface Problem {
  readonly file: string;
  /** -1 when it concerns the file as a whole. */
  readonly offset: number;
  /** Whether a server refuses to start; otherwise it repairs it or does without. */
  readonly isFatal: boolean;
  readonly what: string;
  readonly advice: string;
}

export interface CheckReport {
  identity: Identity | null;
  files: number;
  bytes: number;
  /** Those that are good, oldest first. */
  readonly snapshots: SnapshotInfo[];
  readonly segments: number;
  entries: number;
  /** 0 when the log is empty. */
  firstSlot: number;
  lastSlot: number;
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
  const clusterId = identity?.clusterId ?? null;
  const counts = { files: 0, bytes: 0, entries: 0, firstSlot: 0, lastSlot: 0 };
  const snapshots = await checkSnapshots(disk, options, paths.snapshots, clusterId, problems);
  const found =
    clusterId === null
      ? []
      : await checkLog(
          { disk, checksums: options.checksums, directory: paths.log, clusterId },
          snapshots,
          options.dataDir,
          problems,
          counts,
        );
  for (const { bytes } of snapshots) counts.bytes += bytes;
  for (const { segment } of found) counts.bytes += segment.bytes;
  counts.files = snapshots.length + found.length;
  return { identity, ...counts, snapshots, segments: found.length, problems };
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
      good.push(await readWholeSnapshot(disk, options.checksums, path, clusterId));
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      const advice = 'The start falls back to the one before; remove the file once it runs.';
      problems.push({ ...note(path, error.what, advice), offset: error.offset });
    }
  }
  return good;
}

function readWholeSnapshot(
  disk: Disk,
  checksums: Checksums,
  path: string,
  clusterId: Uint8Array | null,
): Promise<SnapshotInfo> {
  return withFile(disk, path, async (file) => {
    const { footer, ...info } = await readSnapshotInfo(file, checksums, clusterId);
    const slices = readSlices(file, checksums, info.bytes, footer);
    while ((await slices.next()).done !== true);
    return info;
  });
}

type Counts = Pick<CheckReport, 'entries' | 'firstSlot' | 'lastSlot'>;

async function checkLog(
  place: LogPlace,
  snapshots: readonly SnapshotInfo[],
  dataDir: string,
  problems: Problem[],
  counts: Counts,
): Promise<FoundSegment[]> {
  const found = await findSegments(place);
  const advice = `Restore from a backup, or run "quoll check --accept-loss ${dataDir}".`;
  if (found.length === 0) {
    problems.push(fatal(place.directory, -1, 'there is no segment of the log', advice));
  }
  let previous: Anchor | null = null;
  let sequence = found[0]?.segment.sequence ?? 0;
  let torn: Problem | null = null;
  for (const { segment, bad } of found) {
    if (segment.sequence !== sequence) {
      const what = `segment ${sequence.toString(16)} is missing before it`;
      problems.push(fatal(segment.path, -1, what, advice));
      previous = null;
    }
    sequence = segment.sequence + 1;
    if (bad !== null) problems.push(fatal(segment.path, bad.offset, bad.what, advice));
    const before = counts.entries;
    const scan = await checkSegment(place, segment.path, segment.bytes, previous, (entry) => {
      counts.entries++;
      if (counts.firstSlot === 0) counts.firstSlot = entry.slot;
      counts.lastSlot = entry.slot;
      compareWithSnapshots(segment.path, entry, snapshots, problems, advice);
    });
    const end = scan.end as ScanEnd;
    // A torn write is harmless only if nothing follows it, in this segment or a later one.
    if (torn !== null && (counts.entries > before || end.kind !== 'clean')) {
      problems.push({ ...torn, isFatal: true, advice });
      torn = null;
    }
    if (end.kind === 'damage') {
      problems.push(fatal(segment.path, scan.offset, end.reason, advice));
    } else if (end.kind === 'torn') {
      const what = 'an append that a crash interrupted; it had not been acknowledged';
      torn = { ...note(segment.path, what, 'The next start cuts it.'), offset: scan.offset };
    }
    previous = end.kind === 'damage' ? null : (scan.tail ?? previous);
  }
  if (torn !== null) problems.push(torn);
  const newest = found[found.length - 1]?.segment;
  if (newest !== undefined && newest.firstSlot > 0) {
    problems.push(fatal(newest.path, -1, 'the segment behind it is missing', advice));
  }
  compareRange(place.directory, snapshots, counts, problems, advice);
  return found;
}

function checkSegment(
  place: LogPlace,
  path: string,
  to: number,
  previous: Anchor | null,
  onEntry: (entry: Anchor) => void,
): Promise<SegmentScan> {
  const { disk, checksums, clusterId } = place;
  return withFile(disk, path, async (file) => {
    const from = SEGMENT_HEADER_BYTES;
    const scan = new SegmentScan({ file, checksums, clusterId, from, to, previous });
    for (let entries = await scan.next(); entries !== null; entries = await scan.next()) {
      entries.forEach(onEntry);
    }
    return scan;
  });
}

function compareWithSnapshots(
  path: string,
  entry: Anchor,
  snapshots: readonly SnapshotInfo[],
  problems: Problem[],
  advice: string,
): void {
  for (const { slot, hash, file } of snapshots) {
    if (slot !== entry.slot || equalBytes(hash, 0, entry.hash, 0, 32)) continue;
    problems.push(fatal(path, -1, `slot ${slot} is not the entry that ${file} has`, advice));
  }
}

function compareRange(
  directory: string,
  snapshots: readonly SnapshotInfo[],
  counts: Counts,
  problems: Problem[],
  advice: string,
): void {
  const newest = snapshots[snapshots.length - 1];
  const slot = newest?.slot ?? 0;
  if (counts.firstSlot > slot + 1) {
    const what = `the log begins at slot ${counts.firstSlot}, but slot ${slot + 1} is needed next`;
    problems.push(fatal(directory, -1, what, advice));
  }
  if (newest !== undefined && !newest.installed && counts.lastSlot < slot) {
    const what = `the log ends at slot ${counts.lastSlot}, before the snapshot ${newest.file}`;
    problems.push(fatal(directory, -1, what, advice));
  }
}

function fatal(file: string, offset: number, what: string, advice: string): Problem {
  return { file, offset, isFatal: true, what, advice };
}

function note(file: string, what: string, advice: string): Problem {
  return { file, offset: -1, isFatal: false, what, advice };
}
