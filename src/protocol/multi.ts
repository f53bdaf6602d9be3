import { DecodeError, type Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import { decodeRecord, encodeRecord } from './codec.ts';
import type { RecordName, RecordOf } from './records.ts';

/**
 * The framing of multi and multiRead, in both directions:
 * ```
 * multi := (header:MultiHeader record)* end:MultiHeader{ type=-1, done=1, err=-1 }
 * ```
 */

/** Which record follows a header of this type in a request. */
export const multiRequests = {
  1: 'CreateRequest',
  2: 'DeleteRequest',
  4: 'GetDataRequest',
  5: 'SetDataRequest',
  8: 'GetChildrenRequest',
  13: 'CheckVersionRequest',
  15: 'CreateRequest',
  19: 'CreateRequest',
  21: 'CreateTTLRequest',
} as const;

/** Which record follows a header of this type in a reply; null for none. */
export const multiResults = {
  1: 'CreateResponse',
  2: null,
  4: 'GetDataResponse',
  5: 'SetDataResponse',
  8: 'GetChildrenResponse',
  13: null,
  15: 'Create2Response',
  [-1]: 'ErrorResponse',
} as const;

type Requests = typeof multiRequests;
type Results = typeof multiResults;

export type MultiOp = {
  [T in keyof Requests]: { readonly type: T; readonly request: RecordOf<Requests[T]> };
}[keyof Requests];

export type MultiResult = {
  [T in keyof Results]: {
    readonly type: T;
    /** The code in the result's header. A failed one (type -1) repeats it in its record. */
    readonly err: number;
    readonly result: Results[T] extends RecordName ? RecordOf<Results[T]> : null;
  };
}[keyof Results];

const END = { type: -1, done: true, err: -1 } as const;

export function encodeMultiRequest(writer: Writer, ops: readonly MultiOp[]): void {
  for (const { type, request } of ops) {
    encodeRecord(writer, 'MultiHeader', { type, done: false, err: -1 });
    encodeRecord(writer, multiRequests[type], request);
  }
  encodeRecord(writer, 'MultiHeader', END);
}

export function decodeMultiRequest(reader: Reader): MultiOp[] {
  const ops: MultiOp[] = [];
  for (;;) {
    const { type, done } = decodeRecord(reader, 'MultiHeader');
    if (done) return ops;
    const name = lookUp<RecordName>(multiRequests, type);
    if (name === undefined) throw new DecodeError(`operation ${type} inside a multi`);
    ops.push({ type, request: decodeRecord(reader, name) } as MultiOp);
  }
}

export function encodeMultiReply(writer: Writer, results: readonly MultiResult[]): void {
  for (const { type, err, result } of results) {
    encodeRecord(writer, 'MultiHeader', { type, done: false, err });
    const name = multiResults[type];
    if (name !== null && result !== null) encodeRecord(writer, name, result);
  }
  encodeRecord(writer, 'MultiHeader', END);
}

export function decodeMultiReply(reader: Reader): MultiResult[] {
  const results: MultiResult[] = [];
  for (;;) {
    const { type, done, err } = decodeRecord(reader, 'MultiHeader');
    if (done) return results;
    const name = lookUp<RecordName | null>(multiResults, type);
    if (name === undefined) throw new DecodeError(`result of type ${type} inside a multi`);
    const result = name === null ? null : decodeRecord(reader, name);
    results.push({ type, err, result } as MultiResult);
  }
}

function lookUp<V>(table: Readonly<Record<number, V>>, type: number): V | undefined {
  return Object.hasOwn(table, type) ? table[type] : undefined;
}
