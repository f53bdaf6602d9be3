import type { Writer } from '../base/writer.ts';

/** The text of quota nodes (protocol document 8.2): `count=5,bytes=-1=;byteHardLimit=-1`. */
export interface QuotaFields {
  count: number;
  bytes: number;
  countHardLimit: number;
  byteHardLimit: number;
}

const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const ZERO = 0x30;

const UNSET = -1;

/** Reads the text into `fields`. What is missing, empty or no number is -1: no limit. */
export function parseQuota(bytes: Uint8Array, from: number, to: number, fields: QuotaFields): void {
  fields.count = UNSET;
  fields.bytes = UNSET;
  fields.countHardLimit = UNSET;
  fields.byteHardLimit = UNSET;
  let at = from;
  while (at < to) {
    const end = endOfPart(bytes, at, to);
    setField(bytes, at, end, fields);
    at = end + 1;
  }
}

function endOfPart(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== COMMA && bytes[at] !== SEMICOLON) at++;
  return at;
}

function setField(bytes: Uint8Array, from: number, to: number, fields: QuotaFields): void {
  let key = '';
  let at = from;
  for (; at < to && bytes[at] !== EQUALS; at++) key += String.fromCharCode(bytes[at] as number);
  if (!isField(key)) return;
  const valueAt = at + 1;
  let end = valueAt;
  while (end < to && bytes[end] !== EQUALS) end++;
  fields[key] = parseLong(bytes, valueAt, end);
}

function isField(key: string): key is keyof QuotaFields {
  return key === 'count' || key === 'bytes' || key === 'countHardLimit' || key === 'byteHardLimit';
}

function parseLong(bytes: Uint8Array, from: number, to: number): number {
  const negative = bytes[from] === MINUS;
  const digitsAt = from < to && (negative || bytes[from] === PLUS) ? from + 1 : from;
  if (digitsAt >= to) return UNSET;
  let value = 0;
  for (let at = digitsAt; at < to; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return UNSET;
    value = value * 10 + digit;
    // Far beyond what a tree can hold, so it is the same as no limit.
    if (value > Number.MAX_SAFE_INTEGER) return UNSET;
  }
  return negative ? -value : value;
}

/** Appends the text of a usage: `count=<n>,bytes=<n>`. */
export function writeUsage(writer: Writer, count: number, bytes: number): void {
  writeText(writer, 'count=');
  writeText(writer, String(count));
  writeText(writer, ',bytes=');
  writeText(writer, String(bytes));
}

function writeText(writer: Writer, ascii: string): void {
  writer.reserve(ascii.length);
  for (let i = 0; i < ascii.length; i++) writer.bytes[writer.at++] = ascii.charCodeAt(i);
}
