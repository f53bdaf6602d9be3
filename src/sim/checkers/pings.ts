import type { Evidence } from '../evidence.ts';

/**
 * No zombie sessions: once the closing of a session has been decided, no server goes on answering
 * its pings for longer than `boundUs`, or its client would trust it for ever.
 *
 * Source: rule 19 and the bound that the design gives to the servers' lag.
 */
export function checkPings({ history, log }: Evidence, boundUs: number): string[] {
  const closedUs = new Map<bigint, number>();
  for (const { session, outcome, decidedUs } of log) {
    if (outcome.closedSession) closedUs.set(session, decidedUs);
  }
  return history.pings.flatMap(({ session, sentUs }) => {
    const closed = closedUs.get(session);
    if (closed === undefined || sentUs <= closed + boundUs) return [];
    return [`session ${session} was closed at ${closed} µs; a ping of ${sentUs} µs was answered`];
  });
}

/**
 * A session is on one connection: what it left is closed, on whatever server it was, when the move
 * is applied there (ZooKeeper's SESSION_MOVED; rule 6).
 */
export function checkGhosts({ history }: Evidence, boundUs: number): string[] {
  return history.ghostPings
    .filter(({ movedUs, sentUs }) => sentUs > movedUs + boundUs)
    .map(({ session }) => `session ${session} has moved, and its old connection is still served`);
}
