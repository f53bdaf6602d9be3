import { equalBytes, viewOf } from '../base/bytes.ts';
import { SUPERBLOCK_STATE_BYTES_MAX } from '../base/limits.ts';
import type { Checksums } from '../io/checksums.ts';
import { type Disk, isDiskError } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { createWhole, listIfThere, withFile, writeAll, ZEROS } from './files.ts';
import { getU64, setU64 } from './record.ts';
import type { Identity } from './types.ts';

/**
 * What peers can't restore (rule 25): who this is, what it promised, and which change of its files
 * is under way. Three files with the same content; the newest valid one counts.
 *
 * ```
 *  0  header CRC-32, over bytes 4 to 128     60  flags: 1 = entries are missing
 *  4  magic "QSUP"                           64  segment that the log began with, 8 bytes
 *  8  format version, 4 bytes                72    and behind which slot, 8 bytes
 * 12  state length                           80  slot of the snapshot being installed, or 0
 * 16  sequence, 8 bytes                      88  adoption under way: its first slot, or 0
 * 24  cluster id, 16 bytes                   96    its last slot
 * 40  replica id, 16 bytes                  104    number of the file that holds its entries
 * 56  state CRC-32                          112    segment in which the log is cut for it
 *                                           120    and at which byte
 *                                           128  state
 * ```
 * Format 1 ended at byte 60 and had its state at 64. The files are made longer than that, so that
 * an update in place changes no size and needs no space.
 */
const HEADER_BYTES = 128;
const HEADER_BYTES_1 = 64;
const FILE_BYTES = 4096;
const MAGIC = 0x51535550;
const VERSION = 2;
const FLAG_DAMAGED = 1;
export const SUPERBLOCK_COPIES = 3;

/** A change of the log's tail that is committed and may not have been carried out. */
export interface PendingAdoption {
  readonly fromSlot: number;
  /** `fromSlot` - 1 if the log is only cut. */
  readonly lastSlot: number;
  /** Number of the staged file. */
  readonly staged: number;
  /** Where the log ends before `fromSlot`: sequence of the segment and byte in it. */
  readonly cutSegment: number;
  readonly cutOffset: number;
}

/**
 * Where the log began when it was last made: with which segment, behind which slot. A log without
 * any entry that begins elsewhere has lost those it had.
 */
export interface LogStart {
  readonly segment: number;
  readonly slot: number;
}

/** What changes in a superblock. */
export interface SuperblockContent {
  /** Vote, promise, configuration: bytes of the consensus protocol. */
  readonly state: Uint8Array;
  /** Entries that were acknowledged may be missing: until they are back, no vote. */
  readonly isDamaged: boolean;
  readonly logStart: LogStart;
  /** A snapshot of this slot takes the place of the whole log once it has its name; 0: none. */
  readonly installSlot: number;
  readonly adoption: PendingAdoption | null;
}

export interface Superblock extends Identity, SuperblockContent {
  readonly sequence: number;
}

export const BLANK_CONTENT: SuperblockContent = {
  state: new Uint8Array(0),
  isDamaged: false,
  logStart: { segment: 0, slot: 0 },
  installSlot: 0,
  adoption: null,
};

export function superblockName(copy: number): string {
  return `superblock.${copy}`;
}

export function encodeSuperblock(checksums: Checksums, block: Superblock): Uint8Array {
  const { state, adoption } = block;
  if (state.length > SUPERBLOCK_STATE_BYTES_MAX) {
    throw new RangeError(`${state.length} bytes do not fit a superblock`);
  }
  const bytes = new Uint8Array(HEADER_BYTES + state.length);
  const view = viewOf(bytes);
  view.setUint32(4, MAGIC);
  view.setUint32(8, VERSION);
  view.setUint32(12, state.length);
  setU64(view, 16, block.sequence);
  bytes.set(block.clusterId, 24);
  bytes.set(block.replicaId, 40);
  view.setUint32(56, checksums.crc32(state, 0, state.length, 0));
  view.setUint32(60, block.isDamaged ? FLAG_DAMAGED : 0);
  setU64(view, 64, block.logStart.segment);
  setU64(view, 72, block.logStart.slot);
  setU64(view, 80, block.installSlot);
  if (adoption !== null) {
    setU64(view, 88, adoption.fromSlot);
    setU64(view, 96, adoption.lastSlot);
    setU64(view, 104, adoption.staged);
    setU64(view, 112, adoption.cutSegment);
    setU64(view, 120, adoption.cutOffset);
  }
  bytes.set(state, HEADER_BYTES);
  view.setUint32(0, checksums.crc32(bytes, 4, HEADER_BYTES, 0));
  return bytes;
}

/** The superblock, or what is wrong with the bytes. */
export function decodeSuperblock(checksums: Checksums, bytes: Uint8Array): Superblock | string {
  if (bytes.length < HEADER_BYTES_1) return 'it is too short';
  const view = viewOf(bytes);
  if (view.getUint32(4) !== MAGIC) return 'it is no superblock';
  const version = view.getUint32(8);
  const headerBytes = version === 1 ? HEADER_BYTES_1 : HEADER_BYTES;
  if (bytes.length < headerBytes) return 'it is too short';
  if (view.getUint32(0) !== checksums.crc32(bytes, 4, headerBytes, 0)) return 'bad checksum';
  if (version < 1 || version > VERSION) return `it has format ${version}, of a later version`;
  const stateEnd = headerBytes + view.getUint32(12);
  if (stateEnd > bytes.length) return 'it ends short';
  const crc = checksums.crc32(bytes, headerBytes, stateEnd, 0);
  if (crc !== view.getUint32(56)) return 'bad checksum of the state';
  return {
    sequence: getU64(view, 16),
    clusterId: bytes.slice(24, 40),
    replicaId: bytes.slice(40, 56),
    ...(version === 1 ? BLANK_CONTENT : decodeChanges(view)),
    state: bytes.slice(headerBytes, stateEnd),
  };
}

function decodeChanges(view: DataView): Omit<SuperblockContent, 'state'> {
  const fromSlot = getU64(view, 88);
  const adoption = {
    fromSlot,
    lastSlot: getU64(view, 96),
    staged: getU64(view, 104),
    cutSegment: getU64(view, 112),
    cutOffset: getU64(view, 120),
  };
  return {
    isDamaged: (view.getUint32(60) & FLAG_DAMAGED) !== 0,
    logStart: { segment: getU64(view, 64), slot: getU64(view, 72) },
    installSlot: getU64(view, 80),
    adoption: fromSlot === 0 ? null : adoption,
  };
}

export interface SuperblockCopies {
  /** The newest valid one. */
  readonly newest: Superblock | null;
  /** Copies that are missing, damaged or older. */
  readonly outdated: readonly number[];
  /** One sentence for each damaged copy. */
  readonly problems: readonly string[];
  /** Whether any of the files exists. */
  readonly found: boolean;
}

export async function readSuperblocks(
  disk: Disk,
  checksums: Checksums,
  directory: string,
): Promise<SuperblockCopies> {
  const problems: string[] = [];
  const blocks: (Superblock | null)[] = [];
  let found = false;
  for (let copy = 0; copy < SUPERBLOCK_COPIES; copy++) {
    const path = `${directory}/${superblockName(copy)}`;
    const bytes = await readCopy(disk, path);
    found ||= bytes !== null;
    const block = bytes === null ? 'it is missing' : decodeSuperblock(checksums, bytes);
    if (typeof block === 'string') problems.push(`${path}: ${block}`);
    blocks.push(typeof block === 'string' ? null : block);
  }
  const newest = newestOf(blocks);
  for (const block of blocks) {
    if (block !== null && newest !== null && !sameIdentity(block, newest)) {
      const what = 'copies of the superblock belong to different replicas';
      const advice = 'Remove the files that were copied here from elsewhere.';
      throw new StorageError('foreign', directory, -1, -1, what, advice);
    }
  }
  const outdated = blocks.flatMap((block, copy) =>
    block === null || block.sequence !== newest?.sequence ? [copy] : [],
  );
  return { newest, outdated, problems, found };
}

function newestOf(blocks: readonly (Superblock | null)[]): Superblock | null {
  let newest: Superblock | null = null;
  for (const block of blocks) {
    if (block !== null && (newest === null || block.sequence > newest.sequence)) newest = block;
  }
  return newest;
}

function sameIdentity(a: Identity, b: Identity): boolean {
  return (
    equalBytes(a.clusterId, 0, b.clusterId, 0, 16) && equalBytes(a.replicaId, 0, b.replicaId, 0, 16)
  );
}

async function readCopy(disk: Disk, path: string): Promise<Uint8Array | null> {
  try {
    return await withFile(disk, path, async (file) => {
      const size = Math.min(await file.size(), HEADER_BYTES + SUPERBLOCK_STATE_BYTES_MAX);
      const bytes = new Uint8Array(size);
      return bytes.subarray(0, await file.read(bytes, 0));
    });
  } catch (error) {
    if (isDiskError(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Makes the given copies anew, each whole or not at all. */
export async function createSuperblocks(
  disk: Disk,
  checksums: Checksums,
  directory: string,
  block: Superblock,
  copies: readonly number[],
): Promise<void> {
  const bytes = encodeSuperblock(checksums, block);
  const rest = ZEROS.subarray(0, Math.max(0, FILE_BYTES - bytes.length));
  const create = (copy: number): Promise<void> =>
    createWhole(disk, directory, superblockName(copy), (file) => writeAll(file, [bytes, rest], 0));
  await Promise.all(copies.map(create));
}

/** Whether the directory, `quoll` in a data directory, holds data of ours. */
export async function isFormatted(disk: Disk, directory: string): Promise<boolean> {
  const names = await listIfThere(disk, directory);
  return names.some((name) => name.startsWith('superblock.') && !name.endsWith('.tmp'));
}
