import { Err, Op, Perm } from '../protocol/constants.ts';
import { hasNul, isValidPath, lastSlash } from '../protocol/paths.ts';
import { CommandFlag } from './command.ts';
import type { Context } from './context.ts';
import { create } from './create.ts';
import { removeNode } from './nodes.ts';
import { ChangeKind } from './outcome.ts';
import { isSystemPath } from './system-nodes.ts';

/** Matches any version. */
const ANY_VERSION = -1;

/**
 * Executes the decoded request of `c` and writes the body of its reply. Each operation makes all
 * its checks, in the order of protocol document 5.5, before it changes anything.
 */
export function execute(c: Context): number {
  switch (c.request.opcode) {
    case Op.create:
    case Op.create2:
    case Op.createContainer:
    case Op.createTTL:
      return create(c);
    case Op.delete:
      return remove(c);
    case Op.setData:
      return setData(c);
    case Op.setACL:
      return setACL(c);
    case Op.check:
      return check(c);
    default:
      return Err.unimplemented;
  }
}

/** DELETE is asked of the parent; the node's own ACL does not matter. */
function remove(c: Context): number {
  const { tree, bytes, request } = c;
  const { pathFrom: from, pathTo: to, version } = request;
  const slash = lastSlash(bytes, from, to);
  if (slash < 0 || hasNul(bytes, from, to) || isSystemPath(bytes, from, to)) {
    return Err.badArguments;
  }
  const parent = tree.find(bytes, from, slash);
  if (parent === 0) return Err.noNode;
  if (!c.allows(parent, Perm.delete)) return Err.noAuth;
  const row = tree.findChild(parent, bytes, from, slash, to);
  if (row === 0) return Err.noNode;
  if (version !== ANY_VERSION && version !== tree.version(row)) return Err.badVersion;
  if (tree.childCount(row) > 0) return Err.notEmpty;
  removeNode(c, row, bytes, from, to);
  return Err.ok;
}

function setData(c: Context): number {
  const { tree, bytes, request, quota } = c;
  const { pathFrom: from, pathTo: to, dataLength, version } = request;
  if (!isValidPath(bytes, from, to)) return Err.badArguments;
  const row = tree.find(bytes, from, to);
  if (row === 0) return Err.noNode;
  if (!c.allows(row, Perm.write)) return Err.noAuth;
  const growth = Math.max(dataLength, 0) - Math.max(tree.dataLength(row), 0);
  if (
    c.hasFlag(CommandFlag.enforceQuota) &&
    quota.exceeds(bytes, from, to, c.multiIndex, 0, growth)
  ) {
    return Err.quotaExceeded;
  }
  const current = tree.version(row);
  if (version !== ANY_VERSION && version !== current) return Err.badVersion;

  tree.setData(row, bytes, request.dataFrom, dataLength);
  tree.setVersion(row, (current + 1) | 0);
  tree.setMzxid(row, c.zxid);
  tree.setMtime(row, c.timeMs);
  const acl = c.aclOf(row);
  const parent = tree.parent(row);
  const parentAcl = parent === 0 ? acl : c.aclOf(parent);
  c.outcome.changes.add(ChangeKind.dataChanged, bytes, from, to, acl, parentAcl);
  tree.writeStat(row, c.outcome.body);
  quota.add(bytes, from, to, 0, growth);
  return Err.ok;
}

/** Neither mzxid nor mtime moves, and no watch fires. */
function setACL(c: Context): number {
  const { tree, bytes, request } = c;
  const { pathFrom: from, pathTo: to, version } = request;
  if (!isValidPath(bytes, from, to)) return Err.badArguments;
  const acl = c.requestedAcl();
  if (acl === null) return Err.invalidACL;
  const row = tree.find(bytes, from, to);
  if (row === 0) return Err.noNode;
  if (!c.allows(row, Perm.admin)) return Err.noAuth;
  const current = tree.aversion(row);
  if (version !== ANY_VERSION && version !== current) return Err.badVersion;

  const before = tree.acl(row);
  tree.setAcl(row, c.acls.use(acl));
  c.acls.release(before);
  tree.setAversion(row, (current + 1) | 0);
  tree.writeStat(row, c.outcome.body);
  return Err.ok;
}

function check(c: Context): number {
  const { tree, bytes, request } = c;
  const { pathFrom: from, pathTo: to, version } = request;
  if (!isValidPath(bytes, from, to)) return Err.badArguments;
  const row = tree.find(bytes, from, to);
  if (row === 0) return Err.noNode;
  if (!c.allows(row, Perm.read)) return Err.noAuth;
  return version === ANY_VERSION || version === tree.version(row) ? Err.ok : Err.badVersion;
}
