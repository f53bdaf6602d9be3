import { viewOf } from '../base/bytes.ts';
import type { Checksums } from '../io/checksums.ts';
import type { Disk } from '../io/disk.ts';
import type { StorageError } from './errors.ts';
import { hex16, listIfThere, numberInName, withFile } from './files.ts';
import type { LogPlace } from './log-reading.ts';
import { RECORD_HEADER_BYTES, RecordHeader } from './record.ts';
import { SegmentScan } from './scan.ts';
import {
  checkSegmentHeader,
  emptySegment,
  SEGMENT_EXTENSION,
  SEGMENT_HEADER_BYTES,
  type Segment,
} from './segment.ts';

/** A segment as it was found on the disk. */
export interface FoundSegment {
  readonly segment: Segment;
  /** Why it can't be read, or null. */
  readonly bad: StorageError | null;
}

/** The segments, oldest first; `firstSlot` is what the header of the first record says. */
export async function findSegments(place: LogPlace): Promise<FoundSegment[]> {
  const found: FoundSegment[] = [];
  for (const name of await listIfThere(place.disk, place.directory)) {
    const sequence = numberInName(name, SEGMENT_EXTENSION);
    if (sequence >= 0) found.push(await findSegment(place, sequence));
  }
  return found;
}

function findSegment(place: LogPlace, sequence: number): Promise<FoundSegment> {
  const { disk, checksums, directory, clusterId } = place;
  const path = `${directory}/${hex16(sequence)}${SEGMENT_EXTENSION}`;
  return withFile(disk, path, async (file) => {
    const start = new Uint8Array(SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES);
    const read = await file.read(start, 0);
    const bytes = start.subarray(0, Math.min(read, SEGMENT_HEADER_BYTES));
    const segment = emptySegment(directory, sequence, await file.size());
    const header = new RecordHeader();
    if (header.decode(checksums, viewOf(start), start, SEGMENT_HEADER_BYTES)) {
      segment.firstSlot = header.slot;
    }
    return { segment, bad: checkSegmentHeader(checksums, bytes, path, sequence, clusterId) };
  });
}

/** Whether anything was ever written behind the segment's header. */
export function isUsed(place: LogPlace, segment: Segment): Promise<boolean> {
  const { disk, checksums, clusterId } = place;
  return withFile(disk, segment.path, async (file) => {
    const range = { from: SEGMENT_HEADER_BYTES, to: segment.bytes, previous: null };
    const scan = new SegmentScan({ file, checksums, clusterId, ...range });
    return (await scan.next()) !== null || scan.end?.kind !== 'clean';
  });
}

/** A segment with anything behind its header, whatever cluster it belongs to, or null. */
export async function findUsedSegment(
  disk: Disk,
  checksums: Checksums,
  directory: string,
): Promise<string | null> {
  const place = { disk, checksums, directory, clusterId: new Uint8Array(16) };
  for (const { segment } of await findSegments(place)) {
    if (await isUsed(place, segment)) return segment.path;
  }
  return null;
}
