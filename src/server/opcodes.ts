import { Op } from '../protocol/constants.ts';

/** What a server without a leader refuses, as ZooKeeper's read-only server does. */
const NEEDS_LEADER: ReadonlySet<number> = new Set([
  Op.sync,
  Op.create,
  Op.create2,
  Op.createContainer,
  Op.createTTL,
  Op.delete,
  Op.deleteContainer,
  Op.setData,
  Op.setACL,
  Op.reconfig,
  Op.multi,
  Op.check,
  Op.createSession,
  Op.closeSession,
]);

/** What tells a client of the state. */
const READS: ReadonlySet<number> = new Set([
  Op.exists,
  Op.getData,
  Op.getChildren,
  Op.getChildren2,
  Op.getACL,
  Op.getAllChildrenNumber,
  Op.getEphemerals,
  Op.multiRead,
]);

export function isReadOnlyCall(opcode: number): boolean {
  return !NEEDS_LEADER.has(opcode);
}

export function isRead(opcode: number): boolean {
  return READS.has(opcode);
}

/** These become commands in the log. */
const WRITES: ReadonlySet<number> = new Set([
  Op.create,
  Op.create2,
  Op.createContainer,
  Op.createTTL,
  Op.delete,
  Op.setData,
  Op.setACL,
  Op.multi,
  Op.reconfig,
  Op.closeSession,
]);

export function isWrite(opcode: number): boolean {
  return WRITES.has(opcode);
}
