import type { Reader } from '../../base/reader.ts';
import type { Clock } from '../../io/clock.ts';
import { type Ballot, NO_BALLOT } from '../../paxos/ballot.ts';
import type { Chunk } from '../outbox.ts';
import type { Touch } from '../peer-port.ts';
import { dial } from './dial.ts';
import { inFrames, putTouches, takeBallot } from './fields.ts';
import { type FrameHandler, type FrameStream, FrameType } from './frames.ts';
import { type Hello, Purpose } from './hello.ts';
import type { PeerIo } from './listener.ts';
import type { PeerAddress } from './peers.ts';

/**
 * Nothing heard for so long: the member, or the way to it, is gone without a word. Shorter than
 * between members, because another one costs nothing here, and meanwhile clients are not answered.
 */
const SILENCE_MS_MAX = 1_500;
/** What names a report that goes on in the next frame: its confirmation means nothing. */
const NO_REPORT = -1;

/** What an observer hears on its link. */
export interface UpstreamListener {
  onWelcome(link: UpstreamLink): void;
  /** It could not be reached, it refused, or the connection is gone. */
  onGone(link: UpstreamLink): void;
  onWay(link: UpstreamLink): void;
  /** Everything that is not about the link itself. */
  onNews(link: UpstreamLink, type: number, payload: Reader): void;
}

/** An observer's connection to one member, from the first attempt to its end. */
export class UpstreamLink implements FrameHandler {
  readonly member: PeerAddress;
  isWelcome = false;
  /** The member sends what is decided. */
  isFed = false;
  /** Named by everything that is meant for the leader; 0 before the first is known. */
  way = 0;
  leaderId: number | null = null;
  ballot: Ballot = NO_BALLOT;
  frames: FrameStream | null = null;
  private readonly io: PeerIo;
  private readonly listener: UpstreamListener;
  private refusal: string | null = null;
  private isOver = false;
  private readonly end: () => void;

  constructor(options: {
    readonly io: PeerIo;
    readonly clock: Clock;
    readonly member: PeerAddress;
    readonly hello: Omit<Hello, 'purpose' | 'toServerId'>;
    readonly listener: UpstreamListener;
    /** Which of the member's addresses is tried. */
    readonly attempt: number;
  }) {
    const { io, clock, member, listener, attempt } = options;
    this.io = io;
    this.member = member;
    this.listener = listener;
    const { serverId: toServerId, addresses } = member;
    const address = addresses[attempt % addresses.length] ?? { host: '', port: 0 };
    const hello = { ...options.hello, purpose: Purpose.observing, toServerId };
    const taken = (frames: FrameStream): FrameHandler => {
      this.frames = frames;
      return this;
    };
    this.end = dial(io, clock, address, hello, taken, () => this.over());
  }

  close(): void {
    this.isOver = true;
    this.end();
  }

  /** Ends the connection if the member gives no sign of life. */
  listen(nowMs: number): void {
    const { frames } = this;
    if (frames !== null && nowMs - frames.heardMs > SILENCE_MS_MAX) frames.destroy();
  }

  /** Gives one. */
  sign(): void {
    this.frames?.begin(FrameType.alive);
    this.frames?.end();
  }

  /** Asks for what is decided behind `slot`, from now on. */
  follow(slot: number): void {
    if (this.frames === null) return;
    this.isFed = true;
    this.frames.begin(FrameType.follow).f64(slot);
    this.frames.end();
  }

  /** Asks for no more entries: they come by another way. */
  rest(): void {
    this.isFed = false;
    this.frames?.begin(FrameType.rest);
    this.frames?.end();
  }

  /** Asks once for the slots behind `from`, up to `to`. */
  pull(from: number, to: number): void {
    if (this.frames === null) return;
    const writer = this.frames.begin(FrameType.pull);
    writer.f64(from);
    writer.f64(to);
    this.frames.end();
  }

  forward({ number, commands }: Chunk): void {
    if (this.frames === null) return;
    const writer = this.frames.begin(FrameType.chunk);
    writer.f64(this.way);
    writer.f64(number);
    writer.raw(commands.bytes, 0, commands.at);
    this.frames.end();
  }

  report(number: number, touches: readonly Touch[]): void {
    const { frames, way } = this;
    if (frames === null) return;
    const parts = inFrames(touches);
    parts.forEach((part, i) => {
      const writer = frames.begin(FrameType.touches);
      writer.f64(way);
      writer.f64(i === parts.length - 1 ? number : NO_REPORT);
      putTouches(writer, part);
      frames.end();
    });
  }

  askIndex(number: number): void {
    if (this.frames === null) return;
    const writer = this.frames.begin(FrameType.question);
    writer.f64(this.way);
    writer.f64(number);
    this.frames.end();
  }

  wantIds(): void {
    this.frames?.begin(FrameType.wantsIds);
    this.frames?.end();
  }

  onFrame(type: number, payload: Reader): void {
    switch (type) {
      case FrameType.refused:
        this.refusal = payload.ustring() ?? '';
        this.frames?.destroy();
        return;
      case FrameType.welcome:
        this.isWelcome = true;
        this.listener.onWelcome(this);
        return;
      case FrameType.way:
        this.takeWay(payload);
        return;
      default:
        this.listener.onNews(this, type, payload);
    }
  }

  onClose(): void {
    this.frames = null;
    this.over();
  }

  private takeWay(payload: Reader): void {
    this.way = payload.f64();
    const leader = payload.i32();
    this.leaderId = leader === 0 ? null : leader;
    this.ballot = takeBallot(payload);
    this.listener.onWay(this);
  }

  private over(): void {
    if (this.isOver) return;
    this.isOver = true;
    const { serverId } = this.member;
    const { refusal } = this;
    if (refusal !== null) {
      this.io.logger.warn({ server: serverId, reason: refusal }, 'another server refuses this one');
    }
    this.listener.onGone(this);
  }
}
