import type { Prng } from '../base/prng.ts';
import { Reader } from '../base/reader.ts';
import { utf8Encode } from '../base/utf8.ts';
import { Writer } from '../base/writer.ts';
import type { Clock } from '../io/clock.ts';
import type { Network, Peer, Stream, StreamHandler } from '../io/network.ts';
import { decodeRecord } from '../protocol/codec.ts';
import { Err, Op, Xid } from '../protocol/constants.ts';
import { type Body, decodeReply, encodeRecordFrame, encodeRequest } from '../protocol/frames.ts';
import type { RecordOf } from '../protocol/records.ts';
import { ClientWatches, watchKindOf } from './client-watches.ts';
import { FrameBuffer } from './frame-buffer.ts';
import { Ghost } from './ghost.ts';
import type { Call, History } from './history.ts';

export interface ClientOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly network: Network;
  readonly prng: Prng;
  readonly servers: readonly Peer[];
  readonly timeoutMs: number;
  readonly history: History;
  /** Its clock can't be trusted, so what it holds proves nothing. */
  readonly isCareless: boolean;
  /** The session that it begins with, without a password; 0: a new one. */
  readonly firstSession?: bigint;
  /** What it signs in with on each connection, as digest:user:password; null: nobody. */
  readonly auth: string | null;
  /** The true time, which only the checkers may know. */
  readonly nowUs: () => number;
  /** The same for how far a server is, by its name. */
  readonly appliedSlotOf: (host: string) => number;
}

const NO_PASSWORD = new Uint8Array(16);
const REPLY_HEADER_BYTES = 16;
const READS: readonly number[] = [Op.exists, Op.getData, Op.getChildren, Op.getChildren2, Op.sync];

interface Waiting {
  readonly call: Call;
  readonly sentMs: number;
  readonly done: (call: Call) => void;
}

/**
 * A client of the wire protocol with a session, as ZooKeeper's are: it pings after a third of the
 * time-out, leaves a server that it has not heard of for two thirds, goes to the next, sets its
 * watches there again, and sends nothing twice.
 */
export class SimClient implements StreamHandler {
  readonly name: string;
  readonly clock: Clock;
  readonly history: History;
  session = 0n;
  private readonly options: ClientOptions;
  private readonly watches: ClientWatches;
  private password: Uint8Array = NO_PASSWORD;
  private timeoutMs: number;
  private lastZxid = 0;
  private xid = 0;
  private serverIndex: number;
  private host = '';
  private stream: Stream | null = null;
  private giveUpDial: () => void = () => {};
  private isReady = false;
  private hasLeft = false;
  private input = new FrameBuffer();
  private connection = 0;
  private waiting: Waiting[] = [];
  private pingsSentMs: number[] = [];
  private pingsSentUs: number[] = [];
  private readonly writer = new Writer();
  private sentMs = 0;
  private heardMs = 0;
  /** When the newest request was sent that the server has answered: it knew of us after that. */
  private provenMs = Number.NEGATIVE_INFINITY;
  private readonly ghosts = new Map<Stream, Ghost>();
  private wakers: (() => void)[] = [];
  private readonly eventWakers = new Map<string, () => void>();

  constructor(options: ClientOptions) {
    this.options = options;
    this.name = options.name;
    this.clock = options.clock;
    this.history = options.history;
    this.session = options.firstSession ?? 0n;
    this.timeoutMs = options.timeoutMs;
    this.watches = new ClientWatches(options.history, options.name);
    this.serverIndex = options.prng.below(options.servers.length);
    if (options.isCareless) options.history.careless.add(options.name);
    this.dial();
    options.clock.every(options.timeoutMs / 12, () => this.tick());
  }

  /** Resolves once there is a session on a connection. */
  async ready(): Promise<void> {
    while (!this.isReady) await new Promise<void>((resolve) => this.wakers.push(resolve));
  }

  /** True while no server can have closed the session, as far as this client's clock goes. */
  get trustsSession(): boolean {
    if (!this.isReady || this.options.isCareless) return false;
    return this.clock.monotonicMs() - this.provenMs < (this.timeoutMs * 2) / 3;
  }

  /** The lock whose znode this is is mine: now, by all that I know. */
  noteHolding(node: string): void {
    this.history.holds.push({ client: this.name, node, atUs: this.options.nowUs() });
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }

  /** Resolves with the next event on the path, or when the time is over. */
  nextEvent(path: string, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const callOff = this.clock.after(limitMs, resolve);
      this.eventWakers.set(path, () => {
        callOff();
        resolve();
      });
    });
  }

  /** Sends a request; resolves with its answer, or when there won't be one. */
  async call(opcode: number, request: Body): Promise<Call> {
    await this.ready();
    const call: Call = {
      client: this.name,
      session: this.session,
      xid: ++this.xid,
      opcode,
      request,
      invokedUs: this.options.nowUs(),
      outcome: 'pending',
      endedUs: Number.POSITIVE_INFINITY,
      err: 0,
      zxid: 0,
      reply: null,
      replyBytes: new Uint8Array(0),
    };
    this.history.calls.push(call);
    return new Promise((done) => {
      this.waiting.push({ call, sentMs: this.clock.monotonicMs(), done });
      this.send(call.xid, opcode, request);
    });
  }

  /** Ends the session; a new one begins with the next connection. */
  async closeSession(): Promise<void> {
    const call = await this.call(Op.closeSession, null);
    if (call.outcome !== 'answered') return;
    this.forgetSession();
    this.drop();
  }

  /** Ends the session, and never comes back. */
  async leave(): Promise<void> {
    await this.call(Op.closeSession, null);
    this.hasLeft = true;
    this.drop();
  }

  /** The program has died, and another one begins with a session of its own. */
  async abandonSession(): Promise<void> {
    await this.ready();
    this.history.abandoned.set(this.session, this.options.nowUs());
    this.forgetSession();
    this.drop();
  }

  /** Goes on on another connection, and leaves the one it has open. */
  async move(): Promise<void> {
    await this.ready();
    const { stream, input, session, history, host } = this;
    if (stream === null) return;
    const { nowUs, appliedSlotOf } = this.options;
    const slot = (): number => appliedSlotOf(host);
    const ghost = new Ghost(stream, input, session, this.pingsSentUs.length, history, nowUs, slot);
    this.ghosts.set(stream, ghost);
    this.stream = null;
    this.drop();
    await this.ready();
    if (this.session === session) ghost.haunt(this.clock, this.timeoutMs);
    else stream.destroy();
  }

  onData(bytes: Uint8Array): void {
    this.input.append(bytes);
    const { connection } = this;
    for (;;) {
      const frame = this.connection === connection ? this.input.next() : null;
      if (frame === null) return;
      this.heardMs = this.clock.monotonicMs();
      if (this.isReady) this.receive(frame);
      else this.welcome(frame);
    }
  }

  onDrain(): void {}

  onClose(): void {
    this.drop();
  }

  private dial(): void {
    const { servers, network } = this.options;
    const server = servers[this.serverIndex++ % servers.length] as Peer;
    this.host = server.host;
    const connection = ++this.connection;
    this.heardMs = this.clock.monotonicMs();
    this.giveUpDial = network.connect(
      server,
      (stream) => {
        this.stream = stream;
        this.greet(stream);
        // A stream that was left may still end: that is not the end of the next one.
        const isCurrent = (): boolean => this.connection === connection;
        return {
          onData: (bytes) =>
            isCurrent() ? this.onData(bytes) : this.ghosts.get(stream)?.onData(bytes),
          onDrain: () => {},
          onClose: () => isCurrent() && this.onClose(),
        };
      },
      () => this.connection === connection && this.drop(),
    );
  }

  private greet(stream: Stream): void {
    const writer = new Writer();
    encodeRecordFrame(writer, 'ConnectRequest', {
      protocolVersion: 0,
      lastZxidSeen: this.lastZxid,
      timeOut: this.options.timeoutMs,
      sessionId: this.session,
      passwd: this.password,
      readOnly: false,
    });
    stream.write(writer.written().slice());
  }

  private welcome(frame: Uint8Array): void {
    const response = decodeRecord(new Reader(frame), 'ConnectResponse');
    if (response.timeOut <= 0) {
      this.history.expired.push(this.session);
      this.forgetSession();
      this.drop();
      return;
    }
    if (this.session !== 0n && response.sessionId !== this.session) {
      this.history.breaches.push(`${this.name} asked for one session and got another`);
    }
    this.session = BigInt.asUintN(64, response.sessionId);
    this.password = response.passwd ?? NO_PASSWORD;
    this.timeoutMs = response.timeOut;
    this.isReady = true;
    const { auth } = this.options;
    if (auth !== null) {
      this.send(Xid.auth, Op.auth, { type: 0, scheme: 'digest', auth: utf8Encode(auth) });
    }
    if (!this.watches.isEmpty) {
      this.send(Xid.setWatches, Op.setWatches2, this.watches.reset(this.lastZxid));
    }
    for (const wake of this.wakers.splice(0)) wake();
  }

  private receive(frame: Uint8Array): void {
    const { xid, zxid, err } = decodeRecord(new Reader(frame), 'ReplyHeader');
    if (zxid > 0) this.lastZxid = Math.max(this.lastZxid, zxid);
    if (xid === Xid.notification) this.receiveEvent(frame, zxid);
    else if (xid === Xid.ping) this.receivePong(zxid);
    else if (xid === Xid.setWatches) this.watches.resetDone(zxid, this.connection);
    else if (xid === Xid.auth) this.receiveAuth(err);
    else this.receiveReply(frame, xid, zxid, err);
  }

  private receiveEvent(frame: Uint8Array, zxid: number): void {
    const { type, path } = decodeReply(frame, 0).body as RecordOf<'WatcherEvent'>;
    if (zxid > 0) this.arrived('event', zxid);
    const isAwaited = this.watches.fire(type, path ?? '', zxid);
    // Who watches the data and the children of a znode that went meanwhile is told so twice.
    if (!isAwaited && zxid > 0) {
      this.history.breaches.push(`${this.name} got an event of ${path} that it never asked for`);
    }
    this.eventWakers.get(path ?? '')?.();
    this.eventWakers.delete(path ?? '');
  }

  private receiveAuth(err: number): void {
    if (err !== Err.ok) this.history.breaches.push(`${this.name} could not sign in: error ${err}`);
  }

  private receivePong(zxid: number): void {
    this.provenMs = Math.max(this.provenMs, this.pingsSentMs.shift() ?? 0);
    const sentUs = this.pingsSentUs.shift() ?? 0;
    this.history.pings.push({ session: this.session, sentUs, answeredUs: this.options.nowUs() });
    this.arrived('ping', zxid);
    this.watches.saw(zxid);
  }

  private receiveReply(frame: Uint8Array, xid: number, zxid: number, err: number): void {
    const next = this.waiting.shift();
    if (next === undefined || next.call.xid !== xid) {
      this.history.breaches.push(`${this.name} waited for ${next?.call.xid} and got ${xid}`);
      return;
    }
    const { call } = next;
    this.provenMs = Math.max(this.provenMs, next.sentMs);
    call.outcome = 'answered';
    call.endedUs = this.options.nowUs();
    call.err = err;
    call.zxid = zxid;
    call.reply = decodeReply(frame, call.opcode).body;
    call.replyBytes = frame.subarray(REPLY_HEADER_BYTES);
    this.arrived(READS.includes(call.opcode) ? 'read' : 'write', zxid);
    this.noteWatch(call);
    this.watches.saw(zxid);
    next.done(call);
  }

  private noteWatch(call: Call): void {
    const kind = watchKindOf(call);
    if (kind === null) return;
    const { path } = call.request as { readonly path: string };
    this.watches.add(kind, path, this.session, call.zxid, this.connection);
  }

  private arrived(what: 'read' | 'write' | 'ping' | 'event', zxid: number): void {
    this.history.arrivals.push({ client: this.name, session: this.session, zxid, what });
  }

  private send(xid: number, type: number, body: Body): void {
    const { writer } = this;
    writer.clear();
    encodeRequest(writer, { xid, type, body });
    this.sentMs = this.clock.monotonicMs();
    this.stream?.write(writer.written().slice());
  }

  private tick(): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.heardMs > (this.timeoutMs * 2) / 3) this.drop();
    else if (this.isReady && nowMs - this.sentMs > this.timeoutMs / 3) {
      this.pingsSentMs.push(nowMs);
      this.pingsSentUs.push(this.options.nowUs());
      this.send(Xid.ping, Op.ping, null);
    }
  }

  /** Leaves this connection; what is unanswered is unknown from now on. */
  private drop(): void {
    const connection = ++this.connection;
    this.isReady = false;
    this.giveUpDial();
    this.stream?.destroy();
    this.stream = null;
    this.input = new FrameBuffer();
    this.pingsSentMs = [];
    this.pingsSentUs = [];
    for (const { call, done } of this.waiting.splice(0)) {
      call.outcome = 'unknown';
      done(call);
    }
    this.heardMs = Number.POSITIVE_INFINITY;
    if (this.hasLeft) return;
    this.clock.after(this.options.prng.between(1, 200), () => {
      if (this.connection === connection) this.dial();
    });
  }

  private forgetSession(): void {
    this.session = 0n;
    this.password = NO_PASSWORD;
    this.lastZxid = 0;
    this.xid = 0;
    this.provenMs = Number.NEGATIVE_INFINITY;
    this.timeoutMs = this.options.timeoutMs;
    this.watches.clear();
  }
}
