import type { Evidence } from '../evidence.ts';

/** A server that hears of no leader goes on answering for this part of a session's time-out. */
const ANSWERED_SHARE = 1 / 3;

/**
 * No zombie sessions: once the closing of a session has been decided, no server goes on answering
 * its pings, or its client would trust it for ever. A server that is cut off may, for a third of
 * the time-out (see `replica/freshness.ts`), and one that lags for `lagUs`.
 *
 * Source: rule 19, and "No zombie sessions" of the design.
 */
export function checkPings(evidence: Evidence, lagUs: number): string[] {
  const closedUs = new Map<bigint, number>();
  for (const { session, outcome, decidedUs } of evidence.log) {
    if (outcome.closedSession) closedUs.set(session, decidedUs);
  }
  const bounds = boundsUs(evidence, lagUs);
  return evidence.history.pings.flatMap(({ session, sentUs }) => {
    const closed = closedUs.get(session);
    if (closed === undefined || sentUs <= closed + (bounds.get(session) ?? lagUs)) return [];
    return [`session ${session} was closed at ${closed} µs; a ping of ${sentUs} µs was answered`];
  });
}

/**
 * A session is on one connection: what it left is closed, on whatever server it was, when the move
 * is applied there (ZooKeeper's SESSION_MOVED; rule 6). The same bound holds.
 */
export function checkGhosts(evidence: Evidence, lagUs: number): string[] {
  const bounds = boundsUs(evidence, lagUs);
  return evidence.history.ghostPings
    .filter(({ session, movedUs, sentUs }) => sentUs > movedUs + (bounds.get(session) ?? lagUs))
    .map(({ session }) => `session ${session} has moved, and its old connection is still served`);
}

function boundsUs({ log }: Evidence, lagUs: number): Map<bigint, number> {
  const bounds = new Map<bigint, number>();
  for (const { session, opening } of log) {
    if (opening === undefined) continue;
    const shareUs = opening.timeoutMs * 1_000 * ANSWERED_SHARE;
    bounds.set(session, Math.max(lagUs + shareUs, bounds.get(session) ?? 0));
  }
  return bounds;
}
