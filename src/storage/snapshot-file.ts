import { equalBytes, viewOf } from '../base/bytes.ts';
import { SNAPSHOT_CHUNK_BYTES_MAX } from '../base/limits.ts';
import type { Checksums } from '../io/checksums.ts';
import type { DiskFile } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { hex16 } from './files.ts';
import { getU64, setU64 } from './record.ts';
import type { Anchor, SnapshotInfo } from './types.ts';

/**
 * A snapshot file: header, chunks, footer, nothing behind.
 *
 * ```
 * header (96 bytes)                     chunk (16 bytes, then the slice)
 *  0  CRC-32 over bytes 4 to 96          0  CRC-32 over bytes 4 to 16
 *  4  magic "QSNP"                       4  magic "QCHK"
 *  8  format version, 4 bytes            8  length
 * 12  zero                              12  CRC-32 of the slice
 * 16  slot, 8 bytes                     footer (32 bytes)
 * 24  zxid, 8 bytes                      0  CRC-32 over bytes 4 to 32
 * 32  cluster id, 16 bytes               4  magic "QEND"
 * 48  hash of the slot's entry           8  number of chunks, 8 bytes
 * 80  zero                              16  bytes of all slices, 8 bytes
 *                                       24  CRC-32 over the CRCs of the slices; 28 zero
 * ```
 */
export const SNAPSHOT_EXTENSION = '.qsnap';
export const SNAPSHOT_HEADER_BYTES = 96;
export const CHUNK_HEADER_BYTES = 16;
export const FOOTER_BYTES = 32;
const VERSION = 1;
const HEADER_MAGIC = 0x51534e50;
const CHUNK_MAGIC = 0x5143484b;
const FOOTER_MAGIC = 0x51454e44;

export function snapshotName(slot: number): string {
  return hex16(slot) + SNAPSHOT_EXTENSION;
}

export interface SnapshotHeader extends Anchor {
  readonly zxid: number;
}

export function encodeSnapshotHeader(
  checksums: Checksums,
  clusterId: Uint8Array,
  header: SnapshotHeader,
): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(4, HEADER_MAGIC);
  view.setUint32(8, VERSION);
  setU64(view, 16, header.slot);
  setU64(view, 24, header.zxid);
  bytes.set(clusterId, 32);
  bytes.set(header.hash, 48);
  view.setUint32(0, checksums.crc32(bytes, 4, SNAPSHOT_HEADER_BYTES, 0));
  return bytes;
}

/** Counts while slices are written or read, and writes or checks the footer. */
export class SliceTally {
  private readonly checksums: Checksums;
  private readonly scratch = new Uint8Array(4);
  private readonly scratchView = viewOf(this.scratch);
  chunks = 0;
  bytes = 0;
  crc = 0;

  constructor(checksums: Checksums) {
    this.checksums = checksums;
  }

  /** Returns the slice's CRC. */
  add(crc: number, length: number): void {
    this.scratchView.setUint32(0, crc);
    this.crc = this.checksums.crc32(this.scratch, 0, 4, this.crc);
    this.chunks++;
    this.bytes += length;
  }

  footer(): Uint8Array {
    const bytes = new Uint8Array(FOOTER_BYTES);
    const view = viewOf(bytes);
    view.setUint32(4, FOOTER_MAGIC);
    setU64(view, 8, this.chunks);
    setU64(view, 16, this.bytes);
    view.setUint32(24, this.crc);
    view.setUint32(0, this.checksums.crc32(bytes, 4, FOOTER_BYTES, 0));
    return bytes;
  }
}

/** Writes the header of a chunk into `target` and returns the CRC of the slice. */
export function encodeChunkHeader(
  checksums: Checksums,
  target: Uint8Array,
  slice: Uint8Array,
): number {
  const view = viewOf(target);
  const crc = checksums.crc32(slice, 0, slice.length, 0);
  view.setUint32(4, CHUNK_MAGIC);
  view.setUint32(8, slice.length);
  view.setUint32(12, crc);
  view.setUint32(0, checksums.crc32(target, 4, CHUNK_HEADER_BYTES, 0));
  return crc;
}

/** The length of the slice whose chunk begins at `at`, or -1 if there is no valid chunk header. */
export function decodeChunkHeader(
  checksums: Checksums,
  bytes: Uint8Array,
  view: DataView,
  at: number,
): number {
  if (view.getUint32(at + 4) !== CHUNK_MAGIC) return -1;
  const crc = checksums.crc32(bytes, at + 4, at + CHUNK_HEADER_BYTES, 0);
  const length = view.getUint32(at + 8);
  return crc === view.getUint32(at) && length <= SNAPSHOT_CHUNK_BYTES_MAX ? length : -1;
}

export function snapshotDamage(path: string, offset: number, what: string): StorageError {
  return new StorageError('damage', path, offset, -1, what);
}

/**
 * The quick check: header, footer, and a size that fits. Every snapshot got its name only once it
 * was complete, verified and synced, so that whatever is wrong is damage.
 */
export async function readSnapshotInfo(
  file: DiskFile,
  checksums: Checksums,
  clusterId: Uint8Array | null,
): Promise<SnapshotInfo & { footer: Uint8Array }> {
  const { path } = file;
  const size = await file.size();
  if (size < SNAPSHOT_HEADER_BYTES + FOOTER_BYTES)
    throw snapshotDamage(path, size, 'it ends short');
  const header = new Uint8Array(SNAPSHOT_HEADER_BYTES);
  await file.read(header, 0);
  const info = decodeSnapshotHeader(checksums, header, path, clusterId);
  const footer = new Uint8Array(FOOTER_BYTES);
  await file.read(footer, size - FOOTER_BYTES);
  checkFooter(checksums, footer, path, size);
  return { ...info, file: path, bytes: size, footer };
}

export function decodeSnapshotHeader(
  checksums: Checksums,
  bytes: Uint8Array,
  path: string,
  clusterId: Uint8Array | null,
): SnapshotHeader {
  const view = viewOf(bytes);
  const crc = checksums.crc32(bytes, 4, SNAPSHOT_HEADER_BYTES, 0);
  if (view.getUint32(4) !== HEADER_MAGIC || view.getUint32(0) !== crc) {
    throw snapshotDamage(path, 0, 'the header is damaged');
  }
  if (view.getUint32(8) !== VERSION) {
    const what = `it was written by a later version of Quoll (format ${view.getUint32(8)})`;
    throw new StorageError('version', path, 8, -1, what);
  }
  if (clusterId !== null && !equalBytes(bytes, 32, clusterId, 0, 16)) {
    throw new StorageError('foreign', path, 32, -1, 'it belongs to another cluster');
  }
  return {
    slot: getU64(view, 16),
    zxid: getU64(view, 24),
    hash: bytes.slice(48, 80),
  };
}

function checkFooter(checksums: Checksums, footer: Uint8Array, path: string, size: number): void {
  const view = viewOf(footer);
  const at = size - FOOTER_BYTES;
  const crc = checksums.crc32(footer, 4, FOOTER_BYTES, 0);
  if (view.getUint32(4) !== FOOTER_MAGIC || view.getUint32(0) !== crc) {
    throw snapshotDamage(path, at, 'the footer is missing or damaged');
  }
  const content = getU64(view, 16) + getU64(view, 8) * CHUNK_HEADER_BYTES;
  if (content !== size - SNAPSHOT_HEADER_BYTES - FOOTER_BYTES) {
    throw snapshotDamage(path, at, 'the size of the file does not fit its footer');
  }
}
