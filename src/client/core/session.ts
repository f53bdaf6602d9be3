import { assert } from '../../base/assert.ts';
import type { Prng } from '../../base/prng.ts';
import { DecodeError, Reader } from '../../base/reader.ts';
import type { Writer } from '../../base/writer.ts';
import type { Peer } from '../../io/network.ts';
import { decodeRecord } from '../../protocol/codec.ts';
import { Err, Op, Xid } from '../../protocol/constants.ts';
import { encodeRecordFrame, encodeRequest } from '../../protocol/frames.ts';
import type { RecordOf } from '../../protocol/records.ts';
import type { Call } from './call.ts';
import { type Delivery, Ending, type SessionState, StateChange } from './deliveries.ts';
import { FrameInput } from './frame-input.ts';
import { type BackOff, Hosts } from './hosts.ts';
import { Liveness } from './liveness.ts';
import { Pipeline } from './pipeline.ts';
import { encodeCall } from './request.ts';
import { Credentials, type SaslExchange, type SaslMechanism } from './sign-in.ts';
import type { WatchKind } from './watch-table.ts';
import { Watching } from './watching.ts';

export interface SessionOptions {
  readonly hosts: readonly Peer[];
  /** Empty, or a path. */
  readonly chroot: string;
  readonly prng: Prng;
  /** What the server is asked for; it may grant another. */
  readonly timeoutMs: number;
  readonly canBeReadOnly: boolean;
  readonly frameBytesMax: number;
  readonly backOff: BackOff;
  /** How long `close` waits for the server's word. */
  readonly closeWithinMs: number;
  readonly sasl: SaslMechanism | null;
}

type Phase =
  /** For the time of the next attempt. */
  | 'waiting'
  | 'dialling'
  /** The connection stands, and the server has not said yet whether it takes the session. */
  | 'greeting'
  /** SASL: nothing else may be sent. */
  | 'signing'
  | 'attached'
  | 'closing'
  | 'closed';

const NO_PASSWORD = new Uint8Array(16);
const CONNECT_RESPONSE_BYTES_MIN = 36;
const ATTEMPT_MIN_MS = 250;
/** A connection that has lasted so long was good; one that ends sooner counts as an attempt. */
const GOOD_AFTER_MS = 1_000;
/** ZooKeeper's C client has this code for calls on a handle that is closed. */
export const ERR_CLOSING = -116;

/**
 * The session of one client, as a state machine: events in, obligations out. It knows no clock, no
 * socket and no promise. After each event its driver looks at `hangsUp`, `deliveries`, `dial`,
 * `hasOutput` and `wakeAtMs`, in this order, and does what they say.
 */
export class Session {
  readonly credentials: Credentials = new Credentials();
  /** What has to be told, oldest first; the driver empties it. */
  readonly deliveries: Delivery[] = [];
  /** The connection, or the attempt at one, has to end now. */
  hangsUp = false;
  /** Whom to dial. */
  dial: Peer | null = null;
  /** When `tick` has to be called, at the latest. */
  wakeAtMs: number = Number.POSITIVE_INFINITY;
  state: SessionState = 'connecting';
  sessionId = 0n;
  isReadOnly = false;
  /** Of the newest state that a reply has shown. */
  lastZxid = 0;
  /** Who is dialled, or has been. */
  server: Peer | null = null;
  readonly liveness: Liveness;
  readonly watching: Watching;
  /** While a call is delivered, at the body of its reply, in place. */
  readonly reader: Reader = new Reader();

  private readonly options: SessionOptions;
  private readonly hosts: Hosts;
  private readonly input: FrameInput;
  private readonly pipeline: Pipeline;
  private phase: Phase = 'waiting';
  private password: Uint8Array = NO_PASSWORD;
  private sasl: SaslExchange | null = null;
  private dialAtMs = 0;
  private attemptUntilMs = 0;
  private attachedMs: number | null = null;
  private closeUntilMs = 0;
  private closeCall: Call | null = null;

  constructor(options: SessionOptions) {
    this.options = options;
    this.hosts = new Hosts(options.hosts, options.prng, options.backOff);
    this.input = new FrameInput(options.frameBytesMax);
    this.liveness = new Liveness(options.timeoutMs);
    this.pipeline = new Pipeline(options.chroot, this.deliveries);
    this.watching = new Watching(options.chroot, this.deliveries);
  }

  get isClosed(): boolean {
    return this.phase === 'closed';
  }

  get hasOutput(): boolean {
    return this.pipeline.outgoing.at > 0;
  }

  /** Calls without an answer. */
  get pendingCalls(): number {
    return this.pipeline.length;
  }

  start(nowMs: number): void {
    this.dialAtMs = nowMs;
    this.tick(nowMs);
  }

  /** What has to be written, in a buffer that is the driver's until it is given as a spare. */
  takeOutput(spare: Writer): Writer {
    return this.pipeline.takeOutput(spare);
  }

  /** The connection stands. */
  opened(nowMs: number): void {
    assert(this.phase === 'dialling', 'a connection that nobody has asked for');
    this.phase = 'greeting';
    this.input.clear();
    this.liveness.sentMs = nowMs;
    encodeRecordFrame(this.pipeline.outgoing, 'ConnectRequest', {
      protocolVersion: 0,
      lastZxidSeen: this.lastZxid,
      timeOut: this.options.timeoutMs,
      sessionId: this.sessionId,
      passwd: this.password,
      readOnly: this.options.canBeReadOnly,
    });
  }

  /** Bytes have come; they stay where they are until `step` says that nothing is left. */
  arrived(bytes: Uint8Array, nowMs: number): void {
    if (this.isAttached()) this.liveness.heard(nowMs);
    this.input.push(bytes);
  }

  /** Takes the next frame; false: there is none. Throws DecodeError at what is not ZooKeeper's. */
  step(nowMs: number): boolean {
    if (this.hangsUp || !this.input.next(this.reader)) return false;
    if (this.isAttached()) this.receive(nowMs);
    else if (this.phase === 'greeting') this.welcome(nowMs);
    else if (this.phase === 'signing') this.continueSasl(nowMs);
    return true;
  }

  /** The connection has gone, or could not be made, or has to go. */
  lostConnection(nowMs: number): void {
    if (this.phase === 'waiting' || this.phase === 'closed') return;
    const wasClosing = this.phase === 'closing';
    this.phase = 'waiting';
    this.hangsUp = true;
    this.dial = null;
    this.server = null;
    this.watching.connectionLost();
    const { attachedMs } = this;
    if (attachedMs !== null && nowMs - attachedMs > GOOD_AFTER_MS) this.hosts.settled();
    this.attachedMs = null;
    if (this.state === 'connected' && !wasClosing) this.enter('suspended', Err.connectionLoss);
    for (const call of this.pipeline.connectionLost()) this.watching.failed(call);
    if (wasClosing) {
      this.finish(0);
      return;
    }
    // Sessions of a read-only server are its own: no other would know them.
    if (this.isReadOnly) this.forgetSession();
    this.isReadOnly = false;
    this.dialAtMs = nowMs + this.hosts.delayMs();
    this.planDetached();
  }

  /** A call of the caller's. It is settled now or later, by a delivery. */
  submit(call: Call, nowMs: number): void {
    call.startedMs = nowMs;
    if (this.phase === 'closed' || this.phase === 'closing') {
      this.pipeline.fail(call, ERR_CLOSING, 'notSent');
      return;
    }
    const isAttached = this.phase === 'attached';
    const isTaken = isAttached ? this.pipeline.send(call, nowMs) : this.pipeline.keep(call);
    if (!isTaken) {
      this.pipeline.fail(call, Err.badArguments, 'notSent');
      return;
    }
    this.watching.submitted(call);
    if (isAttached) this.liveness.sentMs = nowMs;
    if (call.deadlineMs < this.wakeAtMs) this.wakeAtMs = call.deadlineMs;
  }

  /** Signs in, on this connection and on all that follow. */
  submitCredential(call: Call, nowMs: number): void {
    if (this.phase === 'closed' || this.phase === 'closing') {
      this.pipeline.fail(call, ERR_CLOSING, 'notSent');
      return;
    }
    this.credentials.add(call);
    this.pipeline.noteDeadline(call);
    if (call.deadlineMs < this.wakeAtMs) this.wakeAtMs = call.deadlineMs;
    if (this.phase !== 'attached') return;
    this.credentials.sentNow(call);
    encodeCall(this.pipeline.outgoing, call, '');
    this.liveness.sentMs = nowMs;
  }

  /** Ends watches of these kinds on a path; those whose request is under way will not be set. */
  dropWatches(path: string, kinds: readonly WatchKind[]): void {
    const targets = kinds.flatMap((kind) => [...this.watching.table.take(kind, path)]);
    this.pipeline.dropWatchers(path, kinds);
    if (targets.length > 0) this.deliveries.push(new Ending(targets));
  }

  /** Its caller does not wait any more. What was sent may be carried out all the same. */
  abandon(call: Call, code: number): void {
    if (call.isSettled) return;
    this.credentials.fresh.remove(call);
    this.pipeline.abandon(call, code);
    this.watching.failed(call);
  }

  /** Ends the session; `call` is settled when it has ended, as far as anybody can tell. */
  close(call: Call, nowMs: number): void {
    if (this.phase === 'closed' || this.phase === 'closing') {
      this.pipeline.answer(call);
      return;
    }
    if (this.phase !== 'attached') {
      this.finish(0);
      this.pipeline.answer(call);
      return;
    }
    this.pipeline.send(call, nowMs);
    this.closeCall = call;
    this.phase = 'closing';
    this.closeUntilMs = nowMs + this.options.closeWithinMs;
    this.wakeAtMs = Math.min(this.wakeAtMs, this.closeUntilMs);
  }

  /** Time has passed. */
  tick(nowMs: number): void {
    if (this.phase === 'closed') return;
    for (const call of this.pipeline.overdue(nowMs, this.credentials.fresh)) {
      this.abandon(call, Err.operationTimeout);
    }
    if (this.isAttached()) this.tickAttached(nowMs);
    else this.tickDetached(nowMs);
  }

  private isAttached(): boolean {
    return this.phase === 'attached' || this.phase === 'closing';
  }

  private tickAttached(nowMs: number): void {
    const verdict = this.liveness.check(nowMs);
    const isOver = this.phase === 'closing' && nowMs >= this.closeUntilMs;
    if (verdict === 'dead' || isOver) {
      this.lostConnection(nowMs);
      return;
    }
    if (verdict === 'ping') {
      encodeRequest(this.pipeline.outgoing, { xid: Xid.ping, type: Op.ping, body: null });
      this.liveness.pinged(nowMs);
    }
    this.wakeAtMs = Math.min(this.liveness.nextCheckMs(nowMs), this.pipeline.earliestDeadlineMs);
    if (this.phase === 'closing') this.wakeAtMs = Math.min(this.wakeAtMs, this.closeUntilMs);
  }

  private tickDetached(nowMs: number): void {
    const isLost = this.sessionId !== 0n && nowMs >= this.liveness.lostAtMs;
    if (isLost) this.loseSession(nowMs);
    // A greeting that is under way names the session that was given up. Were it to succeed, the
    // ephemerals that nobody here knows any more would live as long as this client does.
    if (isLost || (this.phase !== 'waiting' && nowMs >= this.attemptUntilMs)) {
      this.lostConnection(nowMs);
    }
    if (this.phase === 'waiting' && nowMs >= this.dialAtMs) {
      this.phase = 'dialling';
      this.server = this.hosts.next();
      this.dial = this.server;
      const attemptMs = this.liveness.timeoutMs / this.hosts.count;
      this.attemptUntilMs = nowMs + Math.max(attemptMs, ATTEMPT_MIN_MS);
    }
    this.planDetached();
  }

  private planDetached(): void {
    const nextMs = this.phase === 'waiting' ? this.dialAtMs : this.attemptUntilMs;
    this.wakeAtMs = Math.min(nextMs, this.pipeline.earliestDeadlineMs);
    if (this.sessionId !== 0n) this.wakeAtMs = Math.min(this.wakeAtMs, this.liveness.lostAtMs);
  }

  /** The server's word on whether it takes the session. */
  private welcome(nowMs: number): void {
    // A read-only server of 3.9 answers a new session with a bare header (protocol 4.9).
    if (this.reader.remaining < CONNECT_RESPONSE_BYTES_MIN) {
      this.lostConnection(nowMs);
      return;
    }
    const response = decodeRecord(this.reader, 'ConnectResponse');
    if (response.timeOut <= 0) {
      if (this.sessionId !== 0n) this.loseSession(nowMs);
      this.lostConnection(nowMs);
      return;
    }
    const sessionId = BigInt.asUintN(64, response.sessionId);
    if (this.sessionId !== 0n && sessionId !== this.sessionId) {
      throw new DecodeError('asked for one session and got another');
    }
    this.attach(response, nowMs);
  }

  private attach(response: RecordOf<'ConnectResponse'>, nowMs: number): void {
    // Without a sign, as logs and znodes' owners show it: it begins with the server's number.
    this.sessionId = BigInt.asUintN(64, response.sessionId);
    this.password = response.passwd ?? NO_PASSWORD;
    this.isReadOnly = response.readOnly === true;
    this.liveness.timeoutMs = response.timeOut;
    // The greeting was sent last of all.
    this.liveness.answered(this.liveness.sentMs);
    this.liveness.connected(nowMs);
    this.attachedMs = nowMs;
    if (this.options.sasl === null) {
      this.resume(nowMs);
      return;
    }
    this.phase = 'signing';
    this.sasl = this.options.sasl();
    this.sendToken(this.sasl.start());
  }

  /** Identities first, then watches, then what waits: so every request finds what it relies on. */
  private resume(nowMs: number): void {
    this.phase = 'attached';
    const { outgoing } = this.pipeline;
    for (const call of this.credentials.forNewConnection()) encodeCall(outgoing, call, '');
    this.watching.resume(outgoing, this.lastZxid);
    this.enter('connected', 0);
    this.pipeline.sendWaiting(nowMs);
    this.liveness.connected(nowMs);
    this.wakeAtMs = Math.min(this.liveness.nextCheckMs(nowMs), this.pipeline.earliestDeadlineMs);
  }

  private sendToken(token: Uint8Array): void {
    const xid = this.pipeline.nextXid();
    encodeRequest(this.pipeline.outgoing, { xid, type: Op.sasl, body: { token } });
  }

  private continueSasl(nowMs: number): void {
    const { err } = decodeRecord(this.reader, 'ReplyHeader');
    if (err !== 0) {
      this.finish(Err.authFailed);
      return;
    }
    const { token } = decodeRecord(this.reader, 'SetSASLResponse');
    // Without a token the server knows no SASL at all.
    const next = token === null ? 'refused' : (this.sasl?.step(token) ?? 'refused');
    if (next === 'refused') this.finish(Err.authFailed);
    else if (next === 'proved') this.resume(nowMs);
    else this.sendToken(next);
  }

  private receive(nowMs: number): void {
    const { reader, input } = this;
    const xid = reader.i32();
    const zxid = reader.i64();
    const err = reader.i32();
    if (xid > 0) {
      this.receiveReply(xid, zxid, err, nowMs);
      return;
    }
    if (input.isCut) throw new DecodeError('a longer event than is allowed');
    if (xid === Xid.notification) this.watching.receive(reader, zxid);
    else if (xid === Xid.ping) this.liveness.ponged();
    else if (xid === Xid.setWatches) this.watching.resumed();
    else if (xid === Xid.auth) this.receiveAuth(err);
    else throw new DecodeError(`a reply with xid ${xid}`);
  }

  private receiveReply(xid: number, zxid: number, err: number, nowMs: number): void {
    const call = this.pipeline.inFlight.head;
    if (call === null || call.xid !== xid) {
      throw new DecodeError(`a reply with xid ${xid}, not ${call?.xid}`);
    }
    if (zxid > this.lastZxid) this.lastZxid = zxid;
    this.liveness.answered(call.sentMs);
    if (call === this.closeCall) {
      this.finish(0);
      return;
    }
    if (err === Err.sessionMoved) {
      this.pipeline.refused(call);
      this.lostConnection(nowMs);
      return;
    }
    if (!call.isSettled) {
      call.err = err;
      call.zxid = zxid;
      call.isCut = this.input.isCut && err === 0;
      this.watching.answered(call);
    }
    this.pipeline.answered(call);
    if (err === Err.sessionExpired) {
      this.lostConnection(nowMs);
      if (this.phase === 'closed') return;
      this.loseSession(nowMs);
      this.planDetached();
    }
  }

  private receiveAuth(err: number): void {
    const answered = this.credentials.answered(err === 0);
    if (answered === null) throw new DecodeError('an answer to an auth packet that was not sent');
    const { call, wasKnown } = answered;
    call.err = err;
    if (!call.isSettled && !wasKnown) this.pipeline.answer(call);
    // What was good enough before, or was to be from the start: without it nothing else is right.
    else if (err !== 0 && wasKnown) this.finish(Err.authFailed);
  }

  /** The session has expired, by the server's word or by the clock. */
  private loseSession(nowMs: number): void {
    this.forgetSession();
    // Nothing is promised from one session to the next: an ensemble whose data was replaced by an
    // older state would never take in a client that has seen more.
    this.lastZxid = 0;
    this.enter('lost', Err.sessionExpired);
    this.dialAtMs = nowMs;
    for (const call of this.pipeline.failAll(Err.sessionExpired)) this.watching.failed(call);
  }

  private forgetSession(): void {
    this.sessionId = 0n;
    this.password = NO_PASSWORD;
    this.liveness.forgetSession(this.options.timeoutMs);
  }

  private enter(state: SessionState, code: number): void {
    if (this.state === state) return;
    this.state = state;
    this.deliveries.push(new StateChange(state, this.sessionId, code));
  }

  /** The end, for good; 0: the caller's wish. */
  private finish(code: number): void {
    this.phase = 'closed';
    this.hangsUp = true;
    this.dial = null;
    this.server = null;
    this.wakeAtMs = Number.POSITIVE_INFINITY;
    const { closeCall, pipeline } = this;
    if (closeCall !== null && !closeCall.isSettled) {
      pipeline.inFlight.remove(closeCall);
      pipeline.answer(closeCall);
    }
    const reason = code === 0 ? ERR_CLOSING : code;
    for (const call of this.credentials.fresh.takeAll()) pipeline.fail(call, reason, 'notSent');
    pipeline.failAll(reason);
    this.enter('closed', code);
    this.deliveries.push(new Ending(this.watching.table.takeAll()));
  }
}
