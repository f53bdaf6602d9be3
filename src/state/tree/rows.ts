import { assert } from '../../base/assert.ts';
import { ZNODES_MAX } from '../../base/limits.ts';
import {
  BLOB_OFFSET,
  FLAG_IMAGE,
  FLAG_UNDO,
  FREE,
  NEXT_SIBLING,
  PARENT,
  ROW_BYTES,
  ROW_FLOATS,
  ROW_IN_CHUNK,
  ROW_WORDS,
  ROWS_PER_CHUNK,
  ROWS_PER_CHUNK_LOG2,
  type Row,
  SIDE_WORDS,
} from './layout.ts';
import { RowSaves } from './saves.ts';

const NO_WORDS = new Int32Array(0);
const NO_FLOATS = new Float64Array(0);

/**
 * Rows in chunks, their side words in pages that exist only where a row is on a list, and the old
 * images of both: every change of a row is preceded by `save`, which is one comparison unless a
 * transaction or an image is in progress and lacks the row.
 */
export class Rows {
  readonly ints: Int32Array[] = [];
  readonly floats: Float64Array[] = [];
  readonly sides: Int32Array[] = [];
  /** The lowest row in use; above 1 only in tests of large row numbers. */
  readonly first: Row;
  /** One above the highest row ever used. */
  end: Row;
  /** Head of the free rows, linked through NEXT_SIBLING. */
  free: Row = 0;
  private pages = 0;

  /** Flags that a row has when nothing has to be saved before it changes. */
  private savedFlags = 0;
  readonly undo: RowSaves = new RowSaves();
  undoing = false;
  readonly imageSaves: RowSaves = new RowSaves();
  /** Rows in [imageCursor, imageEnd) are still to be copied as they were when the image began. */
  imageCursor: Row = 0;
  imageEnd: Row = 0;
  /** Heads of the chains of saves, one per row chunk. */
  private imageHeads: Int32Array = NO_WORDS;

  constructor(first: Row) {
    this.first = first;
    this.end = first;
    for (let chunk = first >>> ROWS_PER_CHUNK_LOG2; chunk > 0; chunk--) {
      this.pushChunk(NO_WORDS, NO_FLOATS);
    }
  }

  get bytesUsed(): number {
    const chunks = this.ints.length - (this.first >>> ROWS_PER_CHUNK_LOG2);
    return (
      chunks * ROWS_PER_CHUNK * ROW_BYTES +
      this.pages * ROWS_PER_CHUNK * SIDE_WORDS * 4 +
      this.undo.bytesUsed +
      this.imageSaves.bytesUsed +
      this.imageHeads.byteLength
    );
  }

  int(row: Row, field: number): number {
    const ints = this.ints[row >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
    return ints[(row & ROW_IN_CHUNK) * ROW_WORDS + field] as number;
  }

  setInt(row: Row, field: number, value: number): void {
    const ints = this.ints[row >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
    ints[(row & ROW_IN_CHUNK) * ROW_WORDS + field] = value;
  }

  float(row: Row, field: number): number {
    const floats = this.floats[row >>> ROWS_PER_CHUNK_LOG2] as Float64Array;
    return floats[(row & ROW_IN_CHUNK) * ROW_FLOATS + field] as number;
  }

  setFloat(row: Row, field: number, value: number): void {
    const floats = this.floats[row >>> ROWS_PER_CHUNK_LOG2] as Float64Array;
    floats[(row & ROW_IN_CHUNK) * ROW_FLOATS + field] = value;
  }

  isLive(row: Row): boolean {
    return row >= this.first && row < this.end && this.int(row, PARENT) !== FREE;
  }

  side(row: Row, field: number): number {
    const page = this.sides[row >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
    return page.length === 0 ? 0 : (page[(row & ROW_IN_CHUNK) * SIDE_WORDS + field] as number);
  }

  setSide(row: Row, field: number, value: number): void {
    this.sidePage(row >>> ROWS_PER_CHUNK_LOG2)[(row & ROW_IN_CHUNK) * SIDE_WORDS + field] = value;
  }

  private sidePage(chunk: number): Int32Array {
    const page = this.sides[chunk] as Int32Array;
    if (page.length !== 0) return page;
    const made = new Int32Array(ROWS_PER_CHUNK * SIDE_WORDS);
    this.sides[chunk] = made;
    this.pages++;
    return made;
  }

  /** A row for a new znode, saved already. Its flags hold; its other fields are to be written. */
  take(): Row {
    const row = this.free;
    if (row !== 0) {
      this.free = this.int(row, NEXT_SIBLING);
      this.save(row);
      return row;
    }
    const fresh = this.end;
    assert(fresh <= ZNODES_MAX, 'no row number left');
    if (fresh >>> ROWS_PER_CHUNK_LOG2 >= this.ints.length) this.grow();
    this.end = fresh + 1;
    // What an earlier, rolled-back use left there must not look like a znode to the next rollback.
    this.setInt(fresh, PARENT, FREE);
    this.setInt(fresh, BLOB_OFFSET, 0);
    this.save(fresh);
    return fresh;
  }

  /** Appends a chunk of zeros. */
  grow(): void {
    const buffer = new ArrayBuffer(ROWS_PER_CHUNK * ROW_BYTES);
    this.pushChunk(new Int32Array(buffer), new Float64Array(buffer));
  }

  private pushChunk(ints: Int32Array, floats: Float64Array): void {
    this.ints.push(ints);
    this.floats.push(floats);
    this.sides.push(NO_WORDS);
  }

  /** Gives a saved row back. */
  give(row: Row): void {
    this.setInt(row, PARENT, FREE);
    this.setInt(row, NEXT_SIBLING, this.free);
    this.free = row;
  }

  /** To be called before any word of a row, or of its side words, changes. */
  save(row: Row): void {
    const ints = this.ints[row >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
    const at = (row & ROW_IN_CHUNK) * ROW_WORDS;
    const flags = ints[at + BLOB_OFFSET] as number;
    if ((flags & this.savedFlags) !== this.savedFlags) this.saveMissing(row, ints, at, flags);
  }

  private saveMissing(row: Row, ints: Int32Array, at: number, flags: number): void {
    const side = this.sides[row >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
    const sideAt = (row & ROW_IN_CHUNK) * SIDE_WORDS;
    let saved = flags;
    if (row >= this.imageCursor && row < this.imageEnd && (flags & FLAG_IMAGE) === 0) {
      const chunk = row >>> ROWS_PER_CHUNK_LOG2;
      const link = this.imageHeads[chunk] as number;
      this.imageHeads[chunk] = this.imageSaves.add(row, link, ints, at, side, sideAt);
      saved |= FLAG_IMAGE;
    }
    if (this.undoing && (flags & FLAG_UNDO) === 0) {
      this.undo.add(row, 0, ints, at, side, sideAt);
      saved |= FLAG_UNDO;
    }
    ints[at + BLOB_OFFSET] = saved;
  }

  startUndo(): void {
    this.undoing = true;
    this.savedFlags |= FLAG_UNDO;
  }

  stopUndo(): void {
    this.undoing = false;
    this.savedFlags &= ~FLAG_UNDO;
    this.undo.clear();
  }

  /** Puts a row back as the undo journal has it; what the image knows of it stays known. */
  restore(save: number): void {
    const page = this.undo.page(save);
    const from = this.undo.at(save) + 2;
    const row = this.undo.row(save);
    const ints = this.ints[row >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
    const at = (row & ROW_IN_CHUNK) * ROW_WORDS;
    const imaged = (ints[at + BLOB_OFFSET] as number) & FLAG_IMAGE;
    for (let i = 0; i < ROW_WORDS; i++) ints[at + i] = page[from + i] as number;
    ints[at + BLOB_OFFSET] = (ints[at + BLOB_OFFSET] as number) | imaged;
    const side = this.sides[row >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
    if (side.length === 0) return;
    const sideAt = (row & ROW_IN_CHUNK) * SIDE_WORDS;
    for (let i = 0; i < SIDE_WORDS; i++) {
      side[sideAt + i] = page[from + ROW_WORDS + i] as number;
    }
  }

  startImage(): void {
    this.imageCursor = this.first;
    this.imageEnd = this.end;
    this.imageHeads = new Int32Array(this.ints.length);
    this.savedFlags |= FLAG_IMAGE;
  }

  /** Also when abandoned: rows that were saved and not copied lose their mark. */
  stopImage(): void {
    for (let chunk = 0; chunk < this.imageHeads.length; chunk++) {
      for (let save = this.imageHeads[chunk] as number; save !== 0; ) {
        this.unmark(this.imageSaves.row(save));
        save = this.imageSaves.link(save);
      }
    }
    this.imageCursor = 0;
    this.imageEnd = 0;
    this.imageHeads = NO_WORDS;
    this.imageSaves.clear();
    this.savedFlags &= ~FLAG_IMAGE;
  }

  private unmark(row: Row): void {
    this.setInt(row, BLOB_OFFSET, this.int(row, BLOB_OFFSET) & ~FLAG_IMAGE);
  }

  /**
   * Copies rows [imageCursor, to), all of one chunk, as they were when the image began, and their
   * side words; both targets begin with row `imageCursor`.
   */
  copyForImage(to: Row, target: Int32Array, side: Int32Array): void {
    const from = this.imageCursor;
    const chunk = from >>> ROWS_PER_CHUNK_LOG2;
    const inChunk = from & ROW_IN_CHUNK;
    const count = to - from;
    const ints = this.ints[chunk] as Int32Array;
    target.set(ints.subarray(inChunk * ROW_WORDS, (inChunk + count) * ROW_WORDS));
    const page = this.sides[chunk] as Int32Array;
    if (page.length === 0) side.fill(0, 0, count * SIDE_WORDS);
    else side.set(page.subarray(inChunk * SIDE_WORDS, (inChunk + count) * SIDE_WORDS));
    this.imageCursor = to;
    this.patch(chunk, from, to, target, side);
  }

  private patch(chunk: number, from: Row, to: Row, target: Int32Array, side: Int32Array): void {
    const saves = this.imageSaves;
    let kept = 0;
    for (let save = this.imageHeads[chunk] as number; save !== 0; ) {
      const link = saves.link(save);
      const row = saves.row(save);
      if (row < to) {
        const page = saves.page(save);
        const at = saves.at(save) + 2;
        target.set(page.subarray(at, at + ROW_WORDS), (row - from) * ROW_WORDS);
        const sideAt = at + ROW_WORDS;
        side.set(page.subarray(sideAt, sideAt + SIDE_WORDS), (row - from) * SIDE_WORDS);
        this.unmark(row);
        saves.release(save);
      } else {
        saves.setLink(save, kept);
        kept = save;
      }
      save = link;
    }
    this.imageHeads[chunk] = kept;
  }
}
