import { equalBytes } from '../base/bytes.ts';
import type { DiskFile } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { hex16 } from './files.ts';
import { blocksOf, findHeader } from './find-header.ts';
import type { LogPlace } from './log-reading.ts';
import { eraseRange, setFileAside, setRangeAside } from './loss.ts';
import { GENESIS_HASH, previousHashAt, type RecordHeader } from './record.ts';
import { type ScanEnd, SegmentScan } from './scan.ts';
import {
  createSegment,
  forgetRecords,
  noteRecord,
  SEGMENT_HEADER_BYTES,
  type Segment,
} from './segment.ts';
import { type FoundSegment, findSegments, isUsed } from './segments.ts';
import type { LogStart } from './superblock.ts';
import type { Anchor, LogEntry, RecoveryReport, SnapshotInfo } from './types.ts';

export interface RecoveryOptions {
  readonly place: LogPlace;
  readonly dataDir: string;
  readonly acceptLoss: boolean;
  /** Damage is set aside for peers to repair, instead of ending the start. */
  readonly repair: boolean;
  readonly segmentBytesFirst: number;
  /** Where the log began, as the superblock has it. */
  readonly logStart: LogStart;
  /** Makes durable that entries are given up, before any is; and where the log begins then. */
  readonly beforeLoss: (logStart: LogStart) => Promise<void>;
  readonly report: RecoveryReport;
}

const GENESIS: Anchor = { slot: 0, hash: GENESIS_HASH };

/** What the log was found to be, once all entries have been read. */
export interface RecoveredLog {
  readonly segments: Segment[];
  /** Index of the segment that takes the next record. */
  readonly current: number;
  readonly tail: Anchor;
  /** The log ends before the snapshot and has to begin anew behind it. */
  readonly mustReset: boolean;
}

/** Where the log can't be read any further, and why. */
interface Break {
  readonly index: number;
  /** In that segment; nothing before it counts either if it lies in the header. */
  readonly offset: number;
  readonly to: number;
  readonly error: StorageError;
}

/**
 * Reads the log behind a snapshot, verifies it, and leaves it so that appends can follow. Damage
 * ends it with an error, or, when loss is accepted, with a cut.
 */
export class LogRecovery {
  private readonly options: RecoveryOptions;
  private readonly base: SnapshotInfo | null;
  private readonly anchor: Anchor;
  private tail: Anchor;
  /** What the snapshot and the records read so far vouch for as decided. */
  decidedSlot: number;
  private found: FoundSegment[] = [];
  /** Index of the first segment that is read. */
  private start = 0;
  /** The log has another entry at the snapshot's slot than the snapshot. */
  private mismatch: StorageError | null = null;

  constructor(options: RecoveryOptions, base: SnapshotInfo | null) {
    this.options = options;
    this.base = base;
    this.anchor = base ?? GENESIS;
    this.tail = this.anchor;
    this.decidedSlot = this.anchor.slot;
  }

  /** The entries behind the snapshot; its result is there once they have been read to the end. */
  async *entries(): AsyncGenerator<LogEntry[], RecoveredLog, undefined> {
    this.found = await findSegments(this.options.place);
    const start = this.startIndex();
    this.start = start;
    const begins = this.found[start]?.segment.firstSlot ?? 0;
    // A segment that begins before the snapshot's slot is believed about what it follows; from
    // that slot on the snapshot's hash vouches for the chain.
    let previous = begins > 0 && begins <= this.anchor.slot ? null : this.anchor;
    let broken = this.found.length === 0 ? this.withoutSegments() : null;
    for (let index = start; broken === null && index < this.found.length; index++) {
      broken = this.badFile(index, start);
      if (broken !== null) break;
      const firstSlot = this.segmentAt(index).firstSlot;
      const scan = yield* this.scan(this.segmentAt(index), previous);
      previous = scan.tail ?? previous;
      const isStale = index === start && firstSlot > this.anchor.slot + 1;
      broken =
        this.mismatch === null
          ? await this.judge(index, scan, isStale)
          : { index, offset: 0, to: 0, error: this.mismatch };
      // What is left was not read: it ends anywhere before the snapshot.
      const isNothingLeft = index === start && this.segmentAt(index).firstSlot === 0;
      if (broken !== null && (isNothingLeft || this.mismatch !== null)) previous = GENESIS;
    }
    broken ??=
      this.endsTooEarly(previous ?? this.anchor) ??
      this.withoutSuccessor() ??
      this.withoutEntries();
    const whole = broken === null ? this.found.length : await this.giveUp(broken);
    return this.result(whole, previous);
  }

  private segmentAt(index: number): Segment {
    return (this.found[index] as FoundSegment).segment;
  }

  /** The last segment that begins at or before the slot behind the snapshot; else the first. */
  private startIndex(): number {
    let start = 0;
    this.found.forEach(({ segment, bad }, index) => {
      const { firstSlot } = segment;
      if (bad === null && firstSlot > 0 && firstSlot <= this.anchor.slot + 1) start = index;
    });
    return start;
  }

  private withoutSegments(): Break {
    const what = 'it holds no segment of the log (is dataLogDir mounted?)';
    return this.fileBreak(0, this.options.place.directory, this.anchor.slot + 1, what);
  }

  private badFile(index: number, start: number): Break | null {
    const { segment, bad } = this.found[index] as FoundSegment;
    const slot = this.tail.slot + 1;
    if (bad !== null && bad.kind !== 'damage') throw bad;
    if (bad !== null) return this.fileBreak(index, segment.path, slot, bad.what);
    const sequence = index === start ? segment.sequence : this.segmentAt(index - 1).sequence + 1;
    if (segment.sequence === sequence) return null;
    const missing = `${this.options.place.directory}/${hex16(sequence)}.qlog`;
    return this.fileBreak(index, missing, slot, 'the segment is missing');
  }

  private async *scan(
    segment: Segment,
    previous: Anchor | null,
  ): AsyncGenerator<LogEntry[], SegmentScan, undefined> {
    const { disk, checksums, clusterId } = this.options.place;
    segment.firstSlot = 0;
    const file = await disk.open(segment.path, 'read');
    try {
      const range = { from: SEGMENT_HEADER_BYTES, to: segment.bytes, previous };
      const scan = new SegmentScan({ file, checksums, clusterId, ...range });
      yield* this.take(segment, scan);
      const resumeAt = await this.resumePlace(file, segment, scan);
      if (resumeAt < 0) return scan;
      const rest = { from: resumeAt, to: segment.bytes, previous: this.anchor };
      const second = new SegmentScan({ file, checksums, clusterId, ...rest });
      forgetRecords(segment, SEGMENT_HEADER_BYTES);
      yield* this.take(segment, second);
      return second;
    } finally {
      await file.close();
    }
  }

  private async *take(segment: Segment, scan: SegmentScan): AsyncGenerator<LogEntry[], void> {
    for (let found = await scan.next(); found !== null; found = await scan.next()) {
      for (const entry of found) {
        noteRecord(segment, entry.slot, entry.offset, entry.end);
        if (entry.slot === this.anchor.slot) this.compareWithSnapshot(segment, entry);
      }
      if (this.mismatch !== null) return;
      this.decidedSlot = Math.max(this.decidedSlot, scan.decidedSlot);
      const last = found[found.length - 1] as LogEntry;
      if (last.slot >= this.anchor.slot) this.tail = last;
      const behind = found.filter((entry) => entry.slot > this.anchor.slot);
      if (behind.length > 0) yield behind;
    }
  }

  private compareWithSnapshot(segment: Segment, entry: LogEntry): void {
    if (equalBytes(entry.hash, 0, this.anchor.hash, 0, 32)) return;
    const snapshot = this.base?.file ?? 'the snapshot';
    const what = `the entry is not the one that ${snapshot} was taken at`;
    this.mismatch = this.damage(segment.path, -1, entry.slot, what);
  }

  /**
   * Behind damage in entries that the snapshot covers: where the first entry lies that it does not.
   * That one names the snapshot's hash, so that nothing between is needed. -1 if there is none.
   */
  private async resumePlace(file: DiskFile, segment: Segment, scan: SegmentScan): Promise<number> {
    const { anchor } = this;
    const isCovered = scan.end?.kind === 'damage' && (scan.tail?.slot ?? 0) < anchor.slot;
    if (!this.options.repair || !isCovered) return -1;
    const fits = (header: RecordHeader, block: Uint8Array, at: number): boolean =>
      header.slot === anchor.slot + 1 &&
      equalBytes(previousHashAt(block, at), 0, anchor.hash, 0, 32);
    const search = { ...this.options.place, fits };
    for await (const { block, length, at } of blocksOf(file, scan.offset, segment.bytes)) {
      const found = findHeader(search, block, length);
      if (found < 0) continue;
      this.options.report.warnings.push(
        `${segment.path}, byte ${scan.offset}: damaged, in entries that ${this.base?.file} covers`,
      );
      return at + found;
    }
    return -1;
  }

  /** Cuts what is torn; returns what can't be explained by a crash. */
  private async judge(index: number, scan: SegmentScan, isStale: boolean): Promise<Break | null> {
    const end = scan.end as ScanEnd;
    if (end.kind === 'clean') return null;
    const segment = this.segmentAt(index);
    const slot = (scan.tail ?? this.anchor).slot + 1;
    // A segment of which nothing is used goes as a whole.
    const offset = segment.firstSlot > 0 ? scan.offset : SEGMENT_HEADER_BYTES;
    const place = { index, offset, to: Math.min(end.to, segment.bytes) };
    if (isStale) return { ...place, error: this.stale(segment, slot) };
    if (end.kind === 'damage') {
      return { ...place, error: this.damage(segment.path, scan.offset, slot, end.reason) };
    }
    if (await this.isAnyUsedBehind(index)) {
      const what = 'the record is incomplete, yet a later segment holds others';
      return { ...place, error: this.damage(segment.path, scan.offset, slot, what) };
    }
    await this.cutTorn(segment, place.offset, place.to);
    return null;
  }

  /** A write to a later segment begins only once everything in this one is durable. */
  private async isAnyUsedBehind(index: number): Promise<boolean> {
    for (const { segment } of this.found.slice(index + 1)) {
      if (await isUsed(this.options.place, segment)) return true;
    }
    return false;
  }

  private async cutTorn(segment: Segment, from: number, to: number): Promise<void> {
    const { report, place } = this.options;
    await eraseRange(place, segment.path, from, to);
    report.tornBytes += to - from;
    report.warnings.push(
      `${segment.path}, byte ${from}: cut ${to - from} bytes of an append that a crash ` +
        'interrupted; it had not been acknowledged',
    );
  }

  private endsTooEarly(end: Anchor): Break | null {
    const { base } = this;
    if (base === null || end.slot >= base.slot) return null;
    const what = `the log ends at slot ${end.slot}, before the snapshot ${base.file}`;
    return this.fileBreak(this.found.length, this.options.place.directory, end.slot + 1, what);
  }

  /** A segment is written only while a newer one exists, which is empty. */
  private withoutSuccessor(): Break | null {
    const newest = this.segmentAt(this.found.length - 1);
    if (newest.firstSlot === 0) return null;
    const missing = `${this.options.place.directory}/${hex16(newest.sequence + 1)}.qlog`;
    const what = 'the last segment is missing';
    return this.fileBreak(this.found.length, missing, this.tail.slot + 1, what);
  }

  /**
   * A log without entries is as it was made, or has lost its used segments: nothing else would miss
   * the only one.
   */
  private withoutEntries(): Break | null {
    const { logStart, place } = this.options;
    if (this.found.some(({ segment }) => segment.firstSlot > 0)) return null;
    const isAsMade =
      this.segmentAt(0).sequence === logStart.segment && this.anchor.slot === logStart.slot;
    if (isAsMade) return null;
    const what = 'the log has no entries, and had some';
    return this.fileBreak(this.found.length, place.directory, this.anchor.slot + 1, what);
  }

  /** Keeps beside what can't be read any more; returns how many segments stay. */
  private async giveUp(broken: Break): Promise<number> {
    const { acceptLoss, repair, place, report } = this.options;
    if (!acceptLoss && !repair) throw broken.error;
    const { slot, message } = broken.error;
    report.warnings.push(`${acceptLoss ? 'accepted loss' : 'to be repaired'}: ${message}`);
    if (!acceptLoss) report.damage = { slot, message };
    const isPart = broken.offset > SEGMENT_HEADER_BYTES;
    const whole = isPart ? broken.index + 1 : broken.index;
    await this.options.beforeLoss(this.logStartWithout(whole));
    for (const { segment } of this.found.slice(whole).reverse()) {
      report.lossFiles.push(await setFileAside(place, segment.path));
    }
    if (isPart) {
      const { path } = this.segmentAt(broken.index);
      report.lossFiles.push(await setRangeAside(place, path, broken.offset, broken.to));
    }
    return whole;
  }

  /** Where the log begins when only the first `whole` segments stay. */
  private logStartWithout(whole: number): LogStart {
    const left = this.found.slice(0, whole).map(({ segment }) => segment);
    if (left.some((segment) => segment.firstSlot > 0)) return this.options.logStart;
    return { segment: left[0]?.sequence ?? 0, slot: this.anchor.slot };
  }

  private async result(whole: number, end: Anchor | null): Promise<RecoveredLog> {
    const { place, segmentBytesFirst } = this.options;
    const { disk, checksums, directory, clusterId } = place;
    const segments = this.found.slice(0, whole).map(({ segment }) => segment);
    // Never one that was not read: nobody knows where its records end. (The snapshot is of the last
    // entry of a segment, and the first write to the next one was torn and cut.)
    let current = Math.min(this.start, Math.max(0, whole - 1));
    segments.forEach((segment, index) => {
      if (segment.firstSlot > 0) current = Math.max(current, index);
    });
    // Only after an accepted loss: the successor of the last segment went with the rest.
    while (segments.length < current + 2) {
      const sequence = (segments[segments.length - 1]?.sequence ?? -1) + 1;
      const bytes = segmentBytesFirst;
      segments.push(await createSegment(disk, checksums, directory, sequence, bytes, clusterId));
    }
    const mustReset = end !== null && end.slot < this.anchor.slot;
    return { segments, current, tail: this.tail, mustReset };
  }

  private fileBreak(index: number, file: string, slot: number, what: string): Break {
    return { index, offset: 0, to: 0, error: this.damage(file, -1, slot, what) };
  }

  private stale(segment: Segment, slot: number): StorageError {
    const what = `the log begins here, behind slot ${slot}, which ${this.baseName()} needs next`;
    return new StorageError('stale', segment.path, -1, slot, what, this.advice());
  }

  private damage(file: string, offset: number, slot: number, what: string): StorageError {
    return new StorageError('damage', file, offset, slot, what, this.advice());
  }

  private baseName(): string {
    const { base } = this;
    return base === null
      ? 'a start without a snapshot'
      : `the newest readable snapshot ${base.file}`;
  }

  private advice(): string {
    return (
      'Entries that were acknowledged may be affected. Restore the directory from a backup, or ' +
      `run "quoll check --accept-loss ${this.options.dataDir}" to keep what stands before and ` +
      'give up the rest.'
    );
  }
}
