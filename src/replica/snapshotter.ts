import { Summary } from '../base/summary.ts';
import type { Clock } from '../io/clock.ts';
import { isDiskError } from '../io/disk.ts';
import type { Logger } from '../io/logger.ts';
import type { State } from '../state/state.ts';

/** Where a snapshot stands in the history. */
export interface SnapshotPoint {
  readonly slot: number;
  readonly hash: Uint8Array;
  /** For display only. */
  readonly zxid: number;
}

/** Makes snapshots durable and lets go of the log behind them. */
export interface SnapshotStore {
  /** Log bytes since the last snapshot was begun, those that recovery read included. */
  readonly bytesSinceSnapshot: number;
  writeSnapshot(
    point: SnapshotPoint,
    source: { next(maxBytes: number): Uint8Array | null },
  ): Promise<unknown>;
}

/** Replayed in about half a second. */
const LOG_BYTES_MIN = 67_108_864;

/**
 * Decides when an image of the state is written: after so many bytes of log, and at shutdown. One
 * at a time; while it is written, commands go on and the image stays exact at its slot.
 */
export class Snapshotter {
  private readonly state: State;
  private readonly storage: SnapshotStore;
  private readonly logger: Logger;
  private readonly clock: Clock;
  private readonly onFatal: (error: Error) => void;
  private readonly logBytesMax: number;
  /** Log bytes at the last failure: the next try comes after as much log again. */
  private failedAtBytes = 0;
  private isWanted = false;
  private running: Promise<void> | null = null;
  private snapshotSlot: number;
  /** Snapshots that could not be written, and how long the others took. */
  failed = 0;
  readonly tookMs: Summary = new Summary();

  constructor(options: {
    state: State;
    storage: SnapshotStore;
    logger: Logger;
    clock: Clock;
    /** A snapshot follows after this many bytes of log at the latest. */
    logBytesMax: number;
    /** Slot of the newest snapshot; 0 if there is none. */
    snapshotSlot: number;
    /** The disk can no longer be trusted: the process has to stop and recover (rule 26). */
    onFatal: (error: Error) => void;
  }) {
    this.state = options.state;
    this.storage = options.storage;
    this.logger = options.logger;
    this.clock = options.clock;
    this.logBytesMax = options.logBytesMax;
    this.snapshotSlot = options.snapshotSlot;
    this.onFatal = options.onFatal;
  }

  /** Call it after each slot, between two commands: only there an image is exact at its slot. */
  applied(slot: number, hash: Uint8Array): void {
    if (this.running !== null || !this.isDue()) return;
    this.isWanted = false;
    this.running = this.write(slot, hash).finally(() => {
      this.running = null;
    });
  }

  /** One is missing: the next slot is a place for it, however little log there is. */
  request(): void {
    this.isWanted = true;
  }

  /** No snapshot is being written any more. */
  async settled(): Promise<void> {
    await this.running;
  }

  /**
   * The last snapshot of a clean end, so that the next start need not replay the log. Where it is
   * taken is asked for only when no other is being written: what the others sent goes on being
   * applied meanwhile, and an image of a later state under an earlier slot would be a false one.
   */
  async finish(now: () => { slot: number; hash: Uint8Array } | null): Promise<void> {
    while (this.running !== null) await this.running;
    const point = now();
    if (point === null || point.slot <= this.snapshotSlot) return;
    this.running = this.write(point.slot, point.hash).finally(() => {
      this.running = null;
    });
    await this.running;
  }

  private isDue(): boolean {
    if (this.isWanted) return true;
    const bytes = this.storage.bytesSinceSnapshot;
    const limit = this.logBytesLimit();
    return bytes >= limit && bytes - this.failedAtBytes >= limit;
  }

  /**
   * Half of an image, so that writing images takes at most twice what the log takes; and a fixed
   * part, so that a small tree is not written again and again.
   */
  private logBytesLimit(): number {
    return Math.min(this.logBytesMax, Math.max(LOG_BYTES_MIN, this.state.bytesUsed / 2));
  }

  private async write(slot: number, hash: Uint8Array): Promise<void> {
    const startedMs = this.clock.monotonicMs();
    const image = this.state.beginImage();
    try {
      await this.storage.writeSnapshot({ slot, hash, zxid: this.state.zxid }, image);
      this.snapshotSlot = slot;
      this.failedAtBytes = 0;
      const tookMs = this.clock.monotonicMs() - startedMs;
      this.tookMs.record(tookMs);
      this.logger.info({ slot, ms: Math.round(tookMs) }, 'snapshot written');
    } catch (error) {
      this.failed++;
      this.failedAtBytes = this.storage.bytesSinceSnapshot;
      if (isDiskError(error, 'ENOSPC')) {
        this.logger.error({ slot }, 'no space for a snapshot: the log is kept, make space');
      } else {
        this.onFatal(error instanceof Error ? error : new Error(String(error)));
      }
    } finally {
      image.end();
    }
  }
}
