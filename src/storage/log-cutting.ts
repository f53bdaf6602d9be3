import { assert } from '../base/assert.ts';
import type { DiskFile } from '../io/disk.ts';
import { removeIfThere, withFile } from './files.ts';
import { blocksOf } from './find-header.ts';
import { type LogPlace, readEntry, segmentOf } from './log-reading.ts';
import { eraseRange } from './loss.ts';
import { lastNonZero } from './scan.ts';
import { createSegment, SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';
import type { Anchor } from './types.ts';

/** Takes the oldest segment out of the list if it holds nothing behind `upToSlot`; else null. */
export function takeOldest(segments: Segment[], upToSlot: number): Segment | null {
  const [first, ...others] = segments;
  const next = others.find((segment) => segment.firstSlot > 0);
  if (first === undefined || next === undefined || next.firstSlot > upToSlot + 1) return null;
  segments.shift();
  return first;
}

/** Call it for one segment at a time, oldest first, so that a crash leaves no gap. */
export async function removeSegment(place: LogPlace, segment: Segment): Promise<void> {
  // Its name may be lost already, by a disk that forgot it or a hand that meant well.
  await removeIfThere(place.disk, segment.path);
  await place.disk.syncDirectory(place.directory);
}

/** Where the log ends once it is cut. */
export interface CutPlace {
  /** Sequence of the segment that holds the first entry to go, or has the place for it. */
  readonly segment: number;
  /** Byte of that segment behind which zeros have to be. */
  readonly offset: number;
  readonly tail: Anchor;
}

/** The place of `fromSlot`, which is in the log. */
export async function findCut(
  place: LogPlace,
  segments: readonly Segment[],
  fromSlot: number,
): Promise<CutPlace> {
  const segment = segmentOf(segments, fromSlot);
  assert(segment !== null, `slot ${fromSlot} is not in the log`);
  const first = await readEntry(place, segment, fromSlot);
  const tail = { slot: fromSlot - 1, hash: first.previousHash.slice() };
  return { segment: segment.sequence, offset: first.offset, tail };
}

/**
 * Makes zeros of everything behind the place of a cut, whatever state it is in. What does not
 * reach the device stands as later records behind a hole: only who can repeat it may use it.
 */
export async function eraseBehind(
  place: LogPlace,
  segments: readonly Segment[],
  cut: Pick<CutPlace, 'segment' | 'offset'>,
): Promise<void> {
  for (const segment of segments) {
    if (segment.sequence < cut.segment) continue;
    const from = segment.sequence === cut.segment ? cut.offset : SEGMENT_HEADER_BYTES;
    const to = await withFile(place.disk, segment.path, (file) => contentEnd(file, from));
    if (to > from) await eraseRange(place, segment.path, from, to);
  }
}

/** Behind the last byte of the file that is not zero, or `from` if there is none from there on. */
async function contentEnd(file: DiskFile, from: number): Promise<number> {
  let end = from;
  for await (const { block, length, at } of blocksOf(file, from, await file.size())) {
    const last = lastNonZero(block, length);
    if (last >= 0) end = at + last + 1;
  }
  return end;
}

/** Two empty segments behind all others, for a log that begins anew. */
export async function createFreshSegments(
  place: LogPlace,
  segments: readonly Segment[],
  bytes: number,
): Promise<Segment[]> {
  const { disk, checksums, directory, clusterId } = place;
  const newest = segments[segments.length - 1]?.sequence ?? -1;
  const fresh: Segment[] = [];
  for (const sequence of [newest + 1, newest + 2]) {
    fresh.push(await createSegment(disk, checksums, directory, sequence, bytes, clusterId));
  }
  return fresh;
}
