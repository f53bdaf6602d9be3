import { equalBytes } from '../../base/bytes.ts';
import { Writer } from '../../base/writer.ts';
import { encodeRecord } from '../../protocol/codec.ts';
import { Err, Op } from '../../protocol/constants.ts';
import type { RecordOf } from '../../protocol/records.ts';
import { CommandKind } from '../../state/command.ts';
import { Verdict } from '../../state/outcome.ts';
import type { Model } from '../../state/testing/model.ts';
import { callKey, describe, type Evidence } from '../evidence.ts';
import type { Call, History } from '../history.ts';

const READS: readonly number[] = [Op.exists, Op.getData, Op.getChildren2];
/** Writes that were refused before they could become commands: a full disk. */
const REFUSALS: readonly number[] = [Err.systemError];

/**
 * Every reply to a write is what replaying the log gives at its place, and every acknowledged write
 * is in the log.
 *
 * Source: linearizability by a known order (Herlihy and Wing 1990, section 2; "log analysis" in
 * FoundationDB's and etcd's robustness tests): the zxid tells the order, so no search is needed.
 */
export function checkWriteReplies({ history, log }: Evidence): string[] {
  const breaches: string[] = [];
  const calls = new Map(history.calls.map((call) => [callKey(call), call]));
  const logged = new Set<string>();
  for (const command of log) {
    if (command.kind !== CommandKind.write && command.kind !== CommandKind.reject) continue;
    // What a new leader was sent again, or what came from a connection left behind, has no reply.
    if (command.outcome.verdict !== Verdict.applied) continue;
    const key = callKey({ session: command.session, xid: command.cxid });
    logged.add(key);
    const call = calls.get(key);
    if (call === undefined) breaches.push(`slot ${command.slot} has a command that nobody sent`);
    else if (call.outcome === 'answered') {
      const { error, zxid, body } = command.outcome;
      const isSame = call.err === error && call.zxid === zxid && isEqual(call.replyBytes, body);
      if (!isSame) {
        const told = `error ${call.err}, expected zxid ${zxid} and error ${error}`;
        breaches.push(`${describe(call)} was answered with ${told}, or with another body`);
      }
    }
  }
  for (const call of history.answered) {
    const isWrite = !READS.includes(call.opcode) && call.opcode !== Op.sync;
    if (!isWrite || call.opcode === Op.addWatch || logged.has(callKey(call))) continue;
    if (!REFUSALS.includes(call.err)) breaches.push(`${describe(call)} is not in the log`);
  }
  return breaches;
}

/**
 * Every reply to a read is what the model holds at the zxid that the reply carries: each read sees
 * one state of the agreed history, as a whole.
 *
 * Source: the ordering of a ZooKeeper server's reads (Hunt et al., ATC 2010, section 2.3).
 */
export class ReadReplies {
  readonly breaches: string[] = [];
  private readonly reads = new Map<number, Call[]>();

  constructor(history: History) {
    for (const call of history.answered) {
      if (!READS.includes(call.opcode)) continue;
      const others = this.reads.get(call.zxid);
      if (others === undefined) this.reads.set(call.zxid, [call]);
      else others.push(call);
    }
  }

  /** The state at the model's zxid; commands that take no zxid leave znodes as they are. */
  visit(model: Model): void {
    for (const call of this.reads.get(model.zxid) ?? []) {
      if (!isRight(call, model)) {
        this.breaches.push(`${describe(call)} was answered with what the state then was not`);
      }
    }
    this.reads.delete(model.zxid);
  }

  /** What was read in a state that never was. */
  finish(): string[] {
    const rest = [...this.reads.values()].flat();
    const unknown = rest.map((call) => `${describe(call)} shows a state that never was`);
    return [...this.breaches, ...unknown];
  }
}

function isRight(call: Call, model: Model): boolean {
  const { path } = call.request as { readonly path: string };
  const node = model.nodes.get(path);
  if (node === undefined || call.err !== Err.ok) {
    return node === undefined && call.err === Err.noNode;
  }
  const stat = model.stat(path);
  const writer = new Writer();
  switch (call.opcode) {
    case Op.exists:
      encodeRecord(writer, 'ExistsResponse', { stat });
      break;
    case Op.getData:
      writer.ustring(node.data);
      encodeRecord(writer, 'Stat', stat);
      break;
    default: {
      // Children come in any order.
      const { children } = call.reply as RecordOf<'GetChildren2Response'>;
      const names = model.childrenOf(path).map((child) => child.slice(child.lastIndexOf('/') + 1));
      if (String([...(children ?? [])].sort()) !== String(names.sort())) return false;
      encodeRecord(writer, 'GetChildren2Response', { children, stat });
    }
  }
  return isEqual(call.replyBytes, writer.written());
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && equalBytes(a, 0, b, 0, a.length);
}
