import { OUTPUT_MAX_BYTES } from '../base/limits.ts';
import { DecodeError, Reader } from '../base/reader.ts';
import type { Histogram } from '../base/summary.ts';
import type { Writer } from '../base/writer.ts';
import type { Stream, StreamHandler } from '../io/network.ts';
import { Err, Op, Perm, STATE_SYNC_CONNECTED, Xid } from '../protocol/constants.ts';
import type { Attachment, Client } from '../replica/attachment.ts';
import type { Flushable } from '../replica/turn.ts';
import type { PathWatch } from '../replica/watches.ts';
import type { Acl } from '../state/acl.ts';
import { Identities } from '../state/identities.ts';
import type { Outcome } from '../state/outcome.ts';
import type { Asker } from '../state/query.ts';
import { exceedsLimits, isStalled, waitsForBarrier } from './back-pressure.ts';
import type { ServerContext } from './context.ts';
import { Handshake, type SessionNumbers } from './handshake.ts';
import { Input } from './input.ts';
import { Output } from './output.ts';
import { elapsedMs, Pending, PendingKind } from './pending.ts';
import { handleRequest } from './requests.ts';
import { Traffic } from './stats.ts';

/**
 * greeting → opening → ready → finishing → leaving → closed. `finishing`: a closeSession is under
 * way, nothing behind it is read. A four-letter word goes from greeting to leaving.
 */
export type Phase = 'greeting' | 'opening' | 'ready' | 'finishing' | 'leaving' | 'closed';

/** Bytes of length, xid, zxid and err ahead of a reply's body. */
const REPLY_HEADER_BYTES = 20;
/** The length itself is not counted into the length of a frame. */
const LENGTH_BYTES = 4;

/**
 * One client's connection. Requests are decoded in place and answered in the order in which they
 * came: a read is executed at once unless an earlier request still waits for its outcome.
 */
export class Connection implements StreamHandler, Client, Flushable, Asker {
  readonly context: ServerContext;
  readonly stream: Stream;
  readonly handshake: Handshake;
  readonly pending: Pending;
  readonly traffic: Traffic = new Traffic();
  readonly watched: Set<PathWatch> = new Set();
  readonly establishedMs: number;
  readonly acceptedMs: number;
  /** When the phase became `leaving`. */
  leftMs = 0;
  lastTrigger = 0;
  opening = 0;
  identities: Identities;
  attachment: Attachment | null = null;
  /** A session of this server alone, which the log never hears of; null for all others. */
  readOnlySession: SessionNumbers | null = null;
  phase: Phase = 'greeting';
  /** Arrival of the bytes being handled, on the monotonic clock. */
  nowMs: number;
  lastOpcode = 0;
  lastXid = -1;
  lastZxid = -1;
  lastReplyMs = 0;
  lastLatencyMs = 0;
  /** Of each request that is executed later: who asked. */
  private readonly deferredAs: Identities[] = [];
  private readonly input = new Input();
  private readonly output: Output;
  private readonly reader = new Reader();
  private paused = false;
  private stopped = false;
  private dirty = false;
  private replyAt = 0;
  /** Replies of this turn whose latency is known when they leave. */
  private repliesUntimed = 0;
  private readonly onGone: () => void;

  constructor(context: ServerContext, stream: Stream, onGone: () => void) {
    this.context = context;
    this.onGone = onGone;
    this.stream = stream;
    this.pending = new Pending(context.inFlight);
    this.handshake = new Handshake(this);
    this.output = new Output(context.pool, stream);
    this.identities = new Identities([{ scheme: 'ip', id: stream.remoteAddress }]);
    this.establishedMs = context.replica.clock.wallMs();
    this.nowMs = context.replica.clock.monotonicMs();
    this.acceptedMs = this.nowMs;
  }

  /** Requests that have been read and not answered yet. */
  get outstanding(): number {
    return this.pending.count;
  }

  onData(bytes: Uint8Array): void {
    this.nowMs = this.context.replica.clock.monotonicMs();
    this.context.counters.bytesReceived += bytes.length;
    const input = this.input;
    if (input.length > 0) {
      input.append(bytes, 0, bytes.length, this.firstFrameBytes());
      this.parseInput();
      return;
    }
    this.reader.reset(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, 0);
    const at = this.parse(bytes, this.reader.view, 0, bytes.length);
    if (at >= bytes.length || this.isLeaving()) return;
    const expected = bytes.length - at >= 4 ? this.expectedBytes(bytes, at) : 0;
    input.append(bytes, at, bytes.length, expected);
  }

  onDrain(): void {
    this.output.drained();
    this.leaveIfDone();
    this.resumeInput();
  }

  onClose(): void {
    if (this.phase === 'closed') return;
    if (this.phase !== 'leaving') this.context.counters.connectionsDropped++;
    this.phase = 'closed';
    this.pending.clear();
    this.output.discard();
    this.input.consume(this.input.to);
    this.context.connections.delete(this);
    this.context.replica.detach(this, this.attachment);
    this.onGone();
  }

  onAttached(attachment: Attachment | null): void {
    if (this.phase !== 'opening') return;
    this.attachment = attachment;
    const { clock, freshness } = this.context.replica;
    // Told by `onFresh` when it may be.
    if (attachment !== null && !freshness.mayAnswer(attachment, clock.monotonicMs())) return;
    this.handshake.answer(attachment);
    this.phase = attachment === null ? 'leaving' : 'ready';
    this.markDirty();
  }

  /** The client gets reads as long as there is no leader. */
  openReadOnly(session: SessionNumbers): void {
    this.readOnlySession = session;
    this.handshake.answerReadOnly(session);
    this.phase = 'ready';
    this.markDirty();
  }

  onOutcome(outcome: Outcome): void {
    // Whoever is leaving has got its last answer, and nothing is pending any more.
    if (this.phase === 'closed' || this.phase === 'leaving') return;
    const { xid, extra: arrivedUs } = this.pending;
    this.pending.pop();
    const writer = this.beginReply();
    writer.raw(outcome.body.bytes, 0, outcome.body.at);
    const nowMs = this.context.replica.appliedMs;
    this.closeReply(xid, outcome.zxid, outcome.error);
    const latencyMs = elapsedMs(nowMs, arrivedUs);
    this.addLatencies(latencyMs, 1, this.context.counters.updateLatencyMs);
    if (outcome.closedSession) this.leave();
    else this.drainPending(nowMs);
  }

  onBarrier(): void {
    if (this.phase === 'closed' || this.phase === 'leaving') return;
    this.pending.passBarrier();
    this.drainPending(this.context.replica.clock.monotonicMs());
    // A write behind it may be read now, at the end of the turn.
    this.markDirty();
  }

  onFresh(): void {
    if (this.phase === 'opening') this.onAttached(this.attachment);
    else this.resumeInput();
  }

  onDetached(): void {
    this.attachment = null;
    this.close();
  }

  /** Under which its reads are answered. */
  get flags(): number {
    return this.context.replica.flags;
  }

  mayRead(acl: Acl): boolean {
    return this.context.state.permits(acl, Perm.read, this.identities, this.flags);
  }

  notify(type: number, path: Uint8Array, from: number, to: number, zxid: number): void {
    if (this.phase !== 'ready' && this.phase !== 'finishing') return;
    const writer = this.beginReply();
    writer.i32(type);
    writer.i32(STATE_SYNC_CONNECTED);
    writer.i32(to - from);
    writer.raw(path, from, to);
    this.context.counters.watchBytes += writer.at - this.replyAt - LENGTH_BYTES;
    this.finishFrame(Xid.notification, zxid, Err.ok);
  }

  /** Starts a reply frame; the caller writes the body and ends with `endReply`. */
  beginReply(): Writer {
    const writer = this.output.writer;
    this.replyAt = writer.at;
    writer.reserve(REPLY_HEADER_BYTES + 96);
    writer.at += REPLY_HEADER_BYTES;
    return writer;
  }

  /** Ends the reply; with an error the body, if any was written, is taken back. */
  endReply(xid: number, zxid: number, error: number): void {
    this.repliesUntimed++;
    this.closeReply(xid, zxid, error);
  }

  /** A reply that is only a header. */
  replyHeader(xid: number, zxid: number, error: number): void {
    this.beginReply();
    this.endReply(xid, zxid, error);
  }

  /** Lets what was answered go out, then closes; what was not is never answered. */
  leave(): void {
    if (this.phase === 'closed') return;
    this.phase = 'leaving';
    this.leftMs = this.context.replica.clock.monotonicMs();
    this.pending.clear();
    this.markDirty();
  }

  /** Closes at once. */
  close(): void {
    if (this.phase !== 'closed') this.phase = 'leaving';
    this.stream.destroy();
    this.onClose();
  }

  flush(): void {
    this.dirty = false;
    if (this.phase === 'closed') return;
    if (this.repliesUntimed > 0) this.timeReplies();
    this.output.flush();
    this.leaveIfDone();
    this.resumeInput();
  }

  markDirty(): void {
    if (this.dirty || this.phase === 'closed') return;
    this.dirty = true;
    this.context.replica.turn.add(this);
  }

  /** Bytes of replies that wait to leave. */
  get bufferedBytes(): number {
    return this.output.bytes;
  }

  /** As a selector's interest set: 1 reading, 4 waiting to write. */
  get interestOps(): number {
    if (this.phase === 'closed') return 0;
    return (this.paused ? 0 : 1) | (this.output.bytes > 0 ? 4 : 0);
  }

  /** The session has been opened for the first time, asked for at `askedMs`. */
  noteOpened(askedMs: number): void {
    const { replica, state, counters } = this.context;
    this.lastOpcode = Op.createSession;
    this.noteReply(0, state.zxid);
    const latencyMs = replica.clock.monotonicMs() - askedMs;
    this.addLatencies(latencyMs, 1, counters.updateLatencyMs);
  }

  resetStats(): void {
    this.traffic.reset();
    this.lastOpcode = 0;
    this.lastXid = -1;
    this.lastZxid = -1;
    this.lastReplyMs = 0;
    this.lastLatencyMs = 0;
  }

  /** All bytes this connection holds: requests not complete or not executed, replies not sent. */
  get heldBytes(): number {
    return this.input.bytes.length + this.pending.byteCount + this.output.bytes;
  }

  /** Whatever comes from now on is not looked at. */
  ignoreFurtherInput(): void {
    this.phase = 'finishing';
  }

  /** For a shutdown: what was read gets its answer, nothing more is read. */
  stopReading(): void {
    this.pause();
    this.stopped = true;
  }

  /** Where the body of the reply begun goes. */
  get replyWriter(): Writer {
    return this.output.writer;
  }

  /** Text of a four-letter word or raw bytes of the handshake. */
  rawOutput(): Writer {
    this.markDirty();
    return this.output.writer;
  }

  private isLeaving(): boolean {
    const { phase } = this;
    return phase === 'finishing' || phase === 'leaving' || phase === 'closed';
  }

  private closeReply(xid: number, zxid: number, error: number): void {
    if (error !== Err.ok) this.output.writer.at = this.replyAt + REPLY_HEADER_BYTES;
    this.noteReply(xid, zxid);
    const bytes = this.output.writer.at - this.replyAt - LENGTH_BYTES;
    this.finishFrame(xid, zxid, error);
    this.context.counters.responseBytes.record(bytes);
  }

  private noteReply(xid: number, zxid: number): void {
    if (xid >= 0) this.lastXid = xid;
    this.lastZxid = zxid;
    this.lastReplyMs = this.nowMs;
  }

  /** What was answered at once has waited since its bytes came, and leaves now. */
  private timeReplies(): void {
    const { replica, counters } = this.context;
    const latencyMs = Math.max(replica.turn.nowMs - this.nowMs, 0);
    this.addLatencies(latencyMs, this.repliesUntimed, counters.readLatencyMs);
    this.repliesUntimed = 0;
  }

  private addLatencies(latencyMs: number, count: number, histogram: Histogram): void {
    this.lastLatencyMs = latencyMs;
    this.traffic.addLatencies(latencyMs, count);
    this.context.traffic.addLatencies(latencyMs, count);
    histogram.recordTimes(latencyMs, count);
  }

  private finishFrame(xid: number, zxid: number, error: number): void {
    const { writer } = this.output;
    const { at: end, view } = writer;
    const at = this.replyAt;
    view.setInt32(at, end - at - 4);
    view.setInt32(at + 4, xid);
    writer.at = at + 8;
    writer.i64(zxid);
    view.setInt32(at + 16, error);
    writer.at = end;
    this.traffic.packetsSent++;
    this.context.traffic.packetsSent++;
    this.markDirty();
    if (this.output.bytes <= OUTPUT_MAX_BYTES) return;
    this.context.counters.slowConsumersDropped++;
    this.close();
  }

  /** Handles complete frames; returns where the rest begins. */
  private parse(bytes: Uint8Array, view: DataView, from: number, to: number): number {
    let at = from;
    while (to - at >= 4 && !this.isLeaving()) {
      if (this.phase !== 'greeting' && isStalled(this)) {
        this.pause();
        break;
      }
      const length = view.getInt32(at);
      if (this.phase === 'greeting') {
        const word = this.handshake.takeWord(view, at, to);
        if (word === 'answered') return to;
        if (word === 'incomplete') break;
      }
      if (exceedsLimits(this.context, length)) {
        this.refuse(length);
        return to;
      }
      if (to - at - 4 < length) break;
      if (waitsForBarrier(this, view, at + 4, length)) {
        this.pause();
        break;
      }
      at += 4 + length;
      this.handleFrame(bytes, view, at - length, at);
    }
    return at;
  }

  private handleFrame(bytes: Uint8Array, view: DataView, from: number, to: number): void {
    this.traffic.packetsReceived++;
    this.context.traffic.packetsReceived++;
    this.reader.reset(bytes, view, from, to);
    const { pushed } = this.pending;
    try {
      if (this.phase === 'greeting') this.handshake.receive(this.reader);
      else if (!handleRequest(this, this.reader)) this.close();
      else if (to - from > this.context.limits.largeRequestBytes) this.noteLarge(pushed, to - from);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.context.counters.framesRefused++;
      this.close();
    }
  }

  /** What was answered at once holds no memory. */
  private noteLarge(pushedBefore: number, bytes: number): void {
    if (this.pending.pushed > pushedBefore && this.pending.count > 0) this.pending.markLarge(bytes);
  }

  /**
   * Executes what waited, up to the next write without an outcome. It may not wait for the client
   * to read: a write behind these requests may be applied right after this call, and a read that
   * ran only then would see a state later than its place in the session.
   */
  private drainPending(nowMs: number): void {
    const pending = this.pending;
    while (pending.count > 0) {
      const { kind } = pending;
      if (kind === PendingKind.write || kind === PendingKind.barrier) return;
      if (kind === PendingKind.error) {
        const { xid, detail } = pending;
        pending.pop();
        this.replyHeader(xid, this.context.state.zxid, detail);
      } else {
        const { bytes, view, detail: from, extra: to, xid: arrivedUs } = pending;
        pending.pop();
        this.handleFrameAgain(bytes, view, from, to, elapsedMs(nowMs, arrivedUs));
      }
      if (this.phase === 'leaving' || this.phase === 'closed') return;
    }
  }

  /** Keeps a request for later; who asks is whoever the connection is by now (protocol 10.2). */
  defer(bytes: Uint8Array, from: number, to: number, kind: number = PendingKind.request): void {
    this.pending.pushRequest(bytes, from, to, this.nowMs * 1000, kind);
    this.deferredAs.push(this.identities);
  }

  private handleFrameAgain(
    bytes: Uint8Array,
    view: DataView,
    from: number,
    to: number,
    waitedMs: number,
  ): void {
    const untimed = this.repliesUntimed;
    const present = this.identities;
    this.identities = this.deferredAs.shift() ?? present;
    this.reader.reset(bytes, view, from, to);
    if (!handleRequest(this, this.reader, true)) this.close();
    this.identities = present;
    if (this.repliesUntimed === untimed) return;
    this.repliesUntimed = untimed;
    this.addLatencies(waitedMs, 1, this.context.counters.readLatencyMs);
  }

  private parseInput(): void {
    const input = this.input;
    const at = this.parse(input.bytes, input.view, input.from, input.to);
    if (this.phase === 'closed') return;
    input.consume(this.isLeaving() ? input.to : at);
  }

  private resumeInput(): void {
    if (!this.paused || this.stopped || this.isLeaving()) return;
    if (isStalled(this)) return;
    this.paused = false;
    if (this.input.length > 0) this.parseInput();
    if (!this.paused && this.phase === 'ready') this.stream.resume();
  }

  private pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.stream.pause();
  }

  private leaveIfDone(): void {
    if (this.phase === 'leaving' && this.output.bytes === 0) this.stream.end();
  }

  private refuse(length: number): void {
    if (length < 0) this.context.counters.framesRefused++;
    else this.context.counters.largeRequestsRejected++;
    this.close();
  }

  private firstFrameBytes(): number {
    return this.input.length >= 4 ? this.expectedBytes(this.input.bytes, this.input.from) : 0;
  }

  /** Room for the frame at `at`, never more than a frame may have. */
  private expectedBytes(bytes: Uint8Array, at: number): number {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(at);
    return Math.max(0, Math.min(length, this.context.limits.frameBytesMax)) + 4;
  }
}
