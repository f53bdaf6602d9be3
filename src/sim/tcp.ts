import type { Stream, StreamHandler } from '../io/network.ts';
import type { Host } from './network.ts';
import { Pipe } from './pipe.ts';
import type { SimProcess } from './process.ts';

/** One end of a connection: what a process holds, and what the kernel keeps for it. */
export class Endpoint implements Stream {
  readonly host: Host;
  readonly process: SimProcess;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The other end and the way to it; set by `joined`. */
  out!: Pipe;
  remote!: Endpoint;
  handler: StreamHandler | null = null;
  /** The process has let go of it, or has been told that it is over. */
  isClosed = false;
  private readonly inbound: (Uint8Array | 'end')[] = [];
  private isPaused = false;
  private isDelivering = false;
  private readonly deliver: () => void = () => this.deliverNext();

  constructor(host: Host, process: SimProcess, remoteAddress: string, remotePort: number) {
    this.host = host;
    this.process = process;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
  }

  write(bytes: Uint8Array): boolean {
    return this.isClosed ? true : this.out.write(bytes);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.deliverSoon();
  }

  end(): void {
    if (!this.isClosed) this.out.end();
  }

  destroy(): void {
    if (this.isClosed) return;
    this.vanish();
    this.process.schedule(0, () => this.handler?.onClose());
    // Bytes that the process never read make the kernel send a reset, which may overtake its own.
    if (this.inbound.length > 0 || this.host.network.prng.chance(0.5)) this.out.sendReset();
    else this.out.endNow();
  }

  /** Nobody is behind it any more; the other end learns that when it sends something. */
  vanish(): void {
    this.isClosed = true;
    this.host.endpoints.delete(this);
  }

  /** The connection is broken, as this side's kernel has found out. */
  reset(): void {
    if (this.isClosed) return;
    this.vanish();
    this.process.schedule(0, () => this.handler?.onClose());
  }

  /** The process gets what arrives from now on, and what has arrived already. */
  attach(handler: StreamHandler): void {
    this.handler = handler;
    this.deliverSoon();
  }

  /** Bytes, or the end of them, have come over the wire. */
  arrived(content: Uint8Array | 'end'): void {
    if (this.isClosed) return;
    this.inbound.push(content);
    if (this.isDelivering || this.handler === null) return;
    this.isDelivering = true;
    this.process.handle(this.deliver);
  }

  drained(): void {
    this.process.schedule(0, () => {
      if (!this.isClosed) this.handler?.onDrain();
    });
  }

  private deliverSoon(): void {
    if (this.isDelivering || this.handler === null || this.inbound.length === 0) return;
    this.isDelivering = true;
    this.process.schedule(0, this.deliver);
  }

  /** One read: all that has come, up to its end. */
  private deliverNext(): void {
    this.isDelivering = false;
    if (this.isClosed || this.isPaused) return;
    if (this.inbound[0] === 'end') {
      this.out.end();
      this.reset();
      return;
    }
    const bytes = this.readAll();
    this.out.reverse.acknowledge(bytes.length);
    this.handler?.onData(bytes);
    // They are lent for the call: whoever kept them finds them overwritten.
    bytes.fill(0xdb);
    this.deliverSoon();
  }

  private readAll(): Uint8Array {
    const [first, second] = this.inbound;
    // The pipe has copied it from the writer's buffer, so it is nobody else's.
    if (second === undefined || second === 'end') {
      this.inbound.shift();
      return first as Uint8Array;
    }
    const end = this.inbound.indexOf('end');
    const parts = this.inbound.splice(0, end < 0 ? this.inbound.length : end) as Uint8Array[];
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/** Two ends, joined. */
export function joined(one: Endpoint, other: Endpoint): void {
  one.remote = other;
  other.remote = one;
  one.out = new Pipe(one, other);
  other.out = new Pipe(other, one);
  one.out.reverse = other.out;
  other.out.reverse = one.out;
  for (const end of [one, other]) end.host.endpoints.add(end);
}
