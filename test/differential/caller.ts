import { Reader } from '../../src/base/reader.ts';
import { Writer } from '../../src/base/writer.ts';
import { decodeRecord } from '../../src/protocol/codec.ts';
import { Op, Xid } from '../../src/protocol/constants.ts';
import {
  type Body,
  decodeReply,
  encodeRecordFrame,
  encodeRequest,
  type Reply,
} from '../../src/protocol/frames.ts';
import type { RecordOf } from '../../src/protocol/records.ts';
import { type Address, Link } from './link.ts';

/** A client that asks one thing at a time, for scenarios that are written by hand. */

export interface SeenEvent {
  readonly type: number;
  readonly path: string;
  readonly zxid: number;
  readonly atMs: number;
}

const ANSWER_MS = 5000;
const POLL_MS = 20;

export class Caller {
  readonly events: SeenEvent[] = [];
  private readonly link: Link;
  private xid = 1;

  private constructor(link: Link) {
    this.link = link;
  }

  /** Opens a session, or attaches to `session`. */
  static async open(
    address: Address,
    timeOut: number,
    session?: RecordOf<'ConnectResponse'>,
  ): Promise<Caller> {
    const link = new Link(address);
    const writer = new Writer();
    encodeRecordFrame(writer, 'ConnectRequest', {
      protocolVersion: 0,
      lastZxidSeen: 0,
      timeOut,
      sessionId: session?.sessionId ?? 0n,
      passwd: session?.passwd ?? new Uint8Array(16),
      readOnly: false,
    });
    link.send(writer.written());
    await link.settled(false, ANSWER_MS);
    link.take();
    return new Caller(link);
  }

  get session(): RecordOf<'ConnectResponse'> {
    const { handshake } = this.link;
    if (handshake === undefined) throw new Error('the server closed during the handshake');
    return decodeRecord(new Reader(handshake), 'ConnectResponse');
  }

  /** True if the server has answered the handshake. */
  get answered(): boolean {
    return this.link.handshake !== undefined;
  }

  get closed(): boolean {
    return this.link.closed;
  }

  async call(type: number, body: Body): Promise<Reply> {
    const writer = new Writer();
    const xid = type === Op.ping ? Xid.ping : this.xid++;
    encodeRequest(writer, { xid, type, body });
    this.link.expect({ type, id: xid }, xid);
    this.link.send(writer.written());
    await this.link.settled(false, ANSWER_MS);
    const reply = this.collect();
    if (reply === undefined) return { xid, zxid: 0, err: -4, body: null };
    return decodeReply(reply, type);
  }

  /** Pings until `done`; false when that does not come about in time. */
  async until(done: () => boolean, withinMs: number): Promise<boolean> {
    for (const deadline = Date.now() + withinMs; Date.now() < deadline; ) {
      if (done()) return true;
      await this.call(Op.ping, null);
      await pause(POLL_MS);
    }
    return done();
  }

  /** True if the server closes the connection, on which nothing more is sent. */
  async closes(withinMs: number): Promise<boolean> {
    await this.link.settled(true, withinMs);
    return this.link.closed;
  }

  cut(): void {
    this.link.destroy();
  }

  private collect(): Buffer | undefined {
    let reply: Buffer | undefined;
    for (const item of this.link.take()) {
      if (item.kind === 'reply') reply = item.payload;
      if (item.kind !== 'event') continue;
      const { zxid, body } = decodeReply(item.payload, 0);
      const { type, path } = body as RecordOf<'WatcherEvent'>;
      this.events.push({ type, path: String(path), zxid, atMs: Date.now() });
    }
    return reply;
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
