import { viewOf } from '../../base/bytes.ts';
import { CLIENT_LOSSES_MAX } from '../../base/limits.ts';
import { Writer } from '../../base/writer.ts';
import { Err, Op } from '../../protocol/constants.ts';
import { type Call, CallList, type Failure } from './call.ts';
import type { Delivery } from './deliveries.ts';
import { appendFrame, encodeCall } from './request.ts';
import type { WatchKind } from './watch-table.ts';

const XID_MAX = 2_147_483_646;
const LENGTH_BYTES = 4;
/** The server forgets watches with the connection; whoever closes the session wanted its end. */
const ENDS_WITH_CONNECTION: ReadonlySet<number> = new Set([Op.removeWatches, Op.closeSession]);

/**
 * The calls of a client in their order: some sent and not answered, some in the buffer that leaves
 * at the end of the turn, some that wait for a connection. It encodes each call once, straight
 * into that buffer, and settles those that a lost connection leaves behind.
 */
export class Pipeline {
  /** Unanswered, in the order in which they will be answered. */
  readonly inFlight: CallList = new CallList();
  /** No deadline of any call is earlier, though the call may be gone. */
  earliestDeadlineMs: number = Number.POSITIVE_INFINITY;
  outgoing: Writer = new Writer(4_096);
  private readonly waiting: CallList = new CallList();
  private readonly scratch: Writer = new Writer();
  private readonly chroot: string;
  private readonly deliveries: Delivery[];
  private xid = 0;
  /** The first call in flight whose frame is in `outgoing` still. */
  private firstUnsent: Call | null = null;

  constructor(chroot: string, deliveries: Delivery[]) {
    this.chroot = chroot;
    this.deliveries = deliveries;
  }

  get length(): number {
    return this.inFlight.length + this.waiting.length;
  }

  isWaiting(call: Call): boolean {
    return call.list === this.waiting;
  }

  /** What has to be written now; `spare` takes its place. */
  takeOutput(spare: Writer): Writer {
    const output = this.outgoing;
    spare.clear();
    this.outgoing = spare;
    this.firstUnsent = null;
    return output;
  }

  /** Encodes a call behind those before it. False: no server could take it. */
  send(call: Call, nowMs: number): boolean {
    call.xid = this.nextXid();
    if (!encodeCall(this.outgoing, call, this.chroot)) return false;
    this.sent(call, nowMs);
    return true;
  }

  /**
   * Keeps a call until there is a connection. What can't be encoded later is encoded now: its data
   * belongs to the caller, who may change it once the call has returned. False as in `send`.
   */
  keep(call: Call): boolean {
    this.scratch.clear();
    if (!encodeCall(this.scratch, call, this.chroot)) return false;
    if (!call.isRepeatable) call.frame = this.scratch.written().slice();
    this.release(call);
    this.waiting.push(call);
    this.noteDeadline(call);
    return true;
  }

  sendWaiting(nowMs: number): void {
    for (const call of this.waiting.takeAll()) {
      call.xid = this.nextXid();
      if (call.frame === null) encodeCall(this.outgoing, call, this.chroot);
      else appendFrame(this.outgoing, call.frame, call.xid);
      call.frame = null;
      this.sent(call, nowMs);
    }
  }

  /** The call that waits for the next answer, which it has got now. */
  answered(call: Call): void {
    this.inFlight.remove(call);
    if (!call.isSettled) this.answer(call);
  }

  answer(call: Call): void {
    call.isSettled = true;
    this.deliveries.push(call);
  }

  fail(call: Call, code: number, failure: Failure): void {
    if (call.isSettled) return;
    call.isSettled = true;
    call.err = code;
    call.failure = failure;
    this.deliveries.push(call);
  }

  /** Its caller does not wait any more; returns what that leaves open. */
  abandon(call: Call, code: number): void {
    const failure = this.isWaiting(call) ? 'notSent' : 'unknown';
    if (failure === 'notSent') this.waiting.remove(call);
    this.fail(call, code, failure);
  }

  /** The server refused the call without a look at it, as its session had moved: it goes again. */
  refused(call: Call): void {
    this.inFlight.remove(call);
    if (!call.isRepeatable) {
      this.fail(call, Err.sessionMoved, 'notSent');
      return;
    }
    this.waiting.push(call);
  }

  /**
   * The connection is gone. What reads only is sent again on the next one. Of a write that was sent
   * nobody knows what became, so its caller has to be told. And a write that did not leave waits
   * for the next connection only if no write before it is in doubt: A and B were pipelined, A is
   * lost, B is sent again, and B is there without the A that it was to follow. Returns those that
   * fail.
   */
  connectionLost(): readonly Call[] {
    let isSent = true;
    let isInDoubt = false;
    const failed: Call[] = [];
    const calls = this.inFlight.takeAll();
    const frames = new UnsentFrames(this.outgoing);
    for (const call of calls) {
      if (call === this.firstUnsent) isSent = false;
      const frame = isSent ? null : frames.take(call.xid);
      if (isSent) call.losses += 1;
      if (call.isSettled) {
        // Nobody waits for it any more, but what it did is as open as that of any other.
        if (isSent && !call.isRepeatable) isInDoubt = true;
        continue;
      }
      if (call.isRepeatable && call.losses < CLIENT_LOSSES_MAX) this.waiting.push(call);
      else if (ENDS_WITH_CONNECTION.has(call.op)) this.answer(call);
      else if (isSent || isInDoubt) {
        this.fail(call, Err.connectionLoss, isSent ? 'unknown' : 'notSent');
        if (!call.isRepeatable) isInDoubt = true;
        failed.push(call);
      } else {
        call.frame = frame;
        this.waiting.push(call);
      }
    }
    this.outgoing.clear();
    this.firstUnsent = null;
    return failed;
  }

  /** Returns them. */
  failAll(code: number): readonly Call[] {
    const inFlight = this.inFlight.takeAll();
    const waiting = this.waiting.takeAll();
    for (const call of inFlight) this.fail(call, code, 'unknown');
    for (const call of waiting) this.fail(call, code, 'notSent');
    return [...inFlight, ...waiting];
  }

  /**
   * A read with a watch is under way, and its watch is given up before it is answered: the server
   * sets the watch and removes it, so the answer must not enter it in the table.
   */
  dropWatchers(path: string, kinds: readonly WatchKind[]): void {
    for (const list of [this.inFlight, this.waiting]) {
      for (let call = list.head; call !== null; call = call.next) {
        if (call.path !== path || call.watcher === null || call.op === Op.addWatch) continue;
        const isChild = call.op === Op.getChildren || call.op === Op.getChildren2;
        if (kinds.includes(isChild ? 'child' : 'data')) call.watcher = null;
      }
    }
  }

  /** Calls whose time is over, here and in the other list. */
  overdue(nowMs: number, others: CallList): Call[] {
    if (nowMs < this.earliestDeadlineMs) return [];
    this.earliestDeadlineMs = Number.POSITIVE_INFINITY;
    const calls: Call[] = [];
    for (const list of [this.inFlight, this.waiting, others]) {
      for (let call = list.head; call !== null; call = call.next) {
        if (call.isSettled) continue;
        if (call.deadlineMs <= nowMs) calls.push(call);
        else this.noteDeadline(call);
      }
    }
    return calls;
  }

  nextXid(): number {
    this.xid = this.xid === XID_MAX ? 1 : this.xid + 1;
    return this.xid;
  }

  private sent(call: Call, nowMs: number): void {
    call.sentMs = nowMs;
    this.release(call);
    this.inFlight.push(call);
    this.firstUnsent ??= call;
    this.noteDeadline(call);
  }

  noteDeadline(call: Call): void {
    if (call.deadlineMs < this.earliestDeadlineMs) this.earliestDeadlineMs = call.deadlineMs;
  }

  /** The caller's data has been copied. */
  private release(call: Call): void {
    call.data = null;
    if (!call.isRepeatable) call.body = null;
  }
}

/** The frames in a buffer that was never sent. */
class UnsentFrames {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(writer: Writer) {
    this.bytes = writer.written();
  }

  /** A copy of the frame with this xid, which comes behind those that were taken. */
  take(xid: number): Uint8Array | null {
    const view = viewOf(this.bytes);
    while (this.at + 2 * LENGTH_BYTES <= this.bytes.length) {
      const from = this.at;
      this.at += LENGTH_BYTES + view.getInt32(from);
      if (view.getInt32(from + LENGTH_BYTES) === xid) return this.bytes.slice(from, this.at);
    }
    return null;
  }
}
