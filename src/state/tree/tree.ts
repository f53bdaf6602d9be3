import { assert } from '../../base/assert.ts';
import { copyBytes } from '../../base/bytes.ts';
import { sipHash32 } from '../../base/siphash.ts';
import { Arena } from './arena.ts';
import { Digest } from './digest.ts';
import { TreeImage } from './image.ts';
import {
  ACL,
  AVERSION,
  BLOB_CHUNK,
  BLOB_OFFSET,
  CHILD_COUNT,
  CTIME,
  CVERSION,
  CZXID,
  DATA_LENGTH,
  DESCENDANT_COUNT,
  FIRST_CHILD,
  FLAG_FRESH,
  FLAG_IMAGE,
  FLAG_SYSTEM,
  FLAG_TOUCHED,
  FLAG_UNDO,
  MTIME,
  MZXID,
  NAME_LENGTH,
  NEXT_SIBLING,
  OFFSET_MASK,
  OWNER_HIGH,
  OWNER_LOW,
  PARENT,
  PATH_HASH,
  PREVIOUS_SIBLING,
  PZXID,
  ROOT_HASH,
  ROW_FLOATS,
  ROW_IN_CHUNK,
  ROW_WORDS,
  ROWS_PER_CHUNK_LOG2,
  type Row,
  SIDE_LIST,
  SIDE_NEXT,
  VERSION,
} from './layout.ts';
import { Lists } from './lists.ts';
import { Names } from './names.ts';
import type { Parts, Totals } from './parts.ts';
import { PathIndex } from './path-index.ts';
import { Rows } from './rows.ts';
import { isSystemParent } from './system.ts';
import { Undo } from './undo.ts';
import { Znodes } from './znodes.ts';

const SLASH = 0x2f;
const NO_BYTES = new Uint8Array(0);

export interface TreeOptions {
  /** Key of the path hash: random, so that no client can choose paths that collide. */
  readonly seed: readonly [number, number];
  /** What the tree may take before `isFull`. */
  readonly maxBytes?: number;
  /**
   * False: an image's digests are summed but not computed anew from each znode, which takes a
   * third of the time that loading takes. For images whose bytes have been checked already.
   */
  readonly verifyDigests?: boolean;
  /** The lowest row and chunk numbers, so that tests can reach large ones. */
  readonly firstRow?: Row;
  readonly firstChunk?: number;
}

/** The znodes. `README.md` says how they lie in memory. */
export class Tree extends Znodes implements Parts {
  readonly root: Row;
  /** Znodes, the root included. */
  count = 0;
  /** Bytes of all full paths and data. */
  dataBytes = 0;
  readonly maxBytes: number;
  /** For this folder only. */
  readonly index: PathIndex;
  readonly lists: Lists;
  readonly digest: Digest;
  private readonly undo: Undo;
  private readonly keyLow: number;
  private readonly keyHigh: number;
  private image: TreeImage | null = null;
  private countBefore = 0;
  private dataBytesBefore = 0;

  constructor(options: TreeOptions, loaded?: Parts & Totals) {
    const rows = loaded?.rows ?? new Rows(options.firstRow ?? 1);
    const arena = loaded?.arena ?? new Arena(options.firstChunk);
    super(loaded?.names ?? new Names(rows, arena));
    this.keyLow = options.seed[0] | 0;
    this.keyHigh = options.seed[1] | 0;
    this.maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
    this.index = loaded?.index ?? new PathIndex(this.rows, this.arena);
    this.lists = loaded?.lists ?? new Lists(this.rows);
    this.digest = loaded?.digest ?? new Digest(this.rows, this.names);
    this.undo = new Undo(this);
    this.root = loaded?.root ?? this.addRoot();
    if (loaded !== undefined) {
      this.count = loaded.count;
      this.dataBytes = loaded.dataBytes;
    }
  }

  private addRoot(): Row {
    const row = this.place(0, ROOT_HASH, NO_BYTES, 0, 0, NO_BYTES, 0, 0);
    this.count = 1;
    this.dataBytes = 1;
    this.digest.settle();
    return row;
  }

  get bytesUsed(): number {
    const { rows, arena, index, lists } = this;
    return rows.bytesUsed + arena.bytesUsed + index.bytesUsed + lists.bytesUsed;
  }

  get isFull(): boolean {
    return this.bytesUsed >= this.maxBytes;
  }

  get digestHigh(): number {
    this.digest.settle();
    return this.digest.high;
  }

  get digestLow(): number {
    this.digest.settle();
    return this.digest.low;
  }

  /** The row of the absolute path `bytes[from, to)`; 0 if it is missing or malformed. */
  find(bytes: Uint8Array, from: number, to: number): Row {
    if (to - from === 1 && bytes[from] === SLASH) return this.root;
    let hash = ROOT_HASH;
    for (let at = from; at < to; ) {
      let end = at + 1;
      while (end < to && bytes[end] !== SLASH) end++;
      hash = sipHash32(this.keyLow, this.keyHigh, hash, bytes, at + 1, end);
      at = end;
    }
    return this.index.find(hash, bytes, from, to);
  }

  /** What `find` returns, for a path whose last slash is at `slash` and what is before it `parent`. */
  findChild(parent: Row, bytes: Uint8Array, from: number, slash: number, to: number): Row {
    // The root, and malformed paths with an empty name: "/", "//a", "/a/".
    if (slash + 1 === to || slash === from + 1) return this.find(bytes, from, to);
    const parentHash = this.rows.int(parent, PATH_HASH);
    const hash = sipHash32(this.keyLow, this.keyHigh, parentHash, bytes, slash + 1, to);
    return this.index.findChild(hash, parent, bytes, slash + 1, to);
  }

  /** Adds a child that is not there; the parent's cversion and pzxid are the caller's. */
  insert(
    parent: Row,
    name: Uint8Array,
    nameFrom: number,
    nameTo: number,
    data: Uint8Array,
    dataFrom: number,
    dataLength: number,
    zxid: number,
    timeMs: number,
    ownerHigh: number,
    ownerLow: number,
    acl: number,
  ): Row {
    const rows = this.rows;
    assert(nameTo > nameFrom, 'znode without a name');
    for (let i = nameFrom; i < nameTo; i++) assert(name[i] !== SLASH, 'slash in a name');
    const parentHash = rows.int(parent, PATH_HASH);
    const hash = sipHash32(this.keyLow, this.keyHigh, parentHash, name, nameFrom, nameTo);
    const row = this.place(parent, hash, name, nameFrom, nameTo, data, dataFrom, dataLength);
    const floats = rows.floats[row >>> ROWS_PER_CHUNK_LOG2] as Float64Array;
    const at = (row & ROW_IN_CHUNK) * ROW_FLOATS;
    floats[at + CZXID] = zxid;
    floats[at + MZXID] = zxid;
    floats[at + PZXID] = zxid;
    floats[at + CTIME] = timeMs;
    floats[at + MTIME] = timeMs;
    rows.setInt(row, OWNER_HIGH, ownerHigh);
    rows.setInt(row, OWNER_LOW, ownerLow);
    rows.setInt(row, ACL, acl);
    this.link(parent, row);
    this.count += 1;
    this.dataBytes += this.climb(parent, 1) + nameTo - nameFrom + 1 + Math.max(dataLength, 0);
    return row;
  }

  /** A row with name and data, zeros elsewhere, found by its path. */
  private place(
    parent: Row,
    hash: number,
    name: Uint8Array,
    nameFrom: number,
    nameTo: number,
    data: Uint8Array,
    dataFrom: number,
    dataLength: number,
  ): Row {
    const { rows, arena } = this;
    const row = rows.take();
    const nameLength = nameTo - nameFrom;
    arena.allocate(nameLength + Math.max(dataLength, 0));
    const chunk = arena.chunks[arena.chunk] as Uint8Array;
    copyBytes(name, nameFrom, nameTo, chunk, arena.offset);
    if (dataLength > 0) {
      copyBytes(data, dataFrom, dataFrom + dataLength, chunk, arena.offset + nameLength);
    }
    const ints = rows.ints[row >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
    const at = (row & ROW_IN_CHUNK) * ROW_WORDS;
    let flags = (ints[at + BLOB_OFFSET] as number) & (FLAG_TOUCHED | FLAG_UNDO | FLAG_IMAGE);
    if (rows.undoing) flags |= FLAG_FRESH;
    if (isSystemParent(this.names, parent)) flags |= FLAG_SYSTEM;
    for (let i = 0; i < ROW_WORDS; i++) ints[at + i] = 0;
    ints[at + PARENT] = parent;
    ints[at + PATH_HASH] = hash;
    ints[at + BLOB_CHUNK] = arena.chunk;
    ints[at + BLOB_OFFSET] = arena.offset | flags;
    ints[at + NAME_LENGTH] = nameLength;
    ints[at + DATA_LENGTH] = dataLength;
    this.digest.touchContent(row);
    assert(this.index.insert(hash, row), 'znode is there already');
    return row;
  }

  private link(parent: Row, row: Row): void {
    const rows = this.rows;
    rows.save(parent);
    const first = rows.int(parent, FIRST_CHILD);
    if (first !== 0) {
      rows.save(first);
      rows.setInt(first, PREVIOUS_SIBLING, row);
    }
    rows.setInt(row, NEXT_SIBLING, first);
    rows.setInt(parent, FIRST_CHILD, row);
    rows.setInt(parent, CHILD_COUNT, rows.int(parent, CHILD_COUNT) + 1);
  }

  /** Adds to the descendants of `from` and all above it; returns the length of its path. */
  private climb(from: Row, change: number): number {
    const rows = this.rows;
    let length = 0;
    for (let row = from; row !== 0; ) {
      rows.save(row);
      const ints = rows.ints[row >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
      const at = (row & ROW_IN_CHUNK) * ROW_WORDS;
      ints[at + DESCENDANT_COUNT] = (ints[at + DESCENDANT_COUNT] as number) + change;
      if (row !== this.root) length += (ints[at + NAME_LENGTH] as number) + 1;
      row = ints[at + PARENT] as number;
    }
    return length;
  }

  /** Removes a leaf that is on no list; the parent's pzxid is the caller's. */
  remove(row: Row): void {
    const rows = this.rows;
    assert(row !== this.root && rows.isLive(row), 'removed what is not there');
    assert(rows.int(row, FIRST_CHILD) === 0, 'removed a znode that has children');
    assert(rows.side(row, SIDE_LIST) === 0, 'removed a row that is on a list');
    const parent = rows.int(row, PARENT);
    rows.save(row);
    this.unlink(parent, row);
    this.count -= 1;
    const length = rows.int(row, NAME_LENGTH) + 1 + Math.max(rows.int(row, DATA_LENGTH), 0);
    this.dataBytes -= this.climb(parent, -1) + length;
    this.index.remove(row);
    this.digest.leave(row);
    this.undo.release(row);
    const kept = FLAG_TOUCHED | FLAG_UNDO | FLAG_IMAGE;
    rows.setInt(row, BLOB_OFFSET, rows.int(row, BLOB_OFFSET) & kept);
    rows.setInt(row, BLOB_CHUNK, 0);
    rows.give(row);
  }

  private unlink(parent: Row, row: Row): void {
    const rows = this.rows;
    const next = rows.int(row, NEXT_SIBLING);
    const previous = rows.int(row, PREVIOUS_SIBLING);
    rows.save(parent);
    if (next !== 0) {
      rows.save(next);
      rows.setInt(next, PREVIOUS_SIBLING, previous);
    }
    if (previous !== 0) {
      rows.save(previous);
      rows.setInt(previous, NEXT_SIBLING, next);
    } else rows.setInt(parent, FIRST_CHILD, next);
    rows.setInt(parent, CHILD_COUNT, rows.int(parent, CHILD_COUNT) - 1);
  }

  /** `length` -1 is null. */
  setData(row: Row, bytes: Uint8Array, from: number, length: number): void {
    const { rows, arena } = this;
    rows.save(row);
    this.digest.touchContent(row);
    const size = Math.max(length, 0);
    const nameLength = rows.int(row, NAME_LENGTH);
    const word = rows.int(row, BLOB_OFFSET);
    const isOwn = !rows.undoing || (word & FLAG_FRESH) !== 0;
    if (!isOwn || !arena.fits(rows.int(row, BLOB_CHUNK), nameLength + size)) {
      this.moveName(row, nameLength, size);
    }
    const target = (rows.int(row, BLOB_OFFSET) & OFFSET_MASK) + nameLength;
    const chunk = arena.chunks[rows.int(row, BLOB_CHUNK)] as Uint8Array;
    copyBytes(bytes, from, from + size, chunk, target);
    this.dataBytes += size - Math.max(rows.int(row, DATA_LENGTH), 0);
    rows.setInt(row, DATA_LENGTH, length);
  }

  /** Gives the row a blob with room for `size` bytes of data behind its name. */
  private moveName(row: Row, nameLength: number, size: number): void {
    const { rows, arena } = this;
    const old = arena.chunks[rows.int(row, BLOB_CHUNK)] as Uint8Array;
    const word = rows.int(row, BLOB_OFFSET);
    const from = word & OFFSET_MASK;
    arena.allocate(nameLength + size);
    const { chunk, offset } = arena;
    copyBytes(old, from, from + nameLength, arena.chunks[chunk] as Uint8Array, offset);
    this.undo.release(row);
    const fresh = rows.undoing ? FLAG_FRESH : 0;
    rows.setInt(row, BLOB_CHUNK, chunk);
    rows.setInt(row, BLOB_OFFSET, (word & ~OFFSET_MASK) | offset | fresh);
  }

  setMzxid(row: Row, zxid: number): void {
    this.setFloat(row, MZXID, zxid);
  }

  setPzxid(row: Row, zxid: number): void {
    this.setFloat(row, PZXID, zxid);
  }

  setMtime(row: Row, timeMs: number): void {
    this.setFloat(row, MTIME, timeMs);
  }

  setVersion(row: Row, version: number): void {
    this.setInt(row, VERSION, version);
  }

  setCversion(row: Row, version: number): void {
    this.setInt(row, CVERSION, version);
  }

  setAversion(row: Row, version: number): void {
    this.setInt(row, AVERSION, version);
  }

  setAcl(row: Row, acl: number): void {
    this.rows.save(row);
    this.rows.setInt(row, ACL, acl);
  }

  private setFloat(row: Row, field: number, value: number): void {
    this.rows.save(row);
    this.digest.touchStat(row);
    this.rows.setFloat(row, field, value);
  }

  private setInt(row: Row, field: number, value: number): void {
    this.rows.save(row);
    this.digest.touchStat(row);
    this.rows.setInt(row, field, value);
  }

  newList(): number {
    return this.lists.make();
  }

  /** Of a list that is empty. */
  dropList(list: number): void {
    this.lists.drop(list);
  }

  listAdd(list: number, row: Row): void {
    this.lists.add(list, row);
  }

  listRemove(list: number, row: Row): void {
    this.lists.remove(list, row);
  }

  listFirst(list: number): Row {
    return this.lists.first(list);
  }

  listNext(row: Row): Row {
    return this.rows.side(row, SIDE_NEXT);
  }

  listSize(list: number): number {
    return this.lists.size(list);
  }

  begin(): void {
    this.undo.begin();
    this.countBefore = this.count;
    this.dataBytesBefore = this.dataBytes;
  }

  commit(): void {
    this.undo.commit();
  }

  rollback(): void {
    this.undo.rollback();
    this.count = this.countBefore;
    this.dataBytes = this.dataBytesBefore;
  }

  /** To be called after each command. */
  settle(): void {
    this.digest.settleMany();
  }

  /** The tree as it is now, to be written in slices while it changes. One at a time. */
  beginImage(): TreeImage {
    assert(this.image === null || this.image.isOver, 'image begun while another is written');
    this.digest.settle();
    this.image = new TreeImage(this, this);
    return this.image;
  }
}
