import { assert } from '../../base/assert.ts';
import {
  BUFFERED_BYTES_MAX,
  BYTE_ORDER,
  FORMAT_VERSION,
  H_BYTE_ORDER,
  H_CHUNKS_END,
  H_COUNT,
  H_DATA_BYTES_HIGH,
  H_DATA_BYTES_LOW,
  H_DIGEST_HIGH,
  H_DIGEST_LOW,
  H_LISTS_END,
  H_MAGIC,
  H_ROOT,
  H_ROW_WORDS,
  H_ROWS_END,
  H_ROWS_FIRST,
  H_VERSION,
  HEADER_WORDS,
  ITEM_BYTES,
  Item,
  MAGIC,
} from './format.ts';
import {
  ROW_BYTES,
  ROW_WORDS,
  ROWS_PER_CHUNK,
  ROWS_PER_CHUNK_LOG2,
  SIDE_LIST,
  SIDE_NEXT,
  SIDE_PREVIOUS,
  SIDE_WORDS,
} from './layout.ts';
import type { Parts, Totals } from './parts.ts';

const TWO_32 = 4_294_967_296;
const LIST_BYTES = 12;
const SIDE_BYTES = 16;
/** Room for any item with something in it. */
const ROOM_MIN = 512;
const SLICE_BYTES_MIN = 4096;

/**
 * The tree at one moment, written in slices while it changes: rows first, as they lie or as they
 * were saved, then sealed chunks as they lie. The tree must not be inside a command meanwhile.
 */
export class TreeImage {
  private readonly parts: Parts;
  private readonly header: Int32Array;
  private readonly heads: Int32Array;
  private readonly rowsEnd: number;
  private readonly chunksEnd: number;
  private readonly sides: Int32Array = new Int32Array(ROWS_PER_CHUNK * SIDE_WORDS);
  private words: Int32Array = new Int32Array(0);
  private bytes: Uint8Array = new Uint8Array(0);
  /** Bytes of the slice in `bytes` that are written. */
  private at = 0;
  private phase: number = Item.header;
  private headsDone = 0;
  private chunk = 1;
  private chunkDone = 0;
  isOver = false;

  constructor(parts: Parts, totals: Totals) {
    assert(parts.digest.isSettled, 'image begun inside a command');
    assert(!parts.rows.undoing, 'image begun inside a transaction');
    this.parts = parts;
    this.rowsEnd = parts.rows.end;
    this.chunksEnd = parts.arena.chunks.length;
    this.heads = parts.lists.copyHeads();
    this.header = makeHeader(parts, totals);
    parts.rows.startImage();
    parts.arena.seal();
  }

  /** The next bytes, valid until the next call; null when there are no more. */
  next(maxBytes: number): Uint8Array | null {
    assert(maxBytes >= SLICE_BYTES_MIN, 'slice too small');
    if (this.isOver) return null;
    assert(!this.parts.rows.undoing, 'image written inside a transaction');
    this.setCapacity(maxBytes & ~7);
    this.at = 0;
    while (!this.isOver && this.room >= ROOM_MIN) this.step();
    return this.bytes.subarray(0, this.at);
  }

  /** Lets go of what the image holds back. Also for one that is abandoned. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.parts.rows.stopImage();
    this.parts.arena.unsealAll();
  }

  private get room(): number {
    return this.bytes.length - this.at;
  }

  private setCapacity(capacity: number): void {
    if (this.bytes.length === capacity) return;
    this.bytes = new Uint8Array(capacity);
    this.words = new Int32Array(this.bytes.buffer);
  }

  private step(): void {
    if (this.phase === Item.header) {
      this.item(Item.header, 0, 0, 0, HEADER_WORDS * 4);
      this.put(this.header);
      this.phase = Item.lists;
    } else if (this.phase === Item.lists) this.stepLists();
    else if (this.phase === Item.rows) this.stepRows();
    else this.stepBlobs();
  }

  private item(kind: number, a: number, b: number, c: number, bytes: number): void {
    const word = this.at >>> 2;
    this.words[word] = kind;
    this.words[word + 1] = a;
    this.words[word + 2] = b;
    this.words[word + 3] = c;
    this.words[word + 4] = bytes;
    this.at += ITEM_BYTES;
  }

  private put(words: Int32Array): void {
    this.words.set(words, this.at >>> 2);
    this.at += words.length * 4;
  }

  private stepLists(): void {
    const left = this.heads.length / SIDE_WORDS - this.headsDone;
    if (left === 0) {
      this.phase = Item.rows;
      return;
    }
    const bytesMax = Math.min(this.room - ITEM_BYTES, BUFFERED_BYTES_MAX);
    const count = Math.min(left, Math.floor(bytesMax / LIST_BYTES));
    this.item(Item.lists, this.headsDone + 1, 0, 0, count * LIST_BYTES);
    this.put(this.heads.subarray(this.headsDone * 3, (this.headsDone + count) * 3));
    this.headsDone += count;
  }

  private stepRows(): void {
    const rows = this.parts.rows;
    const from = rows.imageCursor;
    const fitting = Math.floor((this.room - 2 * ITEM_BYTES) / (ROW_BYTES + SIDE_BYTES));
    const chunkEnd = ((from >>> ROWS_PER_CHUNK_LOG2) + 1) * ROWS_PER_CHUNK;
    const to = Math.min(from + fitting, chunkEnd, this.rowsEnd);
    const count = to - from;
    this.item(Item.rows, from, 0, 0, count * ROW_BYTES);
    const word = this.at >>> 2;
    rows.copyForImage(to, this.words.subarray(word, word + count * ROW_WORDS), this.sides);
    this.at += count * ROW_BYTES;
    this.putSides(from, count);
    if (to < this.rowsEnd) return;
    rows.stopImage();
    this.phase = Item.blobs;
  }

  private putSides(from: number, count: number): void {
    const head = this.at;
    this.at += ITEM_BYTES;
    for (let i = 0; i < count; i++) {
      const list = this.sides[i * SIDE_WORDS + SIDE_LIST] as number;
      if (list === 0) continue;
      const word = this.at >>> 2;
      this.words[word] = from + i;
      this.words[word + 1] = list;
      this.words[word + 2] = this.sides[i * SIDE_WORDS + SIDE_PREVIOUS] as number;
      this.words[word + 3] = this.sides[i * SIDE_WORDS + SIDE_NEXT] as number;
      this.at += SIDE_BYTES;
    }
    const end = this.at;
    this.at = head;
    if (end === head + ITEM_BYTES) return;
    this.item(Item.sides, 0, 0, 0, end - this.at - ITEM_BYTES);
    this.at = end;
  }

  private stepBlobs(): void {
    const { arena } = this.parts;
    while (this.chunk < this.chunksEnd && arena.chunks[this.chunk]?.length === 0) this.chunk++;
    if (this.chunk === this.chunksEnd) {
      this.item(Item.end, 0, 0, 0, 0);
      this.end();
      return;
    }
    const top = arena.topOf(this.chunk);
    const count = Math.min(top - this.chunkDone, (this.room - ITEM_BYTES) & ~7);
    const bytes = arena.chunks[this.chunk] as Uint8Array;
    this.item(Item.blobs, this.chunk, arena.classOf(this.chunk), top, count);
    this.bytes.set(bytes.subarray(this.chunkDone, this.chunkDone + count), this.at);
    this.at += count;
    this.chunkDone += count;
    if (this.chunkDone < top) return;
    this.chunkDone = 0;
    this.chunk++;
    arena.unseal(this.chunk);
  }
}

function makeHeader(parts: Parts, totals: Totals): Int32Array {
  const header = new Int32Array(HEADER_WORDS);
  header[H_MAGIC] = MAGIC;
  header[H_VERSION] = FORMAT_VERSION;
  header[H_BYTE_ORDER] = BYTE_ORDER;
  header[H_ROW_WORDS] = ROW_WORDS;
  header[H_ROWS_FIRST] = parts.rows.first;
  header[H_ROWS_END] = parts.rows.end;
  header[H_ROOT] = totals.root;
  header[H_COUNT] = totals.count;
  header[H_CHUNKS_END] = parts.arena.chunks.length;
  header[H_LISTS_END] = parts.lists.end;
  header[H_DIGEST_HIGH] = parts.digest.high;
  header[H_DIGEST_LOW] = parts.digest.low;
  header[H_DATA_BYTES_HIGH] = Math.floor(totals.dataBytes / TWO_32);
  header[H_DATA_BYTES_LOW] = totals.dataBytes | 0;
  return header;
}
