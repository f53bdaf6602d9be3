import { endAdoption, readStaged } from './adoption.ts';
import { StorageError } from './errors.ts';
import { appendAll, Log } from './log.ts';
import { createFreshSegments, eraseBehind, removeSegment } from './log-cutting.ts';
import type { LogPlace } from './log-reading.ts';
import type { StorageParts } from './parts.ts';
import { LogRecovery, type RecoveredLog } from './recovery.ts';
import type { Segment } from './segment.ts';
import { findSegments } from './segments.ts';
import type { LogStart } from './superblock.ts';
import type { SuperblockStore } from './superblock-store.ts';
import { openSegments } from './supply.ts';
import type { Anchor, LogEntry, SnapshotInfo } from './types.ts';

const SEGMENT_BYTES_FIRST = 1_048_576;
const SEGMENT_BYTES_MAX = 16_777_216;

export interface OpeningParts extends StorageParts {
  readonly place: LogPlace;
}

/**
 * Opens the log behind a snapshot: recovers it, and first finishes what a crash interrupted. Each
 * step can be repeated from the start, because the superblock forgets it only once it is done.
 */
export class LogOpening {
  private readonly parts: OpeningParts;
  private readonly base: SnapshotInfo | null;
  /** What the entries read so far vouch for as decided. */
  decidedSlot = 0;

  constructor(parts: OpeningParts, base: SnapshotInfo | null) {
    this.parts = parts;
    this.base = base;
  }

  async *entries(): AsyncGenerator<LogEntry[], Log, undefined> {
    const { base } = this;
    const { installSlot } = this.parts.superblock.current;
    const isInstalled = installSlot > 0 && installSlot === base?.slot;
    const log = isInstalled ? await this.restart(base) : yield* this.recover();
    await this.settle();
    return log;
  }

  private async *recover(): AsyncGenerator<LogEntry[], Log, undefined> {
    const { options, place, report, superblock } = this.parts;
    const { adoption, logStart } = superblock.current;
    if (adoption !== null) {
      const segments = (await findSegments(place)).map(({ segment }) => segment);
      const cut = { segment: adoption.cutSegment, offset: adoption.cutOffset };
      await eraseBehind(place, segments, cut);
    }
    const recovery = new LogRecovery(
      {
        place,
        dataDir: options.dataDir,
        acceptLoss: options.acceptLoss ?? false,
        repair: options.repair ?? false,
        segmentBytesFirst: options.segmentBytesFirst ?? SEGMENT_BYTES_FIRST,
        logStart,
        beforeLoss: (start) => this.noteLoss(start),
        report,
      },
      this.base,
    );
    const entries = recovery.entries();
    let step = await entries.next();
    for (; step.done !== true; step = await entries.next()) {
      this.decidedSlot = recovery.decidedSlot;
      yield step.value;
    }
    const log = await this.open(step.value);
    if (step.value.mustReset) await resetLog(superblock, log, step.value.tail);
    yield* this.redoAdoption(log);
    return log;
  }

  /** An adoption that a crash interrupted: its entries are appended behind the cut. */
  private async *redoAdoption(log: Log): AsyncGenerator<LogEntry[], void, undefined> {
    const { options, place, report, superblock } = this.parts;
    const { adoption } = superblock.current;
    if (adoption === null) return;
    try {
      for await (const entries of readStaged(place, adoption, log.tail)) {
        await appendAll(log, entries, this.decidedSlot);
        yield entries;
      }
    } catch (error) {
      const isDamage = error instanceof StorageError && error.kind === 'damage';
      const { acceptLoss = false, repair = false } = options;
      if (!isDamage || (!acceptLoss && !repair)) throw error;
      const { slot, message } = error;
      if (!acceptLoss) report.damage ??= { slot, message };
      report.warnings.push(message);
      await this.noteLoss(superblock.current.logStart);
      return;
    }
    await endAdoption(this.parts, place, log, adoption);
  }

  /** Durable before anything that can't be read is cut off. */
  private noteLoss(logStart: LogStart): Promise<void> {
    const isDamaged = this.parts.options.acceptLoss !== true;
    return this.parts.superblock.update({ isDamaged, logStart, adoption: null });
  }

  private async settle(): Promise<void> {
    const { options, superblock } = this.parts;
    const { isDamaged, installSlot } = superblock.current;
    // Whoever accepts the loss of what is missing has no peer to wait for.
    if (isDamaged && options.acceptLoss === true) await superblock.update({ isDamaged: false });
    // The installed snapshot turned out damaged, and what it was to replace was enough.
    if (installSlot > 0) await superblock.update({ installSlot: 0 });
  }

  /** A snapshot took the place of the log, and the crash came before the log was new. */
  private async restart(base: SnapshotInfo): Promise<Log> {
    const { place, options, superblock } = this.parts;
    const old = (await findSegments(place)).map(({ segment }) => segment);
    const bytes = options.segmentBytesFirst ?? SEGMENT_BYTES_FIRST;
    const segments = await createFreshSegments(place, old, bytes);
    for (const segment of old) await removeSegment(place, segment);
    await noteLogStart(superblock, (segments[0] as Segment).sequence, base.slot);
    const { slot, hash } = base;
    return this.open({ segments, current: 0, tail: { slot, hash }, mustReset: false });
  }

  private async open(recovered: RecoveredLog): Promise<Log> {
    const { options, disk, place, reserve } = this.parts;
    const forceSync = options.forceSync ?? true;
    const { segments, current, tail } = recovered;
    const opened = await openSegments({ disk, forceSync }, segments.slice(current));
    const [first, ...ready] = opened as [(typeof opened)[0], ...typeof opened];
    return new Log(
      {
        ...place,
        clock: options.clock,
        forceSync,
        segmentBytesFirst: options.segmentBytesFirst ?? SEGMENT_BYTES_FIRST,
        segmentBytesMax: options.segmentBytesMax ?? SEGMENT_BYTES_MAX,
        reserve,
        onRoom: options.onRoom ?? (() => {}),
      },
      { segments: segments.slice(0, current + 1), current: first, ready, tail },
    );
  }
}

/** Begins the log anew behind a snapshot, and notes where. */
export async function resetLog(
  superblock: SuperblockStore,
  log: Log,
  anchor: Anchor,
): Promise<void> {
  const { slot, hash } = anchor;
  await noteLogStart(superblock, await log.reset({ slot, hash }), slot);
}

function noteLogStart(store: SuperblockStore, segment: number, slot: number): Promise<void> {
  return store.update({ installSlot: 0, adoption: null, logStart: { segment, slot } });
}
