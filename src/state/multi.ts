import { assert } from '../base/assert.ts';
import type { Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import { Err, Op } from '../protocol/constants.ts';
import { lastSlash } from '../protocol/paths.ts';
import { CommandFlag } from './command.ts';
import type { Context } from './context.ts';
import { execute } from './operations.ts';
import { countMulti } from './write-request.ts';

/**
 * All or nothing under one zxid (protocol document 6.3). A failed multi is answered with ok and
 * one result an operation, and leaves not one byte of the state changed.
 */
export function multi(c: Context, body: Reader): number {
  const count = countMulti(body, c.request);
  if (count < 0) return Err.marshallingError;
  if (c.hasFlag(CommandFlag.enforceQuota)) reserveRooms(c, body);
  c.tree.begin();
  c.acls.begin();
  const failure = executeAll(c, body);
  c.multiIndex = -1;
  if (failure === Err.ok) {
    c.tree.commit();
    c.acls.commit();
  } else {
    c.tree.rollback();
    c.acls.rollback();
    c.outcome.changes.clear();
    writeFailure(c, count, failure);
  }
  writeMultiEnd(c.outcome.body);
  return Err.ok;
}

/** Executes up to the first failure and returns its code; `c.failedIndex` says which failed. */
function executeAll(c: Context, body: Reader): number {
  const { request, outcome } = c;
  for (c.multiIndex = 0; request.decodeOfMulti(body); c.multiIndex++) {
    writeMultiHeader(outcome.body, resultType(request.opcode), Err.ok);
    const error = execute(c);
    if (error !== Err.ok) {
      c.failedIndex = c.multiIndex;
      return error;
    }
  }
  return Err.ok;
}

/** Quota checks go by what was in use before the first operation. */
function reserveRooms(c: Context, body: Reader): void {
  const { request, quota } = c;
  const from = body.at;
  for (let index = 0; request.decodeOfMulti(body); index++) {
    const { pathFrom, pathTo } = request;
    // With a suffix, /a becomes a sibling of /a: only the parent's quota can be its own.
    const to = request.isSequential
      ? Math.max(lastSlash(c.bytes, pathFrom, pathTo), pathFrom)
      : pathTo;
    quota.reserveRoom(c.bytes, pathFrom, to, index);
  }
  body.at = from;
}

function writeFailure(c: Context, count: number, failure: number): void {
  const { body } = c.outcome;
  const { failedIndex } = c;
  assert(failedIndex < count, 'an operation failed that the multi does not have');
  body.clear();
  for (let index = 0; index < count; index++) {
    const before = index < failedIndex;
    const code = before ? Err.ok : index === failedIndex ? failure : Err.runtimeInconsistency;
    writeErrorResult(body, code);
  }
}

function resultType(opcode: number): number {
  return opcode === Op.createContainer || opcode === Op.createTTL ? Op.create2 : opcode;
}

/** MultiHeader { type; done=0; err }, ahead of each result. */
export function writeMultiHeader(writer: Writer, type: number, error: number): void {
  writer.i32(type);
  writer.bool(false);
  writer.i32(error);
}

export function writeErrorResult(writer: Writer, code: number): void {
  writeMultiHeader(writer, Op.error, code);
  writer.i32(code);
}

/** MultiHeader { type=-1; done=1; err=-1 }. */
export function writeMultiEnd(writer: Writer): void {
  writer.i32(-1);
  writer.bool(true);
  writer.i32(-1);
}
