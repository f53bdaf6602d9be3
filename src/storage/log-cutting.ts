import { assert } from '../base/assert.ts';
import type { DiskFile } from '../io/disk.ts';
import { withFile, writeAll, writeZeros } from './files.ts';
import { type LogPlace, readEntry, segmentOf } from './log-reading.ts';
import { createSegment, SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';
import type { Anchor } from './types.ts';

const COPY_BYTES = 1_048_576;

/** The end of the log: where the next entry goes. */
export interface Tail extends Anchor {
  readonly round: number;
  readonly replica: number;
}

/** Removes the segments that hold nothing behind `upToSlot`, from the list and from the disk. */
export async function trimSegments(
  place: LogPlace,
  segments: Segment[],
  upToSlot: number,
): Promise<void> {
  for (;;) {
    const [first, ...others] = segments;
    const next = others.find((segment) => segment.firstSlot > 0);
    if (first === undefined || next === undefined || next.firstSlot > upToSlot + 1) return;
    // One by one, oldest first, so that a crash leaves no gap.
    segments.shift();
    await remove(place, first);
  }
}

/** The log after a change of its segments. */
export interface Rearranged {
  readonly segments: Segment[];
  /** Index of the segment that takes the next record; empty ones are behind it. */
  readonly current: number;
  readonly tail: Tail;
}

/**
 * Cuts `fromSlot` and all behind it. A crash leaves the log cut at `fromSlot` or at some slot
 * behind it, never with a gap: segments are emptied newest first, each replaced as a whole, because
 * zeros written over one could reach the device in any order and leave later records standing
 * behind a hole.
 */
export async function cutSegments(
  place: LogPlace,
  segments: readonly Segment[],
  fromSlot: number,
): Promise<Rearranged> {
  const holder = segmentOf(segments, fromSlot);
  assert(holder !== null, `slot ${fromSlot} is not in the log`);
  const index = segments.indexOf(holder);
  const isFirst = !segments.slice(0, index).some((segment) => segment.firstSlot > 0);
  const first = await readEntry(place, segments, fromSlot);
  const before =
    isFirst && holder.firstSlot === fromSlot
      ? null
      : await readEntry(place, segments, fromSlot - 1);
  const cut = [...segments];
  for (let at = segments.length - 1; at > index; at--) {
    const segment = segments[at] as Segment;
    if (segment.firstSlot > 0) cut[at] = await replaceWithPrefix(place, segment, 0, 0, 0);
  }
  const end = before?.end ?? 0;
  cut[index] = await replaceWithPrefix(place, holder, fromSlot, first.offset, end);
  const tail = {
    slot: fromSlot - 1,
    hash: first.previousHash,
    round: before?.round ?? 0,
    replica: before?.replica ?? 0,
  };
  return { segments: cut, current: index, tail };
}

async function replaceWithPrefix(
  place: LogPlace,
  old: Segment,
  fromSlot: number,
  cutAt: number,
  end: number,
): Promise<Segment> {
  const { disk, checksums, directory, clusterId } = place;
  const copy = async (target: DiskFile): Promise<void> => {
    await withFile(disk, old.path, (source) => copyRange(source, target, cutAt));
    await writeZeros(target, Math.max(cutAt, SEGMENT_HEADER_BYTES), old.bytes);
  };
  const args = [disk, checksums, directory, old.sequence, old.bytes, clusterId, copy] as const;
  const segment = await createSegment(...args);
  if (cutAt <= SEGMENT_HEADER_BYTES) return segment;
  const marks = old.marks.filter((mark) => mark.slot < fromSlot);
  return { ...segment, firstSlot: old.firstSlot, end, marks };
}

async function copyRange(source: DiskFile, target: DiskFile, to: number): Promise<void> {
  const block = new Uint8Array(COPY_BYTES);
  for (let at = SEGMENT_HEADER_BYTES; at < to; at += block.length) {
    const part = block.subarray(0, Math.min(block.length, to - at));
    await source.read(part, at);
    await writeAll(target, [part], at);
  }
}

/** Replaces the whole log by an empty one, which will go on behind an installed snapshot. */
export async function restartSegments(
  place: LogPlace,
  segments: readonly Segment[],
  bytes: number,
  anchor: Anchor,
): Promise<Rearranged> {
  const { disk, checksums, directory, clusterId } = place;
  const newest = segments[segments.length - 1]?.sequence ?? -1;
  const fresh: Segment[] = [];
  for (const sequence of [newest + 1, newest + 2]) {
    fresh.push(await createSegment(disk, checksums, directory, sequence, bytes, clusterId));
  }
  // Oldest first: what a crash leaves still ends before the snapshot, and is replaced again.
  for (const old of segments) await remove(place, old);
  const tail = { slot: anchor.slot, hash: anchor.hash, round: 0, replica: 0 };
  return { segments: fresh, current: 0, tail };
}

async function remove(place: LogPlace, segment: Segment): Promise<void> {
  await place.disk.remove(segment.path);
  await place.disk.syncDirectory(place.directory);
}
