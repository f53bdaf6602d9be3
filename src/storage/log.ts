import { assert } from '../base/assert.ts';
import { equalBytes, viewOf } from '../base/bytes.ts';
import { LOG_BODY_BYTES_MAX } from '../base/limits.ts';
import { type DiskFile, isDiskError } from '../io/disk.ts';
import { withoutFirst, writeZeros, ZEROS } from './files.ts';
import {
  type CutPlace,
  createFreshSegments,
  findCut,
  removeSegment,
  takeOldest,
} from './log-cutting.ts';
import { LogReader } from './log-reader.ts';
import { encodeHeader, headerOffset, RECORD_HEADER_BYTES } from './record.ts';
import { forgetRecords, noteRecord, SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';
import { type OpenSegment, openSegments, SegmentSupply, type SupplyOptions } from './supply.ts';
import type { Anchor, LogEntry } from './types.ts';

export type AppendDone = (error: Error | null) => void;
export type LogOptions = Omit<SupplyOptions, 'onReady' | 'onSkipped' | 'onFailure'>;

/** What recovery found. */
export interface LogContent {
  readonly segments: Segment[];
  /** The segment that takes the next record, if it has room. */
  readonly current: OpenSegment;
  /** Empty segments behind it, at least one. */
  readonly ready: readonly OpenSegment[];
  readonly tail: Anchor;
}

/**
 * The one writer of the log. One append is under way at a time; whoever calls gathers the next
 * batch meanwhile. After the first failed write nothing is written any more: what the device holds
 * is unknown then, and a second try could report success for pages that were dropped (rule 26).
 */
export class Log {
  private readonly options: LogOptions;
  private readonly supply: SegmentSupply;
  /** Oldest first; ready ones join when they are taken. */
  readonly segments: Segment[];
  private readonly reader: LogReader;
  private current: Segment;
  private file: DiskFile;
  private failure: Error | null = null;
  private last: Anchor;
  /** Bytes of records appended since the log was opened. */
  bytesAppended = 0;

  /** The append under way: its entries, what is decided, how many are durable, whom to tell. */
  private entries: readonly LogEntry[] = [];
  private decidedSlot = 0;
  private durable = 0;
  private done: AppendDone | null = null;
  /** The write under way: which entries it ends before, where it begins, what is left of it. */
  private upTo = 0;
  private writeAt = 0;
  private buffers: Uint8Array[] = [];
  private bytesLeft = 0;
  private headers = new Uint8Array(RECORD_HEADER_BYTES * 16);
  private headersView = viewOf(this.headers);
  private waitsFor: 'segment' | 'space' | null = null;
  /** Counts whatever takes entries away, so that readers notice. */
  revision = 0;
  /** Counts those of them that erase bytes of a segment or make it anew. */
  rewrites = 0;
  /** While it is cut or begun anew. */
  private isChanging = false;
  private removing: Promise<unknown> = Promise.resolve();
  /** Segments that were left and are still being synced or closed. */
  private leaving: Promise<unknown> = Promise.resolve();

  constructor(options: LogOptions, content: LogContent) {
    this.options = options;
    this.segments = content.segments;
    this.current = content.current.segment;
    this.file = content.current.file;
    this.last = content.tail;
    this.reader = new LogReader(options, this);
    const supplyOptions = {
      ...options,
      onReady: () => this.resume(),
      onSkipped: (segment: Segment) => this.segments.push(segment),
      onFailure: (error: Error) => this.onSupplyFailure(error),
    };
    this.supply = new SegmentSupply(supplyOptions, content.ready);
  }

  get tail(): Anchor {
    return this.last;
  }

  /** False while the disk is full: refuse new writes, reads go on; appends under way wait. */
  get hasRoom(): boolean {
    return this.supply.hasRoom;
  }

  /** True while not even the reserve can hold what waits: an append may take for ever. */
  get isExhausted(): boolean {
    return this.supply.isExhausted;
  }

  /** The oldest slot that can be read; above the tail when there is none. */
  get firstSlot(): number {
    const first = this.segments.find((segment) => segment.firstSlot > 0);
    return first === undefined ? this.last.slot + 1 : first.firstSlot;
  }

  /**
   * Makes the entries durable, in order. `done` runs once, never before `append` has returned. An
   * error is final. The entries and their bodies must not change until then. That slots up to
   * `decidedSlot` are decided is noted along with them, for the next start.
   */
  append(entries: readonly LogEntry[], decidedSlot: number, done: AppendDone): void {
    assert(this.done === null, 'an append is under way already');
    assert(!this.isChanging, 'the log is being cut');
    const first = entries[0];
    assert(first !== undefined && first.slot === this.last.slot + 1, 'the slot does not follow');
    for (const { body } of entries) {
      assert(body.length <= LOG_BODY_BYTES_MAX, 'the batch exceeds what a record may hold');
    }
    const failure = this.failure;
    if (failure !== null) {
      queueMicrotask(() => done(failure));
      return;
    }
    this.entries = entries;
    this.decidedSlot = decidedSlot;
    this.durable = 0;
    this.done = done;
    this.writeNext();
  }

  private writeNext(): void {
    while (!this.gather()) {
      const entry = this.entries[this.durable] as LogEntry;
      const next = this.supply.take(entry.body.length);
      if (next === null) {
        this.waitsFor = 'segment';
        return;
      }
      this.enter(next);
    }
    this.file.write(this.buffers, this.writeAt, this.onWritten);
  }

  /** Lays out as many entries as the segment has room for; false if there is none for the next. */
  private gather(): boolean {
    const { entries, current } = this;
    const start = headerOffset(current.end);
    this.buffers = [];
    let end = start;
    let index = this.durable;
    for (; index < entries.length; index++) {
      const entry = entries[index] as LogEntry;
      const offset = headerOffset(end);
      const entryEnd = offset + RECORD_HEADER_BYTES + entry.body.length;
      if (entryEnd > current.bytes) break;
      if (offset > end) this.buffers.push(ZEROS.subarray(0, offset - end));
      this.buffers.push(this.header(index, offset, start), entry.body);
      end = entryEnd;
    }
    this.upTo = index;
    this.writeAt = start;
    this.bytesLeft = end - start;
    return index > this.durable;
  }

  private header(index: number, offset: number, writeOffset: number): Uint8Array {
    const entry = this.entries[index] as LogEntry;
    const previousHash = index === 0 ? this.last.hash : (this.entries[index - 1] as LogEntry).hash;
    const at = (index - this.durable) * RECORD_HEADER_BYTES;
    if (at + RECORD_HEADER_BYTES > this.headers.length) {
      // Headers laid out before keep the old buffer alive through their views.
      this.headers = new Uint8Array(this.headers.length * 2);
      this.headersView = viewOf(this.headers);
    }
    encodeHeader(this.options.checksums, this.headersView, this.headers, at, entry, {
      clusterId: this.options.clusterId,
      previousHash,
      offset,
      writeOffset,
      decidedSlot: this.decidedSlot,
    });
    return this.headers.subarray(at, at + RECORD_HEADER_BYTES);
  }

  private readonly onWritten = (error: Error | null, written: number): void => {
    if (error !== null && isDiskError(error, 'ENOSPC')) {
      // Nothing behind the last durable record was reported to anyone; the same bytes are written
      // anew, not merely synced again, so that no dropped page is taken for a durable one.
      this.waitsFor = 'space';
      this.supply.noteFull();
    } else if (error !== null || written === 0) {
      this.fail(error ?? new Error(`${this.current.path}: nothing could be written`));
    } else if (written < this.bytesLeft) {
      this.buffers = withoutFirst(this.buffers, written);
      this.writeAt += written;
      this.bytesLeft -= written;
      this.file.write(this.buffers, this.writeAt, this.onWritten);
    } else {
      this.finishWrite();
    }
  };

  private finishWrite(): void {
    const { current } = this;
    for (; this.durable < this.upTo; this.durable++) {
      const entry = this.entries[this.durable] as LogEntry;
      const offset = headerOffset(current.end);
      const end = offset + RECORD_HEADER_BYTES + entry.body.length;
      this.bytesAppended += end - current.end;
      noteRecord(current, entry.slot, offset, end);
      this.last = entry;
    }
    if (this.durable < this.entries.length) {
      this.writeNext();
      return;
    }
    this.settle(null);
  }

  private settle(error: Error | null): void {
    const { done } = this;
    this.entries = [];
    this.buffers = [];
    this.done = null;
    this.waitsFor = null;
    done?.(error);
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.settle(error);
  }

  /** A write under way reports for itself; one that waits for the supply would wait for ever. */
  private onSupplyFailure(error: Error): void {
    this.failure ??= error;
    if (this.waitsFor !== null) this.settle(error);
  }

  private resume(): void {
    const waitedFor = this.waitsFor;
    this.waitsFor = null;
    if (waitedFor === 'segment') this.writeNext();
    else if (waitedFor === 'space') this.file.write(this.buffers, this.writeAt, this.onWritten);
  }

  private enter(next: OpenSegment): void {
    const left = this.file;
    this.current = next.segment;
    this.file = next.file;
    this.segments.push(next.segment);
    const settled = this.options.forceSync ? Promise.resolve() : left.sync();
    this.leaving = Promise.all([this.leaving, settled.then(() => left.close())]);
    // With forceSync everything in it is durable already and closing can lose nothing; without,
    // `sync` reports it.
    this.leaving.catch(() => {});
  }

  /** Everything appended is on the device, without forceSync too. */
  async sync(): Promise<void> {
    if (this.options.forceSync) return;
    await this.leaving;
    await this.file.sync();
  }

  /** Whether the segment is part of the log, and written no more. */
  isClosed(segment: Segment): boolean {
    return segment !== this.current && this.segments.includes(segment);
  }

  get isIdle(): boolean {
    return this.done === null && !this.isChanging;
  }

  /** Whether the anchor is a place in this log's history. */
  async holds(anchor: Anchor): Promise<boolean> {
    if (anchor.slot > this.last.slot) return false;
    const entries = await this.read(anchor.slot, 1);
    const hash = entries?.[0]?.hash;
    return hash !== undefined && equalBytes(hash, 0, anchor.hash, 0, 32);
  }

  /** As `LogReader.read`. */
  read(fromSlot: number, maxBytes: number): Promise<LogEntry[] | null> {
    return this.reader.read(fromSlot, maxBytes);
  }

  /** Behind what may be read of a segment: of the one that is written only what is durable. */
  readableEnd(segment: Segment): number {
    return segment === this.current ? segment.end : segment.bytes;
  }

  /** Removes the segments that hold nothing behind `upToSlot`. Appends may go on meanwhile. */
  async trim(upToSlot: number): Promise<void> {
    const step = async (): Promise<boolean> => {
      const oldest = takeOldest(this.segments, upToSlot);
      if (oldest === null) return false;
      this.noteLess();
      await removeSegment(this.options, oldest);
      return true;
    };
    while (await this.inTurn(step));
    this.supply.retry();
  }

  /** Where the log ends once `fromSlot` and all behind it are cut. */
  async cutPlace(fromSlot: number): Promise<CutPlace> {
    if (fromSlot <= this.last.slot) return findCut(this.options, this.segments, fromSlot);
    return { segment: this.current.sequence, offset: this.current.end, tail: this.last };
  }

  /**
   * Forgets everything behind the place (rule 11: the tail goes back with it). In place, and so in
   * no order: a crash may leave later records behind a hole. It must have been noted durably that
   * the log ends there, so that `eraseBehind` repeats it.
   */
  async cut(place: CutPlace): Promise<void> {
    const at = this.segments.findIndex((segment) => segment.sequence === place.segment);
    assert(at >= 0 && this.done === null, 'the place is gone, or an append is under way');
    this.isChanging = true;
    const [holder, ...freed] = this.segments.splice(at) as [Segment, ...Segment[]];
    this.segments.push(holder);
    const ends = [holder, ...freed].map((segment) => segment.end);
    forgetRecords(holder, place.offset);
    for (const segment of freed) forgetRecords(segment, SEGMENT_HEADER_BYTES);
    // First what readers go by, then the bytes: nobody begins to read what is being erased.
    this.current = holder;
    this.last = place.tail;
    this.rewrites++;
    this.noteLess();
    await this.file.close();
    const opened = await openSegments(this.options, [holder, ...freed]);
    for (const [index, { segment, file }] of opened.entries()) {
      await writeZeros(file, segment.end, ends[index] as number);
      if (!this.options.forceSync) await file.sync();
    }
    const [current, ...ready] = opened as [OpenSegment, ...OpenSegment[]];
    this.file = current.file;
    this.supply.giveBack(ready);
    this.isChanging = false;
  }

  /**
   * Begins anew behind an installed snapshot: everything before it is obsolete. Returns the
   * sequence of the first segment.
   */
  async reset(anchor: Anchor): Promise<number> {
    assert(this.done === null, 'an append is under way');
    this.isChanging = true;
    return this.inTurn(async () => {
      const old = [...this.segments, ...(await this.supply.drain())];
      await this.file.close();
      const fresh = await createFreshSegments(this.options, old, this.options.segmentBytesFirst);
      const [first, ...rest] = (await openSegments(this.options, fresh)) as [OpenSegment];
      this.segments.splice(0, Number.POSITIVE_INFINITY, first.segment);
      this.current = first.segment;
      this.file = first.file;
      this.last = anchor;
      this.rewrites++;
      this.noteLess();
      for (const segment of old) await removeSegment(this.options, segment);
      this.supply.refill(rest);
      this.isChanging = false;
      return first.segment.sequence;
    });
  }

  private noteLess(): void {
    this.revision++;
    this.reader.closeIdle();
  }

  /** Trims and resets remove files: one after another. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.removing.then(work);
    this.removing = turn.catch(() => {});
    return turn;
  }

  /** Call it only when no append is under way. */
  async close(): Promise<void> {
    assert(this.done === null || this.waitsFor !== null, 'an append is under way');
    this.reader.closeIdle();
    await this.supply.close();
    await this.sync();
    await this.leaving;
    await this.file.close();
  }
}

export function appendAll(
  log: Log,
  entries: readonly LogEntry[],
  decidedSlot: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    log.append(entries, decidedSlot, (error) => (error === null ? resolve() : reject(error)));
  });
}
