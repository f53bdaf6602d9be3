/**
 * An image is a stream of items, each a head of five int32 (kind, a, b, c, payload bytes) and a
 * payload. Numbers lie as in memory, which `BYTE_ORDER` in the header proves to be the reader's
 * own order too (little-endian on every platform that Node.js supports).
 */
export const ITEM_WORDS = 5;
export const ITEM_BYTES = 20;
/** Payloads that the loader has to buffer whole. */
export const BUFFERED_BYTES_MAX = 1_048_576;

export const Item = {
  /** payload: `HEADER_WORDS` words. First. */
  header: 1,
  /** a: first list; payload: first, last, size (-1: no list) of this and following lists. */
  lists: 2,
  /** a: first row; payload: rows, all of one chunk. */
  rows: 3,
  /** payload: (row, list, previous, next) of rows that are on a list. */
  sides: 4,
  /** a: chunk, b: size class, c: bytes of the chunk in all; payload: the next part of them. */
  blobs: 5,
  /** Last. */
  end: 6,
} as const;

/** "QTRE" */
export const MAGIC = 0x51545245;
export const FORMAT_VERSION = 1;
export const BYTE_ORDER = 0x01020304;

/** Words of the header. */
export const HEADER_WORDS = 14;
export const H_MAGIC = 0;
export const H_VERSION = 1;
export const H_BYTE_ORDER = 2;
export const H_ROW_WORDS = 3;
export const H_ROWS_FIRST = 4;
export const H_ROWS_END = 5;
export const H_ROOT = 6;
export const H_COUNT = 7;
export const H_CHUNKS_END = 8;
export const H_LISTS_END = 9;
export const H_DIGEST_HIGH = 10;
export const H_DIGEST_LOW = 11;
export const H_DATA_BYTES_HIGH = 12;
export const H_DATA_BYTES_LOW = 13;
