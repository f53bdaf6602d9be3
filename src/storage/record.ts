import { viewOf } from '../base/bytes.ts';
import { LOG_BODY_BYTES_MAX } from '../base/limits.ts';
import type { Checksums } from '../io/checksums.ts';
import type { LogEntry } from './types.ts';

/**
 * A log record: a header of 104 bytes, then the body. All integers are big-endian.
 *
 * ```
 *  0  header CRC-32, over bytes 4 to 104      48  hash of the predecessor, 32 bytes
 *  4  magic "QREC"                            80  slot
 *  8  format version, 2 bytes; 10 zero        88  round     } with `replica` the ballot
 * 12  body length                             96  kind
 * 16  body CRC-32                            100  replica   }
 * 20  all-zero sectors in the body           104  body
 * 24  bytes from the start of the write that this record belongs to
 * 28  slots before this one that were not known to be decided when it was written
 * 32  cluster id, 16 bytes
 * ```
 * The bytes from 48 to the end of the body are exactly what the entry's hash is taken over.
 */
export const RECORD_HEADER_BYTES = 104;
export const RECORD_VERSION = 1;
const HASHED_AT = 48;
const HASHED_BYTES = RECORD_HEADER_BYTES - HASHED_AT;
const MAGIC = 0x51524543;
const TWO_32 = 4_294_967_296;

/** What a device writes as a whole or not at all, as far as recovery relies on it. */
export const SECTOR_BYTES = 512;

/** The predecessor's hash of slot 1. */
export const GENESIS_HASH: Uint8Array = new Uint8Array(32);

/**
 * Where the header behind a record that ends at `end` lies. No header crosses a sector, so that
 * after a crash it is there as a whole, or its place still holds the zeros from before.
 */
export function headerOffset(end: number): number {
  const aligned = Math.ceil(end / 8) * 8;
  const inSector = aligned % SECTOR_BYTES;
  return inSector > SECTOR_BYTES - RECORD_HEADER_BYTES
    ? aligned - inSector + SECTOR_BYTES
    : aligned;
}

/**
 * How many sectors of a body, as it lies in the file behind the header at `offset`, are all zero.
 * A sector that the header shares is not one: the header is never zero. Since a segment holds
 * zeros before it is written, more zero sectors than the writer counted are sectors that never
 * reached the device.
 */
export function zeroSectors(bytes: Uint8Array, from: number, to: number, offset: number): number {
  const inSector = (offset + RECORD_HEADER_BYTES) % SECTOR_BYTES;
  let at = inSector === 0 ? from : from + SECTOR_BYTES - inSector;
  let count = 0;
  for (; at < to; at += SECTOR_BYTES) {
    if (bytes[at] === 0 && isZero(bytes, at, Math.min(at + SECTOR_BYTES, to))) count++;
  }
  return count;
}

export function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Chains an entry to its predecessor; fits the `ChainHash` that the deciders take. */
export function chainHash(
  checksums: Checksums,
): (
  previous: Uint8Array,
  slot: number,
  round: number,
  kind: number,
  replica: number,
  body: Uint8Array,
) => Uint8Array {
  const head = new Uint8Array(HASHED_BYTES);
  const view = viewOf(head);
  return (previous, slot, round, kind, replica, body) => {
    head.set(previous);
    setU64(view, 32, slot);
    setU64(view, 40, round);
    view.setUint32(48, kind);
    view.setUint32(52, replica);
    return checksums.sha256Joined(head, body);
  };
}

/** The hash of the entry whose record begins at `at`. */
export function recordHash(
  checksums: Checksums,
  bytes: Uint8Array,
  at: number,
  bodyLength: number,
): Uint8Array {
  return checksums.sha256(bytes, at + HASHED_AT, at + RECORD_HEADER_BYTES + bodyLength);
}

export interface RecordPlace {
  readonly clusterId: Uint8Array;
  readonly previousHash: Uint8Array;
  /** Where in the file the header will lie. */
  readonly offset: number;
  /** Where in the file the write that it belongs to begins. */
  readonly writeOffset: number;
  /** Up to here slots are known to be decided. */
  readonly decidedSlot: number;
}

/**
 * How far the decided slots reach is worth a hint in each record: it costs nothing, and after a
 * restart everything up to there can be applied before any peer was heard.
 */
const UNDECIDED_UNKNOWN = 0xffffffff;

/** Writes the header of `entry` at `at`; those 104 bytes may hold anything before. */
export function encodeHeader(
  checksums: Checksums,
  view: DataView,
  bytes: Uint8Array,
  at: number,
  entry: LogEntry,
  place: RecordPlace,
): void {
  const body = entry.body;
  view.setUint32(at + 4, MAGIC);
  view.setUint32(at + 8, RECORD_VERSION << 16);
  view.setUint32(at + 12, body.length);
  view.setUint32(at + 16, checksums.crc32(body, 0, body.length, 0));
  view.setUint32(at + 20, zeroSectors(body, 0, body.length, place.offset));
  view.setUint32(at + 24, place.offset - place.writeOffset);
  const undecided = entry.slot - 1 - Math.min(place.decidedSlot, entry.slot - 1);
  view.setUint32(at + 28, Math.min(undecided, UNDECIDED_UNKNOWN));
  bytes.set(place.clusterId, at + 32);
  bytes.set(place.previousHash, at + HASHED_AT);
  setU64(view, at + 80, entry.slot);
  setU64(view, at + 88, entry.round);
  view.setUint32(at + 96, entry.kind);
  view.setUint32(at + 100, entry.replica);
  view.setUint32(at, checksums.crc32(bytes, at + 4, at + RECORD_HEADER_BYTES, 0));
}

/** One header, reused from record to record. */
export class RecordHeader {
  version = 0;
  bodyLength = 0;
  bodyCrc = 0;
  zeroSectors = 0;
  /** Bytes from the start of the write that the record belongs to. */
  inWrite = 0;
  slot = 0;
  round = 0;
  kind = 0;
  replica = 0;
  /** Slots up to here were known to be decided when the record was written. */
  decidedSlot = 0;

  /** False if there is no valid header; nothing of it is believed before its checksum. */
  decode(checksums: Checksums, view: DataView, bytes: Uint8Array, at: number): boolean {
    if (view.getUint32(at + 4) !== MAGIC) return false;
    const crc = checksums.crc32(bytes, at + 4, at + RECORD_HEADER_BYTES, 0);
    if (view.getUint32(at) !== crc) return false;
    this.version = view.getUint16(at + 8);
    this.bodyLength = view.getUint32(at + 12);
    this.bodyCrc = view.getUint32(at + 16);
    this.zeroSectors = view.getUint32(at + 20);
    this.inWrite = view.getUint32(at + 24);
    this.slot = getU64(view, at + 80);
    this.round = getU64(view, at + 88);
    this.kind = view.getUint32(at + 96);
    this.replica = view.getUint32(at + 100);
    const undecided = view.getUint32(at + 28);
    this.decidedSlot = undecided === UNDECIDED_UNKNOWN ? 0 : this.slot - 1 - undecided;
    return (
      this.bodyLength <= LOG_BODY_BYTES_MAX &&
      this.slot > 0 &&
      Number.isSafeInteger(this.slot) &&
      Number.isSafeInteger(this.round) &&
      this.decidedSlot >= 0
    );
  }
}

export function clusterIdAt(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.subarray(at + 32, at + 48);
}

export function previousHashAt(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.subarray(at + HASHED_AT, at + HASHED_AT + 32);
}

/** The magic as an `Int32Array` over file bytes shows it on this machine. */
export const MAGIC_WORD: number = new Int32Array(
  new Uint8Array([0x51, 0x52, 0x45, 0x43]).buffer,
)[0] as number;

export function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / TWO_32));
  view.setUint32(at + 4, value % TWO_32);
}

export function getU64(view: DataView, at: number): number {
  return view.getUint32(at) * TWO_32 + view.getUint32(at + 4);
}
