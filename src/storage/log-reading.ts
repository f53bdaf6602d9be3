import { assert } from '../base/assert.ts';
import type { Checksums } from '../io/checksums.ts';
import type { Disk } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { type ScannedEntry, SegmentScan } from './scan.ts';
import { SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';

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

/** Entries of one segment from `fromSlot` on, up to the file offset `to`. */
export async function* readSegment(
  place: LogPlace,
  segment: Segment,
  fromSlot: number,
  to: number,
): AsyncGenerator<ScannedEntry[], void, undefined> {
  const { disk, checksums, clusterId } = place;
  const file = await disk.open(segment.path, 'read');
  try {
    const from = offsetBefore(segment, fromSlot);
    const scan = new SegmentScan({ file, checksums, clusterId, from, to, previous: null });
    for (let found = await scan.next(); found !== null; found = await scan.next()) {
      const entries = found.filter((entry) => entry.slot >= fromSlot);
      if (entries.length > 0) yield entries;
    }
    if (scan.end?.kind === 'clean' && scan.tail !== null && scan.tail.slot >= fromSlot) return;
    const slot = Math.max(fromSlot, (scan.tail?.slot ?? 0) + 1);
    throw new StorageError('damage', segment.path, scan.offset, slot, "it can't be read any more");
  } finally {
    await file.close();
  }
}

export async function readEntry(
  place: LogPlace,
  segments: readonly Segment[],
  slot: number,
): Promise<ScannedEntry> {
  const segment = segmentOf(segments, slot);
  assert(segment !== null, `slot ${slot} is not in the log`);
  for await (const entries of readSegment(place, segment, slot, segment.bytes)) {
    const first = entries[0];
    if (first?.slot === slot) return first;
  }
  throw new StorageError('damage', segment.path, -1, slot, 'the entry is missing');
}

/** Where to start reading to come to `slot`. */
function offsetBefore(segment: Segment, slot: number): number {
  let offset = SEGMENT_HEADER_BYTES;
  for (const mark of segment.marks) if (mark.slot <= slot) offset = mark.offset;
  return offset;
}
