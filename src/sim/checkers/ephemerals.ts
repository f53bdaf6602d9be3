import { Err, Op } from '../../protocol/constants.ts';
import type { RecordOf, Stat } from '../../protocol/records.ts';
import { describe, type Evidence } from '../evidence.ts';
import type { Call } from '../history.ts';

/**
 * An ephemeral znode is there until its session is closed or somebody deletes it, and not a zxid
 * longer or shorter (ZooKeeper programmer's guide, "Ephemeral Nodes").
 */
export function checkEphemerals({ history, log }: Evidence): string[] {
  const closedAt = new Map<bigint, number>();
  /** For each path the zxids at which it was deleted otherwise than with its session. */
  const deletedAt = new Map<string, number[]>();
  for (const { session, outcome } of log) {
    if (outcome.closedSession) closedAt.set(session, outcome.zxid);
    else {
      for (const change of outcome.changes) {
        const [kind, path] = change.split(' ') as [string, string];
        if (kind !== 'deleted') continue;
        deletedAt.set(path, [...(deletedAt.get(path) ?? []), outcome.zxid]);
      }
    }
  }
  const breaches: string[] = [];
  const created: { path: string; owner: bigint; zxid: number }[] = [];
  for (const call of history.answered) {
    const stat = statOf(call);
    const owner = BigInt.asUintN(64, stat?.ephemeralOwner ?? 0n);
    if (stat === null || owner === 0n) continue;
    const closed = closedAt.get(owner) ?? Number.POSITIVE_INFINITY;
    if (closed <= call.zxid) {
      breaches.push(`${describe(call)} shows a znode of a session closed at zxid ${closed}`);
    }
    if (call.opcode !== Op.create2) continue;
    const { path } = call.reply as RecordOf<'Create2Response'>;
    created.push({ path: path ?? '', owner, zxid: stat.czxid });
  }
  const missing = history.answered.filter(
    ({ opcode, err }) => (opcode === Op.exists || opcode === Op.getData) && err === Err.noNode,
  );
  for (const call of missing) {
    const { path } = call.request as { readonly path: string };
    for (const znode of created) {
      if (znode.path !== path || znode.zxid > call.zxid) continue;
      const closed = closedAt.get(znode.owner) ?? Number.POSITIVE_INFINITY;
      const ends = [closed, ...(deletedAt.get(path) ?? [])];
      if (ends.some((zxid) => zxid > znode.zxid && zxid <= call.zxid)) continue;
      breaches.push(`${describe(call)} does not find ${path}, whose session is open`);
    }
  }
  return breaches;
}

function statOf(call: Call): Stat | null {
  const shows = [Op.create2, Op.exists, Op.getData] as readonly number[];
  if (call.err !== Err.ok || !shows.includes(call.opcode)) return null;
  return (call.reply as { readonly stat: Stat }).stat;
}
