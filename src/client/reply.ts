import { DecodeError, type Reader } from '../base/reader.ts';
import type { Stat } from '../protocol/records.ts';
import type { Call } from './core/call.ts';
import { relativePath } from './core/request.ts';
import { type As, decodeData } from './data.ts';

/** A znode's data with what was known of it at that moment. */
export interface NodeData<T> {
  readonly data: T;
  readonly stat: Stat;
}

export interface NodeChildren {
  /** Names, not paths; in no order that is promised. */
  readonly children: string[];
  readonly stat: Stat;
}

export interface CreatedNode {
  /** With the number, if it is a sequential one. */
  readonly path: string;
  readonly stat: Stat;
}

/** One identity of a connection. */
export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

/** Who may do what: `perms` is the sum of {@link Perm} bits. */
export interface AclEntry extends Identity {
  readonly perms: number;
}

export interface NodeAcl {
  readonly acl: AclEntry[];
  readonly stat: Stat;
}

export function nothing(): undefined {
  return undefined;
}

/** The eleven fields in wire order. Nearly no znode has an owner: those share one zero. */
export function readStat(reader: Reader): Stat {
  return {
    czxid: reader.i64(),
    mzxid: reader.i64(),
    ctime: reader.i64(),
    mtime: reader.i64(),
    version: reader.i32(),
    cversion: reader.i32(),
    aversion: reader.i32(),
    ephemeralOwner: readOwner(reader),
    dataLength: reader.i32(),
    numChildren: reader.i32(),
    pzxid: reader.i64(),
  };
}

function readOwner(reader: Reader): bigint {
  const high = reader.i32();
  const low = reader.i32();
  if (high === 0 && low === 0) return 0n;
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

export function readNodeData(reader: Reader, call: Call): NodeData<unknown> {
  const data = decodeData(reader, call.context as As | undefined);
  return { data, stat: readStat(reader) };
}

/** The context of the call is the chroot. */
export function readPath(reader: Reader, call: Call): string {
  return relativePath(call.context as string, text(reader));
}

export function readCreated(reader: Reader, call: Call): CreatedNode {
  return { path: readPath(reader, call), stat: readStat(reader) };
}

/** Of a server that sends the stat too, though only the path is wanted. */
export function readPathOfCreated(reader: Reader, call: Call): string {
  return readCreated(reader, call).path;
}

export function readNames(reader: Reader): string[] {
  const count = reader.i32();
  // A name takes four bytes at least: a count beyond that is a lie, and nothing is made for it.
  if (count > reader.remaining / 4) throw new DecodeError(`${count} names`);
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(text(reader));
  return names;
}

export function readPaths(reader: Reader, call: Call): string[] {
  return readNames(reader).map((path) => relativePath(call.context as string, path));
}

export function readChildren(reader: Reader): NodeChildren {
  return { children: readNames(reader), stat: readStat(reader) };
}

export function readCount(reader: Reader): number {
  return reader.i32();
}

export function readAcl(reader: Reader): NodeAcl {
  const count = reader.i32();
  if (count > reader.remaining / 12) throw new DecodeError(`${count} entries of an ACL`);
  const acl: AclEntry[] = [];
  for (let i = 0; i < count; i++) {
    const perms = reader.i32();
    acl.push({ scheme: text(reader), id: text(reader), perms });
  }
  return { acl, stat: readStat(reader) };
}

export function readIdentities(reader: Reader): Identity[] {
  const count = reader.i32();
  if (count > reader.remaining / 8) throw new DecodeError(`${count} identities`);
  const identities: Identity[] = [];
  for (let i = 0; i < count; i++) identities.push({ scheme: text(reader), id: text(reader) });
  return identities;
}

function text(reader: Reader): string {
  return reader.ustring() ?? '';
}
