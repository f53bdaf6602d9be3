import { copyBytes, viewOf } from './bytes.ts';
import { utf8Length, utf8Write } from './utf8.ts';

const TWO_32 = 4_294_967_296;

/**
 * Appends big-endian primitives to a buffer that grows. One writer serves many messages: nothing
 * is allocated per field, and `bytes` may be handed to a socket as it is.
 */
export class Writer {
  bytes: Uint8Array;
  view: DataView;
  /** Where the next byte goes; also the number of bytes written since the last `clear`. */
  at = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
    this.view = viewOf(this.bytes);
  }

  clear(): void {
    this.at = 0;
  }

  /** Makes room for `count` more bytes; `bytes` and `view` may be replaced. */
  reserve(count: number): void {
    const needed = this.at + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
    this.view = viewOf(grown);
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  i32(value: number): void {
    this.reserve(4);
    this.view.setInt32(this.at, value);
    this.at += 4;
  }

  /** A 64-bit integer that a number holds exactly (|value| ≤ 2^53). */
  i64(value: number): void {
    this.reserve(8);
    this.view.setInt32(this.at, Math.floor(value / TWO_32));
    this.view.setInt32(this.at + 4, value | 0);
    this.at += 8;
  }

  /** A 64-bit integer as its two halves, for session ids and stored owners. */
  i64Halves(high: number, low: number): void {
    this.reserve(8);
    this.view.setInt32(this.at, high);
    this.view.setInt32(this.at + 4, low);
    this.at += 8;
  }

  f64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.at, value);
    this.at += 8;
  }

  /** Raw bytes without a length. */
  raw(source: Uint8Array, from = 0, to: number = source.length): void {
    this.reserve(to - from);
    copyBytes(source, from, to, this.bytes, this.at);
    this.at += to - from;
  }

  /** A jute buffer: length, then bytes; null is length -1. */
  buffer(source: Uint8Array | null): void {
    if (source === null) {
      this.i32(-1);
      return;
    }
    this.i32(source.length);
    this.raw(source);
  }

  /** A jute string: length in bytes, then UTF-8; null is length -1. */
  ustring(text: string | null): void {
    if (text === null) {
      this.i32(-1);
      return;
    }
    const length = utf8Length(text);
    this.i32(length);
    this.reserve(length);
    this.at = utf8Write(text, this.bytes, this.at);
  }

  /** Overwrites four bytes written before, as a length that is known only now. */
  patchI32(at: number, value: number): void {
    this.view.setInt32(at, value);
  }

  /** A view of what was written; valid until the next write or `clear`. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }
}
