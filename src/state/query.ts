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

const BLANK_MAX = 0x20;
const SLASH = 0x2f;

/** Who asks, and under which flags: a read is not in the log, so it comes with each call. */
export interface Asker {
  readonly identities: Identities;
  /** CommandFlag bits. */
  readonly flags: number;
}

/**
 * The reads. Each encodes the body of its reply, or returns an error code having written nothing.
 * A path is `bytes[from, to)`.
 */
export class Query {
  private readonly context: Context;

  constructor(context: Context) {
    this.context = context;
  }

  getData(bytes: Uint8Array, from: number, to: number, asker: Asker, out: Writer): number {
    const { tree } = this.context;
    const row = this.access(bytes, from, to, Perm.read, asker);
    if (row < 0) return row;
    out.i32(tree.dataLength(row));
    tree.writeData(row, out);
    tree.writeStat(row, out);
    return Err.ok;
  }

  exists(bytes: Uint8Array, from: number, to: number, asker: Asker, out: Writer): number {
    if (hasNul(bytes, from, to)) return Err.badArguments;
    const row = this.access(bytes, from, to, Perm.read, asker);
    if (row < 0) return row;
    this.context.tree.writeStat(row, out);
    return Err.ok;
  }

  getChildren(bytes: Uint8Array, from: number, to: number, asker: Asker, out: Writer): number {
    const row = this.access(bytes, from, to, Perm.read, asker);
    if (row < 0) return row;
    this.writeChildren(row, out);
    return Err.ok;
  }

  getChildren2(bytes: Uint8Array, from: number, to: number, asker: Asker, out: Writer): number {
    const row = this.access(bytes, from, to, Perm.read, asker);
    if (row < 0) return row;
    this.writeChildren(row, out);
    this.context.tree.writeStat(row, out);
    return Err.ok;
  }

  getACL(bytes: Uint8Array, from: number, to: number, asker: Asker, out: Writer): number {
    const row = this.access(bytes, from, to, Perm.read | Perm.admin, asker);
    if (row < 0) return row;
    const acl = this.context.aclOf(row);
    const visible = visibleEntries(acl, asker.identities, asker.flags);
    out.raw(visible === acl.entries ? acl.encoded : encodeAcl(visible));
    this.context.tree.writeStat(row, out);
    return Err.ok;
  }

  getAllChildrenNumber(
    bytes: Uint8Array,
    from: number,
    to: number,
    asker: Asker,
    out: Writer,
  ): number {
    const row = this.access(bytes, from, to, Perm.read, asker);
    if (row < 0) return row;
    out.i32(this.context.tree.descendantCount(row));
    return Err.ok;
  }

  /**
   * The session's ephemerals whose path begins with the prefix, which is plain text, no path. A
   * null prefix is an empty span.
   */
  getEphemerals(
    sessionHigh: number,
    sessionLow: number,
    prefix: Uint8Array,
    from: number,
    to: number,
    out: Writer,
  ): number {
    const { tree, sessions } = this.context;
    const session = sessions.get(sessionHigh, sessionLow);
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

  /**
   * Each read on its own; a failed one is an error result. What can't be decoded as a whole is
   * answered MarshallingError with an empty multi as its body (protocol document 3.3).
   */
  multiRead(body: Reader, asker: Asker, out: Writer): number {
    const from = out.at;
    try {
      while (this.readOne(body, asker, out));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      out.at = from;
      writeMultiEnd(out);
      return Err.marshallingError;
    }
    writeMultiEnd(out);
    return Err.ok;
  }

  private readOne(body: Reader, asker: Asker, out: Writer): boolean {
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
        ? this.getData(body.bytes, from, to, asker, out)
        : this.getChildren(body.bytes, from, to, asker, out);
    if (error !== Err.ok) {
      out.at = at;
      writeErrorResult(out, error);
    }
    return true;
  }

  private writeChildren(row: Row, out: Writer): void {
    const { tree } = this.context;
    out.i32(tree.childCount(row));
    for (let child = tree.firstChild(row); child !== 0; child = tree.nextSibling(child)) {
      out.i32(tree.nameLength(child));
      tree.writeName(child, out);
    }
  }

  /** The row if it exists and any of `perm` is granted; else a negative error code. */
  private access(bytes: Uint8Array, from: number, to: number, perm: number, asker: Asker): Row {
    const { context } = this;
    const row = context.tree.find(bytes, from, to);
    if (row === 0) return Err.noNode;
    const acl = context.aclOf(row);
    return permits(acl, perm, asker.identities, asker.flags) ? row : Err.noAuth;
  }
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
