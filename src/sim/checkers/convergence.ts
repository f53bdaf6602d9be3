import type { DecidedLog } from '../decided.ts';

/** A server at the end of a run. */
export interface Standing {
  readonly id: number;
  /** Its disk has lied or is gone, and it may have nothing to show. */
  readonly isExcused: boolean;
  /** It gets everything, member or not. */
  readonly follows?: boolean;
}

/**
 * Everybody gets everything: once nothing is wrong any more, each member has applied what had been
 * decided by `untilUs`. A replica that stays behind for ever is safe and useless.
 *
 * Source: validity of total order broadcast (Cachin, Guerraoui and Rodrigues 2011, section 6.1): if
 * one correct process delivers a message, every correct process eventually does.
 */
export function checkConvergence(
  decided: DecidedLog,
  members: ReadonlySet<number>,
  standings: readonly Standing[],
  untilUs: number,
): string[] {
  const target = decided.entries.findLast(({ atUs }) => atUs <= untilUs)?.slot ?? 0;
  return standings.flatMap(({ id, isExcused, follows }) => {
    const reached = decided.reachedBy(id);
    if (isExcused || (follows !== true && !members.has(id)) || reached >= target) return [];
    return [`server ${id} has applied slot ${reached}, and ${target} was decided long ago`];
  });
}
