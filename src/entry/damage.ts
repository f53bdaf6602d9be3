import type { Logger } from '../io/logger.ts';
import type { ScrubbedDamage } from '../storage/types.ts';

export interface DamageOptions {
  readonly logger: Logger;
  /** There are others to repair the log from. */
  readonly hasPeers: boolean;
  /** Slot of the newest good snapshot: what is before is needed by nobody here. */
  readonly snapshotSlot: () => number;
  readonly writeSnapshot: () => void;
  /** Begins the next life, whose recovery cuts the log at the damage and has it repaired. */
  readonly repair: () => void;
  /** Files for which that was done, in whatever life. */
  readonly repaired: Set<string>;
}

/**
 * What becomes of damage that was found while everything still runs. Memory is whole, so a
 * snapshot makes up for what the disk has lost, but for one thing: a member's log may be asked for
 * by others, and after a crash it would be all there is. Recovery repairs it (rule 24).
 */
export function dealWithDamage(damage: ScrubbedDamage, options: DamageOptions): void {
  const { logger, hasPeers, repaired } = options;
  const { kind, file, slot, message } = damage;
  const fields = { file, slot, reason: message };
  if (kind === 'snapshot') {
    logger.error(fields, 'a snapshot is damaged: another one is written; check the disk');
    options.writeSnapshot();
    return;
  }
  if (slot >= 0 && slot <= options.snapshotSlot()) {
    logger.error(fields, 'the log is damaged where a snapshot makes up for it; check the disk');
    return;
  }
  if (!hasPeers) {
    logger.error(
      fields,
      'the log is damaged: a snapshot is written in its place; check the disk, and back it up',
    );
    options.writeSnapshot();
    return;
  }
  // Damage that a repair has not removed would otherwise begin one life after the other.
  if (repaired.has(file)) {
    logger.error(fields, 'the log is still damaged after its repair; check the disk');
    return;
  }
  repaired.add(file);
  logger.error(
    fields,
    'the log is damaged: recovers, and is repaired by the others; check the disk',
  );
  options.repair();
}
