import { decodePoint } from '../base/utf8.ts';
import type { Writer } from '../base/writer.ts';

const SLASH = 0x2f;
const DOT = 0x2e;
const ZERO = 0x30;
const MINUS = 0x2d;
const SEQUENCE_WIDTH = 10;

/**
 * ZooKeeper's rules for a path (protocol document 5.2), checked on its UTF-8 bytes in place.
 * ZooKeeper decodes leniently and then refuses U+FFFD, so bytes that are not UTF-8 are invalid too.
 */
export function isValidPath(bytes: Uint8Array, from: number, to: number): boolean {
  if (from >= to || bytes[from] !== SLASH) return false;
  if (to - from === 1) return true;
  let nameFrom = from + 1;
  for (let at = nameFrom; at < to; ) {
    const byte = bytes[at] as number;
    if (byte === SLASH) {
      if (!isValidName(bytes, nameFrom, at)) return false;
      nameFrom = at + 1;
      at++;
    } else if (byte < 0x80) {
      if (byte <= 0x1f || byte === 0x7f) return false;
      at++;
    } else {
      const point = decodePoint(bytes, at, to);
      if (!isAllowedPoint(point)) return false;
      at += point < 0x800 ? 2 : 3;
    }
  }
  return isValidName(bytes, nameFrom, to);
}

function isValidName(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from > 2) return true;
  if (to === from) return false;
  return !(bytes[from] === DOT && (to - from === 1 || bytes[from + 1] === DOT));
}

/** Surrogates stand in UTF-16 for all points beyond U+FFFF, so those are refused with them. */
function isAllowedPoint(point: number): boolean {
  return (point >= 0xa0 && point < 0xd800) || (point > 0xf8ff && point < 0xfff0);
}

export function hasNul(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === 0) return true;
  return false;
}

/** The offset of the last `/`, or -1. The parent's path ends there; empty means the root. */
export function lastSlash(bytes: Uint8Array, from: number, to: number): number {
  for (let at = to - 1; at >= from; at--) if (bytes[at] === SLASH) return at;
  return -1;
}

/** A sequence suffix: `%010d` of a signed 32-bit integer, the minus sign inside the width. */
export function writeSequence(writer: Writer, counter: number): void {
  writer.reserve(SEQUENCE_WIDTH + 1);
  const { bytes } = writer;
  let rest = Math.abs(counter);
  // -2147483648 has ten digits and a sign: the only suffix of eleven characters.
  const width = counter < 0 && rest >= 1e9 ? SEQUENCE_WIDTH + 1 : SEQUENCE_WIDTH;
  for (let at = writer.at + width - 1; at >= writer.at; at--) {
    bytes[at] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  if (counter < 0) bytes[writer.at] = MINUS;
  writer.at += width;
}
