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
    case Op.multiRead: {
      const { state, replica } = connection.context;
      const out = connection.replyWriter;
      return state.multiRead(reader, connection.identities, replica.flags, out);
    }
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
  const code = query(connection, reader.bytes, from, from + length, opcode);
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

function query(
  connection: Connection,
  bytes: Uint8Array,
  from: number,
  to: number,
  opcode: number,
): number {
  const { state, replica } = connection.context;
  const { identities, replyWriter: out } = connection;
  const flags = replica.flags;
  switch (opcode) {
    case Op.exists:
      return state.exists(bytes, from, to, identities, flags, out);
    case Op.getData:
      return state.getData(bytes, from, to, identities, flags, out);
    case Op.getChildren:
      return state.getChildren(bytes, from, to, identities, flags, out);
    default:
      return state.getChildren2(bytes, from, to, identities, flags, out);
  }
}

function ofPath(connection: Connection, reader: Reader, opcode: number): number {
  const { state, replica } = connection.context;
  const { identities, replyWriter: out, attachment } = connection;
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
      return state.getEphemerals(attachment.high, attachment.low, bytes, from, to, out);
    case Op.sync:
      out.i32(length);
      out.raw(bytes, from, to);
      return Err.ok;
    case Op.getACL:
      if (length < 0) return Err.marshallingError;
      return state.getACL(bytes, from, to, identities, replica.flags, out);
    default:
      if (length < 0) return Err.marshallingError;
      return state.getAllChildrenNumber(bytes, from, to, identities, replica.flags, out);
  }
}
