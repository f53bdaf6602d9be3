import type { Writer } from '../../base/writer.ts';
import { CreateMode, Op } from '../../protocol/constants.ts';
import { beginFrame, endFrame } from '../../protocol/frames.ts';
import { isValidPath } from '../../protocol/paths.ts';
import type { ACL } from '../../protocol/records.ts';
import type { Call } from './call.ts';

const SLASH = 0x2f;
const ONE = 0x31;

/**
 * Appends the frame of a call, straight into what is about to be sent. False, and nothing appended:
 * no server could take the path, by the rules that official clients check too.
 */
export function encodeCall(writer: Writer, call: Call, chroot: string): boolean {
  const at = beginFrame(writer);
  let isWhole = false;
  try {
    writer.i32(call.xid);
    writer.i32(call.op);
    if (call.body !== null) writer.raw(call.body);
    isWhole = call.body !== null || encodeBody(writer, call, call.isAbsolute ? '' : chroot);
    return isWhole;
  } finally {
    // Whoever calls from JavaScript may hand in anything. Half a frame would spoil all behind it.
    if (isWhole) endFrame(writer, at);
    else writer.at = at;
  }
}

/** The xid is given out when a frame is sent; one that has waited gets a new one. */
export function appendFrame(writer: Writer, frame: Uint8Array, xid: number): void {
  const at = writer.at;
  writer.raw(frame);
  writer.patchI32(at + 4, xid);
}

/** The record of a call, as it stands in a frame or in a multi. False as in `encodeCall`. */
export function encodeBody(writer: Writer, call: Call, chroot: string): boolean {
  switch (call.op) {
    case Op.whoAmI:
    case Op.closeSession:
      return true;
    case Op.exists:
    case Op.getData:
    case Op.getChildren:
    case Op.getChildren2:
      if (!encodePath(writer, chroot, call.path)) return false;
      writer.bool(call.argument !== 0);
      return true;
    case Op.getACL:
    case Op.sync:
    case Op.getAllChildrenNumber:
      return encodePath(writer, chroot, call.path);
    case Op.getEphemerals:
      writer.ustring(chroot + call.path);
      return true;
    case Op.setData:
      return encodeSetData(writer, chroot, call);
    case Op.setACL:
      if (!encodePath(writer, chroot, call.path)) return false;
      encodeAcl(writer, call.acl);
      writer.i32(call.argument);
      return true;
    case Op.create:
    case Op.create2:
    case Op.createContainer:
    case Op.createTTL:
      return encodeCreate(writer, chroot, call);
    default:
      if (!encodePath(writer, chroot, call.path)) return false;
      writer.i32(call.argument);
      return true;
  }
}

function encodeSetData(writer: Writer, chroot: string, call: Call): boolean {
  if (!encodePath(writer, chroot, call.path)) return false;
  encodeData(writer, call.data);
  writer.i32(call.argument);
  return true;
}

function encodeCreate(writer: Writer, chroot: string, call: Call): boolean {
  const mode = call.argument;
  if (!encodePath(writer, chroot, call.path, isSequential(mode))) return false;
  encodeData(writer, call.data);
  encodeAcl(writer, call.acl);
  writer.i32(mode);
  if (call.op === Op.createTTL) writer.i64(call.ttlMs);
  return true;
}

function isSequential(mode: number): boolean {
  return (
    mode === CreateMode.persistentSequential ||
    mode === CreateMode.ephemeralSequential ||
    mode === CreateMode.persistentSequentialWithTTL
  );
}

/** A path that gets a number behind it has to be valid with the number: `/queue/` is. */
function encodePath(writer: Writer, chroot: string, path: string, getsNumber = false): boolean {
  const at = writer.at + 4;
  writer.ustring(absolutePath(chroot, path));
  if (!getsNumber) return isValidPath(writer.bytes, at, writer.at) && path.charCodeAt(0) === SLASH;
  writer.reserve(1);
  writer.bytes[writer.at] = ONE;
  return isValidPath(writer.bytes, at, writer.at + 1) && path.charCodeAt(0) === SLASH;
}

/** The path as the server knows it. */
export function absolutePath(chroot: string, path: string): string {
  if (chroot === '') return path;
  return path === '/' ? chroot : chroot + path;
}

/** The path as the caller knows it. */
export function relativePath(chroot: string, path: string): string {
  if (chroot === '' || !path.startsWith(chroot)) return path;
  if (path.length === chroot.length) return '/';
  // `/apple` is not in `/app`.
  return path.charCodeAt(chroot.length) === SLASH ? path.slice(chroot.length) : path;
}

/** Text goes as UTF-8, without a copy in between. */
function encodeData(writer: Writer, data: Uint8Array | string | null): void {
  if (typeof data === 'string') writer.ustring(data);
  else writer.buffer(data);
}

function encodeAcl(writer: Writer, acl: readonly ACL[] | null): void {
  writer.i32(acl === null ? -1 : acl.length);
  if (acl === null) return;
  for (const { perms, id } of acl) {
    writer.i32(perms);
    writer.ustring(id.scheme);
    writer.ustring(id.id);
  }
}
