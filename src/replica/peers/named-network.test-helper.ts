import type { Checksums } from '../../io/checksums.ts';
import type { Network, Peer, Stream, StreamHandler } from '../../io/network.ts';
import type { SimClock } from '../../sim/clock.ts';
import { FrameType } from './frames.ts';

/** A network whose names lead where the test says, each time they are asked for. */
export class NamedNetwork implements Network {
  /** The address of each name, at present. */
  readonly names: Map<string, string> = new Map();
  /** Addresses at which somebody listens. */
  readonly listening: Set<string> = new Set();
  /** Addresses from which nothing comes back, not even a refusal. */
  readonly silent: Set<string> = new Set();
  readonly reached: string[] = [];
  readonly sent: Uint8Array[] = [];
  handler: StreamHandler | null = null;
  private readonly clock: SimClock;

  constructor(clock: SimClock) {
    this.clock = clock;
  }

  listen(): never {
    throw new Error('nobody listens here');
  }

  connect(
    { host }: Peer,
    open: (stream: Stream) => StreamHandler,
    failed: (error: Error) => void,
  ): () => void {
    let isWanted = true;
    this.clock.afterTurn(() => {
      if (!isWanted) return;
      const address = this.names.get(host) ?? 'unknown';
      this.reached.push(address);
      if (this.silent.has(address)) return;
      if (this.listening.has(address)) this.handler = open(this.stream());
      else failed(new Error(`nobody at ${address}`));
    });
    return () => {
      isWanted = false;
    };
  }

  /** The other side says who it is, as a frame. */
  welcome(identity: Uint8Array): void {
    const body = Uint8Array.from([FrameType.welcome, ...identity]);
    const frame = new Uint8Array(8 + body.length);
    frame[3] = body.length;
    frame.set(body, 8);
    this.handler?.onData(frame);
  }

  hangUp(): void {
    const { handler } = this;
    this.handler = null;
    handler?.onClose();
  }

  private stream(): Stream {
    return {
      remoteAddress: '10.0.0.1',
      remotePort: 1,
      write: (bytes) => {
        this.sent.push(bytes.slice());
        return true;
      },
      pause: () => {},
      resume: () => {},
      end: () => {},
      destroy: () => {},
    };
  }
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Frames of these tests carry no checksum. */
export const NO_CHECKSUMS: Checksums = {
  crc32: () => 0,
  sha256: () => new Uint8Array(32),
  sha256Joined: () => new Uint8Array(32),
};
