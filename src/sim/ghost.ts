import { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import type { Clock } from '../io/clock.ts';
import type { Stream } from '../io/network.ts';
import { decodeRecord } from '../protocol/codec.ts';
import { Op, Xid } from '../protocol/constants.ts';
import { encodeRequest } from '../protocol/frames.ts';
import type { FrameBuffer } from './frame-buffer.ts';
import type { History } from './history.ts';

/** Behind all that a server may still answer. */
const PING_AGAIN_MS = 500;
const LEAVE_MS = 1_000;

/**
 * The connection that a client has left for a newer one without closing it, as behind a proxy: it
 * goes on pinging there, and notes which pings are still answered.
 */
export class Ghost {
  private readonly stream: Stream;
  private readonly input: FrameBuffer;
  private readonly session: bigint;
  private readonly history: History;
  private readonly nowUs: () => number;
  private readonly appliedSlot: () => number;
  /** What its server had applied as each ping without an answer was sent. */
  private readonly slots: number[];
  /** When each ping without an answer was sent; 0 for those of the client's before. */
  private readonly pingsUs: number[];
  private movedUs = 0;

  constructor(
    stream: Stream,
    input: FrameBuffer,
    session: bigint,
    pingsBefore: number,
    history: History,
    nowUs: () => number,
    appliedSlot: () => number,
  ) {
    this.stream = stream;
    this.input = input;
    this.session = session;
    this.history = history;
    this.nowUs = nowUs;
    this.appliedSlot = appliedSlot;
    this.slots = new Array<number>(pingsBefore).fill(0);
    this.pingsUs = new Array<number>(pingsBefore).fill(0);
  }

  /** The session has moved: from now on nobody should answer. */
  haunt(clock: Clock, timeoutMs: number): void {
    this.movedUs = this.nowUs();
    this.ping();
    clock.after(timeoutMs / 2 + PING_AGAIN_MS, () => this.ping());
    clock.after(timeoutMs + LEAVE_MS, () => this.stream.destroy());
  }

  onData(bytes: Uint8Array): void {
    this.input.append(bytes);
    for (let frame = this.input.next(); frame !== null; frame = this.input.next()) {
      const { xid } = decodeRecord(new Reader(frame), 'ReplyHeader');
      if (xid !== Xid.ping) continue;
      const sentUs = this.pingsUs.shift() ?? 0;
      const appliedSlot = this.slots.shift() ?? 0;
      const { session, movedUs } = this;
      if (sentUs > 0) this.history.ghostPings.push({ session, movedUs, sentUs, appliedSlot });
    }
  }

  private ping(): void {
    const writer = new Writer();
    encodeRequest(writer, { xid: Xid.ping, type: Op.ping, body: null });
    this.pingsUs.push(this.nowUs());
    this.slots.push(this.appliedSlot());
    this.stream.write(writer.written().slice());
  }
}
