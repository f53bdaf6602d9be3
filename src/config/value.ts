import type { ConfigKey, IntegerType, ValueType } from './key.ts';

export type Value = string | number | boolean | readonly string[];

export type ParsedValue =
  | { readonly ok: true; readonly value: Value }
  /** `message` completes "<key>: …" and says what is allowed. */
  | { readonly ok: false; readonly message: string };

/** Reads a text as the key's type wants it. */
export function parseValue(key: ConfigKey, text: string): ParsedValue {
  const type = key.type;
  switch (type.kind) {
    case 'boolean':
      return parseBoolean(text);
    case 'word':
      return type.words.includes(text) ? good(text) : bad(type, text);
    case 'list':
      return good(parseList(text));
    case 'integer':
      return parseInteger(key, type, text);
    case 'size':
      return inRange(type, parseSize(text), text);
    case 'fraction':
      return inRange(type, /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : null, text);
    case 'text':
    case 'secret':
      return good(text);
  }
}

/** What the key allows, as the end of a sentence that begins with "must be". */
export function allowed(type: ValueType): string {
  switch (type.kind) {
    case 'boolean':
      return 'true or false';
    case 'word':
      return oneOf(type.words.map((word) => (word === '' ? 'empty' : word)));
    case 'list':
      return type.words === null ? 'words between commas' : `any of ${type.words.join(', ')}`;
    case 'integer':
      return integerRange(type);
    case 'size':
      return `a number of bytes from ${sizeText(type.min)} to ${sizeText(type.max)}, such as 8g`;
    case 'fraction':
      return `a number from ${type.min} to ${type.max}`;
    case 'text':
    case 'secret':
      return 'a text';
  }
}

/** Bytes with the largest unit that divides them. */
export function sizeText(bytes: number): string {
  for (const [unit, factor] of SIZE_UNITS) {
    if (bytes > 0 && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}

const SIZE_UNITS: readonly (readonly [string, number])[] = [
  ['g', 1024 ** 3],
  ['m', 1024 ** 2],
  ['k', 1024],
];

function good(value: Value): ParsedValue {
  return { ok: true, value };
}

function bad(type: ValueType, text: string): ParsedValue {
  return { ok: false, message: `${quoted(text)} won't do: must be ${allowed(type)}` };
}

/** ZooKeeper takes booleans in any case. */
function parseBoolean(text: string): ParsedValue {
  const word = text.toLowerCase();
  if (word === 'true') return good(true);
  return word === 'false' ? good(false) : bad({ kind: 'boolean' }, text);
}

function parseList(text: string): readonly string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/**
 * Java reads system properties with `Integer.decode`: hexadecimal is fine, and a leading zero
 * means octal. The keys that only the file has are read as decimal, zeros or not.
 */
function parseInteger(key: ConfigKey, type: IntegerType, text: string): ParsedValue {
  if (key.property !== null && /^[+-]?0\d/.test(text)) {
    const message = `${quoted(text)} won't do: Java takes a leading zero for octal; write it without`;
    return { ok: false, message };
  }
  if (/^[+-]?\d+$/.test(text)) return inRange(type, Number(text), text);
  const hex = /^([+-]?)(?:0x|0X|#)([0-9a-fA-F]+)$/.exec(text);
  if (key.property === null || hex === null) return bad(type, text);
  const magnitude = Number.parseInt(hex[2] ?? '', 16);
  return inRange(type, hex[1] === '-' ? -magnitude : magnitude, text);
}

function parseSize(text: string): number | null {
  const match = /^(\d+)([kmg]?)$/i.exec(text);
  if (match === null) return null;
  const unit = (match[2] ?? '').toLowerCase();
  const factor = SIZE_UNITS.find(([name]) => name === unit)?.[1] ?? 1;
  return Number(match[1]) * factor;
}

function inRange(
  type: ValueType & { readonly min: number; readonly max: number },
  value: number | null,
  text: string,
): ParsedValue {
  if (value === null || !(value >= type.min && value <= type.max)) return bad(type, text);
  return good(value);
}

function integerRange(type: IntegerType): string {
  const unit = type.unit === null ? '' : ` (${type.unit})`;
  return `a whole number from ${type.min} to ${type.max}${unit}`;
}

function oneOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

/** Long texts are cut: a message is read by people. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
