import { assert } from '../base/assert.ts';
import { equalBytes } from '../base/bytes.ts';
import type { Checksums } from '../io/checksums.ts';
import type { Disk, DiskFile } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { hex16, removeIfThere, writeAll } from './files.ts';
import {
  decodeSnapshotHeader,
  SNAPSHOT_HEADER_BYTES,
  type SnapshotHeader,
} from './snapshot-file.ts';
import { verifySnapshot } from './snapshot-reader.ts';
import type { AnnouncedSnapshot, SnapshotInfo } from './types.ts';

/** Synced on the way, so that the last sync does not flood the device while appends wait. */
const SYNC_EVERY_BYTES = 8_388_608;

export interface InstallOptions {
  readonly disk: Disk;
  readonly checksums: Checksums;
  readonly directory: string;
  readonly clusterId: Uint8Array;
  readonly announced: AnnouncedSnapshot;
  /** Puts the file, whole, checked and synced, in its place. */
  readonly complete: (temporary: string) => Promise<SnapshotInfo>;
  readonly onEnd: () => void;
}

/**
 * Takes the bytes of a peer's snapshot file, in order. Whoever sends goes on at `receivedBytes`
 * after a break. The bytes are the peer's to the last one; that they came from a peer is noted in
 * the superblock for as long as it matters. A restart begins again.
 */
export class SnapshotInstall {
  private readonly options: InstallOptions;
  private readonly path: string;
  private readonly file: DiskFile;
  private received = 0;
  private synced = 0;
  private isBusy = false;
  private isOpen = true;
  private writing: Promise<void> = Promise.resolve();

  private constructor(options: InstallOptions, path: string, file: DiskFile) {
    this.options = options;
    this.path = path;
    this.file = file;
  }

  static async begin(options: InstallOptions): Promise<SnapshotInstall> {
    const path = `${options.directory}/${hex16(options.announced.slot)}.install.tmp`;
    await removeIfThere(options.disk, path);
    return new SnapshotInstall(options, path, await options.disk.open(path, 'create'));
  }

  /** Where the next bytes go. */
  get receivedBytes(): number {
    return this.received;
  }

  /**
   * Writes the next bytes; one call at a time. Bytes beyond those announced, or a header of another
   * snapshot, are refused with a `StorageError`. After ENOSPC nothing of these bytes counts: they
   * may be written again once there is room.
   */
  write(bytes: Uint8Array): Promise<void> {
    assert(this.isOpen && !this.isBusy, 'one write at a time, until it is finished or aborted');
    const writing = this.append(bytes);
    this.writing = writing.catch(() => {});
    return writing;
  }

  private async append(bytes: Uint8Array): Promise<void> {
    this.isBusy = true;
    try {
      const end = this.received + bytes.length;
      if (end > this.options.announced.bytes) throw this.unexpected('it is longer than announced');
      await writeAll(this.file, [bytes], this.received);
      const hasHeader = this.received >= SNAPSHOT_HEADER_BYTES;
      if (!hasHeader && end >= SNAPSHOT_HEADER_BYTES) await this.checkHeader();
      if (end - this.synced >= SYNC_EVERY_BYTES) {
        await this.file.sync();
        this.synced = end;
      }
      this.received = end;
    } finally {
      this.isBusy = false;
    }
  }

  private async checkHeader(): Promise<void> {
    const { checksums, clusterId } = this.options;
    const bytes = new Uint8Array(SNAPSHOT_HEADER_BYTES);
    await this.file.read(bytes, 0);
    this.compare(decodeSnapshotHeader(checksums, bytes, this.path, clusterId));
  }

  private compare(header: SnapshotHeader): void {
    const { slot, hash, zxid } = this.options.announced;
    const isSame = header.slot === slot && equalBytes(header.hash, 0, hash, 0, 32);
    if (isSame && header.zxid === zxid) return;
    throw this.unexpected(`it is of slot ${header.slot}, not the one announced`);
  }

  /**
   * Verifies all of the file, makes it durable, and puts it in the place of the log unless the log
   * holds its slot already. No append may be under way. A `StorageError` means that it is not what
   * was announced, and that nothing has changed.
   */
  async finish(): Promise<SnapshotInfo> {
    assert(this.isOpen && !this.isBusy, 'a write is under way, or it has ended');
    this.isBusy = true;
    try {
      if (this.received < this.options.announced.bytes) throw this.unexpected('it ends short');
      await this.file.sync();
      const { checksums, clusterId, announced } = this.options;
      const info = await verifySnapshot(this.file, checksums, clusterId);
      this.compare(info);
      if (info.bytes !== announced.bytes) throw this.unexpected('its size is another');
    } catch (error) {
      this.isBusy = false;
      await this.abort();
      throw error;
    }
    await this.end();
    return this.options.complete(this.path);
  }

  /** Gives it up, once a write under way has ended, and removes what was received. */
  async abort(): Promise<void> {
    await this.writing;
    if (!this.isOpen) return;
    await this.end();
    await removeIfThere(this.options.disk, this.path);
  }

  private async end(): Promise<void> {
    this.isOpen = false;
    await this.file.close();
    this.options.onEnd();
  }

  private unexpected(what: string): StorageError {
    return new StorageError('damage', this.path, -1, this.options.announced.slot, what);
  }
}
