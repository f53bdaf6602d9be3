import { assert } from '../base/assert.ts';
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
  /** A segment is left empty for ever. */
  readonly onSkipped: (segment: Segment) => void;
  readonly onRoom: (hasRoom: boolean) => void;
  readonly onFailure: (error: Error) => void;
}

/** Each segment is this many times the one before, up to the maximum. */
const GROWTH = 4;
/** Synced in pieces, so that appends meanwhile wait for one of these at most. */
const SYNC_EVERY_BYTES = 1_048_576;
const RETRY_MS = 1_000;

/**
 * Segments that stand empty behind the one that is written. Two, for a segment is entered only when
 * its successor is there: the newest segment on the disk is never a used one, so that a used one
 * that gets lost is always missed, the last included.
 */
const READY_COUNT = 2;

/**
 * Keeps the next segments ready, so that the log never waits for one while there is space. It is
 * also the one that notices a full disk, before the log runs into it.
 */
export class SegmentSupply {
  private readonly options: SupplyOptions;
  private readonly ready: OpenSegment[] = [];
  private nextSequence = 0;
  /** The longest record that a caller waits to place. */
  private wantedBytes = 0;
  private work: Promise<void> | null = null;
  private stopRetrying: (() => void) | null = null;
  private closed = false;
  private draining = false;
  hasRoom = true;
  /** Not even the reserve could hold what waits in the log. */
  isExhausted = false;

  /** `ready` are the segments behind the one that is written, at least one. */
  constructor(options: SupplyOptions, ready: readonly OpenSegment[]) {
    this.options = options;
    this.refill(ready);
  }

  /** The next segment, if one that holds a record with `bodyBytes` is ready; else `onReady` comes. */
  take(bodyBytes: number): OpenSegment | null {
    const needed = headerOffset(SEGMENT_HEADER_BYTES) + RECORD_HEADER_BYTES + bodyBytes;
    let next: OpenSegment | null = null;
    while (next === null && this.ready.length >= READY_COUNT) {
      const oldest = this.ready.shift() as OpenSegment;
      if (oldest.segment.bytes >= needed) next = oldest;
      else this.skip(oldest);
    }
    this.wantedBytes = next === null ? needed : 0;
    this.prepare();
    return next;
  }

  /** Too small for the next record: it stays behind, empty, which the chain of slots allows. */
  private skip(small: OpenSegment): void {
    this.options.onSkipped(small.segment);
    void small.file.close().catch(() => {});
  }

  /** Begins to make a segment unless enough are ready or one is being made. */
  prepare(): void {
    const isBusy = this.work !== null || this.closed || this.draining;
    if (isBusy || this.ready.length >= READY_COUNT) return;
    this.run(this.makeNext());
  }

  private run(work: Promise<void>, isRescue = false): void {
    this.work = work.then(
      () => {
        this.work = null;
        if (isRescue) this.isExhausted = false;
        else this.setRoom(true);
        this.prepare();
        this.options.onReady();
      },
      (error: unknown) => {
        this.work = null;
        if (this.closed) return;
        if (isDiskError(error, 'ENOSPC')) this.onFull(isRescue);
        else this.options.onFailure(error as Error);
      },
    );
  }

  /**
   * What waits in the log was accepted while there seemed to be space: it gets the reserve's. Else
   * whoever fills the log faster than the next segment is filled with zeros would wait for an
   * answer until somebody makes space, and each read behind it, pings included.
   */
  private onFull(isRescue: boolean): void {
    this.setRoom(false);
    if (isRescue) this.isExhausted = true;
    else if (this.wantedBytes > 0) this.run(this.makeInReserve(), true);
  }

  private async makeInReserve(): Promise<void> {
    await this.options.reserve.release();
    await this.make(Math.max(this.options.segmentBytesFirst, roundUp(this.wantedBytes)));
  }

  /** The disk turned out full elsewhere: `onReady` comes once there is space again. */
  noteFull(): void {
    this.setRoom(false);
  }

  private async makeNext(): Promise<void> {
    await this.options.reserve.hold();
    await this.make(Math.max(this.segmentBytes(), roundUp(this.wantedBytes)));
  }

  private async make(bytes: number): Promise<void> {
    const { options } = this;
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
    const file = await openForAppends(options.disk, segment, options.forceSync);
    this.ready.push({ segment, file });
  }

  private segmentBytes(): number {
    const { segmentBytesFirst, segmentBytesMax } = this.options;
    const growth = GROWTH ** Math.min(Math.max(0, this.nextSequence - 1), 16);
    return Math.min(segmentBytesMax, segmentBytesFirst * growth);
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
    if (hasRoom) this.isExhausted = false;
    if (this.hasRoom === hasRoom) return;
    this.hasRoom = hasRoom;
    this.options.onRoom(hasRoom);
  }

  /** Space may be back: after a removal, or simply after a while. */
  retry(): void {
    if (this.hasRoom || this.work !== null || this.closed) return;
    if (this.ready.length < READY_COUNT) this.prepare();
    else this.run(this.options.reserve.hold());
  }

  /** Segments that stand empty again, before the others; opened for appends. */
  giveBack(emptied: readonly OpenSegment[]): void {
    this.ready.unshift(...emptied);
  }

  /** Takes all segments out, for a change of the whole log; `refill` ends it. */
  async drain(): Promise<Segment[]> {
    this.draining = true;
    await this.work;
    const drained = this.ready.splice(0);
    for (const { file } of drained) await file.close();
    return drained.map(({ segment }) => segment);
  }

  refill(ready: readonly OpenSegment[]): void {
    const newest = ready[ready.length - 1];
    assert(newest !== undefined, 'the segment that is written has no successor');
    this.ready.push(...ready);
    this.nextSequence = newest.segment.sequence + 1;
    this.draining = false;
    this.prepare();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.setRoom(this.hasRoom);
    this.stopRetrying?.();
    await this.work;
    for (const { file } of this.ready.splice(0)) await file.close();
  }
}

function openForAppends(disk: Disk, segment: Segment, forceSync: boolean): Promise<DiskFile> {
  return disk.open(segment.path, forceSync ? 'writeDurable' : 'write');
}

export async function openSegments(
  options: Pick<SupplyOptions, 'disk' | 'forceSync'>,
  segments: readonly Segment[],
): Promise<OpenSegment[]> {
  const opened: OpenSegment[] = [];
  for (const segment of segments) {
    opened.push({ segment, file: await openForAppends(options.disk, segment, options.forceSync) });
  }
  return opened;
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 4096) * 4096;
}
