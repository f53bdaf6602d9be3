import type { Arena } from './arena.ts';
import type { Digest } from './digest.ts';
import type { Row } from './layout.ts';
import type { Lists } from './lists.ts';
import type { Names } from './names.ts';
import type { PathIndex } from './path-index.ts';
import type { Rows } from './rows.ts';

/** What a tree is made of. */
export interface Parts {
  readonly rows: Rows;
  readonly arena: Arena;
  readonly names: Names;
  readonly index: PathIndex;
  readonly lists: Lists;
  readonly digest: Digest;
}

export interface Totals {
  readonly root: Row;
  /** Znodes, the root included. */
  readonly count: number;
  /** Bytes of all full paths and data. */
  readonly dataBytes: number;
}
