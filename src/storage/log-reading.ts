import type { Checksums } from '../io/checksums.ts';
import type { Disk } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { withFile } from './files.ts';
import { type ScannedEntry, SegmentScan } from './scan.ts';
import { SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';

/** As far as two marks are apart: one read mostly does. */
const ENTRY_BLOCK_BYTES = 262_144;

export interface LogPlace {
  readonly disk: Disk;
  readonly checksums: Checksums;
  readonly directory: string;
  readonly clusterId: Uint8Array;
}

/** The segment that holds `slot`, or null if none reaches back to it. */
export function segmentOf(segments: readonly Segment[], slot: number): Segment | null {
  let found: Segment | null = null;
  for (const segment of segments) {
    if (segment.firstSlot > 0 && segment.firstSlot <= slot) found = segment;
  }
  return found;
}

/** One entry of a segment that holds it, for sure. */
export async function readEntry(
  place: LogPlace,
  segment: Segment,
  slot: number,
): Promise<ScannedEntry> {
  const { disk, checksums, clusterId } = place;
  return withFile(disk, segment.path, async (file) => {
    const from = offsetBefore(segment, slot);
    const range = { from, to: segment.bytes, previous: null, blockBytes: ENTRY_BLOCK_BYTES };
    const scan = new SegmentScan({ file, checksums, clusterId, ...range });
    for (let found = await scan.next(); found !== null; found = await scan.next()) {
      const entry = found.find((candidate) => candidate.slot === slot);
      if (entry !== undefined) return entry;
    }
    throw unreadable(segment, scan, slot);
  });
}

export function unreadable(segment: Segment, scan: SegmentScan, slot: number): StorageError {
  return new StorageError('damage', segment.path, scan.offset, slot, "it can't be read any more");
}

/** Where to start reading to come to `slot`. */
export function offsetBefore(segment: Segment, slot: number): number {
  let offset = SEGMENT_HEADER_BYTES;
  for (const mark of segment.marks) if (mark.slot <= slot) offset = mark.offset;
  return offset;
}
