import { equalBytes } from '../base/bytes.ts';
import { stagedProblem } from './adoption.ts';
import { withFile } from './files.ts';
import type { LogPlace } from './log-reading.ts';
import { GENESIS_HASH } from './record.ts';
import { type ScanEnd, SegmentScan } from './scan.ts';
import { SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';
import { type FoundSegment, findSegments } from './segments.ts';
import type { PendingAdoption, Superblock } from './superblock.ts';
import type { Anchor, SnapshotInfo } from './types.ts';

export interface Problem {
  readonly file: string;
  /** -1 when it concerns the file as a whole. */
  readonly offset: number;
  /** Whether a server without peers refuses to start; otherwise it repairs it or does without. */
  readonly isFatal: boolean;
  readonly what: string;
  readonly advice: string;
}

export interface LogReport {
  readonly found: readonly FoundSegment[];
  readonly problems: readonly Problem[];
  readonly entries: number;
  /** 0 when the log is empty. */
  readonly firstSlot: number;
  readonly lastSlot: number;
}

interface Context {
  readonly block: Superblock;
  readonly snapshots: readonly SnapshotInfo[];
  readonly dataDir: string;
}

/** Whether the next start will begin the log anew, whatever is in it. */
export function isInstalling(block: Superblock, snapshots: readonly SnapshotInfo[]): boolean {
  const newest = snapshots[snapshots.length - 1];
  return block.installSlot > 0 && newest?.slot === block.installSlot;
}

/** Reads the log as recovery would, and goes on behind what is wrong. */
export function checkLog(place: LogPlace, context: Context): Promise<LogReport> {
  return new LogCheck(place, context).run();
}

class LogCheck implements LogReport {
  private readonly place: LogPlace;
  private readonly context: Context;
  private readonly advice: string;
  found: readonly FoundSegment[] = [];
  readonly problems: Problem[] = [];
  entries = 0;
  firstSlot = 0;
  lastSlot = 0;
  private previous: Anchor | null = null;
  private torn: Problem | null = null;

  constructor(place: LogPlace, context: Context) {
    this.place = place;
    this.context = context;
    const { dataDir } = context;
    this.advice = `Restore from a backup, or run "quoll check --accept-loss ${dataDir}".`;
  }

  async run(): Promise<LogReport> {
    const { block, snapshots } = this.context;
    this.found = await findSegments(this.place);
    if (isInstalling(block, snapshots)) return this;
    let sequence = this.found[0]?.segment.sequence ?? 0;
    for (const { segment, bad } of this.found) {
      if (segment.sequence !== sequence) {
        this.fatal(segment.path, -1, `segment ${sequence.toString(16)} is missing before it`);
        this.previous = null;
      }
      sequence = segment.sequence + 1;
      if (bad !== null) this.fatal(segment.path, bad.offset, bad.what);
      await this.checkSegment(segment, block.adoption);
    }
    if (this.torn !== null) this.problems.push(this.torn);
    if (block.adoption !== null) await this.checkStaged(block.adoption);
    this.checkEnds();
    this.checkRange();
    return this;
  }

  private async checkSegment(segment: Segment, adoption: PendingAdoption | null): Promise<void> {
    // What stands behind the cut of an adoption under way counts no more, in whatever state.
    if (adoption !== null && segment.sequence > adoption.cutSegment) return;
    const isCut = segment.sequence === adoption?.cutSegment;
    const before = this.entries;
    const scan = await this.scan(segment, isCut ? adoption.cutOffset : segment.bytes);
    const end = scan.end as ScanEnd;
    // A torn write is harmless only if nothing follows it, in this segment or a later one.
    if (this.torn !== null && (this.entries > before || end.kind !== 'clean')) {
      this.problems.push({ ...this.torn, isFatal: true, advice: this.advice });
      this.torn = null;
    }
    if (end.kind === 'damage') this.fatal(segment.path, scan.offset, end.reason);
    if (end.kind === 'torn') {
      const what = 'an append that a crash interrupted; it had not been acknowledged';
      this.torn = { ...note(segment.path, what, 'The next start cuts it.'), offset: scan.offset };
    }
    this.previous = end.kind === 'damage' ? null : (scan.tail ?? this.previous);
  }

  private scan(segment: Segment, to: number): Promise<SegmentScan> {
    const { disk, checksums, clusterId } = this.place;
    return withFile(disk, segment.path, async (file) => {
      const range = { from: SEGMENT_HEADER_BYTES, to, previous: this.previous };
      const scan = new SegmentScan({ file, checksums, clusterId, ...range });
      for (let entries = await scan.next(); entries !== null; entries = await scan.next()) {
        for (const entry of entries) this.checkEntry(segment.path, entry);
      }
      return scan;
    });
  }

  private checkEntry(path: string, entry: Anchor): void {
    this.entries++;
    if (this.firstSlot === 0) this.firstSlot = entry.slot;
    this.lastSlot = entry.slot;
    for (const { slot, hash, file } of this.context.snapshots) {
      if (slot !== entry.slot || equalBytes(hash, 0, entry.hash, 0, 32)) continue;
      this.fatal(path, -1, `slot ${slot} is not the entry that ${file} has`);
    }
  }

  private async checkStaged(adoption: PendingAdoption): Promise<void> {
    const newest = this.context.snapshots[this.context.snapshots.length - 1];
    const anchor = this.previous ?? newest ?? { slot: 0, hash: GENESIS_HASH };
    const problem = await stagedProblem(this.place, adoption, anchor);
    if (problem !== null) this.fatal(problem.file, problem.offset, problem.what);
  }

  private checkEnds(): void {
    const newest = this.found[this.found.length - 1]?.segment;
    if (newest === undefined) {
      this.fatal(this.place.directory, -1, 'there is no segment of the log');
    } else if (newest.firstSlot > 0) {
      this.fatal(newest.path, -1, 'the segment behind it is missing');
    }
  }

  private checkRange(): void {
    const { block, snapshots } = this.context;
    const { directory } = this.place;
    const newest = snapshots[snapshots.length - 1];
    const slot = newest?.slot ?? 0;
    if (this.entries === 0) {
      const { logStart } = block;
      const isAsMade =
        this.found[0]?.segment.sequence === logStart.segment && slot === logStart.slot;
      if (!isAsMade) this.fatal(directory, -1, 'the log has no entries, and had some');
      return;
    }
    if (this.firstSlot > slot + 1) {
      const what = `the log begins at slot ${this.firstSlot}, but slot ${slot + 1} is needed next`;
      this.fatal(directory, -1, what);
    }
    if (newest !== undefined && this.lastSlot < slot) {
      const what = `the log ends at slot ${this.lastSlot}, before the snapshot ${newest.file}`;
      this.fatal(directory, -1, what);
    }
  }

  private fatal(file: string, offset: number, what: string): void {
    this.problems.push(fatal(file, offset, what, this.advice));
  }
}

export function fatal(file: string, offset: number, what: string, advice: string): Problem {
  return { file, offset, isFatal: true, what, advice };
}

export function note(file: string, what: string, advice: string): Problem {
  return { file, offset: -1, isFatal: false, what, advice };
}
