import { readFileSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { type FrameLink, LinkError } from './admin-link.ts';

/** Longer than a leader's election, shorter than a person's patience. */
const ANSWER_TIMEOUT_MS = 20_000;
/** A configuration is never longer. */
const FRAME_BYTES_MAX = 1_048_576;

export function readFile(path: string): string {
  return readFileSync(path, 'utf8');
}

/** Connects by TCP. */
export function connectFrames(host: string, port: number): Promise<FrameLink> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port });
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new LinkError('no answer')));
    const fail = (error: Error): void =>
      reject(new LinkError(`cannot reach ${host}:${port}: ${error.message}`));
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.off('error', fail);
      resolve(new SocketLink(socket));
    });
  });
}

class SocketLink implements FrameLink {
  private readonly socket: Socket;
  private buffered: Buffer = Buffer.alloc(0);
  private ended: LinkError | null = null;
  private wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.buffered = Buffer.concat([this.buffered, bytes]);
      this.wake();
    });
    const end = (error: LinkError): void => {
      this.ended ??= error;
      this.wake();
    };
    socket.on('error', (error) => end(new LinkError(error.message)));
    socket.on('close', () => end(new LinkError('the server has closed the connection')));
  }

  send(frame: Uint8Array): void {
    const length = Buffer.alloc(4);
    length.writeInt32BE(frame.length);
    this.socket.write(Buffer.concat([length, frame]));
  }

  async receive(): Promise<Uint8Array> {
    for (;;) {
      const frame = this.take();
      if (frame !== null) return frame;
      if (this.ended !== null) throw this.ended;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  close(): void {
    this.socket.destroy();
  }

  private take(): Uint8Array | null {
    if (this.buffered.length < 4) return null;
    const length = this.buffered.readInt32BE(0);
    if (length < 0 || length > FRAME_BYTES_MAX)
      throw new LinkError('this is no server of ZooKeeper’s');
    if (this.buffered.length < 4 + length) return null;
    const frame = this.buffered.subarray(4, 4 + length);
    this.buffered = this.buffered.subarray(4 + length);
    return frame;
  }
}
