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

/**
 * Cuts `fromSlot` and all behind it, and returns the new tail. A crash leaves the log cut at
 * `fromSlot` or at some slot behind it, never with a gap: segments go newest first, and the one
 * with the cut is replaced as a whole, because zeros written over it could reach the device in any
 * order and leave later records standing behind a hole.
 */
export async function cutSegments(
  place: LogPlace,
  segments: Segment[],
  fromSlot: number,
): Promise<Tail> {
  const holder = segmentOf(segments, fromSlot);
  assert(holder !== null, `slot ${fromSlot} is not in the log`);
  const oldest = segments.find((segment) => segment.firstSlot > 0) ?? holder;
  const first = await readEntry(place, segments, fromSlot);
  const before =
    fromSlot > oldest.firstSlot ? await readEntry(place, segments, fromSlot - 1) : null;
  while (segments[segments.length - 1] !== holder) await remove(place, segments.pop() as Segment);
  segments.pop();
  segments.push(await replaceWithPrefix(place, holder, first.offset, before?.end ?? 0));
  const cut = segments[segments.length - 1] as Segment;
  if (holder.firstSlot < fromSlot) {
    cut.firstSlot = holder.firstSlot;
    cut.marks.push(...holder.marks.filter((mark) => mark.slot < fromSlot));
  }
  return {
    slot: fromSlot - 1,
    hash: first.previousHash,
    round: before?.round ?? 0,
    replica: before?.replica ?? 0,
  };
}

async function replaceWithPrefix(
  place: LogPlace,
  old: Segment,
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
  if (cutAt > SEGMENT_HEADER_BYTES) segment.end = end;
  return segment;
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
  segments: Segment[],
  bytes: number,
): Promise<void> {
  const { disk, checksums, directory, clusterId } = place;
  const newest = segments[segments.length - 1];
  const sequence = newest === undefined ? 0 : newest.sequence + 1;
  const fresh = await createSegment(disk, checksums, directory, sequence, bytes, clusterId);
  // Oldest first: what a crash leaves still ends before the snapshot, and is replaced again.
  for (const old of segments.splice(0)) await remove(place, old);
  segments.push(fresh);
}

async function remove(place: LogPlace, segment: Segment): Promise<void> {
  await place.disk.remove(segment.path);
  await place.disk.syncDirectory(place.directory);
}
