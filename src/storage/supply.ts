import type { Checksums } from '../io/checksums.ts';
import type { Clock } from '../io/clock.ts';
import { type Disk, type DiskFile, isDiskError } from '../io/disk.ts';
import { writeAll, ZEROS } from './files.ts';
import { headerOffset, RECORD_HEADER_BYTES } from './record.ts';
import type { Reserve } from './reserve.ts';
import { createSegment, SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';

export interface OpenSegment {
  readonly segment: Segment;
  readonly file: DiskFile;
}

export interface SupplyOptions {
  readonly disk: Disk;
  readonly checksums: Checksums;
  readonly clock: Clock;
  readonly directory: string;
  readonly clusterId: Uint8Array;
  readonly forceSync: boolean;
  readonly segmentBytesFirst: number;
  readonly segmentBytesMax: number;
  readonly reserve: Reserve;
  readonly onReady: () => void;
  readonly onRoom: (hasRoom: boolean) => void;
  readonly onFailure: (error: Error) => void;
}

/** Each segment is this many times the one before, up to the maximum. */
const GROWTH = 4;
/** Synced in pieces, so that appends meanwhile wait for one of these at most. */
const SYNC_EVERY_BYTES = 1_048_576;
const RETRY_MS = 1_000;

/**
 * Keeps the next segment ready, so that the log never waits for one while there is space. It is
 * also the one that notices a full disk, before the log runs into it.
 */
export class SegmentSupply {
  private readonly options: SupplyOptions;
  private readonly ready: OpenSegment[] = [];
  private nextSequence: number;
  /** The longest record that a caller waits to place. */
  private wantedBytes = 0;
  private work: Promise<void> | null = null;
  private stopRetrying: (() => void) | null = null;
  private closed = false;
  hasRoom = true;

  constructor(options: SupplyOptions, nextSequence: number, ready: readonly OpenSegment[]) {
    this.options = options;
    this.nextSequence = nextSequence;
    this.ready.push(...ready);
  }

  /** The next segment, if one is ready that holds a record with `bodyBytes`; else `onReady` comes. */
  take(bodyBytes: number): OpenSegment | null {
    const needed = headerOffset(SEGMENT_HEADER_BYTES) + RECORD_HEADER_BYTES + bodyBytes;
    const next = this.ready.shift();
    if (next !== undefined && next.segment.bytes >= needed) {
      this.prepare();
      return next;
    }
    // Too small for this record: it stays behind, empty, which the chain of slots does not mind.
    void next?.file.close().catch(() => {});
    this.wantedBytes = needed;
    this.prepare();
    return null;
  }

  /** Begins to make a segment unless one is ready or being made. */
  prepare(): void {
    if (this.work !== null || this.ready.length > 0 || this.closed) return;
    this.run(this.make());
  }

  private run(work: Promise<void>): void {
    this.work = work.then(
      () => {
        this.work = null;
        this.setRoom(true);
        this.options.onReady();
      },
      (error: unknown) => {
        this.work = null;
        if (this.closed) return;
        if (isDiskError(error, 'ENOSPC')) this.setRoom(false);
        else this.options.onFailure(error as Error);
      },
    );
  }

  /** The disk turned out full elsewhere: `onReady` comes once there is space again. */
  noteFull(): void {
    this.setRoom(false);
  }

  private async make(): Promise<void> {
    const { options } = this;
    await options.reserve.hold();
    const bytes = Math.max(this.segmentBytes(), roundUp(this.wantedBytes));
    const segment = await createSegment(
      options.disk,
      options.checksums,
      options.directory,
      this.nextSequence,
      bytes,
      options.clusterId,
      (file) => this.fill(file, bytes),
    );
    this.nextSequence++;
    this.wantedBytes = 0;
    const file = await openForAppends(options.disk, segment, options.forceSync);
    this.ready.push({ segment, file });
  }

  private segmentBytes(): number {
    const { segmentBytesFirst, segmentBytesMax } = this.options;
    return Math.min(segmentBytesMax, segmentBytesFirst * GROWTH ** Math.min(this.nextSequence, 16));
  }

  private async fill(file: DiskFile, bytes: number): Promise<void> {
    let synced = 0;
    for (let at = SEGMENT_HEADER_BYTES; at < bytes; at += ZEROS.length) {
      if (this.closed) throw new Error('the log was closed');
      await writeAll(file, [ZEROS.subarray(0, Math.min(ZEROS.length, bytes - at))], at);
      if (at - synced < SYNC_EVERY_BYTES) continue;
      await file.sync();
      synced = at;
    }
  }

  private setRoom(hasRoom: boolean): void {
    if (!hasRoom && !this.closed) {
      this.stopRetrying ??= this.options.clock.every(RETRY_MS, () => this.retry());
    } else {
      this.stopRetrying?.();
      this.stopRetrying = null;
    }
    if (this.hasRoom === hasRoom) return;
    this.hasRoom = hasRoom;
    this.options.onRoom(hasRoom);
  }

  /** Space may be back: after a removal, or simply after a while. */
  retry(): void {
    if (this.hasRoom || this.work !== null || this.closed) return;
    if (this.ready.length === 0) {
      this.prepare();
      return;
    }
    this.run(this.options.reserve.hold());
  }

  /** Removes what was made ready, and goes on with `nextSequence`. Call `prepare` afterwards. */
  async discard(): Promise<void> {
    await this.work;
    for (let last = this.ready.pop(); last !== undefined; last = this.ready.pop()) {
      await last.file.close();
      await this.options.disk.remove(last.segment.path);
      await this.options.disk.syncDirectory(this.options.directory);
    }
  }

  restartAt(nextSequence: number): void {
    this.nextSequence = nextSequence;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.setRoom(this.hasRoom);
    this.stopRetrying?.();
    await this.work;
    for (const { file } of this.ready.splice(0)) await file.close();
  }
}

export function openForAppends(
  disk: Disk,
  segment: Segment,
  forceSync: boolean,
): Promise<DiskFile> {
  return disk.open(segment.path, forceSync ? 'writeDurable' : 'write');
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 4096) * 4096;
}
