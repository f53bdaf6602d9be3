import { Op } from '../../protocol/constants.ts';
import { Verdict } from '../../state/outcome.ts';
import { describe, type Evidence } from '../evidence.ts';
import type { Call } from '../history.ts';

const OTHERS: readonly number[] = [
  Op.exists,
  Op.getData,
  Op.getChildren,
  Op.getChildren2,
  Op.sync,
  Op.addWatch,
];

/** True for what becomes a command of the log. */
export function isWrite(call: Call): boolean {
  return !OTHERS.includes(call.opcode);
}

/**
 * The writes of a session take effect in the order in which it called them (FIFO client order; Hunt
 * et al., ATC 2010, section 2.3). Refused ones, which have no zxid of their own, are left out by
 * the caller's log: two writes never share one.
 */
export function checkSessionOrder({ history, log }: Evidence): string[] {
  const breaches: string[] = [];
  const last = new Map<bigint, number>();
  for (const { session, cxid, sequence, outcome } of log) {
    if (sequence === 0 || cxid === 0 || outcome.verdict !== Verdict.applied) continue;
    const before = last.get(session) ?? 0;
    if (cxid <= before) breaches.push(`session ${session}: xid ${cxid} comes behind ${before}`);
    last.set(session, Math.max(cxid, before));
  }
  const latest = new Map<bigint, Call>();
  for (const call of history.answered) {
    const before = latest.get(call.session);
    if (before !== undefined && call.zxid < before.zxid) {
      breaches.push(`${describe(call)} was answered with less than ${describe(before)}`);
    }
    latest.set(call.session, call);
  }
  return breaches;
}

/**
 * What a session is told never goes back: replies, pings and events in the order in which they
 * came, over all its connections and servers (single system image; rule 41). An event comes before
 * any reply that could show the change: no reply had its zxid or a higher one.
 */
export function checkZxids({ history }: Evidence): string[] {
  const breaches: string[] = [];
  const seen = new Map<bigint, number>();
  const replied = new Map<bigint, number>();
  for (const { client, session, zxid, what } of history.arrivals) {
    const before = seen.get(session) ?? 0;
    if (zxid < before) breaches.push(`${client} got a ${what} at zxid ${zxid} after ${before}`);
    seen.set(session, Math.max(before, zxid));
    if (what !== 'event') replied.set(session, zxid);
    else if (zxid === replied.get(session)) {
      breaches.push(`${client} got a reply of zxid ${zxid}, and after it the event of that change`);
    }
  }
  return breaches;
}
