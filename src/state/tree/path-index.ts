import { assert } from '../../base/assert.ts';
import { equalBytes } from '../../base/bytes.ts';
import type { Arena } from './arena.ts';
import {
  BLOB_CHUNK,
  BLOB_OFFSET,
  NAME_LENGTH,
  OFFSET_MASK,
  PARENT,
  PATH_HASH,
  ROW_IN_CHUNK,
  ROW_WORDS,
  ROWS_PER_CHUNK_LOG2,
  type Row,
} from './layout.ts';
import type { Rows } from './rows.ts';

/**
 * Not a power of two, so that the home slot is a multiplication and not a mask; in exchange a
 * million entries take 1.3 times their own size instead of twice.
 */
const SLOTS = 1280;
/** A segment splits rather than hold more. */
const ENTRIES_MAX = 1040;
/** What a segment may hold on average before the deviations make many of them split. */
const ENTRIES_EXPECTED_MAX = 1000;
/** Words behind the slots: how many hash bits select this segment, and its entries. */
const DEPTH = SLOTS * 2;
const USED = SLOTS * 2 + 1;
const SEGMENT_WORDS = SLOTS * 2 + 2;
/** 4 Mi segments hold 2^31 rows; deeper, and the keyed hash would have failed us. */
const DEPTH_MAX = 23;
const SLASH = 0x2f;

/**
 * Extendible hashing from path hash to row. The hash's top bits choose a segment through the
 * directory, its low bits a slot of (hash, row) to probe from; a full segment splits alone, so no
 * insert ever waits for the whole table. Hits are verified by the names up the parent chain.
 */
export class PathIndex {
  private readonly rows: Rows;
  private readonly arena: Arena;
  private directory: Int32Array[];
  private depth = 1;
  private segments: number;

  /** `expected` entries go in without a split, nearly. */
  constructor(rows: Rows, arena: Arena, expected = 0) {
    this.rows = rows;
    this.arena = arena;
    while (expected > ENTRIES_EXPECTED_MAX * 2 ** this.depth) this.depth++;
    this.segments = 2 ** this.depth;
    this.directory = Array.from({ length: this.segments }, () => newSegment(this.depth));
  }

  get bytesUsed(): number {
    return this.segments * SEGMENT_WORDS * 4 + this.directory.length * 8;
  }

  private segment(hash: number): Int32Array {
    return this.directory[hash >>> (32 - this.depth)] as Int32Array;
  }

  /** The row whose path is `bytes[from, to)`, given that path's hash; or 0. */
  find(hash: number, bytes: Uint8Array, from: number, to: number): Row {
    const segment = this.segment(hash);
    for (let slot = home(hash); ; slot = after(slot)) {
      const row = segment[slot * 2 + 1] as number;
      if (row === 0) return 0;
      if (segment[slot * 2] === hash && this.hasPath(row, bytes, from, to)) return row;
    }
  }

  /** The child of `parent` with the name `bytes[from, to)`, given its path's hash; or 0. */
  findChild(hash: number, parent: Row, bytes: Uint8Array, from: number, to: number): Row {
    const segment = this.segment(hash);
    for (let slot = home(hash); ; slot = after(slot)) {
      const row = segment[slot * 2 + 1] as number;
      if (row === 0) return 0;
      if (segment[slot * 2] !== hash) continue;
      if (this.rows.int(row, PARENT) === parent && this.hasName(row, bytes, from, to)) return row;
    }
  }

  private hasName(row: Row, bytes: Uint8Array, from: number, to: number): boolean {
    const length = this.rows.int(row, NAME_LENGTH);
    if (length !== to - from) return false;
    const chunk = this.arena.chunks[this.rows.int(row, BLOB_CHUNK)] as Uint8Array;
    const offset = this.rows.int(row, BLOB_OFFSET) & OFFSET_MASK;
    return equalBytes(chunk, offset, bytes, from, length);
  }

  private hasPath(row: Row, bytes: Uint8Array, from: number, to: number): boolean {
    let end = to;
    for (let at = row; ; ) {
      const ints = this.rows.ints[at >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
      const word = (at & ROW_IN_CHUNK) * ROW_WORDS;
      const parent = ints[word + PARENT] as number;
      if (parent === 0) return end === from;
      const length = ints[word + NAME_LENGTH] as number;
      end -= length + 1;
      if (end < from || bytes[end] !== SLASH) return false;
      const chunk = this.arena.chunks[ints[word + BLOB_CHUNK] as number] as Uint8Array;
      const offset = (ints[word + BLOB_OFFSET] as number) & OFFSET_MASK;
      for (let i = 0; i < length; i++) {
        if (chunk[offset + i] !== bytes[end + 1 + i]) return false;
      }
      at = parent;
    }
  }

  /** False, and nothing done, if a row with the same parent and name is there. */
  insert(hash: number, row: Row): boolean {
    let segment = this.segment(hash);
    while ((segment[USED] as number) >= ENTRIES_MAX) {
      this.split(hash);
      segment = this.segment(hash);
    }
    let slot = home(hash);
    for (; segment[slot * 2 + 1] !== 0; slot = after(slot)) {
      if (segment[slot * 2] === hash && this.sameNode(segment[slot * 2 + 1] as number, row)) {
        return false;
      }
    }
    segment[slot * 2] = hash;
    segment[slot * 2 + 1] = row;
    segment[USED] = (segment[USED] as number) + 1;
    return true;
  }

  private sameNode(a: Row, b: Row): boolean {
    const rows = this.rows;
    const length = rows.int(b, NAME_LENGTH);
    if (rows.int(a, PARENT) !== rows.int(b, PARENT)) return false;
    const bytes = this.arena.chunks[rows.int(b, BLOB_CHUNK)] as Uint8Array;
    const from = rows.int(b, BLOB_OFFSET) & OFFSET_MASK;
    return this.hasName(a, bytes, from, from + length);
  }

  /** Removes a row by the hash in it. */
  remove(row: Row): void {
    const hash = this.rows.int(row, PATH_HASH);
    const segment = this.segment(hash);
    let slot = home(hash);
    while (segment[slot * 2 + 1] !== row) {
      assert(segment[slot * 2 + 1] !== 0, 'row is not in the index');
      slot = after(slot);
    }
    this.closeGap(segment, slot);
    segment[USED] = (segment[USED] as number) - 1;
  }

  /** Moves entries that probed past the gap back into it, so that no tombstones are needed. */
  private closeGap(segment: Int32Array, empty: number): void {
    let gap = empty;
    for (let slot = after(gap); segment[slot * 2 + 1] !== 0; ) {
      const hash = segment[slot * 2] as number;
      if (distance(home(hash), slot) >= distance(gap, slot)) {
        segment[gap * 2] = hash;
        segment[gap * 2 + 1] = segment[slot * 2 + 1] as number;
        gap = slot;
      }
      slot = after(slot);
    }
    segment[gap * 2 + 1] = 0;
  }

  private split(hash: number): void {
    const old = this.segment(hash);
    const depth = old[DEPTH] as number;
    assert(depth < DEPTH_MAX, 'path hashes collide');
    if (depth === this.depth) this.doubleDirectory();
    const low = newSegment(depth + 1);
    const high = newSegment(depth + 1);
    const bit = 1 << (31 - depth);
    for (let slot = 0; slot < SLOTS; slot++) {
      const row = old[slot * 2 + 1] as number;
      if (row === 0) continue;
      const entry = old[slot * 2] as number;
      place((entry & bit) === 0 ? low : high, entry, row);
    }
    const span = 1 << (this.depth - depth);
    const first = (hash >>> (32 - this.depth)) & -span;
    for (let i = 0; i < span; i++) this.directory[first + i] = i < span / 2 ? low : high;
    this.segments++;
  }

  private doubleDirectory(): void {
    const doubled: Int32Array[] = [];
    for (const segment of this.directory) doubled.push(segment, segment);
    this.directory = doubled;
    this.depth++;
  }
}

/** Where an entry is looked for first: its low 16 bits scaled to the number of slots. */
function home(hash: number): number {
  return ((hash & 0xffff) * SLOTS) >>> 16;
}

function after(slot: number): number {
  return slot + 1 === SLOTS ? 0 : slot + 1;
}

function distance(from: number, to: number): number {
  return to >= from ? to - from : to - from + SLOTS;
}

function newSegment(depth: number): Int32Array {
  const segment = new Int32Array(SEGMENT_WORDS);
  segment[DEPTH] = depth;
  return segment;
}

function place(segment: Int32Array, hash: number, row: Row): void {
  let slot = home(hash);
  while (segment[slot * 2 + 1] !== 0) slot = after(slot);
  segment[slot * 2] = hash;
  segment[slot * 2 + 1] = row;
  segment[USED] = (segment[USED] as number) + 1;
}
