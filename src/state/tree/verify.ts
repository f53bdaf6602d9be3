import { sipHash32 } from '../../base/siphash.ts';
import { type Arena, LARGE, largeBytes, sizeClass, slotBytes } from './arena.ts';
import { check } from './check.ts';
import {
  H_COUNT,
  H_DATA_BYTES_HIGH,
  H_DATA_BYTES_LOW,
  H_DIGEST_HIGH,
  H_DIGEST_LOW,
  H_ROOT,
} from './format.ts';
import {
  BLOB_CHUNK,
  BLOB_OFFSET,
  CHILD_COUNT,
  DATA_LENGTH,
  DESCENDANT_COUNT,
  DIGEST,
  FIRST_CHILD,
  FLAG_SYSTEM,
  FREE,
  NAME_LENGTH,
  NEXT_SIBLING,
  OFFSET_MASK,
  PARENT,
  PATH_HASH,
  PREVIOUS_SIBLING,
  ROOT_HASH,
  ROW_FLOATS,
  ROW_IN_CHUNK,
  ROW_WORDS,
  ROWS_PER_CHUNK_LOG2,
  type Row,
  SIDE_LIST,
  SIDE_NEXT,
  SIDE_PREVIOUS,
} from './layout.ts';
import type { Parts, Totals } from './parts.ts';
import { isSystemParent } from './system.ts';

const TWO_32 = 4_294_967_296;
const ZNODE_FLOATS = 5;
const SLASH = 0x2f;

export interface VerifyOptions {
  readonly seed: readonly [number, number];
  readonly verifyDigests: boolean;
}

/**
 * Checks all that the tree relies on, and builds what an image leaves out: the free rows, the free
 * slots, the path hashes under this process's own key, the index.
 */
export function verify(
  parts: Parts,
  header: Int32Array,
  sideCount: number,
  options: VerifyOptions,
): Totals {
  const root = header[H_ROOT] as number;
  const count = new RowCheck(parts).all();
  check(count === header[H_COUNT], 'wrong number of znodes');
  check(parts.rows.isLive(root) && parts.rows.int(root, PARENT) === 0, 'no root');
  const dataBytes = new Walk(parts, options).all(root, count);
  const expected =
    (header[H_DATA_BYTES_HIGH] as number) * TWO_32 + ((header[H_DATA_BYTES_LOW] as number) >>> 0);
  check(dataBytes === expected, 'wrong size of data');
  const { digest } = parts;
  const isDigest =
    digest.high === (header[H_DIGEST_HIGH] as number) >>> 0 &&
    digest.low === (header[H_DIGEST_LOW] as number) >>> 0;
  check(isDigest, 'wrong digest');
  verifyLists(parts, sideCount);
  return { root, count, dataBytes };
}

/** What can be said of rows one by one, in the order in which they lie. */
class RowCheck {
  private readonly parts: Parts;
  /** By chunk: bit maps of the slots that rows own, and how many. */
  private readonly usedSlots: Int32Array[] = [];
  private readonly used: Int32Array;

  constructor(parts: Parts) {
    const { arena } = parts;
    this.parts = parts;
    this.used = new Int32Array(arena.chunks.length);
    const none = new Int32Array(0);
    for (let chunk = 0; chunk < arena.chunks.length; chunk++) {
      const isSlab = arena.topOf(chunk) > 0 && arena.classOf(chunk) !== LARGE;
      const slots = isSlab ? arena.topOf(chunk) / slotBytes(arena.classOf(chunk)) : 0;
      this.usedSlots.push(slots === 0 ? none : new Int32Array((slots + 31) >>> 5));
    }
  }

  /** Returns the number of live rows. */
  all(): number {
    const { rows, arena } = this.parts;
    let live = 0;
    for (let row = rows.end - 1; row >= rows.first; row--) {
      const ints = rows.ints[row >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
      const at = (row & ROW_IN_CHUNK) * ROW_WORDS;
      if (ints[at + PARENT] === FREE) {
        ints[at + BLOB_OFFSET] = 0;
        rows.give(row);
        continue;
      }
      live++;
      this.claim(ints, at);
      this.checkFloats(row);
    }
    for (let chunk = 1; chunk < arena.chunks.length; chunk++) {
      if (arena.topOf(chunk) === 0) continue;
      arena.rebuild(chunk, this.usedSlots[chunk] as Int32Array, this.used[chunk] as number);
    }
    return live;
  }

  private checkFloats(row: Row): void {
    const floats = this.parts.rows.floats[row >>> ROWS_PER_CHUNK_LOG2] as Float64Array;
    const at = (row & ROW_IN_CHUNK) * ROW_FLOATS;
    for (let i = 0; i < ZNODE_FLOATS; i++) {
      check(Number.isSafeInteger(floats[at + i]), 'zxid or time is no integer');
    }
  }

  /** The row's blob is a slot of the right size that no other row has. */
  private claim(ints: Int32Array, at: number): void {
    const nameLength = ints[at + NAME_LENGTH] as number;
    const dataLength = ints[at + DATA_LENGTH] as number;
    const chunk = ints[at + BLOB_CHUNK] as number;
    const word = ints[at + BLOB_OFFSET] as number;
    check((word & ~(OFFSET_MASK | FLAG_SYSTEM)) === 0, 'unknown flags');
    check(nameLength >= 0 && dataLength >= -1, 'negative length');
    const bytes = nameLength + Math.max(dataLength, 0);
    if (chunk === 0) {
      check(bytes === 0 && (word & OFFSET_MASK) === 0, 'name or data without a blob');
      return;
    }
    const { arena } = this.parts;
    check(chunk > 0 && chunk < arena.chunks.length, 'blob in no chunk');
    check(arena.topOf(chunk) > 0, 'blob in no chunk');
    check(arena.classOf(chunk) === sizeClass(bytes), 'blob of another size class');
    this.mark(arena, chunk, word & OFFSET_MASK, bytes);
    this.used[chunk] = (this.used[chunk] as number) + 1;
  }

  private mark(arena: Arena, chunk: number, offset: number, bytes: number): void {
    if (arena.classOf(chunk) === LARGE) {
      check(offset === 0 && arena.topOf(chunk) === largeBytes(bytes), 'large blob of another size');
      check(this.used[chunk] === 0, 'blob with two owners');
      return;
    }
    const slot = offset / slotBytes(arena.classOf(chunk));
    check(Number.isInteger(slot) && offset < arena.topOf(chunk), 'blob between slots');
    const bits = this.usedSlots[chunk] as Int32Array;
    const word = bits[slot >>> 5] as number;
    check(((word >>> (slot & 31)) & 1) === 0, 'blob with two owners');
    bits[slot >>> 5] = word | (1 << (slot & 31));
  }
}

/**
 * From the root down. Each row met names as parent the row under which it is met, and as previous
 * sibling the one before it, so none is met twice; as many are met as live, so none is left out.
 */
class Walk {
  private readonly parts: Parts;
  private readonly keyLow: number;
  private readonly keyHigh: number;
  private readonly verifyDigests: boolean;
  private met = 0;
  private dataBytes = 0;

  constructor(parts: Parts, { seed, verifyDigests }: VerifyOptions) {
    this.parts = parts;
    this.verifyDigests = verifyDigests;
    this.keyLow = seed[0] | 0;
    this.keyHigh = seed[1] | 0;
  }

  /** Returns the bytes of all paths and data. */
  all(root: Row, count: number): number {
    const { rows, index } = this.parts;
    check(rows.int(root, NAME_LENGTH) === 0 && rows.int(root, NEXT_SIBLING) === 0, 'strange root');
    check((rows.int(root, BLOB_OFFSET) & FLAG_SYSTEM) === 0, 'strange root');
    check(rows.int(root, PREVIOUS_SIBLING) === 0, 'strange root');
    rows.setInt(root, PATH_HASH, ROOT_HASH);
    index.insert(ROOT_HASH, root);
    this.met = 1;
    this.dataBytes = 1 + Math.max(rows.int(root, DATA_LENGTH), 0);
    this.addDigest(root, rows.int(root, DIGEST), -1);
    let pathLength = 0;
    for (let row = root; ; ) {
      this.expand(row, pathLength, count);
      const child = rows.int(row, FIRST_CHILD);
      if (child !== 0) {
        row = child;
        pathLength += rows.int(row, NAME_LENGTH) + 1;
        continue;
      }
      while (row !== root && rows.int(row, NEXT_SIBLING) === 0) {
        pathLength -= rows.int(row, NAME_LENGTH) + 1;
        row = rows.int(row, PARENT);
      }
      if (row === root) break;
      pathLength -= rows.int(row, NAME_LENGTH);
      row = rows.int(row, NEXT_SIBLING);
      pathLength += rows.int(row, NAME_LENGTH);
    }
    check(this.met === count, 'znodes outside the tree');
    return this.dataBytes;
  }

  private expand(parent: Row, pathLength: number, count: number): void {
    const { rows, names, digest } = this.parts;
    let children = 0;
    let descendants = 0;
    let previous = 0;
    const first = rows.int(parent, FIRST_CHILD);
    if (first === 0) {
      check(rows.int(parent, CHILD_COUNT) === 0, 'wrong number of children');
      check(rows.int(parent, DESCENDANT_COUNT) === 0, 'wrong number of descendants');
      return;
    }
    const isSystem = isSystemParent(names, parent);
    const prefix = digest.prefixOfChildren(parent);
    const hash = rows.int(parent, PATH_HASH);
    for (let row = first; row !== 0; ) {
      check(row >= rows.first && row < rows.end, 'child of another parent');
      const ints = rows.ints[row >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
      const at = (row & ROW_IN_CHUNK) * ROW_WORDS;
      check(ints[at + PARENT] === parent, 'child of another parent');
      check(ints[at + PREVIOUS_SIBLING] === previous, 'siblings out of order');
      check((((ints[at + BLOB_OFFSET] as number) & FLAG_SYSTEM) !== 0) === isSystem, 'wrong flag');
      this.met++;
      check(this.met <= count, 'more znodes than announced');
      const nameLength = ints[at + NAME_LENGTH] as number;
      this.enter(row, ints, at, nameLength, hash);
      this.addDigest(row, ints[at + DIGEST] as number, isSystem ? null : prefix);
      this.dataBytes += pathLength + 1 + nameLength + Math.max(ints[at + DATA_LENGTH] as number, 0);
      children++;
      descendants += 1 + (ints[at + DESCENDANT_COUNT] as number);
      previous = row;
      row = ints[at + NEXT_SIBLING] as number;
    }
    check(rows.int(parent, CHILD_COUNT) === children, 'wrong number of children');
    check(rows.int(parent, DESCENDANT_COUNT) === descendants, 'wrong number of descendants');
  }

  /** `ints` and `at` are where the row lies. */
  private enter(
    row: Row,
    ints: Int32Array,
    at: number,
    nameLength: number,
    parentHash: number,
  ): void {
    const { arena, index } = this.parts;
    const bytes = arena.chunks[ints[at + BLOB_CHUNK] as number] as Uint8Array;
    const from = (ints[at + BLOB_OFFSET] as number) & OFFSET_MASK;
    const to = from + nameLength;
    check(nameLength > 0, 'znode without a name');
    for (let i = from; i < to; i++) check(bytes[i] !== SLASH, 'slash in a name');
    const hash = sipHash32(this.keyLow, this.keyHigh, parentHash, bytes, from, to);
    ints[at + PATH_HASH] = hash;
    check(index.insert(hash, row), 'two znodes of one name');
  }

  private addDigest(row: Row, stored: number, prefix: number | null): void {
    const { digest } = this.parts;
    if (this.verifyDigests) {
      const expected = prefix === null ? 0 : digest.behindPrefix(row, prefix);
      check(stored === expected, 'digest of another znode');
    }
    digest.add(stored >>> 0);
  }
}

function verifyLists(parts: Parts, sideCount: number): void {
  const { rows, lists } = parts;
  let sides = 0;
  for (let list = 1; list < lists.end; list++) {
    if (!lists.isList(list)) continue;
    let size = 0;
    let previous = 0;
    for (let row = lists.first(list); row !== 0; row = rows.side(row, SIDE_NEXT)) {
      check(rows.isLive(row) && rows.side(row, SIDE_LIST) === list, 'row of another list');
      check(rows.side(row, SIDE_PREVIOUS) === previous, 'list out of order');
      previous = row;
      size++;
    }
    check(lists.size(list) === size && lists.last(list) === previous, 'wrong size of a list');
    sides += size;
  }
  check(sides === sideCount, 'row of no list');
}
