import { connect, type Socket } from 'node:net';

/** One connection to a server: sends bytes, keeps what came back in order, reads none of it. */

export interface Expected {
  readonly type: number;
  /** The operation that asked, or 0 for the handshake. */
  readonly id: number;
}

export type Item =
  | { readonly kind: 'connected'; readonly payload: Buffer }
  | { readonly kind: 'reply'; readonly expected: Expected; readonly payload: Buffer }
  | { readonly kind: 'event'; readonly payload: Buffer }
  | { readonly kind: 'stray'; readonly payload: Buffer }
  | { readonly kind: 'closed' };

export interface Address {
  readonly host: string;
  readonly port: number;
}

const AUTH_XID = -4;
const EVENT_XID = -1;

export class Link {
  closed = false;
  /** The server's answer to the handshake, once it is there. */
  handshake: Buffer | undefined;
  private readonly socket: Socket;
  private readonly queue: Expected[] = [];
  private readonly authQueue: Expected[] = [];
  private items: Item[] = [];
  private partial: Buffer = Buffer.alloc(0);
  private wake: (() => void) | undefined;

  constructor({ host, port }: Address) {
    this.socket = connect({ host, port, noDelay: true });
    this.socket.on('data', (chunk) => this.receive(chunk));
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('close', () => this.end());
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  expect(expected: Expected, xid: number): void {
    if (xid === AUTH_XID) this.authQueue.push(expected);
    else this.queue.push(expected);
  }

  /** Cuts the connection at once. */
  destroy(): void {
    this.socket.destroy();
  }

  /** What came since the last call. */
  take(): Item[] {
    const items = this.items;
    this.items = [];
    return items;
  }

  get outstanding(): number {
    return this.queue.length + this.authQueue.length;
  }

  /**
   * Waits until everything was answered, or, with `closing`, until the server has closed.
   * False when that does not come about in time.
   */
  async settled(closing: boolean, timeoutMs: number): Promise<boolean> {
    const done = (): boolean => this.closed || (!closing && this.answered());
    if (done()) return true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(finish, timeoutMs);
      const check = (): void => {
        if (done()) finish();
      };
      const link = this;
      function finish(): void {
        clearTimeout(timer);
        link.wake = undefined;
        resolve();
      }
      this.wake = check;
    });
    return done();
  }

  private answered(): boolean {
    return this.handshake !== undefined && this.outstanding === 0;
  }

  private end(): void {
    this.closed = true;
    this.items.push({ kind: 'closed' });
    this.wake?.();
  }

  private receive(chunk: Buffer): void {
    const bytes = this.partial.length === 0 ? chunk : Buffer.concat([this.partial, chunk]);
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = bytes.readInt32BE(at);
      if (bytes.length - at - 4 < length) break;
      this.frame(bytes.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.partial = bytes.subarray(at);
    this.wake?.();
  }

  private frame(payload: Buffer): void {
    if (this.handshake === undefined) {
      this.handshake = payload;
      this.items.push({ kind: 'connected', payload });
      return;
    }
    const xid = payload.length >= 4 ? payload.readInt32BE(0) : 0;
    if (xid === EVENT_XID) {
      this.items.push({ kind: 'event', payload });
      return;
    }
    const expected = xid === AUTH_XID ? this.authQueue.shift() : this.queue.shift();
    if (expected === undefined) this.items.push({ kind: 'stray', payload });
    else this.items.push({ kind: 'reply', expected, payload });
  }
}
