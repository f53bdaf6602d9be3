import { equalBytes, viewOf } from '../base/bytes.ts';
import type { Checksums } from '../io/checksums.ts';
import type { DiskFile } from '../io/disk.ts';
import { clusterIdAt, MAGIC_WORD, RECORD_HEADER_BYTES, RecordHeader } from './record.ts';

export interface Search {
  readonly checksums: Checksums;
  readonly clusterId: Uint8Array;
  /** Whether a valid header, at `at` of the block, is the one that is looked for. */
  readonly fits: (header: RecordHeader, block: Uint8Array, at: number) => boolean;
}

/**
 * Where in `block`, which begins at a multiple of 8 of its file, the first valid header lies that
 * fits, or -1.
 */
export function findHeader(search: Search, block: Uint8Array, length: number): number {
  const words = new Int32Array(block.buffer, block.byteOffset, length >> 2);
  const view = viewOf(block);
  const header = new RecordHeader();
  // Headers begin at multiples of 8, and their magic four bytes behind.
  for (let i = 1; i < words.length; i += 2) {
    if (words[i] !== MAGIC_WORD) continue;
    const at = (i - 1) * 4;
    if (at + RECORD_HEADER_BYTES > length) break;
    if (!header.decode(search.checksums, view, block, at)) continue;
    if (!equalBytes(clusterIdAt(block, at), 0, search.clusterId, 0, 16)) continue;
    if (search.fits(header, block, at)) return at;
  }
  return -1;
}

const BLOCK_BYTES = 1_048_576;
const OVERLAP_BYTES = 512;

/** Looks through `[from, to)` of a file in blocks that overlap by more than a header. */
export async function* blocksOf(
  file: DiskFile,
  from: number,
  to: number,
): AsyncGenerator<{ block: Uint8Array; length: number; at: number }, void, undefined> {
  const start = Math.ceil(from / 8) * 8;
  const block = new Uint8Array(Math.max(0, Math.min(BLOCK_BYTES, to - start)));
  for (let at = start; at < to; at += BLOCK_BYTES - OVERLAP_BYTES) {
    const length = Math.min(BLOCK_BYTES, to - at);
    const read = await file.read(block.subarray(0, length), at);
    block.fill(0, read, length);
    yield { block, length, at };
  }
}
