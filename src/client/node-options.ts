import { CreateMode, Op, Perm } from '../protocol/constants.ts';
import type { ACL } from '../protocol/records.ts';
import { Call, type Decode } from './core/call.ts';
import { type AclEntry, readCreated, readPath, readPathOfCreated } from './reply.ts';

export interface NodeOptions {
  /**
   * - `persistent`, the default: until somebody deletes it
   * - `ephemeral`: as long as this session; it can't have children
   * - `container`: until its last child is gone, and somewhat longer
   */
  readonly mode?: 'persistent' | 'ephemeral' | 'container';
  /** A number is put behind the path, greater than all before it under the same parent. */
  readonly sequential?: boolean;
  /** The server deletes it when it has had no children and no change for so long. */
  readonly ttlMs?: number;
  /** Default: everybody may do everything. */
  readonly acl?: readonly AclEntry[];
}

export const OPEN_ACL: readonly AclEntry[] = [{ scheme: 'world', id: 'anyone', perms: Perm.all }];

const LARGEST_TTL_MS = 1_099_511_627_775;

/** Null: the options do not go together. The result is the path, or the path and the stat. */
export function newCreate(
  path: string,
  options: NodeOptions | undefined,
  withStat: boolean,
): Call | null {
  const { mode = 'persistent', sequential = false, ttlMs, acl = OPEN_ACL } = options ?? {};
  const isContainer = mode === 'container';
  if (isContainer && sequential) return null;
  if (ttlMs !== undefined && (mode !== 'persistent' || !(ttlMs > 0 && ttlMs <= LARGEST_TTL_MS))) {
    return null;
  }
  const plain = withStat ? Op.create2 : Op.create;
  const op = isContainer ? Op.createContainer : ttlMs !== undefined ? Op.createTTL : plain;
  const call = new Call(op, path, decodeOf(op, withStat));
  call.acl = acl === OPEN_ACL ? OPEN_ACL_RECORDS : acl.map(asRecord);
  call.ttlMs = ttlMs ?? -1;
  call.argument = modeNumber(mode, sequential, ttlMs !== undefined);
  return call;
}

/** Only the oldest of the requests is answered without a stat. */
function decodeOf(op: number, withStat: boolean): Decode {
  if (withStat) return readCreated;
  return op === Op.create ? readPath : readPathOfCreated;
}

function modeNumber(mode: string, sequential: boolean, hasTtl: boolean): number {
  if (mode === 'container') return CreateMode.container;
  if (hasTtl) {
    return sequential ? CreateMode.persistentSequentialWithTTL : CreateMode.persistentWithTTL;
  }
  return (mode === 'ephemeral' ? 1 : 0) + (sequential ? 2 : 0);
}

export function asRecord({ scheme, id, perms }: AclEntry): ACL {
  return { perms, id: { scheme, id } };
}

const OPEN_ACL_RECORDS: readonly ACL[] = OPEN_ACL.map(asRecord);
