/** Where everything lies in a row. `README.md` draws it; the loader checks it. */

/** > 0; 0 means none. */
export type Row = number;

export const ROW_WORDS = 28;
export const ROW_BYTES = 112;
export const ROW_FLOATS = 14;

export const ROWS_PER_CHUNK_LOG2 = 11;
export const ROWS_PER_CHUNK = 2048;
export const ROW_IN_CHUNK = 2047;

/** Indices of float64 fields. */
export const CZXID = 0;
export const MZXID = 1;
export const PZXID = 2;
export const CTIME = 3;
export const MTIME = 4;

/** Indices of int32 fields, behind the five floats. */
export const OWNER_HIGH = 10;
export const OWNER_LOW = 11;
export const VERSION = 12;
export const CVERSION = 13;
export const AVERSION = 14;
export const ACL = 15;
/**
 * 0 for the root, `FREE` for a row that holds no znode. It and the next three are all that a path
 * look-up reads: as rows begin at multiples of 16 bytes, the four lie in one cache line.
 */
export const PARENT = 16;
export const BLOB_CHUNK = 17;
/** The low 20 bits are the blob's offset in its chunk, those above are flags. */
export const BLOB_OFFSET = 18;
export const NAME_LENGTH = 19;
/** -1 for null. */
export const DATA_LENGTH = 20;
export const CHILD_COUNT = 21;
export const DESCENDANT_COUNT = 22;
export const FIRST_CHILD = 23;
/** In a free row: the next free one. */
export const NEXT_SIBLING = 24;
export const PREVIOUS_SIBLING = 25;
export const PATH_HASH = 26;
export const DIGEST = 27;

export const FREE = -1;
/** The root's PATH_HASH, first link in the chain of every other. */
export const ROOT_HASH = 0;

export const OFFSET_MASK = 0xfffff;
/** Below /zookeeper: counts nothing in the digest. The only flag that an image may hold. */
export const FLAG_SYSTEM: number = 1 << 20;
/** Out of the digest's sum until the next settle. */
export const FLAG_TOUCHED: number = 1 << 21;
/** Touched, and its digest has to be computed from path and data too. */
export const FLAG_CONTENT: number = 1 << 22;
/** The undo journal holds this row. */
export const FLAG_UNDO: number = 1 << 23;
/** The image in progress holds this row. */
export const FLAG_IMAGE: number = 1 << 24;
/** Its blob was allocated by the transaction in progress. */
export const FLAG_FRESH: number = 1 << 25;

/** Words of the side table: list, previous row in it, next row in it. */
export const SIDE_WORDS = 3;
export const SIDE_LIST = 0;
export const SIDE_PREVIOUS = 1;
export const SIDE_NEXT = 2;
