import { CommandKind } from '../../state/command.ts';
import { Verdict } from '../../state/outcome.ts';
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
 * is applied there (ZooKeeper's SESSION_MOVED; rule 6). A server that has no space for the log
 * stays behind for as long as that takes, so what counts is what it had applied by then.
 */
export function checkGhosts(evidence: Evidence, lagUs: number): string[] {
  const bounds = boundsUs(evidence, lagUs);
  const moves = movesOf(evidence);
  return evidence.history.ghostPings.flatMap(({ session, movedUs, sentUs, appliedSlot }) => {
    const isLate = sentUs > movedUs + (bounds.get(session) ?? lagUs);
    const move = moves.get(session)?.findLast(({ decidedUs }) => decidedUs <= movedUs);
    if (!isLate || move === undefined || move.slot > appliedSlot) return [];
    const when = `at ${movedUs} µs; its old connection still answers a ping of ${sentUs} µs`;
    return [`session ${session} has moved ${when}`];
  });
}

interface Move {
  readonly slot: number;
  readonly decidedUs: number;
}

function movesOf({ log }: Evidence): Map<bigint, Move[]> {
  const moves = new Map<bigint, Move[]>();
  for (const { kind, session, outcome, slot, decidedUs } of log) {
    const isMove = kind === CommandKind.attachSession && outcome.verdict === Verdict.applied;
    if (isMove) moves.set(session, [...(moves.get(session) ?? []), { slot, decidedUs }]);
  }
  return moves;
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
