import { assert } from '../base/assert.ts';
import { DecodeError } from '../base/reader.ts';
import type { DirectoryLock, Disk } from '../io/disk.ts';
import { removeStagedBut, runAdoption } from './adoption.ts';
import { StorageError } from './errors.ts';
import { type Paths, pathsOf, removeIfThere, removeTemporaries } from './files.ts';
import { format, refuseForeignFiles } from './format.ts';
import { SnapshotInstall } from './install.ts';
import type { Log } from './log.ts';
import { LogOpening, resetLog } from './log-opening.ts';
import type { LogPlace } from './log-reading.ts';
import type { StorageParts } from './parts.ts';
import { purge } from './purge.ts';
import { Reserve } from './reserve.ts';
import { Scrubber } from './scrubber.ts';
import type { SnapshotHeader } from './snapshot-file.ts';
import { Snapshots } from './snapshots.ts';
import { createSuperblocks, readSuperblocks } from './superblock.ts';
import { SuperblockStore } from './superblock-store.ts';
import type {
  Adoption,
  AnnouncedSnapshot,
  Identity,
  LogEntry,
  RecoveryReport,
  ScrubbedDamage,
  SliceSource,
  SnapshotContent,
  SnapshotHandle,
  SnapshotInfo,
  StorageOptions,
} from './types.ts';

const SNAPSHOTS_KEPT_DEFAULT = 3;
const RESERVE_BYTES = 16_777_216;
const SCRUB_BYTES_PER_SECOND = 1_048_576;

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
  const report: RecoveryReport = { tornBytes: 0, damage: null, lossFiles: [], warnings: [] };
  for (const directory of [paths.own, paths.log, paths.snapshots]) {
    await removeTemporaries(disk, directory);
  }
  const copies = await readSuperblocks(disk, checksums, paths.own);
  const superblock = copies.newest ?? (await format(disk, options, paths, copies));
  if (copies.newest !== null && copies.outdated.length > 0) {
    report.warnings.push(...copies.problems.map((problem) => `repaired superblock: ${problem}`));
    await createSuperblocks(disk, checksums, paths.own, superblock, copies.outdated);
  }
  const reserve = new Reserve(disk, paths.own, options.reserveBytes ?? RESERVE_BYTES);
  const place = { disk, checksums, directory: paths.own, reserve };
  const store = await SuperblockStore.open(place, superblock);
  const storage = new Storage({ disk, options, paths, locks, reserve, superblock: store, report });
  await storage.open();
  return storage;
}

export class Storage {
  readonly report: RecoveryReport;
  readonly snapshots: Snapshots;
  private readonly parts: StorageParts;
  private readonly disk: Disk;
  private readonly options: StorageOptions;
  private readonly paths: Paths;
  private readonly locks: readonly DirectoryLock[];
  private readonly superblock: SuperblockStore;
  private saving = false;
  /** An adoption is under way, or a snapshot takes the place of the log. */
  private changing = false;
  private install: SnapshotInstall | null = null;
  private scrubber: Scrubber | null = null;
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

  constructor(parts: StorageParts) {
    this.parts = parts;
    this.disk = parts.disk;
    this.options = parts.options;
    this.paths = parts.paths;
    this.locks = parts.locks;
    this.superblock = parts.superblock;
    this.report = parts.report;
    this.snapshots = new Snapshots({
      disk: parts.disk,
      checksums: parts.options.checksums,
      directory: parts.paths.snapshots,
      clusterId: parts.superblock.current.clusterId,
      reserve: parts.reserve,
      onWarning: (warning) => this.warn(warning),
    });
  }

  /** For `openStorage`. */
  async open(): Promise<void> {
    await this.snapshots.open();
    const { adoption, installSlot } = this.superblock.current;
    await removeStagedBut(this.logPlace(), adoption?.staged ?? null);
    // The crash came before the snapshot had its name: what it was to replace still stands.
    const isThere = this.snapshots.list().some(({ slot }) => slot === installSlot);
    if (installSlot > 0 && !isThere) await this.superblock.update({ installSlot: 0 });
  }

  get identity(): Identity {
    return this.superblock.current;
  }

  /** What the consensus protocol saved last; empty at first. */
  get state(): Uint8Array {
    return this.superblock.current.state;
  }

  /**
   * Entries that were acknowledged may be missing: without them this replica must not vote. An
   * adoption that says so ends it. An installed snapshot does not: it may end before the last of
   * those entries (of A, B, C the first two hold 1 to 10, A loses 4 to 10 and installs C's
   * snapshot of slot 5; with A's vote C would be elected, and 6 to 10 were chosen).
   */
  get isDamaged(): boolean {
    return this.superblock.current.isDamaged;
  }

  /** Saves the state of the consensus protocol: durable once `done` runs. One at a time. */
  saveState(state: Uint8Array, done: (error: Error | null) => void): void {
    assert(!this.saving, 'the state is being saved already');
    this.saving = true;
    tell(this.superblock.update({ state: state.slice() }), (error) => {
      this.saving = false;
      done(error);
    });
  }

  /**
   * Replaces the log from `fromSlot` on, and the state of the consensus protocol, as one: after a
   * crash both are as before, or both as they should be. Nothing else may be appended or saved
   * until `done` runs. ENOSPC leaves everything as it was; any other error ends the process.
   */
  adopt(adoption: Adoption, done: (error: Error | null) => void): void {
    const { fromSlot, entries } = adoption;
    assert(!this.saving && !this.changing && this.log.isIdle, 'something is being written');
    assert(fromSlot > 0 && fromSlot <= this.log.tail.slot + 1, 'the slot does not follow');
    assert(fromSlot > this.snapshots.newestSlot, 'the snapshot holds what would be cut');
    entries.forEach(({ slot }, i) => {
      assert(slot === fromSlot + i, 'the entries have a gap');
    });
    this.changing = true;
    const copy = { ...adoption, state: adoption.state.slice() };
    tell(runAdoption(this.parts, this.logPlace(), this.log, copy), (error) => {
      this.changing = false;
      done(error);
    });
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
    const opening = new LogOpening({ ...this.parts, place: this.logPlace() }, base);
    const entries = opening.entries();
    let step = await entries.next();
    for (; step.done !== true; step = await entries.next()) {
      this.decidedSlot = Math.max(this.decidedSlot, opening.decidedSlot);
      for (const entry of step.value) this.bytesAtSnapshot -= entry.body.length;
      yield step.value;
    }
    this.opened = step.value;
    for (const warning of this.report.warnings) {
      this.options.logger.warn({ warning }, 'storage');
    }
  }

  private logPlace(): LogPlace {
    return {
      disk: this.disk,
      checksums: this.options.checksums,
      directory: this.paths.log,
      clusterId: this.superblock.current.clusterId,
    };
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

  /**
   * Durable entries from `fromSlot` on, decided or not: as many as fit `maxBytes`, at least one;
   * none behind the tail; null when the log does not hold the slot any more. All of them were in
   * the log, together, when the last was read. Cheap for whoever comes again for what follows.
   */
  readLog(fromSlot: number, maxBytes: number): Promise<LogEntry[] | null> {
    return this.log.read(fromSlot, maxBytes);
  }

  /** The newest snapshot, for a peer; no purge touches it before it is closed. */
  openNewestSnapshot(): Promise<SnapshotHandle | null> {
    return this.snapshots.openNewest();
  }

  /** Begins to take over a peer's snapshot, newer than any here. One at a time. */
  async beginInstall(announced: AnnouncedSnapshot): Promise<SnapshotInstall> {
    assert(this.install === null, 'a snapshot is being installed already');
    assert(announced.slot > this.snapshots.newestSlot, 'there is a newer snapshot');
    const { disk, options, paths } = this;
    this.install = await SnapshotInstall.begin({
      disk,
      checksums: options.checksums,
      directory: paths.snapshots,
      clusterId: this.identity.clusterId,
      announced,
      complete: (temporary) => this.completeInstall(announced, temporary),
      onEnd: () => {
        this.install = null;
      },
    });
    return this.install;
  }

  /**
   * If the log holds the entry at the snapshot's slot it stays: what is behind may have been
   * acknowledged. If it holds another, or none, nothing in it can have been chosen that the
   * snapshot lacks, and it begins anew.
   */
  private async completeInstall(
    announced: AnnouncedSnapshot,
    temporary: string,
  ): Promise<SnapshotInfo> {
    const { slot, hash } = announced;
    assert(!this.changing && this.log.isIdle, 'something is being written');
    if (slot <= this.snapshots.newestSlot) {
      await removeIfThere(this.disk, temporary);
      throw new StorageError('stale', temporary, -1, slot, 'a newer snapshot was written here');
    }
    this.changing = true;
    try {
      const staysLog = await this.log.holds(announced);
      if (!staysLog) await this.superblock.update({ installSlot: slot });
      const info = await this.snapshots.take(temporary, announced);
      if (!staysLog) await resetLog(this.superblock, this.log, { slot, hash });
      this.bytesAtSnapshot = this.log.bytesAppended;
      this.decidedSlot = Math.max(this.decidedSlot, slot);
      return info;
    } finally {
      this.changing = false;
    }
  }

  /**
   * Begins to read closed segments and snapshots again, once a day at most, in the background and
   * until `close`. What is damaged is reported; it is repaired at the next start.
   */
  scrub(
    onDamage: (damage: ScrubbedDamage) => void,
    bytesPerSecond: number = SCRUB_BYTES_PER_SECOND,
  ): void {
    assert(this.scrubber === null, 'it is being scrubbed already');
    this.scrubber = new Scrubber({
      place: this.logPlace(),
      log: this.log,
      snapshots: this.snapshots,
      clock: this.options.clock,
      bytesPerSecond,
      onDamage,
    });
  }

  async close(): Promise<void> {
    await this.scrubber?.stop();
    await this.install?.abort();
    await this.opened?.close();
    await this.superblock.close();
    for (const lock of this.locks) await lock.release();
  }

  private warn(warning: string): void {
    this.report.warnings.push(warning);
  }
}

/** Reports how a promise ended by a callback. */
function tell(work: Promise<void>, done: (error: Error | null) => void): void {
  work.then(
    () => done(null),
    (error: unknown) => done(error as Error),
  );
}
