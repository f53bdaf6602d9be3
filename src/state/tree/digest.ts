import { assert } from '../../base/assert.ts';
import { crc32Int, crc32Long, crc32Register } from '../../base/crc32.ts';
import { Writer } from '../../base/writer.ts';
import {
  AVERSION,
  BLOB_OFFSET,
  CVERSION,
  DATA_LENGTH,
  DIGEST,
  FLAG_CONTENT,
  FLAG_SYSTEM,
  FLAG_TOUCHED,
  FREE,
  NAME_LENGTH,
  OWNER_HIGH,
  OWNER_LOW,
  PARENT,
  ROW_FLOATS,
  ROW_IN_CHUNK,
  ROW_WORDS,
  ROWS_PER_CHUNK_LOG2,
  type Row,
  VERSION,
} from './layout.ts';
import type { Names } from './names.ts';
import type { Rows } from './rows.ts';

const TWO_32 = 4_294_967_296;
const STAT_FLOATS = 5;
const SLASH = 0x2f;
const NO_ROW: Row = 0;
/** So many touched rows wait for their digests at most; settling them takes a millisecond. */
const TOUCHED_MAX = 4096;

/**
 * ZooKeeper's tree digest: the sum of CRC-32(path, data, stat) over the znodes.
 *
 * A row leaves the sum when it is first touched and returns at `settle`, which is put off until
 * somebody asks for the sum: of a parent of many creations, or of a znode that is created and
 * deleted again, the stages in between need no digest. CRC-32 is linear, and the
 * stat comes last with a fixed length, so digest = A(path, data) ^ L(stat): while a row is touched
 * it keeps A alone, and a change of stat costs two times 60 bytes, however large the data. (Without
 * that, each create below a znode with 1 MiB of data would read all of it.)
 */
export class Digest {
  private readonly rows: Rows;
  private readonly names: Names;
  high = 0;
  low = 0;
  /** The first `touchedCount` are touched. To set the length of an array costs more than to count. */
  private readonly touched: number[] = [];
  private touchedCount = 0;
  private readonly path: Writer = new Writer(256);
  /** While settling, the parent whose `prefixOfChildren` was last computed: siblings are frequent. */
  private prefixParent: Row = NO_ROW;
  private prefix = 0;
  private savedHigh = 0;
  private savedLow = 0;
  private savedTouched = 0;

  constructor(rows: Rows, names: Names) {
    this.rows = rows;
    this.names = names;
  }

  get isSettled(): boolean {
    return this.touchedCount === 0;
  }

  /** Before a saved row's version, time, zxid or owner changes. */
  touchStat(row: Row): void {
    const flags = this.rows.int(row, BLOB_OFFSET);
    if ((flags & (FLAG_TOUCHED | FLAG_SYSTEM)) !== 0) return;
    const digest = this.rows.int(row, DIGEST);
    this.subtract(digest >>> 0);
    this.rows.setInt(row, DIGEST, digest ^ this.statPart(row, 0));
    this.rows.setInt(row, BLOB_OFFSET, flags | FLAG_TOUCHED);
    this.touched[this.touchedCount++] = row;
  }

  /** Before a saved row's data changes, and when a row becomes a znode (with DIGEST 0). */
  touchContent(row: Row): void {
    const flags = this.rows.int(row, BLOB_OFFSET);
    if ((flags & FLAG_SYSTEM) !== 0) return;
    if ((flags & FLAG_TOUCHED) === 0) {
      this.subtract(this.rows.int(row, DIGEST) >>> 0);
      this.touched[this.touchedCount++] = row;
    }
    this.rows.setInt(row, BLOB_OFFSET, flags | FLAG_TOUCHED | FLAG_CONTENT);
  }

  /** When a saved row stops being a znode; if it was touched it is out of the sum already. */
  leave(row: Row): void {
    if ((this.rows.int(row, BLOB_OFFSET) & FLAG_TOUCHED) !== 0) return;
    this.subtract(this.rows.int(row, DIGEST) >>> 0);
  }

  /** Between two commands: keeps what is put off within bounds. */
  settleMany(): void {
    if (this.touchedCount >= TOUCHED_MAX) this.settle();
  }

  settle(): void {
    const { touched, touchedCount } = this;
    if (touchedCount === 0) return;
    assert(!this.rows.undoing, 'settled inside a transaction');
    for (let i = 0; i < touchedCount; i++) this.enter(touched[i] as number);
    this.touchedCount = 0;
    this.prefixParent = NO_ROW;
  }

  private enter(row: Row): void {
    const rows = this.rows;
    const flags = rows.int(row, BLOB_OFFSET);
    rows.setInt(row, BLOB_OFFSET, flags & ~(FLAG_TOUCHED | FLAG_CONTENT));
    if (rows.int(row, PARENT) === FREE) return;
    if ((flags & FLAG_SYSTEM) !== 0) return;
    const digest =
      (flags & FLAG_CONTENT) !== 0
        ? this.whole(row)
        : rows.int(row, DIGEST) ^ this.statPart(row, 0);
    rows.setInt(row, DIGEST, digest);
    this.add(digest >>> 0);
  }

  /** The register after the path of a row and a slash, with which its children's paths begin. */
  prefixOfChildren(row: Row): number {
    const path = this.path;
    path.clear();
    this.names.writePath(row, path);
    path.u8(SLASH);
    return crc32Register(path.bytes, 0, path.at, -1);
  }

  /** The digest of a row whose path begins with what `prefix` has seen. */
  behindPrefix(row: Row, prefix: number): number {
    const rows = this.rows;
    const from = this.names.offset(row);
    const dataLength = rows.int(row, DATA_LENGTH);
    const to = from + rows.int(row, NAME_LENGTH) + Math.max(dataLength, 0);
    return ~this.statPart(row, crc32Register(this.names.bytes(row), from, to, prefix));
  }

  private whole(row: Row): number {
    const parent = this.rows.int(row, PARENT);
    if (parent === 0) return this.behindPrefix(row, -1);
    if (parent !== this.prefixParent) {
      this.prefix = this.prefixOfChildren(parent);
      this.prefixParent = parent;
    }
    return this.behindPrefix(row, this.prefix);
  }

  /** The register after the 60 bytes of stat; from a register of zero, this is L. */
  private statPart(row: Row, register: number): number {
    const rows = this.rows;
    const chunk = row >>> ROWS_PER_CHUNK_LOG2;
    const floats = rows.floats[chunk] as Float64Array;
    const ints = rows.ints[chunk] as Int32Array;
    const first = (row & ROW_IN_CHUNK) * ROW_FLOATS;
    const at = (row & ROW_IN_CHUNK) * ROW_WORDS;
    let crc = register;
    // In a row, the five floats lie as the stat has them: czxid, mzxid, pzxid, ctime, mtime.
    for (let i = first; i < first + STAT_FLOATS; i++) {
      const value = floats[i] as number;
      crc = crc32Long(crc, Math.floor(value / TWO_32) | 0, value | 0);
    }
    crc = crc32Long(crc, ints[at + VERSION] as number, ints[at + CVERSION] as number);
    crc = crc32Long(crc, ints[at + AVERSION] as number, ints[at + OWNER_HIGH] as number);
    return crc32Int(crc, ints[at + OWNER_LOW] as number);
  }

  /** Also for the loader, once per row. */
  add(digest: number): void {
    this.low += digest;
    if (this.low < TWO_32) return;
    this.low -= TWO_32;
    this.high = (this.high + 1) >>> 0;
  }

  private subtract(digest: number): void {
    this.low -= digest;
    if (this.low >= 0) return;
    this.low += TWO_32;
    this.high = (this.high - 1) >>> 0;
  }

  begin(): void {
    this.savedHigh = this.high;
    this.savedLow = this.low;
    this.savedTouched = this.touchedCount;
  }

  /** The rows themselves have been restored: each knows whether it was touched before. */
  rollback(): void {
    this.high = this.savedHigh;
    this.low = this.savedLow;
    this.touchedCount = this.savedTouched;
  }
}
