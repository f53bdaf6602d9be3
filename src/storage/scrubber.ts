import type { Clock } from '../io/clock.ts';
import { type DiskFile, isDiskError } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import type { Log } from './log.ts';
import { type LogPlace, offsetBefore, unreadable } from './log-reading.ts';
import { SegmentScan } from './scan.ts';
import type { Segment } from './segment.ts';
import { readSnapshotInfo } from './snapshot-file.ts';
import { readSlices } from './snapshot-reader.ts';
import type { Snapshots } from './snapshots.ts';
import type { ScrubbedDamage, SnapshotInfo } from './types.ts';

export interface ScrubberOptions {
  readonly place: LogPlace;
  readonly log: Log;
  readonly snapshots: Snapshots;
  readonly clock: Clock;
  readonly bytesPerSecond: number;
  readonly onDamage: (damage: ScrubbedDamage) => void;
}

const TICK_MS = 1_000;
const PASS_MS = 86_400_000;
const BLOCK_BYTES = 262_144;

/**
 * Reads closed segments and snapshots again, a little each second, so that damage is found while
 * peers or older snapshots can still repair it (rule 31). It holds nothing that others wait for:
 * what is trimmed, cut or purged meanwhile it just stops reading.
 */
export class Scrubber {
  private readonly options: ScrubberOptions;
  private readonly stopTicking: () => void;
  private pass: AsyncGenerator<number, void, undefined> | null = null;
  private nextPassMs = Number.NEGATIVE_INFINITY;
  /** Bytes that may be read now; below zero when the last piece was long. */
  private budget = 0;
  private work: Promise<void> | null = null;
  private isStopped = false;

  constructor(options: ScrubberOptions) {
    this.options = options;
    this.stopTicking = options.clock.every(TICK_MS, () => this.tick());
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.stopTicking();
    await this.work;
    await this.pass?.return();
  }

  private tick(): void {
    const { bytesPerSecond } = this.options;
    this.budget = Math.min(this.budget + bytesPerSecond, bytesPerSecond);
    if (this.work !== null || this.isStopped) return;
    this.work = this.spend().finally(() => {
      this.work = null;
    });
  }

  private async spend(): Promise<void> {
    const nowMs = this.options.clock.monotonicMs();
    if (this.pass === null) {
      if (nowMs < this.nextPassMs) return;
      this.nextPassMs = nowMs + PASS_MS;
      this.pass = this.readAll();
    }
    while (this.budget > 0 && !this.isStopped) {
      const step = await this.pass.next();
      if (step.done === true) {
        this.pass = null;
        return;
      }
      this.budget -= step.value;
    }
  }

  /** Yields how many bytes each piece had. */
  private async *readAll(): AsyncGenerator<number, void, undefined> {
    const { log, snapshots } = this.options;
    for (const segment of [...log.segments]) {
      yield* this.guarded('log', segment.path, (file) => this.readSegment(file, segment));
    }
    for (const info of [...snapshots.list()]) {
      yield* this.guarded('snapshot', info.file, (file) => this.readSnapshot(file, info));
    }
  }

  private async *guarded(
    kind: ScrubbedDamage['kind'],
    path: string,
    read: (file: DiskFile) => AsyncGenerator<number, void, undefined>,
  ): AsyncGenerator<number, void, undefined> {
    let file: DiskFile | null = null;
    try {
      file = await this.options.place.disk.open(path, 'read');
      yield* read(file);
    } catch (error) {
      // Gone since the pass began: trimmed or purged.
      if (isDiskError(error, 'ENOENT')) return;
      const slot = error instanceof StorageError ? error.slot : -1;
      this.options.onDamage({ kind, file: path, slot, message: (error as Error).message });
    } finally {
      await file?.close();
    }
  }

  private async *readSegment(
    file: DiskFile,
    segment: Segment,
  ): AsyncGenerator<number, void, undefined> {
    const { log, place } = this.options;
    const { rewrites } = log;
    const isSame = (): boolean => log.isClosed(segment) && log.rewrites === rewrites;
    if (!isSame() || segment.firstSlot === 0) return;
    const { checksums, clusterId } = place;
    const from = offsetBefore(segment, segment.firstSlot);
    const range = { from, to: segment.bytes, previous: null, blockBytes: BLOCK_BYTES };
    const scan = new SegmentScan({ file, checksums, clusterId, ...range });
    for (;;) {
      const { offset } = scan;
      const found = await scan.next();
      if (!isSame()) return;
      if (found === null) break;
      yield scan.offset - offset;
    }
    if (scan.end?.kind !== 'clean') throw unreadable(segment, scan, (scan.tail?.slot ?? 0) + 1);
  }

  private async *readSnapshot(
    file: DiskFile,
    info: SnapshotInfo,
  ): AsyncGenerator<number, void, undefined> {
    const { place, snapshots } = this.options;
    const { checksums, clusterId } = place;
    try {
      const { footer, bytes } = await readSnapshotInfo(file, checksums, clusterId);
      for await (const slice of readSlices(file, checksums, bytes, footer)) {
        if (!snapshots.list().includes(info)) return;
        yield slice.length;
      }
    } catch (error) {
      // It is no longer there to fall back on, and the log behind it is not trimmed by it.
      snapshots.forget(info);
      throw error;
    }
  }
}
