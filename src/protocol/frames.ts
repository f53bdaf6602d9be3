import { DecodeError, Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import { decodeRecord, encodeRecord } from './codec.ts';
import { Xid } from './constants.ts';
import {
  decodeMultiReply,
  decodeMultiRequest,
  encodeMultiReply,
  encodeMultiRequest,
  type MultiOp,
  type MultiResult,
} from './multi.ts';
import { type Operation, operations, type Shape } from './operations.ts';
import type { RecordName, RecordOf } from './records.ts';

/**
 * Whole frames: `length:int32 payload`, where the payload is a connect record alone, or a header
 * with a body whose shape the opcode decides. Encoders append the frame with its length; decoders
 * take the payload without it.
 */

/** A record, the parts of a multi, or null for no body. The opcode says which. */
export type Body = RecordOf<RecordName> | readonly MultiOp[] | readonly MultiResult[] | null;

export interface Request {
  readonly xid: number;
  readonly type: number;
  readonly body: Body;
}

export interface Reply {
  readonly xid: number;
  readonly zxid: number;
  readonly err: number;
  readonly body: Body;
}

/** Makes room for a frame's length; returns where it will stand. */
export function beginFrame(writer: Writer): number {
  const at = writer.at;
  writer.i32(0);
  return at;
}

export function endFrame(writer: Writer, at: number): void {
  writer.patchI32(at, writer.at - at - 4);
}

/** A frame that holds one record: ConnectRequest and ConnectResponse. */
export function encodeRecordFrame<N extends RecordName>(
  writer: Writer,
  name: N,
  value: RecordOf<N>,
): void {
  const at = beginFrame(writer);
  encodeRecord(writer, name, value);
  endFrame(writer, at);
}

export function encodeRequest(writer: Writer, { xid, type, body }: Request): void {
  const at = beginFrame(writer);
  encodeRecord(writer, 'RequestHeader', { xid, type });
  const shape = operationOf(type).request;
  if (shape === 'multi') encodeMultiRequest(writer, body as readonly MultiOp[]);
  else if (shape !== null) encodeRecord(writer, shape, body as RecordOf<RecordName>);
  endFrame(writer, at);
}

export function decodeRequest(payload: Uint8Array): Request {
  const reader = new Reader(payload);
  const { xid, type } = decodeRecord(reader, 'RequestHeader');
  const shape = operationOf(type).request;
  const body = shape === 'multi' ? decodeMultiRequest(reader) : decodeShape(reader, shape);
  return { xid, type, body };
}

/** `type` is the opcode of the request that is answered. */
export function encodeReply(writer: Writer, type: number, reply: Reply): void {
  const at = beginFrame(writer);
  encodeRecord(writer, 'ReplyHeader', reply);
  if (reply.body !== null) {
    const shape = replyShape(type, reply.xid);
    if (shape === 'multi') encodeMultiReply(writer, reply.body as readonly MultiResult[]);
    else if (shape !== null) encodeRecord(writer, shape, reply.body as RecordOf<RecordName>);
  }
  endFrame(writer, at);
}

/**
 * `type` is the opcode of the request that is answered, and is not looked at for a notification.
 * The body of a reply that tells of an error is ignored, as clients must.
 */
export function decodeReply(payload: Uint8Array, type: number): Reply {
  const reader = new Reader(payload);
  const { xid, zxid, err } = decodeRecord(reader, 'ReplyHeader');
  if (err !== 0) return { xid, zxid, err, body: null };
  const shape = replyShape(type, xid);
  const body = shape === 'multi' ? decodeMultiReply(reader) : decodeShape(reader, shape);
  return { xid, zxid, err, body };
}

function replyShape(type: number, xid: number): Shape {
  return xid === Xid.notification ? 'WatcherEvent' : operationOf(type).reply;
}

function decodeShape(reader: Reader, shape: RecordName | null): RecordOf<RecordName> | null {
  return shape === null ? null : decodeRecord(reader, shape);
}

function operationOf(type: number): Operation {
  const operation = operations.get(type);
  if (operation === undefined) throw new DecodeError(`unknown operation ${type}`);
  return operation;
}
