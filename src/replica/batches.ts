import { assert } from '../base/assert.ts';
import { BATCH_BYTES_MAX } from '../base/limits.ts';
import { Writer } from '../base/writer.ts';

/**
 * Gathers commands: `length:i32 command` each. What has been taken stays untouched until it is
 * given back; then its buffer serves again.
 */
export class Batches {
  private filling = new Writer(64 * 1024);
  private readonly sealed: Writer[] = [];
  private readonly free: Writer[] = [];
  private commandAt = -1;

  /** Bytes gathered and not yet taken. */
  get pendingBytes(): number {
    let bytes = this.filling.at;
    for (const writer of this.sealed) bytes += writer.at;
    return bytes;
  }

  /** Where the next command goes: write it, then call `close`. */
  open(): Writer {
    assert(this.commandAt < 0, 'one command at a time');
    this.sealWhenFull();
    this.commandAt = this.filling.at;
    this.filling.i32(0);
    return this.filling;
  }

  close(): void {
    this.filling.patchI32(this.commandAt, this.filling.at - this.commandAt - 4);
    this.commandAt = -1;
  }

  /** Takes over whole commands, lengths included; returns the writer that got them, at its end. */
  add(commands: Uint8Array, from: number, to: number): Writer {
    this.sealWhenFull();
    this.filling.raw(commands, from, to);
    return this.filling;
  }

  /** The oldest batch that holds something, or null; give it back with `release`. */
  take(): Writer | null {
    const oldest = this.sealed.shift();
    if (oldest !== undefined) return oldest;
    if (this.filling.at === 0) return null;
    const batch = this.filling;
    this.filling = this.unused();
    return batch;
  }

  release(batch: Writer): void {
    batch.clear();
    // A batch that one huge command blew up is not kept: memory stays bounded by what is usual.
    if (batch.bytes.length <= 2 * BATCH_BYTES_MAX && this.free.length < 4) this.free.push(batch);
  }

  /** Forgets all that was gathered. */
  clear(): void {
    this.filling.clear();
    this.sealed.length = 0;
  }

  private sealWhenFull(): void {
    if (this.filling.at < BATCH_BYTES_MAX) return;
    this.sealed.push(this.filling);
    this.filling = this.unused();
  }

  private unused(): Writer {
    return this.free.pop() ?? new Writer(64 * 1024);
  }
}
