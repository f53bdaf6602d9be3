import { WATCHES_PER_CONNECTION_MAX } from '../base/limits.ts';
import type { Reader } from '../base/reader.ts';
import { utf8Decode } from '../base/utf8.ts';
import { Err, Op } from '../protocol/constants.ts';
import { WatchMode } from '../replica/watches.ts';
import type { Connection } from './connection.ts';
import { addWatch, checkWatches, removeWatches } from './watch-requests.ts';

/**
 * Executes a request that changes nothing but watches, and writes the reply's body. Returns the
 * error code of the reply, or null if there is no such operation.
 */
export function executeRead(connection: Connection, reader: Reader, opcode: number): number | null {
  switch (opcode) {
    case Op.exists:
    case Op.getData:
    case Op.getChildren:
    case Op.getChildren2:
      return watchable(connection, reader, opcode);
    case Op.getACL:
    case Op.getAllChildrenNumber:
    case Op.getEphemerals:
    case Op.sync:
      return ofPath(connection, reader, opcode);
    case Op.multiRead:
      return connection.context.state.query.multiRead(reader, connection, connection.replyWriter);
    case Op.addWatch:
      return addWatch(connection, reader);
    case Op.checkWatches:
      return checkWatches(connection, reader);
    case Op.removeWatches:
      return removeWatches(connection, reader);
    default:
      return null;
  }
}

function watchable(connection: Connection, reader: Reader, opcode: number): number {
  const from = reader.span();
  const length = reader.length;
  const watch = reader.bool();
  if (length < 0) return Err.marshallingError;
  if (watch && connection.watched.size >= WATCHES_PER_CONNECTION_MAX) return Err.throttledOp;
  const code = ofWatchable(connection, reader.bytes, from, from + length, opcode);
  if (!watch) return code;
  // exists watches for a creation, too; the others need a node that may be read.
  const registers = code === Err.ok || (opcode === Op.exists && code === Err.noNode);
  if (!registers) return code;
  const path = utf8Decode(reader.bytes, from, from + length);
  const child = opcode === Op.getChildren || opcode === Op.getChildren2;
  const mode = child ? WatchMode.child : WatchMode.data;
  connection.context.replica.watches.add(connection, path, mode);
  return code;
}

function ofWatchable(
  connection: Connection,
  bytes: Uint8Array,
  from: number,
  to: number,
  opcode: number,
): number {
  const { query } = connection.context.state;
  const out = connection.replyWriter;
  switch (opcode) {
    case Op.exists:
      return query.exists(bytes, from, to, connection, out);
    case Op.getData:
      return query.getData(bytes, from, to, connection, out);
    case Op.getChildren:
      return query.getChildren(bytes, from, to, connection, out);
    default:
      return query.getChildren2(bytes, from, to, connection, out);
  }
}

function ofPath(connection: Connection, reader: Reader, opcode: number): number {
  const { query } = connection.context.state;
  const { replyWriter: out, attachment } = connection;
  const from = reader.span();
  const length = reader.length;
  const to = from + Math.max(length, 0);
  const { bytes } = reader;
  switch (opcode) {
    case Op.getEphemerals:
      if (connection.readOnlySession !== null) {
        // It can't have created any.
        out.i32(0);
        return Err.ok;
      }
      if (attachment === null) return Err.sessionExpired;
      return query.getEphemerals(attachment.high, attachment.low, bytes, from, to, out);
    case Op.sync:
      out.i32(length);
      out.raw(bytes, from, to);
      return Err.ok;
    case Op.getACL:
      if (length < 0) return Err.marshallingError;
      return query.getACL(bytes, from, to, connection, out);
    default:
      if (length < 0) return Err.marshallingError;
      return query.getAllChildrenNumber(bytes, from, to, connection, out);
  }
}
