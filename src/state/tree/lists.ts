import { assert } from '../../base/assert.ts';
import { type Row, SIDE_LIST, SIDE_NEXT, SIDE_PREVIOUS } from './layout.ts';
import type { Rows } from './rows.ts';

const HEAD_WORDS = 3;
const FIRST = 0;
const LAST = 1;
/** -1 for a number that is no list. */
const SIZE = 2;
const UNUSED = -1;

/** Doubly linked lists of rows, in the order of adding; a row is on one list at most. */
export class Lists {
  private readonly rows: Rows;
  /** By list number, from 1. */
  private heads: Int32Array = new Int32Array(16 * HEAD_WORDS);
  /** One above the highest number ever used. */
  end = 1;
  private readonly unused: number[] = [];
  /** list, first, last, size of each change of the transaction in progress. */
  private readonly undo: number[] = [];

  constructor(rows: Rows) {
    this.rows = rows;
  }

  get bytesUsed(): number {
    return this.heads.byteLength;
  }

  make(): number {
    assert(!this.rows.undoing, 'list made inside a transaction');
    const list = this.unused.pop() ?? this.append();
    this.setHead(list, 0, 0, 0);
    return list;
  }

  append(): number {
    const list = this.end++;
    if (this.end * HEAD_WORDS > this.heads.length) {
      const grown = new Int32Array(this.heads.length * 2);
      grown.set(this.heads);
      this.heads = grown;
    }
    return list;
  }

  drop(list: number): void {
    assert(!this.rows.undoing, 'list dropped inside a transaction');
    assert(this.size(list) === 0, 'list dropped that is not empty');
    this.markUnused(list);
  }

  markUnused(list: number): void {
    this.setHead(list, 0, 0, UNUSED);
    this.unused.push(list);
  }

  isList(list: number): boolean {
    return list > 0 && list < this.end && this.size(list) !== UNUSED;
  }

  first(list: number): Row {
    return this.heads[list * HEAD_WORDS + FIRST] as number;
  }

  last(list: number): Row {
    return this.heads[list * HEAD_WORDS + LAST] as number;
  }

  size(list: number): number {
    return this.heads[list * HEAD_WORDS + SIZE] as number;
  }

  setHead(list: number, first: Row, last: Row, size: number): void {
    const at = list * HEAD_WORDS;
    this.heads[at + FIRST] = first;
    this.heads[at + LAST] = last;
    this.heads[at + SIZE] = size;
  }

  add(list: number, row: Row): void {
    const rows = this.rows;
    assert(this.isList(list), 'row added to no list');
    assert(rows.side(row, SIDE_LIST) === 0, 'row is on a list already');
    const last = this.last(list);
    this.saveHead(list);
    rows.save(row);
    rows.setSide(row, SIDE_LIST, list);
    rows.setSide(row, SIDE_PREVIOUS, last);
    rows.setSide(row, SIDE_NEXT, 0);
    if (last !== 0) {
      rows.save(last);
      rows.setSide(last, SIDE_NEXT, row);
    }
    this.setHead(list, last === 0 ? row : this.first(list), row, this.size(list) + 1);
  }

  remove(list: number, row: Row): void {
    const rows = this.rows;
    assert(list !== 0 && rows.side(row, SIDE_LIST) === list, 'row is not on that list');
    const previous = rows.side(row, SIDE_PREVIOUS);
    const next = rows.side(row, SIDE_NEXT);
    this.saveHead(list);
    rows.save(row);
    rows.setSide(row, SIDE_LIST, 0);
    rows.setSide(row, SIDE_PREVIOUS, 0);
    rows.setSide(row, SIDE_NEXT, 0);
    if (previous !== 0) {
      rows.save(previous);
      rows.setSide(previous, SIDE_NEXT, next);
    }
    if (next !== 0) {
      rows.save(next);
      rows.setSide(next, SIDE_PREVIOUS, previous);
    }
    const first = previous === 0 ? next : this.first(list);
    this.setHead(list, first, next === 0 ? previous : this.last(list), this.size(list) - 1);
  }

  private saveHead(list: number): void {
    if (!this.rows.undoing) return;
    this.undo.push(list, this.first(list), this.last(list), this.size(list));
  }

  /** Heads only: the rows' side words come back with the rows. */
  rollback(): void {
    const undo = this.undo;
    for (let at = undo.length - 4; at >= 0; at -= 4) {
      const [list, first, last, size] = undo.slice(at, at + 4) as [number, number, number, number];
      this.setHead(list, first, last, size);
    }
    this.commit();
  }

  commit(): void {
    if (this.undo.length > 0) this.undo.length = 0;
  }

  /** The heads of all lists as they are now, for an image. */
  copyHeads(): Int32Array {
    return this.heads.slice(HEAD_WORDS, this.end * HEAD_WORDS);
  }
}
