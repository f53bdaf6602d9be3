import { utf8Encode } from '../../base/utf8.ts';
import { Writer } from '../../base/writer.ts';
import { Err, Op } from '../../protocol/constants.ts';
import { encodeReply } from '../../protocol/frames.ts';
import type { Stat } from '../../protocol/records.ts';
import { CommandKind } from '../../state/command.ts';
import { Verdict } from '../../state/outcome.ts';
import type { ModelOutcome } from '../../state/testing/model-parts.ts';
import type { AppliedCommand, Evidence } from '../evidence.ts';
import { type Call, History, type Watch } from '../history.ts';

/** Histories by hand: what a test does not say is as usual. */
export const STAT: Stat = {
  czxid: 1,
  mzxid: 1,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
  dataLength: 0,
  numChildren: 0,
  pzxid: 1,
};

let xids = 0;

export function callOf(fields: Partial<Call>): Call {
  const call: Call = {
    client: 'c1',
    session: 1n,
    xid: ++xids,
    opcode: Op.setData,
    request: { path: '/r/0', data: utf8Encode('v-1'), version: -1 },
    invokedUs: 0,
    outcome: 'answered',
    endedUs: 1,
    err: Err.ok,
    zxid: 1,
    reply: null,
    replyBytes: new Uint8Array(0),
    ...fields,
  };
  if (call.outcome !== 'answered') call.endedUs = Number.POSITIVE_INFINITY;
  if (call.reply !== null) call.replyBytes = bytesOf(call);
  return call;
}

function bytesOf({ opcode, xid, zxid, err, reply }: Call): Uint8Array {
  const writer = new Writer();
  encodeReply(writer, opcode, { xid, zxid, err, body: reply });
  return writer.written().slice(20);
}

export function commandOf(
  fields: Partial<AppliedCommand>,
  outcome: Partial<ModelOutcome> = {},
): AppliedCommand {
  return {
    kind: CommandKind.write,
    flags: 0,
    opcode: Op.setData,
    high: 0,
    low: 1,
    session: 1n,
    generation: 1,
    sequence: 1,
    cxid: 1,
    timeMs: 0,
    slot: 1,
    decidedUs: 0,
    identities: [],
    members: null,
    ...fields,
    outcome: {
      verdict: Verdict.applied,
      error: 0,
      zxid: 1,
      generation: 1,
      timeoutMs: 0,
      closedSession: false,
      body: new Uint8Array(0),
      changes: [],
      ...outcome,
    },
  };
}

export function watchOf(fields: Partial<Watch>): Watch {
  return {
    client: 'c1',
    session: 1n,
    kind: 'data',
    path: '/r',
    setZxid: 1,
    connection: 1,
    fired: [],
    seenZxid: 10,
    isOver: false,
    ...fields,
  };
}

/** `history` holds the lists that a test is about. */
export function evidenceOf(
  history: Partial<Omit<History, 'answered'>>,
  log: readonly AppliedCommand[] = [],
): Evidence {
  return { history: Object.assign(new History(), history), log };
}
