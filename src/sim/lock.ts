import { CreateMode, Err } from '../protocol/constants.ts';
import type { RecordOf } from '../protocol/records.ts';
import type { Actor } from './actor.ts';

export const LOCKS = '/locks';
const TURNS_MAX = 20;
const HOLDING_STEPS = 4;

/**
 * The lock of ZooKeeper's recipes: ephemeral sequential znodes, the lowest holds, each waits for
 * the one before it. While a client holds it and trusts its session, it says so again and again.
 */
export async function lockOnce(actor: Actor): Promise<void> {
  const { client, prng } = actor;
  const created = await actor.create(`${LOCKS}/n-`, '', CreateMode.ephemeralSequential);
  if (created.outcome === 'unknown') {
    // Whether there is a znode of ours nobody knows; with the session it goes.
    await client.closeSession();
    return;
  }
  if (created.err !== Err.ok) return;
  const { path } = created.reply as RecordOf<'Create2Response'>;
  const node = path ?? '';
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    const before = await predecessorOf(actor, node);
    if (before === 'unknown') continue;
    if (before === 'gone') return;
    if (before === null) {
      for (let step = 0; step < HOLDING_STEPS && client.session === created.session; step++) {
        if (client.trustsSession) client.noteHolding(node);
        await client.pause(prng.exponential(20));
      }
      break;
    }
    const seen = await actor.exists(before, true);
    if (seen.outcome === 'answered' && seen.err === Err.ok) await client.nextEvent(before, 500);
  }
  await actor.delete(node);
}

/** The znode to wait for; null: none, the lock is held; gone: our own does not exist any more. */
async function predecessorOf(
  actor: Actor,
  node: string,
): Promise<string | null | 'gone' | 'unknown'> {
  const listed = await actor.children(LOCKS);
  if (listed.outcome === 'unknown' || listed.err !== Err.ok) return 'unknown';
  const { children } = listed.reply as RecordOf<'GetChildren2Response'>;
  const names = [...(children ?? [])].map((name) => `${LOCKS}/${name}`).sort();
  const at = names.indexOf(node);
  if (at < 0) return 'gone';
  return at === 0 ? null : (names[at - 1] as string);
}
