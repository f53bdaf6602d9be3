import { DecodeError, type Reader } from '../../base/reader.ts';
import type { Writer } from '../../base/writer.ts';
import type { Clock } from '../../io/clock.ts';
import type { Peer } from '../../io/network.ts';
import type { Ballot } from '../../paxos/ballot.ts';
import { decodeMessage, encodeMessage } from '../../paxos/codec.ts';
import type { Message } from '../../paxos/messages.ts';
import type { StateDigest } from '../digest-votes.ts';
import type { Chunk } from '../outbox.ts';
import type { PeerPort, Touch } from '../peer-port.ts';
import type { Replica } from '../replica.ts';
import {
  inFrames,
  putBallot,
  putDigest,
  putTouches,
  takeBallot,
  takeDigest,
  takeDigests,
  takeRest,
  takeTouches,
} from './fields.ts';
import { type FrameHandler, type FrameStream, FrameType } from './frames.ts';
import { type Greeting, type Hello, Purpose } from './hello.ts';
import type { PeerIo, PeerListener } from './listener.ts';
import { OutLink, SILENCE_MS_MAX } from './out-link.ts';

const CHECK_EVERY_MS = 500;
/** Of a report that goes on in the next frame: its confirmation means nothing. */
const NO_REPORT = -1;

/** Another member, as this replica may reach it. */
export interface PeerAddress {
  readonly serverId: number;
  readonly addresses: readonly Peer[];
  readonly identity: Uint8Array | null;
}

export interface PeersOptions {
  readonly io: PeerIo;
  readonly clock: Clock;
  readonly listener: PeerListener;
  readonly serverId: number;
  readonly identity: Uint8Array;
  readonly clusterId: Uint8Array;
  /** Where others reach this replica, as `Hello.line` has it. */
  readonly line: string;
  /** Why a replica may not connect; null: it may. */
  readonly refuse: (hello: Hello) => string | null;
  /** A replica that is no member has connected, or is gone. */
  readonly onLearner: (hello: Hello, isHere: boolean) => void;
  readonly fetch: (from: number) => void;
}

/** The ways to and from the other replicas of the ensemble. */
export class Peers implements PeerPort {
  private readonly options: PeersOptions;
  private readonly outgoing = new Map<number, OutLink>();
  private readonly incoming = new Map<number, FrameStream>();
  readonly levels: Map<number, number> = new Map();
  private replica: Replica | null = null;
  private stopChecks: () => void = () => {};
  private lastCheckMs = 0;

  constructor(options: PeersOptions) {
    this.options = options;
  }

  /** Connects everyone with `replica`, from now on. */
  start(replica: Replica): void {
    const { listener, clock, io } = this.options;
    this.replica = replica;
    this.lastCheckMs = io.nowMs();
    listener.serve(Purpose.messages, (hello, frames) => this.accept(hello, frames));
    this.stopChecks = clock.every(CHECK_EVERY_MS, () => this.check());
  }

  stop(): void {
    this.stopChecks();
    this.options.listener.serve(Purpose.messages, null);
    for (const link of this.outgoing.values()) link.close();
    for (const frames of this.incoming.values()) frames.destroy();
    this.outgoing.clear();
    this.incoming.clear();
    this.levels.clear();
    this.replica = null;
  }

  /** Who there is besides this replica; links to others, or to where one was before, end. */
  setMembers(members: readonly PeerAddress[]): void {
    const wanted = new Map(members.map((member) => [member.serverId, member]));
    wanted.delete(this.options.serverId);
    for (const [id, link] of this.outgoing) {
      const member = wanted.get(id);
      if (member !== undefined && link.leadsTo(member.addresses, member.identity)) continue;
      this.outgoing.delete(id);
      link.close();
    }
    for (const member of wanted.values()) {
      if (!this.outgoing.has(member.serverId)) this.dial(member);
    }
  }

  isConnected(id: number): boolean {
    return this.outgoing.get(id)?.frames != null;
  }

  send(to: number, message: Message): void {
    this.write(to, FrameType.message, (writer) => encodeMessage(writer, message));
  }

  forward(to: number, ballot: Ballot, { number, commands }: Chunk): void {
    this.write(to, FrameType.forward, (writer) => {
      putBallot(writer, ballot);
      writer.f64(number);
      writer.raw(commands.bytes, 0, commands.at);
    });
  }

  relay(to: number, ballot: Ballot, origin: number, number: number, bytes: Uint8Array): void {
    this.write(to, FrameType.relayed, (writer) => {
      writer.i32(origin);
      putBallot(writer, ballot);
      writer.f64(number);
      writer.raw(bytes);
    });
  }

  /** Who has the last frame has all. */
  report(to: number, ballot: Ballot, number: number, touches: readonly Touch[]): void {
    const parts = inFrames(touches);
    parts.forEach((part, i) => {
      this.write(to, FrameType.report, (writer) => {
        putBallot(writer, ballot);
        writer.f64(i === parts.length - 1 ? number : NO_REPORT);
        putTouches(writer, part);
      });
    });
  }

  confirmReport(to: number, number: number): void {
    this.write(to, FrameType.confirmReport, (writer) => writer.f64(number));
  }

  askIndex(to: number, ballot: Ballot, number: number): void {
    this.write(to, FrameType.askIndex, (writer) => {
      putBallot(writer, ballot);
      writer.f64(number);
    });
  }

  tellIndex(to: number, number: number, slot: number): void {
    this.write(to, FrameType.tellIndex, (writer) => {
      writer.f64(number);
      writer.f64(slot);
    });
  }

  tellDigests(to: number, ballot: Ballot, digests: readonly StateDigest[]): void {
    this.write(to, FrameType.digests, (writer) => {
      putBallot(writer, ballot);
      writer.i32(digests.length);
      for (const digest of digests) putDigest(writer, digest);
    });
  }

  tellDiffers(to: number, ballot: Ballot, digest: StateDigest): void {
    this.write(to, FrameType.differs, (writer) => {
      putBallot(writer, ballot);
      putDigest(writer, digest);
    });
  }

  fetch(from: number): void {
    this.options.fetch(from);
  }

  flush(): void {
    for (const { frames } of this.outgoing.values()) frames?.flush();
  }

  private write(to: number, type: number, encode: (writer: Writer) => void): void {
    const frames = this.outgoing.get(to)?.frames;
    if (frames == null) return;
    encode(frames.begin(type));
    frames.end();
  }

  private dial(member: PeerAddress): void {
    const { io, clock, serverId, identity, clusterId, line } = this.options;
    const id = member.serverId;
    const hello = {
      purpose: Purpose.messages,
      clusterId,
      serverId,
      identity,
      toServerId: id,
      line,
    };
    const link = new OutLink({
      io,
      clock,
      addresses: member.addresses,
      hello,
      identity: member.identity,
      onOpen: () => this.replica?.onConnected(id),
      onClosed: () => this.replica?.onDisconnected(id),
    });
    this.outgoing.set(id, link);
  }

  private accept(hello: Greeting, frames: FrameStream): FrameHandler | string {
    const reason = this.options.refuse(hello);
    if (reason !== null) return reason;
    const id = hello.serverId;
    // What an older connection still holds must not come in between.
    const older = this.incoming.get(id);
    this.incoming.set(id, frames);
    older?.destroy();
    this.levels.set(id, hello.level);
    frames.begin(FrameType.welcome).raw(this.options.identity);
    frames.end();
    this.options.onLearner(hello, true);
    return {
      onFrame: (type, payload) => this.receive(id, type, payload),
      onClose: () => {
        if (this.incoming.get(id) !== frames) return;
        this.incoming.delete(id);
        this.levels.delete(id);
        this.options.onLearner(hello, false);
        this.replica?.onDisconnected(id);
      },
    };
  }

  private receive(from: number, type: number, payload: Reader): void {
    const { replica } = this;
    if (replica === null) return;
    switch (type) {
      case FrameType.message:
        replica.onMessage(from, decodeMessage(payload));
        return;
      case FrameType.forward:
        receiveChunk(replica, from, payload);
        return;
      case FrameType.relayed:
        receiveChunk(replica, payload.i32(), payload);
        return;
      case FrameType.report:
        replica.onReport(from, takeBallot(payload), payload.f64(), takeTouches(payload));
        return;
      case FrameType.confirmReport:
        replica.onReportConfirmed(payload.f64());
        return;
      case FrameType.askIndex:
        replica.onAskIndex(from, takeBallot(payload), payload.f64());
        return;
      case FrameType.tellIndex:
        replica.onTellIndex(payload.f64(), payload.f64());
        return;
      case FrameType.digests:
        replica.onDigests(from, takeBallot(payload), takeDigests(payload));
        return;
      case FrameType.differs:
        replica.onDiffers(from, takeBallot(payload), takeDigest(payload));
        return;
      default:
        throw new DecodeError(`a frame of type ${type} between members`);
    }
  }

  private check(): void {
    const nowMs = this.options.io.nowMs();
    // After a stall of this process signs of life wait in the sockets: they are heard first.
    const wasStalled = nowMs - this.lastCheckMs > 2 * CHECK_EVERY_MS;
    this.lastCheckMs = nowMs;
    for (const frames of this.incoming.values()) {
      frames.begin(FrameType.alive);
      frames.end();
    }
    if (wasStalled) return;
    for (const frames of [...this.incoming.values()]) {
      if (nowMs - frames.heardMs > SILENCE_MS_MAX) frames.destroy();
    }
    for (const link of this.outgoing.values()) link.check(nowMs);
    this.options.listener.sweep();
  }
}

function receiveChunk(replica: Replica, origin: number, payload: Reader): void {
  const ballot = takeBallot(payload);
  const number = payload.f64();
  if (replica.onForward(origin, ballot, number, takeRest(payload))) return;
  throw new DecodeError('a chunk that holds no commands');
}
