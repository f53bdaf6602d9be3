import type {
  Listener,
  ListenOptions,
  Network,
  Peer,
  Stream,
  StreamHandler,
} from '../../io/network.ts';
import type { SimClock } from '../../sim/clock.ts';

type Accept = (stream: Stream) => StreamHandler | null;

/** One end of a connection: what is written arrives at the other end a turn later. */
class End implements Stream {
  readonly remoteAddress = '10.0.0.1';
  readonly remotePort = 1;
  handler: StreamHandler | null = null;
  other: End | null = null;
  isPaused = false;
  private isOver = false;
  private isFrozen = false;
  private readonly clock: SimClock;
  private readonly waiting: Uint8Array[] = [];

  constructor(clock: SimClock) {
    this.clock = clock;
  }

  write(bytes: Uint8Array): boolean {
    if (this.isFrozen) return true;
    const copy = bytes.slice();
    this.clock.afterTurn(() => this.other?.arrive(copy));
    return true;
  }

  /** From here on it neither reads nor writes. */
  freeze(): void {
    this.isFrozen = true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    for (const bytes of this.waiting.splice(0)) this.arrive(bytes);
  }

  end(): void {
    this.clock.afterTurn(() => this.destroy());
  }

  destroy(): void {
    this.close();
    this.clock.afterTurn(() => this.other?.close());
  }

  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.handler?.onClose();
  }

  private arrive(bytes: Uint8Array): void {
    if (this.isOver || this.isFrozen) return;
    if (this.isPaused) this.waiting.push(bytes);
    else this.handler?.onData(bytes);
  }
}

/** Hosts that reach each other by name, in no time, until one is cut off. */
export class MemoryNetwork implements Network {
  private readonly clock: SimClock;
  private readonly accepts = new Map<string, Accept>();
  private readonly ends = new Map<string, Set<End>>();
  private readonly silent = new Set<string>();
  private readonly stopped = new Set<string>();

  constructor(clock: SimClock) {
    this.clock = clock;
  }

  listen({ host = '', port }: ListenOptions, accept: Accept): Promise<Listener> {
    this.accepts.set(host, accept);
    return Promise.resolve({ address: host, port, close: () => Promise.resolve() });
  }

  connect(
    { host }: Peer,
    open: (stream: Stream) => StreamHandler,
    failed: (error: Error) => void,
  ): () => void {
    let isWanted = true;
    this.clock.afterTurn(() => {
      const accept = this.accepts.get(host);
      if (!isWanted) return;
      if (accept === undefined || this.silent.has(host)) failed(new Error(`nobody at ${host}`));
      else this.join(host, accept, open);
    });
    return () => {
      isWanted = false;
    };
  }

  /** That host is as if stopped: the kernel takes connections, and nobody reads or writes. */
  stop(host: string): void {
    this.stopped.add(host);
    for (const end of this.ends.get(host) ?? []) end.freeze();
  }

  /** Connections to that host end, and no new one begins. */
  cut(host: string): void {
    this.silent.add(host);
    for (const end of this.ends.get(host) ?? []) end.destroy();
  }

  private join(host: string, accept: Accept, open: (stream: Stream) => StreamHandler): void {
    const [near, far] = [new End(this.clock), new End(this.clock)];
    near.other = far;
    far.other = near;
    const known = this.ends.get(host) ?? new Set<End>();
    this.ends.set(host, known.add(far));
    far.handler = accept(far);
    near.handler = open(near);
    if (far.handler === null) far.destroy();
    if (this.stopped.has(host)) far.freeze();
  }
}
