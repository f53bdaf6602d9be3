import type { Evidence } from '../evidence.ts';
import type { Hold } from '../history.ts';

/**
 * Among clients that trust their session one at most holds the lock: from the first time that it
 * says so until the last, nobody else does.
 *
 * Source: the lock recipe (Hunt et al., ATC 2010, section 2.4), with what Kleppmann ("How to do
 * distributed locking", 2016) says about clients that stop: they say nothing meanwhile, and look at
 * their clock when they wake up.
 */
export function checkLocks({ history }: Evidence): string[] {
  const breaches: string[] = [];
  const lastOf = new Map<string, number>();
  for (const { node, atUs } of history.holds) lastOf.set(node, atUs);
  let holder: Hold | null = null;
  for (const hold of history.holds) {
    if (holder !== null && holder.node !== hold.node) {
      const untilUs = lastOf.get(holder.node) ?? 0;
      if (untilUs > hold.atUs) {
        const both = `${holder.client} (${holder.node}) and ${hold.client} (${hold.node})`;
        breaches.push(`${both} held the lock at ${hold.atUs} µs`);
      }
    }
    holder = hold;
  }
  return breaches;
}
