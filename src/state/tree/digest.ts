import { assert } from '../../base/assert.ts';
import { crc32Register } from '../../base/crc32.ts';
import { Writer } from '../../base/writer.ts';
import {
  AVERSION,
  BLOB_OFFSET,
  CTIME,
  CVERSION,
  CZXID,
  DATA_LENGTH,
  DIGEST,
  FLAG_CONTENT,
  FLAG_SYSTEM,
  FLAG_TOUCHED,
  FREE,
  MTIME,
  MZXID,
  NAME_LENGTH,
  OWNER_HIGH,
  OWNER_LOW,
  PARENT,
  PZXID,
  type Row,
  VERSION,
} from './layout.ts';
import type { Names } from './names.ts';
import type { Rows } from './rows.ts';

const TWO_32 = 4_294_967_296;
const STAT_BYTES = 60;

/**
 * ZooKeeper's tree digest: the sum of CRC-32(path, data, stat) over the znodes.
 *
 * A row leaves the sum when it is first touched and returns at `settle`. CRC-32 is linear, and the
 * stat comes last with a fixed length, so digest = A(path, data) ^ L(stat): while a row is touched
 * it keeps A alone, and a change of stat costs two times 60 bytes, however large the data. (Without
 * that, each create below a znode with 1 MiB of data would read all of it.)
 */
export class Digest {
  private readonly rows: Rows;
  private readonly names: Names;
  high = 0;
  low = 0;
  private readonly touched: number[] = [];
  private readonly path: Writer = new Writer(256);
  private readonly stat: Writer = new Writer(STAT_BYTES);
  private savedHigh = 0;
  private savedLow = 0;
  private savedTouched = 0;

  constructor(rows: Rows, names: Names) {
    this.rows = rows;
    this.names = names;
  }

  get isSettled(): boolean {
    return this.touched.length === 0;
  }

  /** Before a saved row's version, time, zxid or owner changes. */
  touchStat(row: Row): void {
    const flags = this.rows.int(row, BLOB_OFFSET);
    if ((flags & (FLAG_TOUCHED | FLAG_SYSTEM)) !== 0) return;
    const digest = this.rows.int(row, DIGEST);
    this.subtract(digest >>> 0);
    this.rows.setInt(row, DIGEST, digest ^ this.statPart(row));
    this.rows.setInt(row, BLOB_OFFSET, flags | FLAG_TOUCHED);
    this.touched.push(row);
  }

  /** Before a saved row's data changes, and when a row becomes a znode (with DIGEST 0). */
  touchContent(row: Row): void {
    const flags = this.rows.int(row, BLOB_OFFSET);
    if ((flags & FLAG_SYSTEM) !== 0) return;
    if ((flags & FLAG_TOUCHED) === 0) {
      this.subtract(this.rows.int(row, DIGEST) >>> 0);
      this.touched.push(row);
    }
    this.rows.setInt(row, BLOB_OFFSET, flags | FLAG_TOUCHED | FLAG_CONTENT);
  }

  /** When a saved row stops being a znode; if it was touched it is out of the sum already. */
  leave(row: Row): void {
    if ((this.rows.int(row, BLOB_OFFSET) & FLAG_TOUCHED) !== 0) return;
    this.subtract(this.rows.int(row, DIGEST) >>> 0);
  }

  settle(): void {
    const touched = this.touched;
    if (touched.length === 0) return;
    assert(!this.rows.undoing, 'settled inside a transaction');
    for (let i = 0; i < touched.length; i++) this.enter(touched[i] as number);
    touched.length = 0;
  }

  private enter(row: Row): void {
    const rows = this.rows;
    const flags = rows.int(row, BLOB_OFFSET);
    rows.setInt(row, BLOB_OFFSET, flags & ~(FLAG_TOUCHED | FLAG_CONTENT));
    if (rows.int(row, PARENT) === FREE) return;
    if ((flags & FLAG_SYSTEM) !== 0) return;
    const digest =
      (flags & FLAG_CONTENT) !== 0 ? this.whole(row) : rows.int(row, DIGEST) ^ this.statPart(row);
    rows.setInt(row, DIGEST, digest);
    this.add(digest >>> 0);
  }

  /** What the row's digest has to be. */
  expected(row: Row): number {
    return (this.rows.int(row, BLOB_OFFSET) & FLAG_SYSTEM) !== 0 ? 0 : this.whole(row);
  }

  private whole(row: Row): number {
    const rows = this.rows;
    this.path.clear();
    this.names.writePath(row, this.path);
    let register = crc32Register(this.path.bytes, 0, this.path.at, -1);
    const length = rows.int(row, DATA_LENGTH);
    if (length > 0) {
      const from = this.names.offset(row) + rows.int(row, NAME_LENGTH);
      register = crc32Register(this.names.bytes(row), from, from + length, register);
    }
    this.fillStat(row);
    return ~crc32Register(this.stat.bytes, 0, STAT_BYTES, register);
  }

  /** L: what the 60 bytes of stat add to a register of zero. */
  private statPart(row: Row): number {
    this.fillStat(row);
    return crc32Register(this.stat.bytes, 0, STAT_BYTES, 0);
  }

  private fillStat(row: Row): void {
    const rows = this.rows;
    const stat = this.stat;
    stat.clear();
    stat.i64(rows.float(row, CZXID));
    stat.i64(rows.float(row, MZXID));
    stat.i64(rows.float(row, PZXID));
    stat.i64(rows.float(row, CTIME));
    stat.i64(rows.float(row, MTIME));
    stat.i32(rows.int(row, VERSION));
    stat.i32(rows.int(row, CVERSION));
    stat.i32(rows.int(row, AVERSION));
    stat.i64Halves(rows.int(row, OWNER_HIGH), rows.int(row, OWNER_LOW));
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
    this.savedTouched = this.touched.length;
  }

  /** The rows themselves have been restored: each knows whether it was touched before. */
  rollback(): void {
    this.high = this.savedHigh;
    this.low = this.savedLow;
    this.touched.length = this.savedTouched;
  }
}
