import { equalBytes, viewOf } from '../base/bytes.ts';
import { SUPERBLOCK_STATE_BYTES_MAX } from '../base/limits.ts';
import type { Checksums } from '../io/checksums.ts';
import { type Disk, isDiskError } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { createWhole, listIfThere, withFile, writeAll } from './files.ts';
import { getU64, setU64 } from './record.ts';
import type { Identity } from './types.ts';

/**
 * What peers can't restore (rule 25): who this is, and what it promised. Three files with the same
 * content; the newest valid one counts.
 *
 * ```
 *  0  header CRC-32, over bytes 4 to 64     24  cluster id, 16 bytes
 *  4  magic "QSUP"                          40  replica id, 16 bytes
 *  8  format version, 4 bytes               56  state CRC-32
 * 12  state length                          60  zero
 * 16  sequence, 8 bytes                     64  state
 * ```
 */
const HEADER_BYTES = 64;
const MAGIC = 0x51535550;
const VERSION = 1;
export const SUPERBLOCK_COPIES = 3;

export interface Superblock extends Identity {
  readonly sequence: number;
  /** Vote, promise, configuration: bytes of the consensus protocol. */
  readonly state: Uint8Array;
}

export function superblockName(copy: number): string {
  return `superblock.${copy}`;
}

export function encodeSuperblock(checksums: Checksums, block: Superblock): Uint8Array {
  const { state } = block;
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
  bytes.set(state, HEADER_BYTES);
  view.setUint32(0, checksums.crc32(bytes, 4, HEADER_BYTES, 0));
  return bytes;
}

/** The superblock, or what is wrong with the bytes. */
export function decodeSuperblock(checksums: Checksums, bytes: Uint8Array): Superblock | string {
  if (bytes.length < HEADER_BYTES) return 'it is too short';
  const view = viewOf(bytes);
  if (view.getUint32(4) !== MAGIC) return 'it is no superblock';
  if (view.getUint32(0) !== checksums.crc32(bytes, 4, HEADER_BYTES, 0)) return 'bad checksum';
  if (view.getUint32(8) !== VERSION)
    return `it has format ${view.getUint32(8)}, of a later version`;
  const stateEnd = HEADER_BYTES + view.getUint32(12);
  if (stateEnd > bytes.length) return 'it ends short';
  const crc = checksums.crc32(bytes, HEADER_BYTES, stateEnd, 0);
  if (crc !== view.getUint32(56)) return 'bad checksum of the state';
  return {
    sequence: getU64(view, 16),
    clusterId: bytes.slice(24, 40),
    replicaId: bytes.slice(40, 56),
    state: bytes.slice(HEADER_BYTES, stateEnd),
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
  const create = (copy: number): Promise<void> =>
    createWhole(disk, directory, superblockName(copy), (file) => writeAll(file, [bytes], 0));
  await Promise.all(copies.map(create));
}

/**
 * Writes all copies in place, one after another: a crash leaves at most one of them torn, and the
 * others hold the state before or the state after. It is safe to rely on once all are durable.
 */
export async function updateSuperblocks(
  disk: Disk,
  checksums: Checksums,
  directory: string,
  block: Superblock,
): Promise<void> {
  const bytes = encodeSuperblock(checksums, block);
  for (let copy = 0; copy < SUPERBLOCK_COPIES; copy++) {
    const file = await disk.open(`${directory}/${superblockName(copy)}`, 'writeDurable');
    try {
      await writeAll(file, [bytes], 0);
    } finally {
      await file.close();
    }
  }
}

/** Whether the directory, `quoll` in a data directory, holds data of ours. */
export async function isFormatted(disk: Disk, directory: string): Promise<boolean> {
  const names = await listIfThere(disk, directory);
  return names.some((name) => name.startsWith('superblock.') && !name.endsWith('.tmp'));
}
