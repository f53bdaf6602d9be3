import { utf8Decode } from '../../base/utf8.ts';
import { Writer } from '../../base/writer.ts';
import type { Arena } from './arena.ts';
import {
  ACL,
  AVERSION,
  CHILD_COUNT,
  CTIME,
  CVERSION,
  CZXID,
  DATA_LENGTH,
  DESCENDANT_COUNT,
  FIRST_CHILD,
  MTIME,
  MZXID,
  NAME_LENGTH,
  NEXT_SIBLING,
  OWNER_HIGH,
  OWNER_LOW,
  PARENT,
  PZXID,
  ROW_FLOATS,
  ROW_IN_CHUNK,
  ROW_WORDS,
  ROWS_PER_CHUNK_LOG2,
  type Row,
  VERSION,
} from './layout.ts';
import type { Names } from './names.ts';
import type { Rows } from './rows.ts';

const SLASH = 0x2f;
const CONTAINER_OWNER_HIGH: number = 0x80000000 | 0;
const TTL_TOP_BYTE = 0xff;
const TWO_32 = 4_294_967_296;
/** A Stat on the wire (protocol document 4). */
const STAT_BYTES = 68;

/** What can be read of a znode, given its row. */
export abstract class Znodes {
  abstract readonly root: Row;
  /** These three are for this folder only. */
  readonly rows: Rows;
  readonly arena: Arena;
  readonly names: Names;

  constructor(names: Names) {
    this.rows = names.rows;
    this.arena = names.arena;
    this.names = names;
  }

  parent(row: Row): Row {
    return this.rows.int(row, PARENT);
  }

  firstChild(row: Row): Row {
    return this.rows.int(row, FIRST_CHILD);
  }

  nextSibling(row: Row): Row {
    return this.rows.int(row, NEXT_SIBLING);
  }

  childCount(row: Row): number {
    return this.rows.int(row, CHILD_COUNT);
  }

  descendantCount(row: Row): number {
    return this.rows.int(row, DESCENDANT_COUNT);
  }

  czxid(row: Row): number {
    return this.rows.float(row, CZXID);
  }

  mzxid(row: Row): number {
    return this.rows.float(row, MZXID);
  }

  pzxid(row: Row): number {
    return this.rows.float(row, PZXID);
  }

  ctime(row: Row): number {
    return this.rows.float(row, CTIME);
  }

  mtime(row: Row): number {
    return this.rows.float(row, MTIME);
  }

  version(row: Row): number {
    return this.rows.int(row, VERSION);
  }

  /** Children ever created, as ZooKeeper persists it. */
  cversion(row: Row): number {
    return this.rows.int(row, CVERSION);
  }

  aversion(row: Row): number {
    return this.rows.int(row, AVERSION);
  }

  ownerHigh(row: Row): number {
    return this.rows.int(row, OWNER_HIGH);
  }

  ownerLow(row: Row): number {
    return this.rows.int(row, OWNER_LOW);
  }

  acl(row: Row): number {
    return this.rows.int(row, ACL);
  }

  /** -1 for null. */
  dataLength(row: Row): number {
    return this.rows.int(row, DATA_LENGTH);
  }

  nameLength(row: Row): number {
    return this.rows.int(row, NAME_LENGTH);
  }

  writeName(row: Row, writer: Writer): void {
    this.names.writeName(row, writer);
  }

  writePath(row: Row, writer: Writer): void {
    if (row === this.root) writer.u8(SLASH);
    else this.names.writePath(row, writer);
  }

  writeData(row: Row, writer: Writer): void {
    this.names.writeData(row, writer);
  }

  pathString(row: Row): string {
    const writer = new Writer();
    this.writePath(row, writer);
    return utf8Decode(writer.bytes, 0, writer.at);
  }

  /** The 68 bytes of the client's Stat. */
  writeStat(row: Row, writer: Writer): void {
    const ints = this.rows.ints[row >>> ROWS_PER_CHUNK_LOG2] as Int32Array;
    const at = (row & ROW_IN_CHUNK) * ROW_WORDS;
    const length = ints[at + DATA_LENGTH] as number;
    const children = ints[at + CHILD_COUNT] as number;
    const ownerHigh = ints[at + OWNER_HIGH] as number;
    const ownerLow = ints[at + OWNER_LOW] as number;
    const isContainer = ownerHigh === CONTAINER_OWNER_HIGH && ownerLow === 0;
    const isSession = !isContainer && ownerHigh >>> 24 !== TTL_TOP_BYTE;
    writer.reserve(STAT_BYTES);
    const { view, at: to } = writer;
    const floats = this.rows.floats[row >>> ROWS_PER_CHUNK_LOG2] as Float64Array;
    const float = (row & ROW_IN_CHUNK) * ROW_FLOATS;
    setI64(view, to, floats[float + CZXID] as number);
    setI64(view, to + 8, floats[float + MZXID] as number);
    setI64(view, to + 16, floats[float + CTIME] as number);
    setI64(view, to + 24, floats[float + MTIME] as number);
    view.setInt32(to + 32, ints[at + VERSION] as number);
    // Creates plus deletes, in 32 bits that wrap.
    view.setInt32(to + 36, (ints[at + CVERSION] as number) * 2 - children);
    view.setInt32(to + 40, ints[at + AVERSION] as number);
    view.setInt32(to + 44, isSession ? ownerHigh : 0);
    view.setInt32(to + 48, isSession ? ownerLow : 0);
    view.setInt32(to + 52, Math.max(length, 0));
    view.setInt32(to + 56, children);
    setI64(view, to + 60, floats[float + PZXID] as number);
    writer.at = to + STAT_BYTES;
  }
}

/** A number that is a zxid or a time: not negative, at most 2^53. */
function setI64(view: DataView, at: number, value: number): void {
  view.setInt32(at, value / TWO_32);
  view.setInt32(at + 4, value);
}
