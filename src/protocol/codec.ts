import { DecodeError, type Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import {
  type FieldType,
  type Primitive,
  type Primitives,
  type RecordName,
  type RecordOf,
  records,
} from './records.ts';

/**
 * Encodes and decodes any record of the table. It is for clients, tools and tests: it builds an
 * object per record, and the server's own path does not use it.
 */

type Decoders = { [P in Primitive]: (reader: Reader) => Primitives[P] };
type Encoders = { [P in Primitive]: (writer: Writer, value: Primitives[P]) => void };

const decoders: Decoders = {
  int: (reader) => reader.i32(),
  long: decodeLong,
  bigint: decodeBigint,
  boolean: (reader) => reader.bool(),
  'boolean?': (reader) => (reader.remaining === 0 ? null : reader.bool()),
  ustring: (reader) => reader.ustring(),
  buffer: (reader) => reader.buffer(),
};

const encoders: Encoders = {
  int: (writer, value) => writer.i32(value),
  long: encodeLong,
  bigint: encodeBigint,
  boolean: (writer, value) => writer.bool(value),
  'boolean?': (writer, value) => {
    if (value !== null) writer.bool(value);
  },
  ustring: (writer, value) => writer.ustring(value),
  buffer: (writer, value) => writer.buffer(value),
};

interface CompiledField {
  readonly name: string;
  decode(reader: Reader): unknown;
  encode(writer: Writer, value: unknown): void;
}

const compiled = new Map<RecordName, readonly CompiledField[]>();

/** Bytes behind the record are left alone, as every server of this protocol ignores them. */
export function decodeRecord<N extends RecordName>(reader: Reader, name: N): RecordOf<N> {
  const value: Record<string, unknown> = {};
  for (const field of fieldsOf(name)) value[field.name] = field.decode(reader);
  return value as RecordOf<N>;
}

export function encodeRecord<N extends RecordName>(
  writer: Writer,
  name: N,
  value: RecordOf<N>,
): void {
  const fields = value as Readonly<Record<string, unknown>>;
  for (const field of fieldsOf(name)) field.encode(writer, fields[field.name]);
}

function fieldsOf(name: RecordName): readonly CompiledField[] {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const fields = Object.entries(records[name]).map(([field, type]: [string, FieldType]) =>
    compile(field, type),
  );
  compiled.set(name, fields);
  return fields;
}

function compile(name: string, type: FieldType): CompiledField {
  if (type.startsWith('vector<')) {
    const element = compile(name, type.slice('vector<'.length, -1) as FieldType);
    return {
      name,
      decode: (reader) => decodeVector(reader, element),
      encode: (writer, value) => encodeVector(writer, element, value as readonly unknown[] | null),
    };
  }
  if (type in records) {
    const record = type as RecordName;
    return {
      name,
      decode: (reader) => decodeRecord(reader, record),
      encode: (writer, value) => encodeRecord(writer, record, value as RecordOf<RecordName>),
    };
  }
  const encode = encoders[type as Primitive] as (writer: Writer, value: unknown) => void;
  return { name, decode: decoders[type as Primitive], encode };
}

/** -1 is null; any other count below one is a vector without elements, as Java reads it. */
function decodeVector(reader: Reader, element: CompiledField): unknown[] | null {
  const count = reader.i32();
  if (count === -1) return null;
  // No element is shorter than a length, so a greater count is a lie; refusing it here keeps a
  // frame of a few bytes from claiming two thousand million elements.
  if (count > reader.remaining / 4) throw new DecodeError(`vector of ${count} elements`);
  const elements: unknown[] = [];
  for (let i = 0; i < count; i++) elements.push(element.decode(reader));
  return elements;
}

function encodeVector(
  writer: Writer,
  element: CompiledField,
  values: readonly unknown[] | null,
): void {
  writer.i32(values === null ? -1 : values.length);
  for (const value of values ?? []) element.encode(writer, value);
}

function decodeLong(reader: Reader): number {
  const value = reader.i64();
  if (!Number.isSafeInteger(value)) throw new DecodeError('a long that no number holds exactly');
  return value;
}

function encodeLong(writer: Writer, value: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not an exact integer: ${value}`);
  writer.i64(value);
}

function decodeBigint(reader: Reader): bigint {
  const at = reader.at;
  reader.skip(8);
  return reader.view.getBigInt64(at);
}

function encodeBigint(writer: Writer, value: bigint): void {
  writer.reserve(8);
  writer.view.setBigInt64(writer.at, value);
  writer.at += 8;
}
