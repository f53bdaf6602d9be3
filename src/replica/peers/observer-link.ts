import { OBSERVER_AHEAD_BYTES, OBSERVER_PENDING_BYTES } from '../../base/limits.ts';
import { DecodeError, type Reader } from '../../base/reader.ts';
import type { Ballot } from '../../paxos/ballot.ts';
import { putEntries } from '../../paxos/codec.ts';
import type { Entry } from '../../paxos/entry.ts';
import { IDS_GRANTED } from '../granted-ids.ts';
import type { Dependent } from '../relay.ts';
import type { Replica } from '../replica.ts';
import type { SessionIds } from '../session-ids.ts';
import { putBallot, takeRest, takeTouches } from './fields.ts';
import { type FrameHandler, type FrameStream, FrameType } from './frames.ts';
import type { Hello } from './hello.ts';
import { SILENCE_MS_MAX } from './out-link.ts';
import type { Tail } from './tail.ts';

/** At most one grant in this time: an observer can't use up ids faster than clocks make them. */
const GRANT_EVERY_MS = 1_000;

export interface ObserverLinkOptions {
  readonly hello: Hello;
  readonly frames: FrameStream;
  readonly replica: Replica;
  readonly tail: Tail;
  readonly sessionIds: SessionIds;
  readonly nowMs: () => number;
  readonly onClosed: () => void;
}

/** Commands that were relayed and have not been applied. */
interface Pending {
  readonly number: number;
  readonly bytes: number;
}

/** A member's end of the link to one observer. */
export class ObserverLink implements FrameHandler, Dependent {
  readonly origin: number;
  readonly identity: Uint8Array;
  private readonly options: ObserverLinkOptions;
  /** The last slot that it has or was sent; null while it is sent nothing. */
  private sentSlot: number | null = null;
  /** It has the log by another way, and hears only where that stands. */
  private isResting = false;
  private toldSlot = 0;
  private readonly pending: Pending[] = [];
  private pendingBytes = 0;
  private isPaused = false;
  private grantedMs = Number.NEGATIVE_INFINITY;

  constructor(options: ObserverLinkOptions) {
    this.options = options;
    this.origin = options.hello.serverId;
    this.identity = options.hello.identity;
    options.frames.onRoom = () => this.push();
  }

  /** It has been welcomed. */
  open(): void {
    this.grant();
    this.options.replica.relay.add(this);
  }

  close(): void {
    this.options.frames.destroy();
  }

  /** Sends what is decided and what it lacks, as far as it keeps up. */
  push(): void {
    const { frames, tail } = this.options;
    while (this.sentSlot !== null && frames.bufferedBytes < OBSERVER_AHEAD_BYTES) {
      if (this.sentSlot >= tail.last.slot) return;
      const piece = tail.after(this.sentSlot, OBSERVER_AHEAD_BYTES);
      const last = piece?.entries[piece.entries.length - 1];
      if (piece == null || last === undefined) {
        this.sentSlot = null;
        frames.begin(FrameType.lacks).f64(tail.last.slot);
        frames.end();
        return;
      }
      this.sendEntries(piece, last);
      this.sentSlot = last.slot;
    }
  }

  check(nowMs: number, wasStalled: boolean): void {
    const { frames } = this.options;
    frames.begin(FrameType.alive);
    frames.end();
    if (this.isResting) this.tellStanding(this.options.tail.last.slot, false);
    // What is not read can't be heard.
    if (wasStalled || this.isPaused) return;
    if (nowMs - frames.heardMs > SILENCE_MS_MAX) frames.destroy();
  }

  onFrame(type: number, payload: Reader): void {
    const { relay } = this.options.replica;
    switch (type) {
      case FrameType.follow:
        this.isResting = false;
        this.sentSlot = payload.f64();
        this.push();
        return;
      case FrameType.rest:
        this.isResting = true;
        this.sentSlot = null;
        return;
      case FrameType.pull:
        this.sendOnce(payload.f64(), payload.f64());
        return;
      case FrameType.chunk:
        this.takeChunk(payload.f64(), payload.f64(), takeRest(payload));
        return;
      case FrameType.touches:
        relay.report(this, payload.f64(), payload.f64(), this.known(payload));
        return;
      case FrameType.question:
        relay.ask(this, payload.f64(), payload.f64());
        this.options.replica.turn.wake();
        return;
      case FrameType.wantsIds:
        this.grant();
        return;
      default:
        throw new DecodeError(`a frame of type ${type} from an observer`);
    }
  }

  onClose(): void {
    this.options.replica.relay.remove(this);
    this.options.onClosed();
  }

  tellWay(way: number, leader: number | null, ballot: Ballot): void {
    const { frames } = this.options;
    // It sends everything again.
    this.pending.length = 0;
    this.pendingBytes = 0;
    this.readOn();
    const writer = frames.begin(FrameType.way);
    writer.f64(way);
    writer.i32(leader ?? 0);
    putBallot(writer, ballot);
    frames.end();
  }

  /** Its clients wait for that slot. */
  marked(number: number, slot: number): void {
    if (this.isResting) this.tellStanding(slot, true);
    const index = this.pending.findIndex((one) => one.number === number);
    for (const { bytes } of this.pending.splice(0, index + 1)) this.pendingBytes -= bytes;
    this.readOn();
  }

  confirmReport(number: number): void {
    const { frames } = this.options;
    frames.begin(FrameType.confirmReport).f64(number);
    frames.end();
  }

  tellIndex(number: number, slot: number): void {
    const { frames } = this.options;
    const writer = frames.begin(FrameType.tellIndex);
    writer.f64(number);
    writer.f64(slot);
    frames.end();
  }

  private tellStanding(slot: number, isWaitedFor: boolean): void {
    if (slot <= this.toldSlot && !isWaitedFor) return;
    this.toldSlot = Math.max(slot, this.toldSlot);
    const { frames } = this.options;
    const writer = frames.begin(FrameType.standing);
    writer.f64(slot);
    writer.bool(isWaitedFor);
    frames.end();
  }

  /** Some slots, once. What is not in memory any more it will follow for, or fetch. */
  private sendOnce(from: number, to: number): void {
    const { frames, tail } = this.options;
    if (frames.bufferedBytes >= OBSERVER_AHEAD_BYTES) return;
    const piece = tail.after(from, OBSERVER_AHEAD_BYTES);
    const entries = piece?.entries.filter(({ slot }) => slot <= to) ?? [];
    const last = entries[entries.length - 1];
    if (piece !== null && last !== undefined) this.sendEntries({ ...piece, entries }, last);
  }

  private takeChunk(way: number, number: number, commands: Uint8Array): void {
    const { replica, frames } = this.options;
    if (!replica.relayChunk(this.origin, way, number, commands)) {
      throw new DecodeError('a chunk that holds no commands');
    }
    if (!replica.relay.isOpen(way)) return;
    this.pending.push({ number, bytes: commands.length });
    this.pendingBytes += commands.length;
    if (this.pendingBytes <= OBSERVER_PENDING_BYTES) return;
    this.isPaused = true;
    frames.stream.pause();
  }

  private readOn(): void {
    if (!this.isPaused || this.pendingBytes > OBSERVER_PENDING_BYTES) return;
    const { frames, nowMs } = this.options;
    this.isPaused = false;
    frames.heardMs = nowMs();
    frames.stream.resume();
  }

  /** Sessions that do not exist are nobody's to keep alive, and take memory if they are noted. */
  private known(payload: Reader) {
    const { sessions } = this.options.replica.state;
    return takeTouches(payload).filter(({ high, low }) => sessions.get(high, low) !== undefined);
  }

  private grant(): void {
    const { frames, sessionIds, nowMs } = this.options;
    if (nowMs() - this.grantedMs < GRANT_EVERY_MS) return;
    this.grantedMs = nowMs();
    const { high, low } = sessionIds.takeBlock(IDS_GRANTED);
    frames.begin(FrameType.sessionIds).i64Halves(high, low);
    frames.end();
  }

  private sendEntries(
    { after, entries }: { after: { slot: number; hash: Uint8Array }; entries: readonly Entry[] },
    last: Entry,
  ): void {
    const { frames } = this.options;
    const writer = frames.begin(FrameType.entries);
    writer.f64(after.slot);
    writer.raw(after.hash);
    writer.raw(last.hash);
    putEntries(writer, entries);
    frames.end();
  }
}
