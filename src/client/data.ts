import type { Reader } from '../base/reader.ts';

/** Turns values into a znode's data and back. */
export interface Codec<T> {
  encode(value: T): Uint8Array | string;
  /** The bytes are the codec's to keep. A znode without data has none: they are empty then. */
  decode(bytes: Uint8Array): T;
}

/**
 * How data is handed out, and taken:
 * - `bytes`, the default: a Uint8Array; no data is an empty one
 * - `nullable`: as `bytes`, but null where the znode has no data at all
 * - `string`: UTF-8
 * - `json`: whatever JSON.parse makes of it; for a type use {@link json}
 * - a codec of your own
 */
export type As = 'bytes' | 'nullable' | 'string' | 'json' | Codec<unknown>;

/** What a read hands out. */
export type Decoded<A> =
  A extends Codec<infer T>
    ? T
    : A extends 'string'
      ? string
      : A extends 'nullable'
        ? Uint8Array | null
        : A extends 'json'
          ? unknown
          : Uint8Array;

/** What a write takes. Bytes and text go as they are. */
export type Encodable<A> =
  A extends Codec<infer T> ? T : A extends 'json' ? unknown : Uint8Array | string | null;

/** A codec for JSON of a type that nobody checks: use it where you alone write the znode. */
export function json<T>(): Codec<T> {
  return {
    encode: (value) => JSON.stringify(value),
    decode: (bytes) => JSON.parse(text.decode(bytes)) as T,
  };
}

const text = new TextDecoder();
const NOTHING = new Uint8Array(0);

/** As it travels. Throws what the codec throws. */
export function encodeData(value: unknown, as: As | undefined): Uint8Array | string | null {
  if (typeof as === 'object') return as.encode(value);
  if (as === 'json') return JSON.stringify(value);
  if (value === null || typeof value === 'string' || value instanceof Uint8Array) return value;
  if (value === undefined) return NOTHING;
  throw new TypeError('data is bytes, text or null; for anything else say `as`');
}

/** A jute buffer, out of the reader's bytes, which are overwritten later. */
export function decodeData(reader: Reader, as: As | undefined): unknown {
  const from = reader.span();
  const { length } = reader;
  if (as === 'nullable' && length < 0) return null;
  const to = from + Math.max(length, 0);
  if (as === undefined || as === 'bytes' || as === 'nullable') return reader.bytes.slice(from, to);
  if (typeof as === 'object') return as.decode(reader.bytes.slice(from, to));
  const decoded = text.decode(reader.bytes.subarray(from, to));
  return as === 'json' ? JSON.parse(decoded) : decoded;
}
