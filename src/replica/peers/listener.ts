import type { Reader } from '../../base/reader.ts';
import type { Checksums } from '../../io/checksums.ts';
import type { Logger } from '../../io/logger.ts';
import type { Listener, Network, Stream } from '../../io/network.ts';
import type { Turn } from '../turn.ts';
import { type FrameHandler, FrameStream, FrameType } from './frames.ts';
import { ANYBODY, decodeHello, type Greeting, Purpose } from './hello.ts';

/** Takes over a connection after its greeting, or says why not. */
export type Acceptance = (hello: Greeting, frames: FrameStream) => FrameHandler | string;

export interface PeerIo {
  readonly network: Network;
  readonly checksums: Checksums;
  readonly turn: Turn;
  readonly logger: Logger;
  readonly nowMs: () => number;
  /** The behaviour level that others are told; absent: what this version can follow. */
  readonly level?: number | undefined;
}

/** Connections of replicas that never say who they are, at most. */
const STRANGERS_MAX = 64;
const GREETING_MS_MAX = 5_000;

/** The port for other replicas. What a connection is for decides who gets it. */
export class PeerListener {
  private readonly io: PeerIo;
  private readonly serverId: number;
  private readonly acceptances = new Map<number, Acceptance>();
  private readonly strangers = new Set<FrameStream>();
  private readonly known = new Set<FrameStream>();
  private listener: Listener | null = null;

  constructor(io: PeerIo, serverId: number) {
    this.io = io;
    this.serverId = serverId;
  }

  async open(host: string | undefined, port: number): Promise<void> {
    const options = { host, port, backlog: undefined };
    this.listener = await this.io.network.listen(options, (stream) => this.accept(stream));
  }

  get port(): number {
    return this.listener?.port ?? 0;
  }

  /** Who takes connections of this purpose; null: nobody any more. */
  serve(purpose: number, acceptance: Acceptance | null): void {
    if (acceptance === null) this.acceptances.delete(purpose);
    else this.acceptances.set(purpose, acceptance);
  }

  /** Ends connections that did not greet in time; call it now and then. */
  sweep(): void {
    const nowMs = this.io.nowMs();
    for (const frames of this.strangers) {
      if (nowMs - frames.heardMs > GREETING_MS_MAX) frames.destroy();
    }
  }

  async close(): Promise<void> {
    for (const frames of [...this.strangers, ...this.known]) frames.destroy();
    await this.listener?.close();
  }

  private accept(stream: Stream): FrameStream | null {
    if (this.strangers.size >= STRANGERS_MAX) return null;
    const frames: FrameStream = new FrameStream(stream, this.io, {
      onFrame: (type, payload) => this.greet(frames, type, payload),
      onClose: () => this.strangers.delete(frames),
    });
    this.strangers.add(frames);
    return frames;
  }

  private greet(frames: FrameStream, type: number, payload: Reader): void {
    if (type !== FrameType.hello) {
      frames.destroy();
      return;
    }
    const hello = decodeHello(payload);
    const accepted = this.decide(hello, frames);
    if (typeof accepted !== 'string') {
      this.strangers.delete(frames);
      this.known.add(frames);
      frames.trust();
      frames.handler = {
        onFrame: (frameType, body) => accepted.onFrame(frameType, body),
        onClose: () => {
          this.known.delete(frames);
          accepted.onClose();
        },
      };
      return;
    }
    const fields = { from: frames.stream.remoteAddress, server: hello.serverId, reason: accepted };
    this.io.logger.warn(fields, 'refused a connection of another server');
    frames.begin(FrameType.refused).ustring(accepted);
    frames.end();
    frames.finish();
  }

  private decide(hello: Greeting, frames: FrameStream): FrameHandler | string {
    const isAnybody = hello.purpose === Purpose.joining && hello.toServerId === ANYBODY;
    if (hello.toServerId !== this.serverId && !isAnybody) {
      return `this is server ${this.serverId}, not ${hello.toServerId}: check the addresses of the server lines`;
    }
    const acceptance = this.acceptances.get(hello.purpose);
    return acceptance?.(hello, frames) ?? 'this server is not ready yet';
  }
}
