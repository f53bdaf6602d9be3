import type { Evidence } from '../evidence.ts';

/**
 * Once all servers run a version that can do more, the log says so: an upgrade ends by itself. That
 * it is not said too early is seen where it matters: a server that can't follow ends with an error.
 *
 * Source: the compatibility of versions, state/README.md; design.md, "what apply does is versioned".
 */
export function checkLevels({ log }: Evidence, runningLevels: readonly number[]): string[] {
  if (runningLevels.length === 0) return [];
  const known = Math.min(...runningLevels);
  const reached = log.reduce((level, command) => Math.max(level, command.level ?? 0), 1);
  if (reached >= known) return [];
  return [`all servers can follow level ${known}, and the log stays at ${reached}`];
}
