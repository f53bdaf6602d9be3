import { viewOf } from './bytes.ts';
import { utf8Decode } from './utf8.ts';

const TWO_32 = 4_294_967_296;

/** Bytes that do not hold what they should. The sender's fault, never an assertion. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/**
 * Reads big-endian primitives in place. It never reads past `end`, never allocates for a length
 * before that length has been checked against what is there, and is reused from message to message.
 */
export class Reader {
  bytes: Uint8Array;
  view: DataView;
  at = 0;
  end = 0;
  /** Length of the last `span`; -1 for null. */
  length = 0;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.end = bytes.length;
  }

  reset(bytes: Uint8Array, view: DataView, at: number, end: number): void {
    this.bytes = bytes;
    this.view = view;
    this.at = at;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  private take(count: number): number {
    const from = this.at;
    if (count > this.end - from) throw new DecodeError(`${count} bytes wanted at ${from}`);
    this.at = from + count;
    return from;
  }

  u8(): number {
    return this.bytes[this.take(1)] as number;
  }

  /** Any byte but zero is true. */
  bool(): boolean {
    return this.u8() !== 0;
  }

  i32(): number {
    return this.view.getInt32(this.take(4));
  }

  /** A 64-bit integer as a number: exact up to 2^53, rounded beyond. */
  i64(): number {
    const from = this.take(8);
    return this.view.getInt32(from) * TWO_32 + this.view.getUint32(from + 4);
  }

  f64(): number {
    return this.view.getFloat64(this.take(8));
  }

  skip(count: number): void {
    this.take(count);
  }

  /**
   * A jute buffer or string left in place: returns where it begins and sets `length`, which is -1
   * for null. Lengths below -1 are refused.
   */
  span(): number {
    const length = this.i32();
    if (length < -1) throw new DecodeError(`negative length ${length}`);
    this.length = length;
    return length <= 0 ? this.at : this.take(length);
  }

  /** A copy of a jute buffer. */
  buffer(): Uint8Array | null {
    const from = this.span();
    return this.length < 0 ? null : this.bytes.slice(from, from + this.length);
  }

  /** A jute string, decoded. */
  ustring(): string | null {
    const from = this.span();
    return this.length < 0 ? null : utf8Decode(this.bytes, from, from + this.length);
  }
}
