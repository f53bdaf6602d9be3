import { DecodeError, type Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { Err } from '../protocol/constants.ts';
import type { Context } from './context.ts';
import { kindOf, NodeKind, ttlMsOf } from './node-kind.ts';
import { removeNode } from './nodes.ts';
import type { Row } from './tree/layout.ts';
import type { Tree } from './tree/tree.ts';

/**
 * Removes an empty container or an outlived TTL node. Between the leader's look and now a client
 * may have written, or deleted and created again as something else: everything is checked again.
 */
export function reapNode(c: Context, body: Reader): number {
  const { tree } = c;
  const from = spanOfPath(body);
  if (from < 0) return Err.marshallingError;
  const to = from + body.length;
  const row = tree.find(c.bytes, from, to);
  if (row === 0) return Err.noNode;
  if (tree.childCount(row) > 0) return Err.notEmpty;
  const high = tree.ownerHigh(row);
  const low = tree.ownerLow(row);
  const kind = kindOf(high, low);
  const outlived = kind === NodeKind.ttl && c.timeMs - tree.mtime(row) > ttlMsOf(high, low);
  if (kind !== NodeKind.container && !outlived) return Err.badVersion;
  removeNode(c, row, c.bytes, from, to);
  return Err.ok;
}

function spanOfPath(body: Reader): number {
  try {
    const from = body.span();
    return body.length < 0 ? -1 : from;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return -1;
  }
}

/** False ends the visit. The path is valid only during the call. */
export type ReapVisitor = (row: Row, path: Uint8Array, from: number, to: number) => boolean;

/**
 * Visits what the leader may propose to reap (protocol document 7.2, 7.3): containers without
 * children that once had some, or that never had any for `maxNeverUsedMs` (0: for ever), and TTL
 * nodes without children that nobody has written for longer than their TTL.
 */
export function forEachReapable(
  c: Context,
  nowMs: number,
  maxNeverUsedMs: number,
  visit: ReapVisitor,
): void {
  const { tree, lists } = c;
  const path = new Writer(256);
  const tell = (row: Row): boolean => {
    path.clear();
    tree.writePath(row, path);
    return visit(row, path.bytes, 0, path.at);
  };
  for (let row = tree.listFirst(lists.containers); row !== 0; row = tree.listNext(row)) {
    if (isIdleContainer(tree, row, nowMs, maxNeverUsedMs) && !tell(row)) return;
  }
  for (let row = tree.listFirst(lists.ttls); row !== 0; row = tree.listNext(row)) {
    if (isOutlived(tree, row, nowMs) && !tell(row)) return;
  }
}

function isIdleContainer(tree: Tree, row: Row, nowMs: number, maxNeverUsedMs: number): boolean {
  if (tree.childCount(row) > 0) return false;
  if (tree.cversion(row) > 0) return true;
  return maxNeverUsedMs > 0 && nowMs - tree.mtime(row) > maxNeverUsedMs;
}

function isOutlived(tree: Tree, row: Row, nowMs: number): boolean {
  if (tree.childCount(row) > 0) return false;
  return nowMs - tree.mtime(row) > ttlMsOf(tree.ownerHigh(row), tree.ownerLow(row));
}
