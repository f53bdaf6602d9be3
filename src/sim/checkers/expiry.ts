import { CommandKind } from '../../state/command.ts';
import { Verdict } from '../../state/outcome.ts';
import type { Evidence } from '../evidence.ts';

/** Clocks that count a twentieth too fast on one side and too slow on the other. */
const DRIFT = 0.1;
/**
 * A replica that the leader does not hear answers for a third of the time-out more, its last report
 * may be an eighth older than what it vouches for, and the leader waits a quarter longer: see
 * `replica/freshness.ts`. The client has given up by then, two thirds after it was last answered.
 * (Seed 2131 of 2026-11-25: expired after 81 %, the follower had been cut off from the leader.)
 */
const SHARE_OF_SEVERAL = 1 + 1 / 4 - 1 / 3 - 1 / 8;

/**
 * No session is expired while its client keeps it alive: a server that answers a request has heard
 * of the client after it was sent, and must wait for the time-out from then on (programmer's
 * guide, "ZooKeeper Sessions"; that it hears again after a leader change is rule 19).
 *
 * What counts is that there was such a silence, not that it lasted to the end: a closing that was
 * proposed rightly is under way while the disk is slow, and requests that come then are answered.
 */
export function checkExpiry({ history, log }: Evidence, isAlone: boolean): string[] {
  const share = (isAlone ? 1 : SHARE_OF_SEVERAL) * (1 - DRIFT);
  const heard = new Map<bigint, number[]>();
  const note = (session: bigint, sentUs: number): void => {
    const times = heard.get(session);
    if (times === undefined) heard.set(session, [sentUs]);
    else times.push(sentUs);
  };
  for (const { session, sentUs } of history.pings) note(session, sentUs);
  for (const { session, invokedUs } of history.answered) note(session, invokedUs);
  const openings = new Map<bigint, { atUs: number; timeoutMs: number }>();
  return log.flatMap(({ kind, session, opening, outcome, decidedUs }) => {
    const isOpened = outcome.verdict === Verdict.applied && outcome.error === 0;
    if (opening !== undefined && isOpened) {
      openings.set(session, { atUs: decidedUs, timeoutMs: opening.timeoutMs });
    }
    const opened = openings.get(session);
    if (kind !== CommandKind.expireSession || !outcome.closedSession || !opened) return [];
    const longestUs = longestSilence(opened.atUs, heard.get(session) ?? [], decidedUs);
    if (longestUs >= opened.timeoutMs * 1_000 * share) return [];
    const when = `at ${decidedUs} µs; opened at ${opened.atUs} µs for ${opened.timeoutMs} ms`;
    return [`session ${session} was expired ${when}, and never silent longer than ${longestUs} µs`];
  });
}

/** Between the two times, given when somebody was heard of. */
function longestSilence(fromUs: number, heardUs: readonly number[], toUs: number): number {
  const between = heardUs.filter((us) => us > fromUs && us < toUs).sort((a, b) => a - b);
  let last = fromUs;
  let longest = 0;
  for (const us of [...between, toUs]) {
    longest = Math.max(longest, us - last);
    last = us;
  }
  return longest;
}
