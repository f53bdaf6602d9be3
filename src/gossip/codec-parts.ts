import { DecodeError, type Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import type { MemberId } from './member.ts';

export const ID_BYTES = 16;
export const HASH_BYTES = 32;

/**
 * Far more incarnations than a member can have, and far below where a number loses its units: one
 * forged incarnation must not leave its subject without a higher one.
 */
const COUNT_MAX = 2 ** 52;

/** A whole number, seven bits a byte, lowest first; the highest bit says that more follow. */
export function putCount(writer: Writer, count: number): void {
  let rest = count;
  while (rest >= 128) {
    writer.u8((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  writer.u8(rest);
}

export function countBytes(count: number): number {
  let bytes = 1;
  for (let rest = count; rest >= 128; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

/** Refuses what is too high, and zeros at the end: each number has one encoding. */
export function takeCount(reader: Reader): number {
  let [count, scale] = [0, 1];
  for (;;) {
    const byte = reader.u8();
    count += (byte & 127) * scale;
    if (count >= COUNT_MAX) throw new DecodeError('a number too high');
    if (byte < 128) {
      if (byte === 0 && scale > 1) throw new DecodeError('a number with a zero at its end');
      return count;
    }
    scale *= 128;
    if (scale > COUNT_MAX) throw new DecodeError('a number too long');
  }
}

export function putId(writer: Writer, id: MemberId): void {
  for (let i = 0; i < ID_BYTES; i++) writer.u8(Number.parseInt(id.slice(2 * i, 2 * i + 2), 16));
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function takeId(reader: Reader): MemberId {
  let id = '';
  for (let i = 0; i < ID_BYTES; i++) id += HEX[reader.u8()] as string;
  return id;
}

/** Addresses and versions: printable ASCII, so that a character is a byte and nothing is folded. */
export function isPlainText(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

export function putText(writer: Writer, text: string): void {
  putCount(writer, text.length);
  for (let i = 0; i < text.length; i++) writer.u8(text.charCodeAt(i));
}

export function textBytes(text: string): number {
  return countBytes(text.length) + text.length;
}

export function takeText(reader: Reader): string {
  const length = takeCount(reader);
  if (length > reader.remaining) throw new DecodeError(`a text of ${length} bytes`);
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(reader.u8());
  if (!isPlainText(text)) throw new DecodeError('a text with other than printable characters');
  return text;
}

export function takeBool(reader: Reader): boolean {
  const byte = reader.u8();
  if (byte > 1) throw new DecodeError(`${byte} is neither true nor false`);
  return byte === 1;
}

/** A view of the reader's bytes. */
export function takeView(reader: Reader, length: number): Uint8Array {
  const from = reader.at;
  reader.skip(length);
  return reader.bytes.subarray(from, from + length);
}
