import { equalBytes, viewOf } from '../base/bytes.ts';
import type { Checksums } from '../io/checksums.ts';
import type { DiskFile } from '../io/disk.ts';
import { blocksOf, findHeader } from './find-header.ts';
import { flippedBit } from './flipped-bit.ts';
import {
  clusterIdAt,
  headerOffset,
  isZero,
  previousHashAt,
  RECORD_HEADER_BYTES,
  RECORD_VERSION,
  RecordHeader,
  recordHash,
  zeroSectors,
} from './record.ts';
import type { Anchor, LogEntry } from './types.ts';

/** Why no further record could be read. */
export type ScanEnd =
  /** Zeros to the end of the file. */
  | { readonly kind: 'clean' }
  /**
   * A write that a crash interrupted: sectors of it never reached the device, and no later write
   * did. Since one write is under way at a time, nothing in it was acknowledged (rule 24).
   */
  | { readonly kind: 'torn'; readonly to: number }
  /** Anything else: it may have been acknowledged. */
  | { readonly kind: 'damage'; readonly reason: string; readonly to: number };

const BLOCK_BYTES = 1_048_576;

/** Where a record was found, for the index of the segment. */
export interface ScannedEntry extends LogEntry {
  readonly offset: number;
  readonly end: number;
  readonly previousHash: Uint8Array;
}

export interface ScanOptions {
  readonly file: DiskFile;
  readonly checksums: Checksums;
  readonly clusterId: Uint8Array;
  /** Where the first header lies, and where to stop reading. */
  readonly from: number;
  readonly to: number;
  /** What the first record must follow; null believes the first record. */
  readonly previous: Anchor | null;
  /** How much is read at once, if no record is longer. */
  readonly blockBytes?: number;
}

/** Reads the records of one segment in order and judges what it finds behind the last. */
export class SegmentScan {
  private readonly options: ScanOptions;
  private readonly header = new RecordHeader();
  private readonly blockBytes: number;
  /** A window of the file: `block` holds bytes from `blockAt`, `filled` of them. */
  private block = new Uint8Array(0);
  private view = viewOf(this.block);
  private blockAt = 0;
  private filled = 0;
  private previous: Anchor | null;
  /** The highest slot that one of the records vouches for as decided. */
  decidedSlot = 0;
  /** Behind the last good record. */
  offset: number;
  /** Set once `next` has returned null. */
  end: ScanEnd | null = null;

  constructor(options: ScanOptions) {
    this.options = options;
    this.blockBytes = options.blockBytes ?? BLOCK_BYTES;
    this.offset = options.from;
    this.blockAt = options.from;
    this.previous = options.previous;
  }

  /** The last good entry, or what the scan began behind. */
  get tail(): Anchor | null {
    return this.previous;
  }

  /** The next records, never an empty list; null at the end, which `end` then explains. */
  async next(): Promise<ScannedEntry[] | null> {
    const entries: ScannedEntry[] = [];
    while (this.end === null) {
      const wanted = this.take(entries);
      if (entries.length > 0) return entries;
      if (wanted > 0) await this.fill(wanted);
      else await this.judge(this.offset);
    }
    return null;
  }

  /** Takes what the window holds; returns how many bytes the next record needs, or 0 at its end. */
  private take(entries: ScannedEntry[]): number {
    for (;;) {
      const at = headerOffset(this.offset);
      if (at + RECORD_HEADER_BYTES > this.options.to) return 0;
      const inBlock = at - this.blockAt;
      if (inBlock + RECORD_HEADER_BYTES > this.filled) return RECORD_HEADER_BYTES;
      if (!this.header.decode(this.options.checksums, this.view, this.block, inBlock)) return 0;
      const bytes = RECORD_HEADER_BYTES + this.header.bodyLength;
      if (at + bytes > this.options.to) return 0;
      if (inBlock + bytes > this.filled) return bytes;
      const entry = this.entryAt(at, inBlock);
      if (entry === null) return 0;
      entries.push(entry);
      this.decidedSlot = Math.max(this.decidedSlot, this.header.decidedSlot);
      this.previous = entry;
      this.offset = entry.end;
    }
  }

  private entryAt(offset: number, at: number): ScannedEntry | null {
    const { header, block, options } = this;
    if (this.misfit(at) !== null) return null;
    const bodyAt = at + RECORD_HEADER_BYTES;
    const bodyEnd = bodyAt + header.bodyLength;
    if (options.checksums.crc32(block, bodyAt, bodyEnd, 0) !== header.bodyCrc) return null;
    return {
      slot: header.slot,
      round: header.round,
      replica: header.replica,
      kind: header.kind,
      body: block.subarray(bodyAt, bodyEnd),
      hash: recordHash(options.checksums, block, at, header.bodyLength),
      offset,
      end: offset + RECORD_HEADER_BYTES + header.bodyLength,
      previousHash: previousHashAt(block, at),
    };
  }

  /** Why a valid header does not belong here, or null. */
  private misfit(at: number): string | null {
    const { header, previous } = this;
    if (header.version !== RECORD_VERSION) return `a record of format ${header.version}`;
    if (!equalBytes(clusterIdAt(this.block, at), 0, this.options.clusterId, 0, 16)) {
      return 'a record of another cluster';
    }
    const previousHash = previousHashAt(this.block, at);
    if (previous === null) {
      this.previous = { slot: header.slot - 1, hash: previousHash.slice() };
      return null;
    }
    if (header.slot !== previous.slot + 1) {
      return `slot ${header.slot} where slot ${previous.slot + 1} belongs`;
    }
    if (!equalBytes(previousHash, 0, previous.hash, 0, 32)) {
      return `slot ${header.slot} does not follow the entry before it (hash chain)`;
    }
    return null;
  }

  /** Moves the window so that it begins at the next header and holds `wanted` bytes or more. */
  private async fill(wanted: number): Promise<void> {
    const at = headerOffset(this.offset);
    const left = this.options.to - at;
    // A fresh block each time: the bodies handed out are views of the one before.
    const block = new Uint8Array(Math.min(Math.max(wanted, this.blockBytes), left));
    const kept = Math.max(0, this.blockAt + this.filled - at);
    if (kept > 0) block.set(this.block.subarray(at - this.blockAt, this.filled));
    const read = await this.options.file.read(block.subarray(kept), at + kept);
    this.block = block;
    this.view = viewOf(block);
    this.blockAt = at;
    this.filled = kept + read;
    // The file got shorter than it was: what is missing is judged as what it reads as, zeros.
    this.filled = Math.max(this.filled, Math.min(wanted, block.length));
  }

  private async judge(offset: number): Promise<void> {
    const at = headerOffset(offset);
    const first = await this.judgeRecord(at);
    const rest = await this.survey(first.restAt, at);
    const to = Math.max(rest.end, first.end);
    if (first.kind === 'zeros' && rest.end <= at) this.end = { kind: 'clean' };
    else if (rest.laterWrite >= 0) {
      const reason = `${first.reason}, with whole records behind it (at ${rest.laterWrite})`;
      this.end = { kind: 'damage', reason, to };
    } else if (first.kind === 'bad') this.end = { kind: 'damage', reason: first.reason, to };
    else this.end = { kind: 'torn', to };
  }

  /** What stands where the next record should, and where to look for later ones. */
  private async judgeRecord(at: number): Promise<{
    kind: 'zeros' | 'unwritten' | 'bad';
    reason: string;
    restAt: number;
    end: number;
  }> {
    const { to } = this.options;
    if (at + RECORD_HEADER_BYTES > to) {
      return { kind: 'zeros', reason: 'no record', restAt: at, end: at };
    }
    const { header, block, view } = this;
    const inBlock = at - this.blockAt;
    if (!header.decode(this.options.checksums, view, block, inBlock)) {
      const zeros = isZero(block, inBlock, inBlock + RECORD_HEADER_BYTES);
      const reason = zeros ? 'zeros instead of a record' : 'a damaged record header';
      return { kind: zeros ? 'zeros' : 'bad', reason, restAt: at, end: at };
    }
    const end = at + RECORD_HEADER_BYTES + header.bodyLength;
    const misfit = this.misfit(inBlock);
    if (misfit !== null) return { kind: 'bad', reason: misfit, restAt: end, end };
    if (end > to) {
      return { kind: 'unwritten', reason: 'a record that ends short', restAt: to, end: to };
    }
    const body = block.subarray(inBlock + RECORD_HEADER_BYTES, inBlock + end - at);
    const missing = zeroSectors(body, 0, body.length, at) - header.zeroSectors;
    const isUnwritten = missing > 0 && !(missing === 1 && this.hasLostItsBit(body));
    return {
      kind: isUnwritten ? 'unwritten' : 'bad',
      reason: isUnwritten ? 'a record with missing sectors' : 'a record with a wrong checksum',
      restAt: end,
      end,
    };
  }

  /**
   * Whether one bit, the only one in its sector, is what the body lacks. That sector reads as one
   * that was never written; but the record was whole and may have been acknowledged. Of torn writes
   * that lack one sector about one in a million looks like this.
   */
  private hasLostItsBit(body: Uint8Array): boolean {
    const crc = this.options.checksums.crc32(body, 0, body.length, 0);
    const bit = flippedBit(body, crc ^ this.header.bodyCrc);
    return bit >= 0 && body[bit >> 3] === 0;
  }

  /**
   * Looks through the rest of the file: where its last byte that is not zero ends, and where a
   * valid record lies that began in a later write than the one that `badAt` belongs to. The later
   * write was begun only after the earlier one was durable, so it proves that one was whole.
   */
  private async survey(from: number, badAt: number): Promise<{ end: number; laterWrite: number }> {
    let end = 0;
    let laterWrite = -1;
    const { file, to, checksums, clusterId } = this.options;
    for await (const { block, length, at } of blocksOf(file, from, to)) {
      const last = lastNonZero(block, length);
      if (last < 0) continue;
      end = at + last + 1;
      if (laterWrite >= 0) continue;
      const fits = (header: RecordHeader, _block: Uint8Array, inBlock: number): boolean =>
        at + inBlock - header.inWrite > badAt;
      const found = findHeader({ checksums, clusterId, fits }, block, length);
      if (found >= 0) laterWrite = at + found;
    }
    return { end, laterWrite };
  }
}

/** Where the last byte that is not zero lies in the first `length` bytes, or -1. */
export function lastNonZero(block: Uint8Array, length: number): number {
  const words = new Int32Array(block.buffer, 0, length >> 2);
  let last = length - 1;
  for (; last >= words.length * 4; last--) if (block[last] !== 0) return last;
  let word = words.length - 1;
  while (word >= 0 && words[word] === 0) word--;
  for (last = word * 4 + 3; last >= 0; last--) if (block[last] !== 0) return last;
  return -1;
}
