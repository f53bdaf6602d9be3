import { viewOf } from '../../base/bytes.ts';
import { GOSSIP_STREAM_BYTES_MAX } from '../../base/limits.ts';
import { DecodeError, type Reader } from '../../base/reader.ts';
import { frameBytes } from '../../gossip/codec.ts';
import type { Message } from '../../gossip/messages.ts';
import type { Clock } from '../../io/clock.ts';
import type { Peer } from '../../io/network.ts';
import { type FrameHandler, FrameStream, FrameType } from '../peers/frames.ts';
import type { PeerIo } from '../peers/listener.ts';
import type { Frames } from './frames.ts';

/** What an acceptor draws for each connection. */
export const CHALLENGE_BYTES = 16;
const DIAL_MS_MAX = 2_000;

/**
 * What the frame number `index` of a stream is sealed with: nothing that was recorded opens on
 * another connection, at another place, or twice.
 */
export function companyOf(challenge: Uint8Array, index: number): Uint8Array {
  const company = new Uint8Array(CHALLENGE_BYTES + 8);
  company.set(challenge);
  viewOf(company).setFloat64(CHALLENGE_BYTES, index);
  return company;
}

export interface OutStreamOptions {
  readonly io: PeerIo;
  readonly clock: Clock;
  readonly frames: Frames;
  readonly address: Peer;
  /** Exactly once; whether anybody had answered. */
  readonly onClosed: (wasOpen: boolean) => void;
}

/** A connection for what this member has to say to another one. It is not dialled again. */
export class OutStream implements FrameHandler {
  /** When something was last said. */
  usedMs: number;
  private readonly options: OutStreamOptions;
  private readonly giveUp: () => void;
  private stream: FrameStream | null = null;
  private challenge: Uint8Array | null = null;
  private index = 0;
  private queue: Message[] = [];
  private queuedBytes = 0;
  private isClosed = false;

  constructor(options: OutStreamOptions) {
    const { io, clock, address } = options;
    this.options = options;
    this.usedMs = io.nowMs();
    const abandon = io.network.connect(
      address,
      (stream) => {
        const opened = new FrameStream(stream, io, this);
        this.stream = opened;
        return opened;
      },
      () => this.onClose(),
    );
    // Whoever accepts and does not say anything is given up, too.
    const stopWaiting = clock.after(DIAL_MS_MAX, () => {
      if (this.challenge === null) this.close();
    });
    this.giveUp = () => {
      stopWaiting();
      abandon();
    };
  }

  get isIdle(): boolean {
    return this.queue.length === 0 && (this.stream?.bufferedBytes ?? 0) === 0;
  }

  /** Bytes that have not left yet. */
  get waitingBytes(): number {
    return this.queuedBytes + (this.stream?.bufferedBytes ?? 0);
  }

  send(message: Message): void {
    if (this.isClosed) return;
    this.usedMs = this.options.io.nowMs();
    // Somebody who does not read gets a gap, and asks for what is missing when it reads again.
    if (this.waitingBytes > GOSSIP_STREAM_BYTES_MAX) this.close();
    else if (this.challenge === null) {
      this.queue.push(message);
      this.queuedBytes += frameBytes(message);
    } else this.write(message);
  }

  close(): void {
    if (this.isClosed) return;
    this.giveUp();
    if (this.stream === null) this.onClose();
    else this.stream.destroy();
  }

  onFrame(type: number, payload: Reader): void {
    if (type !== FrameType.gossipChallenge || this.challenge !== null) {
      throw new DecodeError(`a frame of type ${type} from whoever is to listen`);
    }
    const { at } = payload;
    payload.skip(CHALLENGE_BYTES);
    this.challenge = payload.bytes.slice(at, at + CHALLENGE_BYTES);
    this.put(this.options.frames.greeting(this.nextCompany(this.challenge)));
    const { queue } = this;
    this.queue = [];
    this.queuedBytes = 0;
    for (const message of queue) this.write(message);
  }

  onClose(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.giveUp();
    this.queue = [];
    this.queuedBytes = 0;
    this.options.onClosed(this.challenge !== null);
  }

  private write(message: Message): void {
    if (this.challenge === null) return;
    this.put(this.options.frames.streamed(message, this.nextCompany(this.challenge)));
  }

  private nextCompany(challenge: Uint8Array): Uint8Array {
    return companyOf(challenge, this.index++);
  }

  private put(bytes: Uint8Array): void {
    const { stream } = this;
    if (stream === null) return;
    stream.begin(FrameType.gossip).raw(bytes);
    stream.end();
  }
}
