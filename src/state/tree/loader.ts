import { ZNODES_MAX } from '../../base/limits.ts';
import { DecodeError } from '../../base/reader.ts';
import {
  Arena,
  CHUNK_BYTES,
  CHUNKS_MAX,
  LARGE,
  LARGE_MAX_BYTES,
  SLAB_CLASSES,
  SLAB_MAX_BYTES,
  slotBytes,
} from './arena.ts';
import { check } from './check.ts';
import { Digest } from './digest.ts';
import {
  BUFFERED_BYTES_MAX,
  BYTE_ORDER,
  FORMAT_VERSION,
  H_BYTE_ORDER,
  H_CHUNKS_END,
  H_COUNT,
  H_LISTS_END,
  H_MAGIC,
  H_ROW_WORDS,
  H_ROWS_END,
  H_ROWS_FIRST,
  H_VERSION,
  HEADER_WORDS,
  ITEM_BYTES,
  ITEM_WORDS,
  Item,
  MAGIC,
} from './format.ts';
import {
  ROW_BYTES,
  ROW_IN_CHUNK,
  ROW_WORDS,
  ROWS_PER_CHUNK,
  ROWS_PER_CHUNK_LOG2,
  SIDE_LIST,
  SIDE_NEXT,
  SIDE_PREVIOUS,
} from './layout.ts';
import { Lists } from './lists.ts';
import { Names } from './names.ts';
import type { Parts } from './parts.ts';
import { PathIndex } from './path-index.ts';
import { Rows } from './rows.ts';
import { Tree, type TreeOptions } from './tree.ts';
import { verify } from './verify.ts';

const LIST_WORDS = 3;
const SIDE_ITEM_WORDS = 4;

/**
 * Reads an image, however the stream is cut into slices. Rows and blobs go straight to where they
 * will stay; nothing is allocated for a length before that length was found plausible.
 */
export class TreeLoader {
  private readonly options: TreeOptions;
  private parts: Omit<Parts, 'index'> | null = null;
  private header: Int32Array = new Int32Array(HEADER_WORDS);
  /** kind, a, b, c, bytes of the item that is being read. */
  private readonly head: Int32Array = new Int32Array(ITEM_WORDS);
  private readonly headBytes: Uint8Array = new Uint8Array(this.head.buffer);
  private inPayload = false;
  /** Where bytes go, from where, and how many are missing. */
  private target: Uint8Array = this.headBytes;
  private targetAt = 0;
  private missing: number = ITEM_BYTES;
  private payload: Int32Array = this.header;
  private phase = 0;
  private listsDone = 1;
  private sideCount = 0;
  private chunk = 0;
  private chunkDone = 0;
  private chunkTop = 0;

  constructor(options: TreeOptions) {
    this.options = options;
  }

  accept(slice: Uint8Array): void {
    for (let at = 0; at < slice.length; ) {
      check(this.phase !== Item.end, 'bytes behind the end');
      const count = Math.min(this.missing, slice.length - at);
      this.target.set(slice.subarray(at, at + count), this.targetAt);
      at += count;
      this.targetAt += count;
      this.missing -= count;
      if (this.missing === 0) this.advance();
    }
  }

  /** The tree, once all of it has been checked; throws a DecodeError if it is not one. */
  finish(): Tree {
    check(this.phase === Item.end, 'image is cut short');
    const { rows, arena, names, lists, digest } = this.get();
    // Not before the rows are here, so that an announced number alone reserves no memory.
    const expected = Math.min(this.header[H_COUNT] as number, rows.end - rows.first);
    const index = new PathIndex(rows, arena, expected);
    const parts: Parts = { rows, arena, names, index, lists, digest };
    const { seed, verifyDigests = true } = this.options;
    const totals = verify(parts, this.header, this.sideCount, { seed, verifyDigests });
    return new Tree(this.options, { ...parts, ...totals });
  }

  private advance(): void {
    if (!this.inPayload) this.startPayload();
    else this.endPayload();
    if (this.missing > 0) return;
    if (this.inPayload) this.endPayload();
  }

  private expect(inPayload: boolean, target: Uint8Array, at: number, count: number): void {
    this.inPayload = inPayload;
    this.target = target;
    this.targetAt = at;
    this.missing = count;
  }

  private startPayload(): void {
    const [kind, a, b, c, bytes] = this.head as unknown as [number, number, number, number, number];
    check(bytes >= 0 && (bytes & 3) === 0, 'item of a strange length');
    check((kind === Item.header) === (this.phase === 0), 'header out of place');
    // Sides follow the rows they belong to, and so come between rows.
    const order = kind === Item.sides ? Item.rows : kind;
    check(order >= this.phase && order <= Item.end, 'item out of place');
    this.phase = order;
    if (kind === Item.rows) this.startRows(a, bytes);
    else if (kind === Item.blobs) this.startBlobs(a, b, c, bytes);
    else if (kind === Item.end) this.startEnd(bytes);
    else this.startBuffered(kind, bytes);
  }

  private startBuffered(kind: number, bytes: number): void {
    check(bytes <= BUFFERED_BYTES_MAX, 'item too long');
    check(kind !== Item.header || bytes === HEADER_WORDS * 4, 'header of a strange length');
    this.payload = new Int32Array(bytes >>> 2);
    this.expect(true, new Uint8Array(this.payload.buffer), 0, bytes);
  }

  private startRows(first: number, bytes: number): void {
    const { rows } = this.get();
    const count = bytes / ROW_BYTES;
    const inChunk = first & ROW_IN_CHUNK;
    check(first === rows.end && count >= 1 && Number.isInteger(count), 'rows out of order');
    check(inChunk + count <= ROWS_PER_CHUNK, 'rows of two chunks');
    check(first + count <= (this.header[H_ROWS_END] as number), 'more rows than announced');
    const chunk = first >>> ROWS_PER_CHUNK_LOG2;
    if (chunk >= rows.ints.length) rows.grow();
    const ints = rows.ints[chunk] as Int32Array;
    this.expect(true, new Uint8Array(ints.buffer), inChunk * ROW_BYTES, bytes);
  }

  private startBlobs(chunk: number, sizeClass: number, top: number, bytes: number): void {
    const { arena } = this.get();
    check(bytes > 0, 'empty part of a chunk');
    if (this.chunkDone === this.chunkTop) {
      check(
        chunk > this.chunk && chunk < (this.header[H_CHUNKS_END] as number),
        'chunk out of order',
      );
      checkTop(sizeClass, top);
      const length = sizeClass === LARGE ? top : CHUNK_BYTES;
      arena.adopt(chunk, sizeClass, top, new Uint8Array(length));
      this.chunk = chunk;
      this.chunkTop = top;
      this.chunkDone = 0;
    }
    check(chunk === this.chunk && top === this.chunkTop, 'chunk is cut short');
    check(sizeClass === arena.classOf(chunk), 'chunk of two classes');
    check(this.chunkDone + bytes <= top, 'chunk too long');
    this.expect(true, arena.chunks[chunk] as Uint8Array, this.chunkDone, bytes);
  }

  private startEnd(bytes: number): void {
    const { rows, lists } = this.get();
    check(bytes === 0, 'end with a payload');
    check(rows.end === this.header[H_ROWS_END], 'fewer rows than announced');
    check(lists.end === this.header[H_LISTS_END], 'fewer lists than announced');
    check(this.chunkDone === this.chunkTop, 'chunk is cut short');
  }

  private endPayload(): void {
    const kind = this.head[0];
    const bytes = this.head[4] as number;
    if (kind === Item.header) this.makeParts();
    else if (kind === Item.lists) this.addLists();
    else if (kind === Item.sides) this.addSides();
    else if (kind === Item.rows) this.get().rows.end += bytes / ROW_BYTES;
    else this.chunkDone += bytes;
    this.expect(false, this.headBytes, 0, ITEM_BYTES);
  }

  private get(): Omit<Parts, 'index'> {
    if (this.parts === null) throw new DecodeError('image without a header');
    return this.parts;
  }

  private makeParts(): void {
    const header = this.payload;
    check(header[H_MAGIC] === MAGIC, 'not an image of a tree');
    check(header[H_BYTE_ORDER] === BYTE_ORDER, 'image of the other byte order');
    check(header[H_VERSION] === FORMAT_VERSION, 'image of an unknown version');
    check(header[H_ROW_WORDS] === ROW_WORDS, 'rows of a strange length');
    const first = header[H_ROWS_FIRST] as number;
    const end = header[H_ROWS_END] as number;
    check(first >= 1 && end > first && end - 1 <= ZNODES_MAX, 'impossible row numbers');
    const chunksEnd = header[H_CHUNKS_END] as number;
    check(chunksEnd >= 1 && chunksEnd <= CHUNKS_MAX, 'impossible chunk numbers');
    const rows = new Rows(first);
    const arena = new Arena();
    const names = new Names(rows, arena);
    this.parts = {
      rows,
      arena,
      names,
      lists: new Lists(rows),
      digest: new Digest(rows, names),
    };
    this.header = header;
  }

  private addLists(): void {
    const { lists } = this.get();
    const heads = this.payload;
    check(heads.length % LIST_WORDS === 0 && this.head[1] === this.listsDone, 'lists out of order');
    for (let at = 0; at < heads.length; at += LIST_WORDS) {
      const list = lists.append();
      const size = heads[at + 2] as number;
      check(size >= -1, 'list of a negative size');
      if (size === -1) lists.markUnused(list);
      else lists.setHead(list, heads[at] as number, heads[at + 1] as number, size);
    }
    this.listsDone = lists.end;
  }

  private addSides(): void {
    const { rows } = this.get();
    const sides = this.payload;
    check(sides.length % SIDE_ITEM_WORDS === 0, 'sides of a strange length');
    for (let at = 0; at < sides.length; at += SIDE_ITEM_WORDS) {
      const row = sides[at] as number;
      check(rows.isLive(row) && rows.side(row, SIDE_LIST) === 0, 'side of no row');
      check(sides[at + 1] !== 0, 'side of no list');
      rows.setSide(row, SIDE_LIST, sides[at + 1] as number);
      rows.setSide(row, SIDE_PREVIOUS, sides[at + 2] as number);
      rows.setSide(row, SIDE_NEXT, sides[at + 3] as number);
      this.sideCount++;
    }
  }
}

function checkTop(sizeClass: number, top: number): void {
  if (sizeClass === LARGE) {
    check(
      top > SLAB_MAX_BYTES && top <= LARGE_MAX_BYTES && (top & 7) === 0,
      'impossible large blob',
    );
    return;
  }
  check(sizeClass >= 1 && sizeClass <= SLAB_CLASSES, 'unknown size class');
  check(top > 0 && top <= CHUNK_BYTES && top % slotBytes(sizeClass) === 0, 'impossible chunk');
}
