import { CreateMode, Err, Op, Perm } from '../protocol/constants.ts';
import { hasNul, isValidPath, lastSlash, writeSequence } from '../protocol/paths.ts';
import { CommandFlag } from './command.ts';
import type { Context } from './context.ts';
import {
  CONTAINER_HIGH,
  kindOf,
  NodeKind,
  TTL_MS_MAX,
  ttlOwnerHigh,
  ttlOwnerLow,
} from './node-kind.ts';
import { insertNode } from './nodes.ts';
import type { Row } from './tree/layout.ts';

/** create, create2, createContainer and createTTL: the checks in the order of protocol 5.3. */
export function create(c: Context): number {
  const { tree, bytes, request } = c;
  const { pathFrom: from, pathTo: to } = request;
  const modeError = checkMode(c);
  if (modeError !== Err.ok) return modeError;
  const slash = lastSlash(bytes, from, to);
  if (slash < 0 || hasNul(bytes, from, to)) return Err.badArguments;
  const acl = c.requestedAcl();
  if (acl === null) return Err.invalidACL;
  const parent = tree.find(bytes, from, slash);
  if (parent === 0) return Err.noNode;
  if (!c.allows(parent, Perm.create)) return Err.noAuth;

  const sequential = request.isSequential;
  if (sequential) writeSequentialPath(c, parent);
  const path = sequential ? c.path.bytes : bytes;
  const pathFrom = sequential ? 0 : from;
  const pathTo = sequential ? c.path.at : to;
  if (!isValidPath(path, pathFrom, pathTo)) return Err.badArguments;
  const nameFrom = pathFrom + (slash - from) + 1;
  if (tree.findChild(parent, path, pathFrom, nameFrom - 1, pathTo) !== 0) return Err.nodeExists;
  const parentKind = kindOf(tree.ownerHigh(parent), tree.ownerLow(parent));
  if (parentKind === NodeKind.ephemeral) return Err.noChildrenForEphemerals;
  const dataLength = Math.max(request.dataLength, 0);
  if (
    c.hasFlag(CommandFlag.enforceQuota) &&
    c.quota.exceeds(path, pathFrom, pathTo, c.multiIndex, 1, dataLength)
  ) {
    return Err.quotaExceeded;
  }

  const high = ownerHigh(c);
  const row = insertNode(c, parent, path, pathFrom, nameFrom, pathTo, high, ownerLow(c), acl);
  writeReply(c, row, path, pathFrom, pathTo);
  c.quota.computeIfStats(row, path, pathFrom, pathTo);
  c.quota.add(path, pathFrom, pathTo, 1, dataLength);
  return Err.ok;
}

function checkMode(c: Context): number {
  const { flags, opcode, ttlMs } = c.request;
  if (flags < CreateMode.persistent || flags > CreateMode.persistentSequentialWithTTL) {
    return Err.badArguments;
  }
  const withTTL = flags >= CreateMode.persistentWithTTL;
  if (withTTL && !c.hasFlag(CommandFlag.extendedTypes)) return Err.unimplemented;
  // ZooKeeper lets createTTL with other flags and ttl -1 through, and breaks when applying it.
  if (withTTL !== (opcode === Op.createTTL)) return Err.badArguments;
  if (withTTL && (ttlMs <= 0 || ttlMs > TTL_MS_MAX)) return Err.badArguments;
  return Err.ok;
}

/** The client's path is the literal prefix; the suffix counts the parent's creations so far. */
function writeSequentialPath(c: Context, parent: Row): void {
  c.path.clear();
  c.path.raw(c.bytes, c.request.pathFrom, c.request.pathTo);
  writeSequence(c.path, c.tree.cversion(parent));
}

function isEphemeral(c: Context): boolean {
  const { flags } = c.request;
  return flags === CreateMode.ephemeral || flags === CreateMode.ephemeralSequential;
}

/** The opcode decides the kind: flags 4 in a plain create make a plain znode. */
function ownerHigh(c: Context): number {
  switch (c.request.opcode) {
    case Op.createContainer:
      return CONTAINER_HIGH;
    case Op.createTTL:
      return ttlOwnerHigh(c.request.ttlMs);
    default:
      return isEphemeral(c) ? c.header.sessionHigh : 0;
  }
}

function ownerLow(c: Context): number {
  switch (c.request.opcode) {
    case Op.createContainer:
      return 0;
    case Op.createTTL:
      return ttlOwnerLow(c.request.ttlMs);
    default:
      return isEphemeral(c) ? c.header.sessionLow : 0;
  }
}

function writeReply(c: Context, row: Row, path: Uint8Array, from: number, to: number): void {
  const { body } = c.outcome;
  body.i32(to - from);
  body.raw(path, from, to);
  if (c.request.opcode !== Op.create) c.tree.writeStat(row, body);
}
