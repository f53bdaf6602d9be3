import { equalBytes, viewOf } from '../base/bytes.ts';
import type { Checksums } from '../io/checksums.ts';
import type { DiskFile } from '../io/disk.ts';
import {
  CHUNK_HEADER_BYTES,
  decodeChunkHeader,
  FOOTER_BYTES,
  readSnapshotInfo,
  SliceTally,
  SNAPSHOT_HEADER_BYTES,
  snapshotDamage,
} from './snapshot-file.ts';
import type { SnapshotInfo } from './types.ts';

/** Also what is summed without a pause for others, when a snapshot is checked that was written. */
const BLOCK_BYTES = 524_288;
/** In front of a block: room for the slice that began in the block before. */
const HEADROOM_BYTES = 266_240;

/**
 * The slices of a snapshot, checked, in order; each valid only until the next is asked for. While
 * one block is worked on, the next is being read.
 */
export async function* readSlices(
  file: DiskFile,
  checksums: Checksums,
  size: number,
  footer: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  const blocks = new BlockStream(file, SNAPSHOT_HEADER_BYTES, size - FOOTER_BYTES);
  const tally = new SliceTally(checksums);
  try {
    while (await blocks.ensure(CHUNK_HEADER_BYTES)) {
      const at = blocks.position;
      const { bytes, view } = blocks;
      const length = decodeChunkHeader(checksums, bytes, view, blocks.at);
      if (length < 0) throw snapshotDamage(file.path, at, 'a chunk header is damaged');
      const crc = view.getUint32(blocks.at + 12);
      if (!(await blocks.ensure(CHUNK_HEADER_BYTES + length))) {
        throw snapshotDamage(file.path, at, 'the last chunk ends short');
      }
      const from = blocks.at + CHUNK_HEADER_BYTES;
      if (checksums.crc32(blocks.bytes, from, from + length, 0) !== crc) {
        throw snapshotDamage(file.path, at, 'a chunk has a wrong checksum');
      }
      tally.add(crc, length);
      blocks.at = from + length;
      yield blocks.bytes.subarray(from, from + length);
    }
    if (blocks.left > 0 || !equalBytes(tally.footer(), 0, footer, 0, FOOTER_BYTES)) {
      throw snapshotDamage(file.path, size - FOOTER_BYTES, 'the footer does not fit the chunks');
    }
  } finally {
    await blocks.stop();
  }
}

/** Reads all of a snapshot; throws what is wrong with it. */
export async function verifySnapshot(
  file: DiskFile,
  checksums: Checksums,
  clusterId: Uint8Array | null,
): Promise<SnapshotInfo> {
  const { footer, ...info } = await readSnapshotInfo(file, checksums, clusterId);
  const slices = readSlices(file, checksums, info.bytes, footer);
  while ((await slices.next()).done !== true);
  return info;
}

/** A window that moves over `[from, to)` of a file, with one block read ahead. */
class BlockStream {
  private readonly file: DiskFile;
  private readonly to: number;
  /** The window; `at` is where the next byte to be used lies in it. */
  bytes: Uint8Array;
  view: DataView;
  at = 0;
  private filled = 0;
  /** File offset behind the window. */
  private behind: number;
  private ahead: Uint8Array;
  /** None where one block holds everything: most snapshots are small, and 1.5 MB is not. */
  private readonly headroom: number;
  private pending: Promise<number> | null = null;

  constructor(file: DiskFile, from: number, to: number) {
    this.file = file;
    this.to = to;
    this.behind = from;
    this.headroom = to - from <= BLOCK_BYTES ? 0 : HEADROOM_BYTES;
    const bytes = this.headroom + Math.min(BLOCK_BYTES, to - from);
    this.bytes = new Uint8Array(bytes);
    this.view = viewOf(this.bytes);
    this.ahead = new Uint8Array(bytes);
    this.readAhead();
  }

  get position(): number {
    return this.behind - this.filled + this.at;
  }

  get left(): number {
    return this.filled - this.at;
  }

  /** Makes `count` bytes at `at` available; false if the range ends before. */
  async ensure(count: number): Promise<boolean> {
    while (this.filled - this.at < count) {
      if (this.pending === null) return false;
      const read = await this.pending;
      this.pending = null;
      if (read === 0) return false;
      this.append(read, count);
      this.readAhead();
    }
    return true;
  }

  /** Brings what is left of the window and the block that was read together. */
  private append(read: number, wanted: number): void {
    const left = this.filled - this.at;
    if (left <= this.headroom) this.moveAhead(left, read);
    else this.join(left, read, wanted);
    this.behind += read;
  }

  /** What is left goes in front of the block that was read; its old buffer takes the next one. */
  private moveAhead(left: number, read: number): void {
    const { ahead, bytes } = this;
    ahead.set(bytes.subarray(this.at, this.filled), this.headroom - left);
    // Only blocks of the usual size have the headroom.
    this.ahead = bytes.length === ahead.length ? bytes : new Uint8Array(ahead.length);
    this.take(ahead);
    this.at = this.headroom - left;
    this.filled = this.headroom + read;
  }

  /** For slices that are longer than Quoll makes them. */
  private join(left: number, read: number, wanted: number): void {
    const needed = Math.max(left + BLOCK_BYTES, wanted);
    const joined = this.bytes.length >= needed ? this.bytes : new Uint8Array(needed);
    joined.set(this.bytes.subarray(this.at, this.filled));
    joined.set(this.ahead.subarray(this.headroom, this.headroom + read), left);
    this.take(joined);
    this.at = 0;
    this.filled = left + read;
  }

  private take(bytes: Uint8Array): void {
    if (bytes === this.bytes) return;
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  private readAhead(): void {
    const count = Math.min(BLOCK_BYTES, this.to - this.behind);
    if (count <= 0) return;
    const target = this.ahead.subarray(this.headroom, this.headroom + count);
    this.pending = this.file.read(target, this.behind);
    // Whoever awaits it sees the failure; unless nobody does, which must not end the process.
    this.pending.catch(() => {});
  }

  async stop(): Promise<void> {
    await this.pending?.catch(() => {});
  }
}
