import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';

/** Stands between a client and a server, and does to their connections what a network does. */
export class CuttingProxy {
  private readonly links = new Set<{ readonly near: Socket; readonly far: Socket }>();
  private readonly server: Server;
  private mode: 'pass' | 'refuse' | 'stall' = 'pass';
  private onBytes: (bytes: Uint8Array) => void = () => {};
  accepted = 0;

  private constructor(target: () => number) {
    this.server = createServer((near) => {
      this.accepted += 1;
      near.on('error', () => {});
      if (this.mode === 'refuse') {
        near.destroy();
        return;
      }
      this.join(near, connectTcp({ host: '127.0.0.1', port: target(), noDelay: true }));
    });
  }

  static async start(target: () => number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get address(): string {
    const address = this.server.address();
    return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  /** Ends every connection, and goes on. */
  cut(): void {
    for (const { near, far } of this.links) {
      near.destroy();
      far.destroy();
    }
  }

  refuse(): void {
    this.mode = 'refuse';
    this.cut();
  }

  accept(): void {
    this.mode = 'pass';
    for (const { near, far } of this.links) {
      near.resume();
      far.resume();
    }
  }

  /** Keeps connections, and passes nothing on. */
  stall(): void {
    this.mode = 'stall';
  }

  /** Cuts when the client has sent so many more bytes; they and no others have arrived. */
  cutAfter(count: number): Promise<void> {
    return new Promise((resolve) => {
      let left = count;
      this.onBytes = (bytes) => {
        left -= bytes.length;
        if (left > 0) return;
        this.onBytes = () => {};
        // The server has been handed the bytes; its answers are held back.
        for (const { far } of this.links) far.removeAllListeners('data');
        setImmediate(() => {
          this.cut();
          resolve();
        });
      };
    });
  }

  async close(): Promise<void> {
    this.refuse();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(near: Socket, far: Socket): void {
    const link = { near, far };
    this.links.add(link);
    near.setNoDelay(true);
    const end = (): void => {
      this.links.delete(link);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      socket.on('error', end);
      socket.on('close', end);
    }
    near.on('data', (bytes) => {
      if (this.mode === 'stall') return;
      far.write(bytes);
      this.onBytes(bytes);
    });
    far.on('data', (bytes) => {
      if (this.mode !== 'stall') near.write(bytes);
    });
  }
}
