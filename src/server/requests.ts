import { IDENTITIES_BYTES_MAX, IDENTITIES_PER_CONNECTION_MAX } from '../base/limits.ts';
import { DecodeError, type Reader } from '../base/reader.ts';
import { Err, Op, Xid } from '../protocol/constants.ts';
import type { Identities } from '../state/identities.ts';
import { takesMemory, wellFormedWrite } from '../state/state.ts';
import { visibleUser } from './auth.ts';
import type { Connection } from './connection.ts';
import { isRead, isReadOnlyCall, isWrite } from './opcodes.ts';
import { PendingKind } from './pending.ts';
import { executeRead } from './reads.ts';
import { setWatches } from './watch-requests.ts';

/**
 * Handles one frame of an established session: the reader stands at the RequestHeader. False: the
 * connection must be closed at once. `deferred` says that the frame had to wait for the writes
 * ahead of it, which are answered by now.
 */
export function handleRequest(connection: Connection, reader: Reader, deferred = false): boolean {
  const from = reader.at;
  const xid = reader.i32();
  const opcode = reader.i32();
  if (opcode === Op.auth) return authenticate(connection, reader);
  if (opcode === Op.sasl) return refuseSasl(connection, xid);
  if (!deferred && !isAuthenticated(connection)) return rejectUnauthenticated(connection, xid);
  const attachment = connection.attachment;
  if (attachment !== null) attachment.lease.heardMs = connection.nowMs;
  connection.lastOpcode = opcode;
  if (connection.readOnlySession !== null && !isReadOnlyCall(opcode)) {
    return refuseReadOnly(connection, xid, opcode);
  }
  if (isWrite(opcode)) {
    submitWrite(connection, reader, xid, opcode);
  } else if (!deferred && needsBarrier(connection, opcode)) {
    connection.defer(reader.bytes, from, reader.end, PendingKind.barrier);
    connection.context.replica.requestBarrier(connection);
  } else if (!deferred && connection.pending.count > 0) {
    connection.defer(reader.bytes, from, reader.end);
  } else {
    execute(connection, reader, xid, opcode);
  }
  return true;
}

/** These wait until everything is here that was decided when they were asked for. */
function needsBarrier({ context, readOnlySession }: Connection, opcode: number): boolean {
  const waits = opcode === Op.sync || (context.limits.linearizableReads && isRead(opcode));
  return waits && readOnlySession === null && !context.replica.paxos.isAlone;
}

/** Without a leader nothing is written, and nobody can say what is newest. */
function refuseReadOnly(connection: Connection, xid: number, opcode: number): boolean {
  const isEnd = opcode === Op.closeSession;
  const { state } = connection.context;
  connection.replyHeader(xid, state.zxid, isEnd ? Err.ok : Err.notReadOnly);
  if (isEnd) connection.leave();
  return true;
}

function submitWrite(connection: Connection, reader: Reader, xid: number, opcode: number): void {
  const { context, attachment } = connection;
  if (attachment === null) {
    connection.close();
    return;
  }
  const from = reader.at;
  const formed = opcode === Op.closeSession || wellFormedWrite(opcode, reader);
  if (!formed && opcode !== Op.multi) {
    refuse(connection, xid, Err.marshallingError);
    return;
  }
  if (!context.writable()) {
    context.counters.requestsRefusedNoSpace++;
    refuse(connection, xid, Err.systemError);
    return;
  }
  connection.pending.push(PendingKind.write, xid, opcode, connection.nowMs * 1000);
  if (context.memoryFull() && takesMemory(opcode, reader)) {
    context.replica.submitReject(attachment, opcode, xid, Err.quotaExceeded);
    return;
  }
  const { bytes, end } = reader;
  context.replica.submitWrite(attachment, opcode, xid, connection.identities, bytes, from, end);
  // Nothing behind a closeSession is answered; the connection closes with its outcome.
  if (opcode === Op.closeSession) connection.ignoreFurtherInput();
}

/** A refusal that never reaches the log: no zxid, but the reply keeps its place. */
function refuse(connection: Connection, xid: number, code: number): void {
  if (connection.pending.count > 0) connection.pending.push(PendingKind.error, xid, code, 0);
  else connection.replyHeader(xid, connection.context.state.zxid, code);
}

function execute(connection: Connection, reader: Reader, xid: number, opcode: number): void {
  const { state } = connection.context;
  if (opcode === Op.ping) {
    connection.replyHeader(Xid.ping, state.zxid, Err.ok);
    return;
  }
  if (opcode === Op.whoAmI) {
    replyWhoAmI(connection, xid);
    return;
  }
  const code = attempt(connection, reader, opcode);
  if (code !== null) {
    connection.endReply(xid, state.zxid, code);
    return;
  }
  connection.endReply(xid, -1, Err.unimplemented);
  connection.leave();
}

/** Leaves the connection with a reply begun; null: there is no such operation. */
function attempt(connection: Connection, reader: Reader, opcode: number): number | null {
  // The catch-up events of setWatches go ahead of its reply, which therefore begins after them.
  const eventsFirst = opcode === Op.setWatches || opcode === Op.setWatches2;
  if (!eventsFirst) connection.beginReply();
  let code: number | null;
  try {
    code = eventsFirst
      ? setWatches(connection, reader, opcode === Op.setWatches2)
      : executeRead(connection, reader, opcode);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    code = Err.marshallingError;
  }
  if (eventsFirst) connection.beginReply();
  return code;
}

function replyWhoAmI(connection: Connection, xid: number): void {
  const writer = connection.beginReply();
  writer.i32(connection.identities.list.length);
  for (const identity of connection.identities.list) {
    writer.ustring(identity.scheme);
    writer.ustring(visibleUser(identity));
  }
  connection.endReply(xid, connection.context.state.zxid, Err.ok);
}

/** An auth packet is answered at once; its reply may overtake those of earlier requests. */
function authenticate(connection: Connection, reader: Reader): boolean {
  const { context } = connection;
  reader.i32();
  const scheme = reader.ustring();
  const credentials = reader.buffer();
  const { identities, stream } = connection;
  const added = context.authenticator.authenticate(
    scheme,
    credentials,
    identities,
    stream.remoteAddress,
  );
  if (added === null || hasTooMany(added)) {
    context.counters.authFailed++;
    connection.replyHeader(Xid.auth, 0, Err.authFailed);
    connection.leave();
    return true;
  }
  connection.identities = added;
  connection.replyHeader(Xid.auth, 0, Err.ok);
  return true;
}

function hasTooMany({ list, encoded }: Identities): boolean {
  return list.length > IDENTITIES_PER_CONNECTION_MAX || encoded.length > IDENTITIES_BYTES_MAX;
}

/** Without SASL the answer to a token is a null token, and the client goes on unauthenticated. */
function refuseSasl(connection: Connection, xid: number): boolean {
  connection.beginReply().buffer(null);
  connection.endReply(xid, 0, Err.ok);
  return true;
}

function isAuthenticated(connection: Connection): boolean {
  const schemes = connection.context.limits.enforceAuthSchemes;
  const { identities } = connection;
  if (schemes === null || identities.isLocal) return true;
  return identities.list.some((identity) => schemes.includes(identity.scheme));
}

function rejectUnauthenticated(connection: Connection, xid: number): boolean {
  connection.replyHeader(xid, 0, Err.sessionClosedRequireSaslAuth);
  connection.leave();
  return true;
}
