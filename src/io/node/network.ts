import { connect, createServer, type Socket } from 'node:net';
import type { Listener, ListenOptions, Network, Peer, Stream, StreamHandler } from '../network.ts';
import { readInto } from './accepted-socket.ts';

/** TCP by `node:net`. */
export class NodeNetwork implements Network {
  async listen(
    options: ListenOptions,
    accept: (stream: Stream) => StreamHandler | null,
  ): Promise<Listener> {
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true, pauseOnConnect: true }, (accepted) => {
      let handler: StreamHandler | null = null;
      const socket = readInto(accepted, (bytes) => handler?.onData(bytes));
      const stream = new SocketStream(socket);
      handler = accept(stream);
      if (handler === null) {
        socket.on('error', () => {});
        socket.destroy();
        return;
      }
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      stream.attach(handler);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(
        {
          port: options.port,
          ...(options.host === undefined ? {} : { host: options.host }),
          ...(options.backlog === undefined ? {} : { backlog: options.backlog }),
        },
        () => {
          server.off('error', reject);
          resolve();
        },
      );
    });
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('not a TCP address');
    return {
      address: bound.address,
      port: bound.port,
      close: async () => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        const gone = [...sockets].map(
          (socket) => new Promise((resolve) => socket.once('close', resolve)),
        );
        for (const socket of sockets) socket.destroy();
        await Promise.all([closed, ...gone]);
      },
    };
  }

  connect(
    peer: Peer,
    open: (stream: Stream) => StreamHandler,
    failed: (error: Error) => void,
  ): () => void {
    const socket = connect({ host: peer.host, port: peer.port, noDelay: true });
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      const stream = new SocketStream(socket);
      const handler = open(stream);
      socket.on('data', (bytes: Uint8Array) => handler.onData(bytes));
      stream.attach(handler);
    });
    return () => {
      // After `open` the stream is its owner's; before, what still happens to it concerns nobody.
      if (!socket.connecting) return;
      socket.off('error', failed);
      socket.on('error', () => {});
      socket.destroy();
    };
  }
}

export class SocketStream implements Stream {
  readonly remoteAddress: string;
  readonly remotePort: number;
  private readonly socket: Socket;
  private handler: StreamHandler | null = null;
  private waiting = false;
  /** One function for all writes of this stream: no closure per message. */
  private readonly onWritten: () => void = () => {
    if (!this.waiting || this.socket.writableLength > 0) return;
    this.waiting = false;
    this.handler?.onDrain();
  };

  constructor(socket: Socket) {
    this.socket = socket;
    this.remoteAddress = plainAddress(socket.remoteAddress ?? '');
    this.remotePort = socket.remotePort ?? 0;
  }

  attach(handler: StreamHandler): void {
    const socket = this.socket;
    this.handler = handler;
    // An error is always followed by 'close', which is all that the handler needs to know.
    socket.on('error', () => {});
    socket.on('close', () => handler.onClose());
    socket.resume();
  }

  write(bytes: Uint8Array): boolean {
    if (this.socket.destroyed) return true;
    this.socket.write(bytes, this.onWritten);
    // libuv tries at once: when nothing is left queued the kernel has it all and `bytes` is free.
    this.waiting = this.socket.writableLength > 0;
    return !this.waiting;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** An IPv4 client of a dual-stack listener shows as `::ffff:1.2.3.4`; ACLs want `1.2.3.4`. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
