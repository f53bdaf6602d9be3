import { Err, Op } from '../../protocol/constants.ts';
import { describe, type Evidence } from '../evidence.ts';
import type { Call } from '../history.ts';
import { isWrite } from './session-order.ts';

/**
 * What a server without space refuses never gets to the log: the zxid in its reply is that of the
 * last write which the server knows of, and it may lag (seed 305 of 2026-11-25).
 */
function tookPlace(call: Call): boolean {
  return isWrite(call) && call.zxid > 0 && call.err !== Err.systemError;
}

/**
 * The order of zxids agrees with real time: a write that was answered before another was called has
 * the lower zxid. With the replies checked in zxid order, writes are linearizable.
 *
 * Source: Herlihy and Wing 1990, section 2.3, "real-time order". Linear time: walking by zxid, no
 * write may have ended before one with a lower zxid began.
 */
export function checkRealTime({ history }: Evidence): string[] {
  const writes = history.answered.filter(tookPlace);
  writes.sort((a, b) => a.zxid - b.zxid);
  const breaches: string[] = [];
  let latest: Call | null = null;
  for (const call of writes) {
    if (latest !== null && call.endedUs < latest.invokedUs) {
      breaches.push(`${describe(call)} ended before ${describe(latest)} was called`);
    }
    if (latest === null || call.invokedUs > latest.invokedUs) latest = call;
  }
  return breaches;
}

/**
 * Behind a sync a client sees every write that had been answered, to anybody, before it was called.
 *
 * Source: rule 17; ZooKeeper's guarantee that sync and read see what happened before (Hunt et al.,
 * ATC 2010, section 2.3).
 */
export function checkSync({ history }: Evidence): string[] {
  const calls = history.answered;
  const writes = calls.filter(tookPlace);
  writes.sort((a, b) => a.endedUs - b.endedUs);
  const syncs = calls.filter((call) => call.opcode === Op.sync);
  syncs.sort((a, b) => a.invokedUs - b.invokedUs);
  const breaches: string[] = [];
  let at = 0;
  let highest = 0;
  for (const sync of syncs) {
    for (; (writes[at]?.endedUs ?? Number.POSITIVE_INFINITY) < sync.invokedUs; at++) {
      highest = Math.max(highest, (writes[at] as Call).zxid);
    }
    if (sync.zxid < highest) {
      breaches.push(`${describe(sync)} was a sync, and zxid ${highest} had been answered`);
    }
  }
  return breaches;
}
