import { Prng } from '../../base/prng.ts';
import { Reader } from '../../base/reader.ts';
import { Writer } from '../../base/writer.ts';
import { decodeRecord } from '../../protocol/codec.ts';
import { Event, Op, Xid } from '../../protocol/constants.ts';
import {
  beginFrame,
  decodeRequest,
  encodeRecordFrame,
  encodeReply,
  endFrame,
  type Request,
} from '../../protocol/frames.ts';
import type { RecordOf } from '../../protocol/records.ts';
import { Call } from './call.ts';
import type { Delivery } from './deliveries.ts';
import { Session, type SessionOptions } from './session.ts';
import type { WatchEvent, WatchTarget } from './watch-table.ts';

export const TIMEOUT_MS = 9_000;

/** A session, a clock that stands still, and whatever server the test plays. */
export class Rig {
  readonly session: Session;
  readonly dialled: string[] = [];
  /** What the caller has been told, as text. */
  readonly told: string[] = [];
  nowMs = 1_000;
  isConnected = false;
  sessionId = 0x1234n;
  zxid = 10;
  private spare = new Writer();
  private unread: Uint8Array[] = [];

  constructor(options: Partial<SessionOptions> = {}) {
    this.session = new Session({
      hosts: ['a', 'b', 'c'].map((host) => ({ host, port: 2181 })),
      chroot: '',
      prng: new Prng(7),
      timeoutMs: TIMEOUT_MS,
      canBeReadOnly: false,
      frameBytesMax: 100_000,
      backOff: { minMs: 20, maxMs: 1_000 },
      closeWithinMs: 2_000,
      sasl: null,
      ...options,
    });
    this.session.start(this.nowMs);
    this.perform();
  }

  /** Connected, with a session. */
  static attached(options: Partial<SessionOptions> = {}): Rig {
    const rig = new Rig(options);
    rig.open();
    rig.welcome();
    return rig;
  }

  /** The dial succeeds. */
  open(): RecordOf<'ConnectRequest'> {
    this.isConnected = true;
    this.session.opened(this.nowMs);
    const frames = this.written();
    return decodeRecord(new Reader(frames[0]), 'ConnectRequest');
  }

  welcome(timeOut: number = TIMEOUT_MS, readOnly = false): void {
    const sessionId = timeOut > 0 ? this.sessionId : 0n;
    const writer = new Writer();
    const passwd = new Uint8Array(16).fill(5);
    const response = { protocolVersion: 0, timeOut, sessionId, passwd, readOnly };
    encodeRecordFrame(writer, 'ConnectResponse', response);
    this.receive(writer.written());
  }

  /** Time goes by until the next dial, which succeeds. */
  reconnect(): RecordOf<'ConnectRequest'> {
    const { length } = this.dialled;
    while (this.dialled.length === length) this.wake();
    const request = this.open();
    this.welcome();
    return request;
  }

  /** To the moment at which the session wants to be asked again. */
  wake(): void {
    this.pass(Math.max(this.session.wakeAtMs - this.nowMs, 0));
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.session.tick(this.nowMs);
    this.perform();
  }

  cut(): void {
    this.session.lostConnection(this.nowMs);
    this.perform();
  }

  submit(op: number, path: string, change: Partial<Call> = {}): Call {
    const call = Object.assign(new Call(op, path, () => null), change);
    this.session.submit(call, this.nowMs);
    this.perform();
    return call;
  }

  /** What the client has written since; it has left by now. */
  requests(): Request[] {
    return this.written().map(decodeRequest);
  }

  /** The same as text: operations and paths. */
  sent(): string[] {
    return this.requests().map(({ type, body }) => {
      const path = (body as { readonly path?: string } | null)?.path;
      const name = Object.entries(Op).find(([, op]) => op === type)?.[0];
      return path === undefined ? `${name}` : `${name} ${path}`;
    });
  }

  /** Answers a call, as far as the header goes. */
  reply(call: Call, err = 0, body: Uint8Array = new Uint8Array(0)): void {
    this.header(call.xid, ++this.zxid, err, body);
  }

  header(xid: number, zxid: number, err = 0, body: Uint8Array = new Uint8Array(0)): void {
    const writer = new Writer();
    const at = beginFrame(writer);
    writer.i32(xid);
    writer.i64(zxid);
    writer.i32(err);
    writer.raw(body);
    endFrame(writer, at);
    this.receive(writer.written());
  }

  notify(type: keyof typeof Event, path: string): void {
    const body = { type: Event[type], state: 3, path };
    const writer = new Writer();
    encodeReply(writer, 0, { xid: Xid.notification, zxid: ++this.zxid, err: 0, body });
    this.receive(writer.written());
  }

  receive(bytes: Uint8Array): void {
    this.session.arrived(bytes, this.nowMs);
    while (this.session.step(this.nowMs));
    this.perform();
  }

  /** A watch that says what it is told. */
  target(name: string): WatchTarget {
    return {
      onEvent: ({ type, path }: WatchEvent) => this.told.push(`${name}: ${type} ${path}`),
      onEnd: () => this.told.push(`${name}: end`),
    };
  }

  private perform(): void {
    const { session } = this;
    if (session.hangsUp) {
      session.hangsUp = false;
      this.isConnected = false;
      this.unread = [];
    }
    for (const delivery of session.deliveries) this.tell(delivery);
    session.deliveries.length = 0;
    if (session.dial !== null) {
      this.dialled.push(session.dial.host);
      session.dial = null;
    }
  }

  private tell(delivery: Delivery): void {
    if (delivery.kind === 'call') {
      const { path, err, failure } = delivery;
      this.told.push(`${path}: ${failure === null ? err : `${err} ${failure}`}`);
    } else if (delivery.kind === 'state') this.told.push(delivery.state);
    else if (delivery.kind === 'event') {
      for (const target of delivery.targets) target.onEvent(delivery.event);
    } else for (const target of delivery.targets) target.onEnd();
  }

  private written(): Uint8Array[] {
    const output = this.session.takeOutput(this.spare);
    const bytes = output.written().slice();
    this.spare = output;
    const reader = new Reader(bytes);
    while (reader.remaining > 0) {
      const length = reader.i32();
      this.unread.push(bytes.subarray(reader.at, reader.at + length));
      reader.skip(length);
    }
    return this.unread.splice(0);
  }
}
