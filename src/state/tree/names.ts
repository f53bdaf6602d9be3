import { copyBytes } from '../../base/bytes.ts';
import type { Writer } from '../../base/writer.ts';
import type { Arena } from './arena.ts';
import {
  BLOB_CHUNK,
  BLOB_OFFSET,
  DATA_LENGTH,
  NAME_LENGTH,
  OFFSET_MASK,
  PARENT,
  type Row,
} from './layout.ts';
import type { Rows } from './rows.ts';

const SLASH = 0x2f;

/** Reads what rows keep in the arena: names, paths made of them, data. */
export class Names {
  readonly rows: Rows;
  readonly arena: Arena;

  constructor(rows: Rows, arena: Arena) {
    this.rows = rows;
    this.arena = arena;
  }

  bytes(row: Row): Uint8Array {
    return this.arena.chunks[this.rows.int(row, BLOB_CHUNK)] as Uint8Array;
  }

  offset(row: Row): number {
    return this.rows.int(row, BLOB_OFFSET) & OFFSET_MASK;
  }

  writeName(row: Row, writer: Writer): void {
    const from = this.offset(row);
    writer.raw(this.bytes(row), from, from + this.rows.int(row, NAME_LENGTH));
  }

  writeData(row: Row, writer: Writer): void {
    const length = this.rows.int(row, DATA_LENGTH);
    if (length <= 0) return;
    const from = this.offset(row) + this.rows.int(row, NAME_LENGTH);
    writer.raw(this.bytes(row), from, from + length);
  }

  /** Bytes of the path; 0 for the root. */
  pathLength(row: Row): number {
    let length = 0;
    for (let at = row; ; ) {
      const parent = this.rows.int(at, PARENT);
      if (parent === 0) return length;
      length += this.rows.int(at, NAME_LENGTH) + 1;
      at = parent;
    }
  }

  /** Nothing for the root. */
  writePath(row: Row, writer: Writer): void {
    const length = this.pathLength(row);
    writer.reserve(length);
    const target = writer.bytes;
    writer.at += length;
    let end = writer.at;
    for (let at = row; ; ) {
      const parent = this.rows.int(at, PARENT);
      if (parent === 0) return;
      const nameLength = this.rows.int(at, NAME_LENGTH);
      const from = this.offset(at);
      end -= nameLength;
      copyBytes(this.bytes(at), from, from + nameLength, target, end);
      target[--end] = SLASH;
      at = parent;
    }
  }
}
