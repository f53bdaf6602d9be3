import { describe } from '../evidence.ts';
import type { History } from '../history.ts';

/** Whoever has a connection that works is answered by then. */
const LIMIT_US = 4_000_000;

/**
 * Every call is answered, or its connection breaks: once nothing has been wrong
 * for `quietUs`, nobody who goes on pinging waits for ever behind a command that was lost on its way.
 *
 * Source: rule 6: what a leader takes with it is sent again to the next.
 */
export function checkAnswers(history: History, endUs: number, quietUs: number): string[] {
  if (quietUs < LIMIT_US) return [];
  return history.calls
    .filter(({ outcome, client }) => outcome === 'pending' && !history.careless.has(client))
    .filter(({ invokedUs }) => endUs - invokedUs > LIMIT_US)
    .map((call) => `${describe(call)} was called at ${call.invokedUs} µs and is unanswered`);
}
