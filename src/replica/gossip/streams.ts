import type { Reader } from '../../base/reader.ts';
import type { Frame } from '../../gossip/codec.ts';
import type { Message } from '../../gossip/messages.ts';
import type { Clock } from '../../io/clock.ts';
import type { Listener, Stream } from '../../io/network.ts';
import type { Secrets } from '../../io/secrets.ts';
import { type FrameHandler, FrameStream, FrameType } from '../peers/frames.ts';
import type { PeerIo } from '../peers/listener.ts';
import { parseAddress } from './address.ts';
import type { Frames } from './frames.ts';
import { CHALLENGE_BYTES, companyOf, OutStream } from './out-stream.ts';

/** Connections that have not shown that they belong here, and those that have. */
const STRANGERS_MAX = 64;
const INCOMING_MAX = 1_024;
const OUTGOING_MAX = 256;
const GREETING_MS_MAX = 5_000;
/** A connection is made anew in a moment; open ones cost each side a descriptor. */
const IDLE_MS_MAX = 15_000;
const SILENT_MS_MAX = 60_000;
/** Where nobody answered, nobody is asked again for so long. */
const RETRY_MS = 1_000;
const SWEEP_MS = 1_000;

export interface StreamsOptions {
  readonly io: PeerIo;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly frames: Frames;
  readonly receive: (frame: Frame) => void;
}

/** Gossip's streams: one for each direction, opened when there is something to say. */
export class Streams {
  private readonly options: StreamsOptions;
  private readonly outgoing = new Map<string, OutStream>();
  /** When an address may be tried again. */
  private readonly refused = new Map<string, number>();
  private readonly strangers = new Set<FrameStream>();
  private readonly known = new Set<FrameStream>();
  private listener: Listener | null = null;
  private stopSweep: () => void = () => {};

  constructor(options: StreamsOptions) {
    this.options = options;
  }

  async open(host: string | undefined, port: number): Promise<void> {
    const { io, clock } = this.options;
    const options = { host, port, backlog: undefined };
    this.listener = await io.network.listen(options, (stream) => this.accept(stream));
    this.stopSweep = clock.every(SWEEP_MS, () => this.sweep());
  }

  get count(): number {
    return this.outgoing.size + this.known.size;
  }

  send(address: string, message: Message): void {
    const open = this.outgoing.get(address) ?? this.dial(address);
    open?.send(message);
  }

  async close(): Promise<void> {
    this.stopSweep();
    for (const stream of [...this.outgoing.values()]) stream.close();
    for (const stream of [...this.strangers, ...this.known]) stream.destroy();
    await this.listener?.close();
  }

  private dial(text: string): OutStream | null {
    const { io, clock, frames } = this.options;
    const address = parseAddress(text);
    if (address === null || this.refused.has(text) || !this.makeRoom()) return null;
    let isOver = false;
    const stream = new OutStream({
      ...{ io, clock, frames, address },
      onClosed: (wasOpen) => {
        isOver = true;
        this.outgoing.delete(text);
        if (!wasOpen) this.refused.set(text, io.nowMs() + RETRY_MS);
      },
    });
    if (!isOver) this.outgoing.set(text, stream);
    return stream;
  }

  private makeRoom(): boolean {
    if (this.outgoing.size < OUTGOING_MAX) return true;
    let oldest: OutStream | null = null;
    for (const stream of this.outgoing.values()) {
      if (stream.isIdle && (oldest === null || stream.usedMs < oldest.usedMs)) oldest = stream;
    }
    oldest?.close();
    return oldest !== null;
  }

  private accept(stream: Stream): FrameStream | null {
    if (this.strangers.size >= STRANGERS_MAX || this.known.size >= INCOMING_MAX) return null;
    const { io, secrets, frames, receive } = this.options;
    const challenge = secrets.randomBytes(CHALLENGE_BYTES);
    const opened: FrameStream = new FrameStream(stream, io, {
      onFrame: () => {},
      onClose: () => {
        this.strangers.delete(opened);
        this.known.delete(opened);
      },
    });
    const { handler } = opened;
    opened.handler = new Incoming(challenge, frames, {
      onGreeted: () => {
        this.strangers.delete(opened);
        this.known.add(opened);
        opened.trust();
      },
      onRefused: () => opened.destroy(),
      onClose: () => handler.onClose(),
      receive,
    });
    this.strangers.add(opened);
    opened.begin(FrameType.gossipChallenge).raw(challenge);
    opened.end();
    return opened;
  }

  private sweep(): void {
    const nowMs = this.options.io.nowMs();
    for (const [text, untilMs] of this.refused) if (nowMs >= untilMs) this.refused.delete(text);
    for (const stream of [...this.outgoing.values()]) {
      if (stream.isIdle && nowMs - stream.usedMs > IDLE_MS_MAX) stream.close();
    }
    for (const stream of [...this.strangers]) {
      if (nowMs - stream.heardMs > GREETING_MS_MAX) stream.destroy();
    }
    for (const stream of [...this.known]) {
      if (nowMs - stream.heardMs > SILENT_MS_MAX) stream.destroy();
    }
  }
}

interface IncomingHooks {
  onGreeted(): void;
  onRefused(): void;
  onClose(): void;
  receive(frame: Frame): void;
}

/** What another member says on a connection that it has dialled. */
class Incoming implements FrameHandler {
  private readonly challenge: Uint8Array;
  private readonly frames: Frames;
  private readonly hooks: IncomingHooks;
  private index = 0;

  constructor(challenge: Uint8Array, frames: Frames, hooks: IncomingHooks) {
    this.challenge = challenge;
    this.frames = frames;
    this.hooks = hooks;
  }

  onFrame(type: number, payload: Reader): void {
    const { frames, hooks, index } = this;
    const company = companyOf(this.challenge, this.index++);
    const bytes = payload.bytes.subarray(payload.at, payload.end);
    if (type !== FrameType.gossip) {
      frames.drop('malformed');
      hooks.onRefused();
    } else if (index === 0) {
      if (frames.isGreeting(bytes, company)) hooks.onGreeted();
      else hooks.onRefused();
    } else {
      const frame = frames.openStreamed(bytes, company);
      if (frame === null) hooks.onRefused();
      else hooks.receive(frame);
    }
  }

  onClose(): void {
    this.hooks.onClose();
  }
}
