import type { Disk } from '../io/disk.ts';
import { removeIfThere } from './files.ts';
import type { Log } from './log.ts';
import type { Snapshots } from './snapshots.ts';

/** Fewer would leave nothing to fall back on when the newest turns out to be damaged (rule 28). */
export const SNAPSHOTS_KEPT_MIN = 2;

/**
 * Removes snapshots beyond the newest `keep` and the log behind the oldest that is kept, so that
 * from any kept snapshot the present can be reached. Until there are two snapshots the log stays
 * whole: it is the second way.
 */
export async function purge(
  disk: Disk,
  directory: string,
  snapshots: Snapshots,
  log: Log,
  keep: number,
): Promise<void> {
  const kept = Math.max(keep, SNAPSHOTS_KEPT_MIN);
  const known = snapshots.list();
  for (const old of known.slice(0, Math.max(0, known.length - kept))) {
    // With it stays the log behind it, which its reader needs next. The next purge takes both.
    if (snapshots.isPinned(old)) continue;
    // Somebody short of space may have removed it by hand.
    await removeIfThere(disk, old.file);
    // One by one: were the removals to reach the disk in any order, the log might be trimmed
    // behind a snapshot that is gone.
    await disk.syncDirectory(directory);
    snapshots.forget(old);
  }
  const oldest = snapshots.list()[0];
  if (oldest !== undefined && snapshots.list().length >= SNAPSHOTS_KEPT_MIN) {
    await log.trim(oldest.slot);
  }
}
