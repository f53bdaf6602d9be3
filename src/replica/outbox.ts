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
    this.sent = 0;
  }

  /**
   * Everything up to this chunk has been applied. Its bytes serve again, so whoever was handed the
   * chunk has to let go of it first. A number of an earlier life means nothing.
   */
  release(number: number): void {
    const index = this.chunks.findIndex((chunk) => chunk.number === number);
    for (const { commands } of this.chunks.splice(0, index + 1)) this.gathering.release(commands);
    this.sent = Math.max(0, this.sent - (index + 1));
  }
}
