import type { Writer } from '../base/writer.ts';
import { Batches } from './batches.ts';

/** Commands of one turn, on their way to the leader. */
export interface Chunk {
  readonly number: number;
  /** `length:i32 command` each. */
  readonly commands: Writer;
}

/**
 * The commands of this replica's connections, kept until they have been applied here. A leader that
 * dies takes what it had not replicated with it; then all that is kept goes to the next one, in the
 * same order from the first on. What the old one did get replicated is applied before, and apply
 * ignores the repeat.
 *
 * The leader puts a mark behind each chunk. A mark that is applied here proves that everything up
 * to it was applied before it.
 */
export class Outbox {
  private readonly gathering = new Batches();
  private readonly chunks: Chunk[] = [];
  /** How many of `chunks` have been handed out since the last `rewind`. */
  private sent = 0;
  /** The highest number that has been handed out more than once. */
  private repeated = Number.NEGATIVE_INFINITY;
  private nextNumber: number;

  /**
   * `firstNumber` has to differ between lives of a replica: a mark of an earlier one may still be
   * applied, and must not be taken for one of this.
   */
  constructor(firstNumber: number) {
    this.nextNumber = firstNumber;
  }

  /** Bytes that have not been applied yet. */
  get pendingBytes(): number {
    let bytes = this.gathering.pendingBytes;
    for (const { commands } of this.chunks) bytes += commands.at;
    return bytes;
  }

  get isEmpty(): boolean {
    return this.chunks.length === 0 && this.gathering.pendingBytes === 0;
  }

  /** Where the next command goes: write it, then call `close`. */
  open(): Writer {
    return this.gathering.open();
  }

  close(): void {
    this.gathering.close();
  }

  /** The next chunk to be sent, or null. It stays untouched until it is released. */
  next(): Chunk | null {
    const known = this.chunks[this.sent];
    if (known !== undefined) {
      this.sent++;
      return known;
    }
    const commands = this.gathering.take();
    if (commands === null) return null;
    const chunk = { number: this.nextNumber++, commands };
    this.chunks.push(chunk);
    this.sent++;
    return chunk;
  }

  /** There is another leader, or another way to it: everything is sent again. */
  rewind(): void {
    const last = this.chunks[this.sent - 1]?.number ?? this.repeated;
    this.repeated = Math.max(this.repeated, last);
    this.sent = 0;
  }

  /**
   * Everything up to this chunk has been applied. A number of an earlier life means nothing.
   *
   * The buffer of a chunk that was sent again is left to the collector. This replica sends chunk
   * 7 to leader A, which replicates it and dies; this replica leads next, and chunk 7 waits in its
   * own intake, by reference, while the disk is busy. Now A's copy is applied, with its mark. Were
   * the buffer used again, the intake would propose whatever the next commands have left in it.
   */
  release(number: number): void {
    const index = this.chunks.findIndex((chunk) => chunk.number === number);
    for (const chunk of this.chunks.splice(0, index + 1)) {
      if (chunk.number > this.repeated) this.gathering.release(chunk.commands);
    }
    this.sent = Math.max(0, this.sent - (index + 1));
  }
}
