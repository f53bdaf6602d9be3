import { CommandKind } from '../../state/command.ts';
import type { Evidence } from '../evidence.ts';

/** Behind it nothing of a client that is gone is under way any more. */
const UNDER_WAY_US = 6_000_000;
/** Replicas that report for each other give a session a quarter more. */
const SLACK = 1.25;
/** Sweeps, an election, a slow disk. */
const LATE_US = 2_000_000;

/**
 * A session whose client is gone ends. Nobody takes it for one that has spoken again, whoever leads
 * next (rule 19: under leaders that follow each other fast it would live for ever); and once
 * nothing is wrong any more, its time runs out. The last `quietUs` before the end were such.
 */
export function checkSilence({ history, log }: Evidence, endUs: number, quietUs: number): string[] {
  const breaches: string[] = [];
  const timeoutsMs = new Map<bigint, number>();
  const closed = new Set<bigint>();
  const ages = new Map<bigint, number>();
  for (const command of log) {
    const { session, opening, outcome } = command;
    if (opening !== undefined) timeoutsMs.set(session, opening.timeoutMs);
    if (outcome.closedSession) closed.add(session);
    if (command.kind !== CommandKind.sessionAges) continue;
    for (const { session: silent, age } of command.ages ?? []) {
      const goneUs = history.abandoned.get(silent) ?? Number.POSITIVE_INFINITY;
      const isLower = age < (ages.get(silent) ?? 0);
      if (isLower && command.decidedUs > goneUs + UNDER_WAY_US) {
        breaches.push(`session ${silent}, gone at ${goneUs} µs, counts anew in ${command.slot}`);
      }
      ages.set(silent, age);
    }
  }
  for (const [session, goneUs] of history.abandoned) {
    const timeoutMs = timeoutsMs.get(session) ?? Number.POSITIVE_INFINITY;
    const neededUs = timeoutMs * 1_000 * SLACK + LATE_US;
    if (closed.has(session) || neededUs > quietUs || goneUs + neededUs > endUs) continue;
    breaches.push(`session ${session}, gone at ${goneUs} µs, was never expired`);
  }
  return breaches;
}
