import { equalBytes, viewOf } from '../base/bytes.ts';
import type { Checksums } from '../io/checksums.ts';
import type { Disk, DiskFile } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { createWhole, hex16, numberInName, writeAll, writeZeros } from './files.ts';
import { getU64, setU64 } from './record.ts';

/**
 * A segment: one sector of header, then records, then zeros to the end.
 *
 * ```
 *  0  CRC-32 over bytes 4 to 512     12  sequence, 8 bytes
 *  4  magic "QLOG"                   20  cluster id, 16 bytes
 *  8  format version, 4 bytes        36  zero
 * ```
 */
export const SEGMENT_HEADER_BYTES = 512;
export const SEGMENT_EXTENSION = '.qlog';
const MAGIC = 0x514c4f47;
const VERSION = 1;

/** A segment as the log knows it. */
export interface Segment {
  readonly sequence: number;
  readonly path: string;
  /** Size of the file; records lie before it. */
  readonly bytes: number;
  /** Slot of the first record; 0 while there is none. */
  firstSlot: number;
  /** Behind the last record. */
  end: number;
  /** Some records, in ascending order, so that a reader need not begin at the start. */
  readonly marks: { slot: number; offset: number }[];
}

/** A record begins at most this far behind the nearest mark. */
const MARK_EVERY_BYTES = 262_144;

export function emptySegment(directory: string, sequence: number, bytes: number): Segment {
  const path = `${directory}/${hex16(sequence)}${SEGMENT_EXTENSION}`;
  return { sequence, path, bytes, firstSlot: 0, end: SEGMENT_HEADER_BYTES, marks: [] };
}

export function noteRecord(segment: Segment, slot: number, offset: number, end: number): void {
  const last = segment.marks[segment.marks.length - 1];
  if (last === undefined) segment.firstSlot = slot;
  if (last === undefined || offset - last.offset >= MARK_EVERY_BYTES) {
    segment.marks.push({ slot, offset });
  }
  segment.end = end;
}

/** The log as it is known ends at `offset` of this segment; the bytes behind are another matter. */
export function forgetRecords(segment: Segment, offset: number): void {
  const kept = segment.marks.filter((mark) => mark.offset < offset);
  segment.marks.splice(0, Number.POSITIVE_INFINITY, ...kept);
  if (kept.length === 0) segment.firstSlot = 0;
  segment.end = offset;
}

export function isSegmentName(name: string): boolean {
  return numberInName(name, SEGMENT_EXTENSION) >= 0;
}

export function encodeSegmentHeader(
  checksums: Checksums,
  sequence: number,
  clusterId: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(4, MAGIC);
  view.setUint32(8, VERSION);
  setU64(view, 12, sequence);
  bytes.set(clusterId, 20);
  view.setUint32(0, checksums.crc32(bytes, 4, SEGMENT_HEADER_BYTES, 0));
  return bytes;
}

/**
 * Null, or what is wrong. A segment gets its name only once it is complete and synced, so that no
 * crash explains a bad header: it is damage.
 */
export function checkSegmentHeader(
  checksums: Checksums,
  bytes: Uint8Array,
  path: string,
  sequence: number,
  clusterId: Uint8Array,
): StorageError | null {
  const view = viewOf(bytes);
  const damage = (what: string): StorageError => new StorageError('damage', path, 0, -1, what);
  if (bytes.length < SEGMENT_HEADER_BYTES) return damage('the file is too short for its header');
  const crc = checksums.crc32(bytes, 4, SEGMENT_HEADER_BYTES, 0);
  if (view.getUint32(4) !== MAGIC || view.getUint32(0) !== crc) {
    return damage('the header of the segment is damaged');
  }
  if (view.getUint32(8) !== VERSION) {
    const what = `it was written by a later version of Quoll (format ${view.getUint32(8)})`;
    return new StorageError('version', path, 8, -1, what);
  }
  if (getU64(view, 12) !== sequence) return damage('the file was renamed: its header disagrees');
  if (!equalBytes(bytes, 20, clusterId, 0, 16)) {
    const what = 'it belongs to another cluster; remove it or restore the right one';
    return new StorageError('foreign', path, 20, -1, what);
  }
  return null;
}

/**
 * Creates a segment full of zeros. Real zeros, not a hole and not fallocate: a write then changes
 * data only, no block map and no size, so that the device has less to do per synced append; and a
 * sector that was never written reads as zero. `pause` lets appends go first.
 */
export async function createSegment(
  disk: Disk,
  checksums: Checksums,
  directory: string,
  sequence: number,
  bytes: number,
  clusterId: Uint8Array,
  fillRest: (file: DiskFile) => Promise<void> = (file) =>
    writeZeros(file, SEGMENT_HEADER_BYTES, bytes),
): Promise<Segment> {
  await createWhole(disk, directory, hex16(sequence) + SEGMENT_EXTENSION, async (file) => {
    await writeAll(file, [encodeSegmentHeader(checksums, sequence, clusterId)], 0);
    await fillRest(file);
  });
  return emptySegment(directory, sequence, bytes);
}
