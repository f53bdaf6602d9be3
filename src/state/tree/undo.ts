import { assert } from '../../base/assert.ts';
import {
  BLOB_CHUNK,
  BLOB_OFFSET,
  FLAG_FRESH,
  FLAG_UNDO,
  OFFSET_MASK,
  PATH_HASH,
  type Row,
} from './layout.ts';
import type { Parts } from './parts.ts';

/**
 * One transaction: the rows' old images, and the blobs that they still own. Undoing puts the rows
 * back, links, free rows and all; the index follows from what is live before and after.
 */
export class Undo {
  private readonly parts: Parts;
  private rowsFree: Row = 0;
  private rowsEnd: Row = 0;
  /** Chunk and offset of blobs that rows gave up, but had before the transaction. */
  private readonly givenUp: number[] = [];

  constructor(parts: Parts) {
    this.parts = parts;
  }

  begin(): void {
    const { rows, digest } = this.parts;
    assert(!rows.undoing, 'transaction inside a transaction');
    this.rowsFree = rows.free;
    this.rowsEnd = rows.end;
    digest.begin();
    rows.startUndo();
  }

  /** The row no longer needs its blob. */
  release(row: Row): void {
    const { rows, arena } = this.parts;
    const word = rows.int(row, BLOB_OFFSET);
    const chunk = rows.int(row, BLOB_CHUNK);
    if (rows.undoing && (word & FLAG_FRESH) === 0) this.givenUp.push(chunk, word & OFFSET_MASK);
    else arena.free(chunk, word & OFFSET_MASK);
  }

  commit(): void {
    const { rows, arena, lists } = this.parts;
    assert(rows.undoing, 'commit without a transaction');
    for (let save = 1; save <= rows.undo.count; save++) {
      const row = rows.undo.row(save);
      const word = rows.int(row, BLOB_OFFSET);
      rows.setInt(row, BLOB_OFFSET, word & ~(FLAG_UNDO | FLAG_FRESH));
    }
    for (let i = 0; i < this.givenUp.length; i += 2) {
      arena.free(this.givenUp[i] as number, this.givenUp[i + 1] as number);
    }
    lists.commit();
    this.end();
  }

  rollback(): void {
    const { rows, lists, digest } = this.parts;
    assert(rows.undoing, 'rollback without a transaction');
    const saves = rows.undo;
    // Three passes. Were each row restored and indexed in turn, this would find a duplicate:
    // delete /a (row 5), create /b (row 5 again), create /a (row 6); row 5 returns as /a while
    // row 6 still has that path.
    for (let save = 1; save <= saves.count; save++) this.vacate(saves.row(save));
    for (let save = 1; save <= saves.count; save++) rows.restore(save);
    for (let save = 1; save <= saves.count; save++) this.occupy(saves.row(save));
    rows.free = this.rowsFree;
    rows.end = this.rowsEnd;
    lists.rollback();
    digest.rollback();
    this.end();
  }

  private vacate(row: Row): void {
    const { rows, arena, index } = this.parts;
    if (!rows.isLive(row)) return;
    index.remove(row);
    const word = rows.int(row, BLOB_OFFSET);
    if ((word & FLAG_FRESH) !== 0) arena.free(rows.int(row, BLOB_CHUNK), word & OFFSET_MASK);
  }

  private occupy(row: Row): void {
    const { rows, index } = this.parts;
    if (!rows.isLive(row)) return;
    const isNew = index.insert(rows.int(row, PATH_HASH), row);
    assert(isNew, 'path is there twice after a rollback');
  }

  private end(): void {
    if (this.givenUp.length > 0) this.givenUp.length = 0;
    this.parts.rows.stopUndo();
  }
}
