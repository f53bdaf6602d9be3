import type { DiskFile } from '../io/disk.ts';
import { type LogPlace, offsetBefore, segmentOf, unreadable } from './log-reading.ts';
import { RECORD_HEADER_BYTES } from './record.ts';
import { type ScannedEntry, SegmentScan } from './scan.ts';
import type { Segment } from './segment.ts';
import type { Anchor, LogEntry } from './types.ts';

/** What a reader has to know of the log, as it is at the moment. */
export interface ReadableLog {
  readonly tail: Anchor;
  readonly segments: readonly Segment[];
  /** Counts whatever takes entries away: trims, cuts, resets. */
  readonly revision: number;
  /** Behind the last durable byte of a segment. */
  readableEnd(segment: Segment): number;
}

/** Where the next entries of a reader who comes again and again are. */
interface Cursor {
  readonly file: DiskFile;
  readonly segment: Segment;
  readonly revision: number;
  nextSlot: number;
  offset: number;
  previous: Anchor | null;
}

/** One for each peer that catches up, in an ensemble of usual size. */
const CURSORS_MAX = 4;
const BLOCK_BYTES_MIN = 65_536;
const BLOCK_BYTES_MAX = 1_048_576;

/**
 * Reads durable entries while the log is appended to, trimmed and cut. A change that takes entries
 * away may hit bytes that are just being read: what was read then is dropped and read again, so
 * that entries returned were in the log together, and half erased ones never look like damage.
 */
export class LogReader {
  private readonly place: LogPlace;
  private readonly log: ReadableLog;
  /** Those that nobody reads by at the moment, the one used last at the end. */
  private cursors: Cursor[] = [];

  constructor(place: LogPlace, log: ReadableLog) {
    this.place = place;
    this.log = log;
  }

  /**
   * Entries from `fromSlot` on: as many as fit `maxBytes`, fewer where a segment ends, at least one;
   * none behind the tail; null if the log does not hold `fromSlot` any more.
   */
  async read(fromSlot: number, maxBytes: number): Promise<LogEntry[] | null> {
    for (;;) {
      if (fromSlot > this.log.tail.slot) return [];
      const { revision } = this.log;
      const cursor = this.takeCursor(fromSlot);
      const attempt = await this.attempt(cursor, fromSlot, maxBytes).catch((error: unknown) => {
        if (revision === this.log.revision) throw error;
      });
      if (attempt !== undefined && revision === this.log.revision) return attempt;
    }
  }

  /** Files that were removed take space as long as they are open. */
  closeIdle(): void {
    for (const cursor of this.cursors.splice(0)) release(cursor);
  }

  private takeCursor(fromSlot: number): Cursor | null {
    const { revision, segments } = this.log;
    const index = this.cursors.findIndex(({ nextSlot }) => nextSlot === fromSlot);
    const [found] = index < 0 ? [] : this.cursors.splice(index, 1);
    if (found === undefined) return null;
    const isValid = found.revision === revision && segmentOf(segments, fromSlot) === found.segment;
    if (!isValid) release(found);
    return isValid ? found : null;
  }

  private async attempt(
    taken: Cursor | null,
    fromSlot: number,
    maxBytes: number,
  ): Promise<LogEntry[] | null> {
    const cursor = taken ?? (await this.openCursor(fromSlot));
    if (cursor === null) return null;
    let keeps = false;
    try {
      const entries = await this.readOn(cursor, fromSlot, maxBytes);
      keeps = entries !== null && cursor.revision === this.log.revision;
      return entries;
    } finally {
      if (keeps) this.cursors.push(cursor);
      else release(cursor);
      if (this.cursors.length > CURSORS_MAX) release(this.cursors.shift() as Cursor);
    }
  }

  private async openCursor(fromSlot: number): Promise<Cursor | null> {
    const { revision, segments } = this.log;
    const segment = segmentOf(segments, fromSlot);
    if (segment === null) return null;
    const offset = offsetBefore(segment, fromSlot);
    const file = await this.place.disk.open(segment.path, 'read');
    return { file, segment, revision, nextSlot: fromSlot, offset, previous: null };
  }

  private async readOn(
    cursor: Cursor,
    fromSlot: number,
    maxBytes: number,
  ): Promise<LogEntry[] | null> {
    const { checksums, clusterId } = this.place;
    const { file, segment, previous, offset: from } = cursor;
    const to = this.log.readableEnd(segment);
    const blockBytes = Math.min(BLOCK_BYTES_MAX, Math.max(BLOCK_BYTES_MIN, maxBytes));
    const range = { from, to, previous, blockBytes };
    const scan = new SegmentScan({ file, checksums, clusterId, ...range });
    const entries: ScannedEntry[] = [];
    let bytes = 0;
    for (let found = await scan.next(); found !== null; found = await scan.next()) {
      for (const entry of found) {
        if (entry.slot < fromSlot) continue;
        bytes += RECORD_HEADER_BYTES + entry.body.length;
        if (entries.length > 0 && bytes > maxBytes) return advance(cursor, entries);
        entries.push(entry);
      }
      if (bytes >= maxBytes) return advance(cursor, entries);
    }
    if (scan.end?.kind !== 'clean') throw unreadable(segment, scan, fromSlot);
    return entries.length > 0 ? advance(cursor, entries) : null;
  }
}

function advance(cursor: Cursor, entries: ScannedEntry[]): LogEntry[] {
  const last = entries[entries.length - 1] as ScannedEntry;
  cursor.nextSlot = last.slot + 1;
  cursor.offset = last.end;
  cursor.previous = { slot: last.slot, hash: last.hash };
  return entries;
}

function release(cursor: Cursor): void {
  // Nothing was written by it, so that nothing can be lost.
  void cursor.file.close().catch(() => {});
}
