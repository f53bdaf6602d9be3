import { Err, Op } from '../../protocol/constants.ts';
import type { RecordOf, Stat } from '../../protocol/records.ts';
import { Verdict } from '../../state/outcome.ts';
import { textOf } from '../commands.ts';
import { callKey, type Evidence } from '../evidence.ts';

/**
 * A write takes effect once if it was answered, and at most once if it was not, whoever sent it
 * again (rule 6): no request is applied in two places of the log; no value, each written by one
 * request, is seen with two zxids; no version of a znode is given to two writers.
 */
export function checkExactlyOnce({ history, log }: Evidence): string[] {
  const breaches: string[] = [];
  const slots = new Map<string, number>();
  for (const { session, cxid, sequence, slot, outcome } of log) {
    if (sequence === 0 || cxid === 0 || outcome.verdict !== Verdict.applied) continue;
    const key = callKey({ session, xid: cxid });
    const before = slots.get(key);
    if (before !== undefined) breaches.push(`request ${key} is applied in ${before} and ${slot}`);
    slots.set(key, slot);
  }
  const zxids = new Map<string, number>();
  const writers = new Map<string, string>();
  for (const call of history.answered) {
    if (call.err !== Err.ok) continue;
    const { path } = (call.request ?? {}) as { readonly path?: string };
    if (call.opcode === Op.getData) {
      const { data, stat } = call.reply as RecordOf<'GetDataResponse'>;
      const text = textOf(data) ?? '';
      // Values of a counter and empty ones are written by many.
      if (!text.includes('-')) continue;
      const value = `${path} ${text}`;
      const before = zxids.get(value);
      if (before !== undefined && before !== stat.mzxid) {
        breaches.push(`${value} was written at zxid ${before} and again at ${stat.mzxid}`);
      }
      zxids.set(value, stat.mzxid);
    } else if (call.opcode === Op.setData) {
      const { stat } = call.reply as { readonly stat: Stat };
      const version = `${path} created at ${stat.czxid}, version ${stat.version}`;
      const before = writers.get(version);
      if (before !== undefined) breaches.push(`${version} was given to two writers`);
      writers.set(version, callKey(call));
    }
  }
  return breaches;
}
