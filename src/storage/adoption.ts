import { viewOf } from '../base/bytes.ts';
import { StorageError } from './errors.ts';
import { createWhole, hex16, listIfThere, removeIfThere, ZEROS } from './files.ts';
import { appendAll, type Log } from './log.ts';
import type { LogPlace } from './log-reading.ts';
import type { StorageParts } from './parts.ts';
import { encodeHeader, headerOffset, RECORD_HEADER_BYTES } from './record.ts';
import type { Reserve } from './reserve.ts';
import { SegmentScan } from './scan.ts';
import { checkSegmentHeader, encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './segment.ts';
import type { PendingAdoption } from './superblock.ts';
import type { Adoption, Anchor, LogEntry } from './types.ts';

/**
 * The entries of an adoption wait in a file of their own, laid out as a segment is, until the
 * superblock names it. From then on they count, and the log is made to hold them, however often
 * that takes.
 */
const EXTENSION = '.adopt';
const SLICE_BYTES = 4_194_304;

export function stagedPath(place: LogPlace, staged: number): string {
  return `${place.directory}/${hex16(staged)}${EXTENSION}`;
}

/** Writes the entries, behind the one with `previousHash`, to the file with that number. */
export async function stageEntries(
  place: LogPlace,
  reserve: Reserve,
  staged: number,
  previousHash: Uint8Array,
  adoption: Adoption,
): Promise<void> {
  const { disk, checksums, directory, clusterId } = place;
  await createWhole(disk, directory, hex16(staged) + EXTENSION, async (file) => {
    let buffers: Uint8Array[] = [encodeSegmentHeader(checksums, staged, clusterId)];
    let from = 0;
    let end = SEGMENT_HEADER_BYTES;
    let previous = previousHash;
    for (const entry of adoption.entries) {
      const offset = headerOffset(end);
      const header = new Uint8Array(RECORD_HEADER_BYTES);
      const { decidedSlot } = adoption;
      const where = { clusterId, previousHash: previous, offset, writeOffset: offset, decidedSlot };
      encodeHeader(checksums, viewOf(header), header, 0, entry, where);
      buffers.push(ZEROS.subarray(0, offset - end), header, entry.body);
      end = offset + RECORD_HEADER_BYTES + entry.body.length;
      previous = entry.hash;
      if (end - from < SLICE_BYTES) continue;
      await reserve.write(file, buffers, from);
      buffers = [];
      from = end;
    }
    if (buffers.length > 0) await reserve.write(file, buffers, from);
  });
}

/** Replaces the tail of the log and the state as one; see `Storage.adopt`. */
export async function runAdoption(
  parts: StorageParts,
  place: LogPlace,
  log: Log,
  adoption: Adoption,
): Promise<void> {
  const { superblock, reserve } = parts;
  const { fromSlot, entries, state, decidedSlot, clearsDamage } = adoption;
  const isDamaged = superblock.current.isDamaged && clearsDamage !== true;
  if (entries.length === 0 && fromSlot > log.tail.slot) {
    await superblock.update({ state, isDamaged });
    return;
  }
  const cut = await log.cutPlace(fromSlot);
  const staged = superblock.nextSequence;
  if (entries.length > 0) await stageEntries(place, reserve, staged, cut.tail.hash, adoption);
  const pending = {
    fromSlot,
    lastSlot: fromSlot + entries.length - 1,
    staged,
    cutSegment: cut.segment,
    cutOffset: cut.offset,
  };
  // From here on the adoption counts.
  await superblock.update({ state, isDamaged, adoption: pending });
  if (fromSlot <= log.tail.slot) await log.cut(cut);
  if (entries.length > 0) await appendAll(log, entries, decidedSlot);
  await endAdoption(parts, place, log, pending);
}

/** The staged file goes last: as long as any superblock names it, it is needed. */
export async function endAdoption(
  parts: StorageParts,
  place: LogPlace,
  log: Log,
  pending: PendingAdoption,
): Promise<void> {
  await log.sync();
  await parts.superblock.update({ adoption: null });
  await removeIfThere(parts.disk, stagedPath(place, pending.staged));
}

/** The staged entries, which follow `previous`; what can't be read of them is damage. */
export async function* readStaged(
  place: LogPlace,
  pending: PendingAdoption,
  previous: Anchor,
): AsyncGenerator<LogEntry[], void, undefined> {
  const { disk, checksums, clusterId } = place;
  const path = stagedPath(place, pending.staged);
  const damage = (offset: number, slot: number, what: string): StorageError =>
    new StorageError('damage', path, offset, slot, what);
  if (previous.slot !== pending.fromSlot - 1) {
    throw damage(-1, previous.slot + 1, `the log ends before slot ${pending.fromSlot}`);
  }
  if (pending.lastSlot < pending.fromSlot) return;
  if (!(await listIfThere(disk, place.directory)).includes(hex16(pending.staged) + EXTENSION)) {
    throw damage(-1, pending.fromSlot, 'the file is missing, yet its entries were accepted');
  }
  const file = await disk.open(path, 'read');
  try {
    const start = new Uint8Array(SEGMENT_HEADER_BYTES);
    const read = start.subarray(0, await file.read(start, 0));
    const bad = checkSegmentHeader(checksums, read, path, pending.staged, clusterId);
    if (bad !== null) throw bad;
    const range = { from: SEGMENT_HEADER_BYTES, to: await file.size(), previous };
    const scan = new SegmentScan({ file, checksums, clusterId, ...range });
    for (let found = await scan.next(); found !== null; found = await scan.next()) yield found;
    const last = scan.tail?.slot ?? 0;
    if (scan.end?.kind !== 'clean' || last !== pending.lastSlot) {
      throw damage(scan.offset, last + 1, 'accepted entries are damaged or missing');
    }
  } finally {
    await file.close();
  }
}

/** Of an adoption that a crash kept from being committed, or from being cleared up. */
export async function removeStagedBut(place: LogPlace, kept: number | null): Promise<void> {
  const { disk, directory } = place;
  const keptName = kept === null ? null : hex16(kept) + EXTENSION;
  for (const name of await listIfThere(disk, directory)) {
    if (name.endsWith(EXTENSION) && name !== keptName) {
      await removeIfThere(disk, `${directory}/${name}`);
    }
  }
}

/** Whether a staged file can be read to its end, for a check that changes nothing. */
export async function stagedProblem(
  place: LogPlace,
  pending: PendingAdoption,
  previous: Anchor,
): Promise<StorageError | null> {
  try {
    for await (const entries of readStaged(place, pending, previous)) void entries;
    return null;
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
}
