import type { Acl } from './acl.ts';
import type { Context } from './context.ts';
import { kindOf, NodeKind } from './node-kind.ts';
import { ChangeKind } from './outcome.ts';
import type { Row } from './tree/layout.ts';

/**
 * Puts a znode in, with everything that hangs on it but the reply: the parent's counters, the list
 * of its session or kind, and the change for the watches. `nameFrom` is where the path's last name
 * begins; the data lies in the command.
 */
export function insertNode(
  c: Context,
  parent: Row,
  path: Uint8Array,
  from: number,
  nameFrom: number,
  to: number,
  ownerHigh: number,
  ownerLow: number,
  acl: Acl,
): Row {
  const { tree, acls, zxid, bytes, request } = c;
  const { dataFrom, dataLength } = request;
  const parentAcl = c.aclOf(parent);
  const id = acls.use(acl);
  const row = tree.insert(
    parent,
    path,
    nameFrom,
    to,
    bytes,
    dataFrom,
    dataLength,
    zxid,
    c.timeMs,
    ownerHigh,
    ownerLow,
    id,
  );
  const list = listOf(c, ownerHigh, ownerLow);
  if (list !== 0) tree.listAdd(list, row);
  countCreation(c, parent);
  c.outcome.changes.add(ChangeKind.created, path, from, to, acl, parentAcl);
  return row;
}

/**
 * The parent's counter of creations only ever rises: at 2147483647 it stays, and with it pzxid,
 * as ZooKeeper's apply step has it (protocol document 5.4, 5.6).
 */
function countCreation(c: Context, parent: Row): void {
  const before = c.tree.cversion(parent);
  const after = (before + 1) | 0;
  if (after <= before) return;
  c.tree.setCversion(parent, after);
  c.tree.setPzxid(parent, c.zxid);
}

/** Takes a leaf out, with everything that hangs on it. */
export function removeNode(c: Context, row: Row, path: Uint8Array, from: number, to: number): void {
  const { tree, acls } = c;
  const parent = tree.parent(row);
  const aclId = tree.acl(row);
  const dataLength = Math.max(tree.dataLength(row), 0);
  const list = listOf(c, tree.ownerHigh(row), tree.ownerLow(row));
  c.outcome.changes.add(ChangeKind.deleted, path, from, to, acls.get(aclId), c.aclOf(parent));
  if (list !== 0) tree.listRemove(list, row);
  tree.remove(row);
  acls.release(aclId);
  tree.setPzxid(parent, c.zxid);
  c.quota.add(path, from, to, -1, -dataLength);
}

/** The list that a node of this owner is on: its session's, or that of its kind; 0 for none. */
function listOf(c: Context, ownerHigh: number, ownerLow: number): number {
  switch (kindOf(ownerHigh, ownerLow)) {
    case NodeKind.ephemeral:
      return c.sessions.get(ownerHigh, ownerLow)?.list ?? 0;
    case NodeKind.container:
      return c.lists.containers;
    case NodeKind.ttl:
      return c.lists.ttls;
    default:
      return 0;
  }
}
