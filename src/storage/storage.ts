import { assert } from '../base/assert.ts';
import { DecodeError } from '../base/reader.ts';
import type { DirectoryLock, Disk } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { type Paths, pathsOf, removeTemporaries } from './files.ts';
import { format, refuseForeignFiles } from './format.ts';
import { Log } from './log.ts';
import type { LogPlace } from './log-reading.ts';
import { purge } from './purge.ts';
import { LogRecovery, type RecoveredLog } from './recovery.ts';
import { Reserve } from './reserve.ts';
import type { SnapshotHeader } from './snapshot-file.ts';
import { Snapshots } from './snapshots.ts';
import {
  createSuperblocks,
  readSuperblocks,
  type Superblock,
  updateSuperblocks,
} from './superblock.ts';
import { openSegments } from './supply.ts';
import type {
  Identity,
  LogEntry,
  RecoveryReport,
  SliceSource,
  SnapshotContent,
  SnapshotInfo,
  StorageOptions,
} from './types.ts';

const SNAPSHOTS_KEPT_DEFAULT = 3;
const SEGMENT_BYTES_FIRST = 1_048_576;
const SEGMENT_BYTES_MAX = 16_777_216;
const RESERVE_BYTES = 16_777_216;

/**
 * Opens the data directory of one replica, formatting it if it is blank. Then, in this order:
 * `loadSnapshot`, `entries` to their end, and after that `log`.
 */
export async function openStorage(disk: Disk, options: StorageOptions): Promise<Storage> {
  const paths = pathsOf(options.dataDir, options.dataLogDir);
  await refuseForeignFiles(disk, options.dataDir, options.dataLogDir);
  for (const directory of [paths.own, paths.logParent, paths.log, paths.snapshots]) {
    await disk.makeDirectory(directory);
  }
  const locks: DirectoryLock[] = [];
  try {
    locks.push(await disk.lock(paths.own));
    if (paths.logParent !== paths.own) locks.push(await disk.lock(paths.logParent));
    return await openLocked(disk, options, paths, locks);
  } catch (error) {
    for (const lock of locks) await lock.release();
    throw error;
  }
}

async function openLocked(
  disk: Disk,
  options: StorageOptions,
  paths: Paths,
  locks: readonly DirectoryLock[],
): Promise<Storage> {
  const { checksums } = options;
  const report: RecoveryReport = { tornBytes: 0, lossFiles: [], warnings: [] };
  for (const directory of [paths.own, paths.log, paths.snapshots]) {
    await removeTemporaries(disk, directory);
  }
  const copies = await readSuperblocks(disk, checksums, paths.own);
  const superblock = copies.newest ?? (await format(disk, options, paths, copies));
  if (copies.newest !== null && copies.outdated.length > 0) {
    report.warnings.push(...copies.problems.map((problem) => `repaired superblock: ${problem}`));
    await createSuperblocks(disk, checksums, paths.own, superblock, copies.outdated);
  }
  const storage = new Storage(disk, options, paths, locks, superblock, report);
  await storage.snapshots.open();
  return storage;
}

export class Storage {
  readonly report: RecoveryReport;
  readonly snapshots: Snapshots;
  private readonly disk: Disk;
  private readonly options: StorageOptions;
  private readonly paths: Paths;
  private readonly locks: readonly DirectoryLock[];
  private readonly reserve: Reserve;
  private superblock: Superblock;
  private saving = false;
  /** The snapshot that was loaded; undefined before `loadSnapshot`. */
  private base: SnapshotInfo | null | undefined;
  private opened: Log | null = null;
  /**
   * Slots up to here are known to be decided. It grows while `entries` are read, and says nothing
   * of what came after.
   */
  decidedSlot = 0;
  /** Log bytes before the last snapshot was begun; below zero for those that recovery read. */
  private bytesAtSnapshot = 0;

  constructor(
    disk: Disk,
    options: StorageOptions,
    paths: Paths,
    locks: readonly DirectoryLock[],
    superblock: Superblock,
    report: RecoveryReport,
  ) {
    this.disk = disk;
    this.options = options;
    this.paths = paths;
    this.locks = locks;
    this.superblock = superblock;
    this.report = report;
    this.reserve = new Reserve(disk, paths.own, options.reserveBytes ?? RESERVE_BYTES);
    this.snapshots = new Snapshots({
      disk,
      checksums: options.checksums,
      directory: paths.snapshots,
      clusterId: superblock.clusterId,
      reserve: this.reserve,
      onWarning: (warning) => this.warn(warning),
    });
  }

  get identity(): Identity {
    return this.superblock;
  }

  /** What the consensus protocol saved last; empty at first. */
  get state(): Uint8Array {
    return this.superblock.state;
  }

  /** Saves the state of the consensus protocol: durable once `done` runs. One at a time. */
  saveState(state: Uint8Array, done: (error: Error | null) => void): void {
    assert(!this.saving, 'the state is being saved already');
    const next = {
      ...this.superblock,
      state: state.slice(),
      sequence: this.superblock.sequence + 1,
    };
    this.saving = true;
    updateSuperblocks(this.disk, this.options.checksums, this.paths.own, next).then(
      () => {
        this.saving = false;
        this.superblock = next;
        done(null);
      },
      (error: unknown) => {
        this.saving = false;
        done(error as Error);
      },
    );
  }

  /**
   * Hands the newest good snapshot to `use`. If damage shows while it is read, `use` is called
   * again with the one before, and must begin anew (rule 31). Null if there is none.
   */
  async loadSnapshot<T>(use: (snapshot: SnapshotContent) => Promise<T>): Promise<T | null> {
    assert(this.base === undefined, 'the snapshot has been loaded already');
    for (const info of [...this.snapshots.list()].reverse()) {
      try {
        const loaded = await this.snapshots.read(info, use);
        this.base = info;
        this.decidedSlot = info.slot;
        return loaded;
      } catch (error) {
        const isDamage = error instanceof StorageError && error.kind === 'damage';
        if (!isDamage && !(error instanceof DecodeError)) throw error;
        this.snapshots.forget(info);
        this.warn(`falling back to the snapshot before ${info.file}: ${error.message}`);
      }
    }
    this.base = null;
    return null;
  }

  /** The entries behind the snapshot. The bodies stay valid. */
  async *entries(): AsyncGenerator<LogEntry[], void, undefined> {
    const { base } = this;
    assert(base !== undefined && this.opened === null, 'load the snapshot first, and read once');
    const recovery = new LogRecovery(
      {
        place: this.logPlace(),
        dataDir: this.options.dataDir,
        acceptLoss: this.options.acceptLoss ?? false,
        segmentBytesFirst: this.options.segmentBytesFirst ?? SEGMENT_BYTES_FIRST,
        report: this.report,
      },
      base,
    );
    const entries = recovery.entries();
    for (;;) {
      const step = await entries.next();
      if (step.done === true) {
        await this.openLog(step.value);
        return;
      }
      this.decidedSlot = recovery.decidedSlot;
      for (const entry of step.value) this.bytesAtSnapshot -= entry.body.length;
      yield step.value;
    }
  }

  private logPlace(): LogPlace {
    return {
      disk: this.disk,
      checksums: this.options.checksums,
      directory: this.paths.log,
      clusterId: this.superblock.clusterId,
    };
  }

  private async openLog(recovered: RecoveredLog): Promise<void> {
    const { options, disk } = this;
    const forceSync = options.forceSync ?? true;
    const { segments, current, tail, mustReset } = recovered;
    const [first, ...ready] = await openSegments({ disk, forceSync }, segments.slice(current));
    assert(first !== undefined, 'a log has a segment');
    const log = new Log(
      {
        ...this.logPlace(),
        clock: options.clock,
        forceSync,
        segmentBytesFirst: options.segmentBytesFirst ?? SEGMENT_BYTES_FIRST,
        segmentBytesMax: options.segmentBytesMax ?? SEGMENT_BYTES_MAX,
        reserve: this.reserve,
        onRoom: options.onRoom ?? (() => {}),
      },
      { segments: segments.slice(0, current + 1), current: first, ready, tail },
    );
    if (mustReset) await log.reset(tail);
    for (const warning of this.report.warnings) options.logger.warn({ warning }, 'storage');
    this.opened = log;
  }

  get log(): Log {
    assert(this.opened !== null, 'the log opens once its entries have been read');
    return this.opened;
  }

  /** Log bytes since the last snapshot was begun: whoever takes snapshots goes by it. */
  get bytesSinceSnapshot(): number {
    return this.log.bytesAppended - this.bytesAtSnapshot;
  }

  /**
   * Writes a snapshot, then removes what it makes superfluous. ENOSPC leaves everything as it was,
   * and may be tried again; any other error ends the process (rule 26).
   */
  async writeSnapshot(header: SnapshotHeader, source: SliceSource): Promise<SnapshotInfo> {
    const begunAt = this.log.bytesAppended;
    const info = await this.snapshots.write(header, source, () => this.log.sync());
    this.bytesAtSnapshot = begunAt;
    const keep = this.options.snapRetainCount ?? SNAPSHOTS_KEPT_DEFAULT;
    if (keep === Number.POSITIVE_INFINITY) return info;
    await purge(this.disk, this.paths.snapshots, this.snapshots, this.log, keep);
    return info;
  }

  async close(): Promise<void> {
    await this.opened?.close();
    for (const lock of this.locks) await lock.release();
  }

  private warn(warning: string): void {
    this.report.warnings.push(warning);
  }
}
