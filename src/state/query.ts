import { DecodeError, type Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import { Err, Op, Perm } from '../protocol/constants.ts';
import { hasNul } from '../protocol/paths.ts';
import { encodeAcl } from './acl.ts';
import { permits, visibleEntries } from './acl-rules.ts';
import type { Context } from './context.ts';
import type { Identities } from './identities.ts';
import { writeErrorResult, writeMultiEnd, writeMultiHeader } from './multi.ts';
import type { Row } from './tree/layout.ts';

/**
 * The reads. Each encodes the body of its reply, or returns an error code having written nothing.
 * Who asks, and under which flags, comes with the call: a read is not in the log.
 */

const BLANK_MAX = 0x20;
const SLASH = 0x2f;

/** The row if it exists and any of `perm` is granted; else a negative error code. */
function access(
  c: Context,
  bytes: Uint8Array,
  from: number,
  to: number,
  perm: number,
  identities: Identities,
  flags: number,
): Row {
  const row = c.tree.find(bytes, from, to);
  if (row === 0) return Err.noNode;
  return permits(c.aclOf(row), perm, identities, flags) ? row : Err.noAuth;
}

export function getData(
  c: Context,
  bytes: Uint8Array,
  from: number,
  to: number,
  identities: Identities,
  flags: number,
  out: Writer,
): number {
  const row = access(c, bytes, from, to, Perm.read, identities, flags);
  if (row < 0) return row;
  out.i32(c.tree.dataLength(row));
  c.tree.writeData(row, out);
  c.tree.writeStat(row, out);
  return Err.ok;
}

export function exists(
  c: Context,
  bytes: Uint8Array,
  from: number,
  to: number,
  identities: Identities,
  flags: number,
  out: Writer,
): number {
  if (hasNul(bytes, from, to)) return Err.badArguments;
  const row = access(c, bytes, from, to, Perm.read, identities, flags);
  if (row < 0) return row;
  c.tree.writeStat(row, out);
  return Err.ok;
}

/** getChildren, and with `stat` getChildren2. */
export function getChildren(
  c: Context,
  bytes: Uint8Array,
  from: number,
  to: number,
  identities: Identities,
  flags: number,
  out: Writer,
  stat: boolean,
): number {
  const { tree } = c;
  const row = access(c, bytes, from, to, Perm.read, identities, flags);
  if (row < 0) return row;
  out.i32(tree.childCount(row));
  for (let child = tree.firstChild(row); child !== 0; child = tree.nextSibling(child)) {
    out.i32(tree.nameLength(child));
    tree.writeName(child, out);
  }
  if (stat) tree.writeStat(row, out);
  return Err.ok;
}

export function getACL(
  c: Context,
  bytes: Uint8Array,
  from: number,
  to: number,
  identities: Identities,
  flags: number,
  out: Writer,
): number {
  const row = access(c, bytes, from, to, Perm.read | Perm.admin, identities, flags);
  if (row < 0) return row;
  const acl = c.aclOf(row);
  const visible = visibleEntries(acl, identities, flags);
  out.raw(visible === acl.entries ? acl.encoded : encodeAcl(visible));
  c.tree.writeStat(row, out);
  return Err.ok;
}

export function getAllChildrenNumber(
  c: Context,
  bytes: Uint8Array,
  from: number,
  to: number,
  identities: Identities,
  flags: number,
  out: Writer,
): number {
  const row = access(c, bytes, from, to, Perm.read, identities, flags);
  if (row < 0) return row;
  out.i32(c.tree.descendantCount(row));
  return Err.ok;
}

/** The session's ephemerals whose path begins with the prefix, which is plain text, no path. */
export function getEphemerals(
  c: Context,
  sessionHigh: number,
  sessionLow: number,
  prefix: Uint8Array,
  from: number,
  to: number,
  out: Writer,
): number {
  const { tree } = c;
  const session = c.sessions.get(sessionHigh, sessionLow);
  if (session === undefined) return Err.sessionExpired;
  const all = isBlank(prefix, from, to) || (to - from === 1 && prefix[from] === SLASH);
  const countAt = out.at;
  let count = 0;
  out.i32(0);
  for (let row = tree.listFirst(session.list); row !== 0; row = tree.listNext(row)) {
    const at = out.at;
    out.i32(0);
    tree.writePath(row, out);
    out.patchI32(at, out.at - at - 4);
    if (all || startsWith(out.bytes, at + 4, out.at, prefix, from, to)) count++;
    else out.at = at;
  }
  out.patchI32(countAt, count);
  return Err.ok;
}

function isBlank(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if ((bytes[at] as number) > BLANK_MAX) return false;
  return true;
}

function startsWith(
  bytes: Uint8Array,
  from: number,
  to: number,
  prefix: Uint8Array,
  prefixFrom: number,
  prefixTo: number,
): boolean {
  if (to - from < prefixTo - prefixFrom) return false;
  for (let i = 0; i < prefixTo - prefixFrom; i++) {
    if (bytes[from + i] !== prefix[prefixFrom + i]) return false;
  }
  return true;
}

/**
 * Each read on its own; a failed one is an error result. What can't be decoded as a whole is
 * answered MarshallingError with an empty multi as its body (protocol document 3.3).
 */
export function multiRead(
  c: Context,
  body: Reader,
  identities: Identities,
  flags: number,
  out: Writer,
): number {
  const from = out.at;
  try {
    while (readOne(c, body, identities, flags, out));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    out.at = from;
    writeMultiEnd(out);
    return Err.marshallingError;
  }
  writeMultiEnd(out);
  return Err.ok;
}

function readOne(
  c: Context,
  body: Reader,
  identities: Identities,
  flags: number,
  out: Writer,
): boolean {
  const type = body.i32();
  const done = body.bool();
  body.i32();
  if (done) return false;
  if (type !== Op.getData && type !== Op.getChildren) {
    throw new DecodeError(`operation ${type} inside a multiRead`);
  }
  const from = body.span();
  if (body.length < 0) throw new DecodeError('null path');
  const to = from + body.length;
  body.bool();
  const at = out.at;
  writeMultiHeader(out, type, Err.ok);
  const error =
    type === Op.getData
      ? getData(c, body.bytes, from, to, identities, flags, out)
      : getChildren(c, body.bytes, from, to, identities, flags, out, false);
  if (error !== Err.ok) {
    out.at = at;
    writeErrorResult(out, error);
  }
  return true;
}
