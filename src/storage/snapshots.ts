import type { Checksums } from '../io/checksums.ts';
import type { Disk, DiskFile } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { createWhole, listIfThere, numberInName, withFile } from './files.ts';
import type { Reserve } from './reserve.ts';
import {
  CHUNK_HEADER_BYTES,
  encodeChunkHeader,
  encodeSnapshotHeader,
  readSnapshotInfo,
  SliceTally,
  SNAPSHOT_EXTENSION,
  SNAPSHOT_HEADER_BYTES,
  type SnapshotHeader,
  snapshotName,
} from './snapshot-file.ts';
import { readSlices, verifySnapshot } from './snapshot-reader.ts';
import type { SliceSource, SnapshotContent, SnapshotHandle, SnapshotInfo } from './types.ts';

/** Small enough that copying and summing one does not delay the loop, large enough to stream. */
const SLICE_BYTES = 262_144;
/** Synced on the way, so that the last sync does not flood the device while appends wait. */
const SYNC_EVERY_BYTES = 8_388_608;

export interface SnapshotsOptions {
  readonly disk: Disk;
  readonly checksums: Checksums;
  readonly directory: string;
  readonly clusterId: Uint8Array;
  readonly reserve: Reserve;
  readonly onWarning: (warning: string) => void;
}

/** The snapshots of one directory. One is written at a time. */
export class Snapshots {
  private readonly options: SnapshotsOptions;
  /** Oldest first. */
  private known: SnapshotInfo[] = [];
  /** Files that are being read by peers, and how often. */
  private readonly pins = new Map<string, number>();

  constructor(options: SnapshotsOptions) {
    this.options = options;
  }

  /** Those that can be used, oldest first. */
  list(): readonly SnapshotInfo[] {
    return this.known;
  }

  get newestSlot(): number {
    return this.known[this.known.length - 1]?.slot ?? 0;
  }

  /** Looks at what is there; a file that fails the quick check is left alone, with a warning. */
  async open(): Promise<void> {
    const { disk, checksums, directory, clusterId, onWarning } = this.options;
    this.known = [];
    for (const name of await listIfThere(disk, directory)) {
      if (numberInName(name, SNAPSHOT_EXTENSION) < 0) continue;
      const path = `${directory}/${name}`;
      try {
        this.known.push(
          await withFile(disk, path, (file) => readSnapshotInfo(file, checksums, clusterId)),
        );
      } catch (error) {
        if (!(error instanceof StorageError) || error.kind === 'version') throw error;
        onWarning(`snapshot left aside: ${error.message}`);
      }
    }
    this.known.sort((a, b) => a.slot - b.slot);
  }

  /** A snapshot that turned out to be damaged counts no more, and may be replaced. */
  forget(info: SnapshotInfo): void {
    this.known = this.known.filter((other) => other.file !== info.file);
  }

  /** The newest snapshot, which stays until the handle is closed; null if there is none. */
  async openNewest(): Promise<SnapshotHandle | null> {
    const info = this.known[this.known.length - 1];
    if (info === undefined) return null;
    this.pin(info.file, 1);
    try {
      const file = await this.options.disk.open(info.file, 'read');
      const { slot, hash, zxid, bytes } = info;
      const close = async (): Promise<void> => {
        this.pin(info.file, -1);
        await file.close();
      };
      return { slot, hash, zxid, bytes, read: (target, at) => file.read(target, at), close };
    } catch (error) {
      this.pin(info.file, -1);
      throw error;
    }
  }

  private pin(file: string, change: 1 | -1): void {
    const count = (this.pins.get(file) ?? 0) + change;
    if (count === 0) this.pins.delete(file);
    else this.pins.set(file, count);
  }

  /** Somebody reads it: it must not be removed. */
  isPinned(info: SnapshotInfo): boolean {
    return this.pins.has(info.file);
  }

  /** Gives a file that is whole, checked and synced the name of a snapshot. */
  async take(temporary: string, header: SnapshotHeader): Promise<SnapshotInfo> {
    const { disk, directory } = this.options;
    await disk.rename(temporary, `${directory}/${snapshotName(header.slot)}`);
    await disk.syncDirectory(directory);
    return this.note(header.slot);
  }

  private async note(slot: number): Promise<SnapshotInfo> {
    const { disk, checksums, directory, clusterId } = this.options;
    const path = `${directory}/${snapshotName(slot)}`;
    const { footer: _, ...info } = await withFile(disk, path, (file) =>
      readSnapshotInfo(file, checksums, clusterId),
    );
    this.known = [...this.known.filter((other) => other.file !== path), info];
    this.known.sort((a, b) => a.slot - b.slot);
    return info;
  }

  /** Opens a snapshot for `use`; damage found while slices are read is thrown from the iteration. */
  read<T>(info: SnapshotInfo, use: (content: SnapshotContent) => Promise<T>): Promise<T> {
    const { disk, checksums, clusterId } = this.options;
    return withFile(disk, info.file, async (file) => {
      const { footer, ...fresh } = await readSnapshotInfo(file, checksums, clusterId);
      return use({ ...fresh, slices: readSlices(file, checksums, fresh.bytes, footer) });
    });
  }

  /**
   * Writes a snapshot, syncs it, reads it back and checks it, and only then gives it its name
   * (rule 28). The loop is free between slices. ENOSPC first takes the reserve, then is thrown,
   * and nothing is left behind. `beforeNaming` makes durable what the snapshot must not outlive.
   */
  async write(
    header: SnapshotHeader,
    source: SliceSource,
    beforeNaming: () => Promise<void> = async () => {},
  ): Promise<SnapshotInfo> {
    const { disk, directory } = this.options;
    const name = snapshotName(header.slot);
    await createWhole(disk, directory, name, async (file) => {
      await this.writeContent(file, header, source);
      await file.sync();
      await verifySnapshot(file, this.options.checksums, this.options.clusterId);
      await beforeNaming();
    });
    return this.note(header.slot);
  }

  private async writeContent(
    file: DiskFile,
    header: SnapshotHeader,
    source: SliceSource,
  ): Promise<void> {
    const { checksums, clusterId } = this.options;
    const tally = new SliceTally(checksums);
    const chunkHeader = new Uint8Array(CHUNK_HEADER_BYTES);
    await this.options.reserve.write(file, [encodeSnapshotHeader(checksums, clusterId, header)], 0);
    let at = SNAPSHOT_HEADER_BYTES;
    let synced = 0;
    for (;;) {
      const slice = source.next(SLICE_BYTES);
      if (slice === null) break;
      tally.add(encodeChunkHeader(checksums, chunkHeader, slice), slice.length);
      await this.options.reserve.write(file, [chunkHeader, slice], at);
      at += CHUNK_HEADER_BYTES + slice.length;
      if (at - synced < SYNC_EVERY_BYTES) continue;
      await file.sync();
      synced = at;
    }
    await this.options.reserve.write(file, [tally.footer()], at);
  }
}
