import type {
  Listener,
  ListenOptions,
  Network,
  Peer,
  Stream,
  StreamHandler,
} from '../io/network.ts';

type Accept = (stream: Stream) => StreamHandler | null;

/** A server's network without time: what one side writes, the other has at once. */
export class InstantNetwork implements Network {
  private accept: Accept | null = null;

  listen(options: ListenOptions, accept: Accept): Promise<Listener> {
    this.accept = accept;
    const close = (): Promise<void> => {
      this.accept = null;
      return Promise.resolve();
    };
    return Promise.resolve({ address: options.host ?? '0.0.0.0', port: options.port, close });
  }

  /** A client's end of a new connection. */
  dial(remoteAddress = '127.0.0.1'): InstantPeer {
    const peer = new InstantPeer(remoteAddress);
    const handler = this.accept?.(peer.stream) ?? null;
    if (handler === null) peer.closed = true;
    else peer.handler = handler;
    return peer;
  }

  /** There is nobody but the server. */
  connect(
    peer: Peer,
    _open: (stream: Stream) => StreamHandler,
    failed: (error: Error) => void,
  ): () => void {
    let wanted = true;
    queueMicrotask(() => {
      if (wanted) failed(new Error(`nobody listens at ${peer.host}:${peer.port}`));
    });
    return () => {
      wanted = false;
    };
  }
}

/** The client's end: what it sends, what it got, and whether it reads at all. */
export class InstantPeer {
  handler: StreamHandler | null = null;
  /** The server has ended the connection. */
  closed = false;
  /** False: the kernel's buffers are full, and the server's writes stay with it. */
  reading = true;
  paused = false;
  received: Uint8Array = new Uint8Array(0);
  readonly stream: Stream;
  private held: Uint8Array[] = [];
  private waiting: Uint8Array[] = [];
  private ending = false;

  constructor(remoteAddress: string) {
    this.stream = {
      remoteAddress,
      remotePort: 40_000,
      write: (bytes) => this.takeFromServer(bytes),
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
        for (const bytes of this.waiting.splice(0)) this.send(bytes);
      },
      end: () => {
        this.ending = true;
        if (this.held.length === 0) this.finish();
      },
      destroy: () => this.finish(),
    };
  }

  send(bytes: Uint8Array): void {
    if (this.closed) return;
    if (this.paused) this.waiting.push(bytes.slice());
    else this.handler?.onData(bytes);
  }

  /** The client goes away. */
  hangUp(): void {
    this.finish();
  }

  /** Reads again, after `reading` was false. */
  resumeReading(): void {
    this.reading = true;
    for (const bytes of this.held.splice(0)) this.append(bytes);
    if (this.ending) this.finish();
    else this.handler?.onDrain();
  }

  private takeFromServer(bytes: Uint8Array): boolean {
    if (this.closed) return true;
    if (this.reading) {
      this.append(bytes);
      return true;
    }
    this.held.push(bytes);
    return false;
  }

  private append(bytes: Uint8Array): void {
    const grown = new Uint8Array(this.received.length + bytes.length);
    grown.set(this.received);
    grown.set(bytes, this.received.length);
    this.received = grown;
  }

  private finish(): void {
    if (this.closed) return;
    this.closed = true;
    this.handler?.onClose();
  }
}
