import { OUTPUT_POOL_BUFFER_MAX_BYTES, OUTPUT_POOL_BUFFERS } from '../base/limits.ts';
import { Writer } from '../base/writer.ts';
import type { Stream } from '../io/network.ts';

/** Buffers for replies, shared by all connections: an idle connection holds none. */
export class OutputPool {
  private readonly free: Writer[] = [];

  acquire(): Writer {
    return this.free.pop() ?? new Writer(16 * 1024);
  }

  release(writer: Writer): void {
    writer.clear();
    if (this.free.length >= OUTPUT_POOL_BUFFERS) return;
    if (writer.bytes.length <= OUTPUT_POOL_BUFFER_MAX_BYTES) this.free.push(writer);
  }
}

/**
 * What one connection has to say: replies gather in one buffer and leave in one write a turn. While
 * the kernel still holds the buffer before, the next one gathers and waits.
 */
export class Output {
  private readonly pool: OutputPool;
  private readonly stream: Stream;
  private gathering: Writer | null = null;
  private leaving: Writer | null = null;

  constructor(pool: OutputPool, stream: Stream) {
    this.pool = pool;
    this.stream = stream;
  }

  /** Where the next reply goes. */
  get writer(): Writer {
    this.gathering ??= this.pool.acquire();
    return this.gathering;
  }

  /** Bytes that the kernel has not taken yet. */
  get bytes(): number {
    return (this.gathering?.at ?? 0) + (this.leaving?.at ?? 0);
  }

  flush(): void {
    const writer = this.gathering;
    if (writer === null || this.leaving !== null) return;
    this.gathering = null;
    if (writer.at === 0 || this.stream.write(writer.written())) this.pool.release(writer);
    else this.leaving = writer;
  }

  /** The kernel has taken what was leaving. */
  drained(): void {
    if (this.leaving !== null) this.pool.release(this.leaving);
    this.leaving = null;
    this.flush();
  }

  /** The connection is gone. A buffer that the socket may still hold is not reused. */
  discard(): void {
    if (this.gathering !== null) this.pool.release(this.gathering);
    this.gathering = null;
    this.leaving = null;
  }
}
