import { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { decodeRecord, encodeRecord } from '../protocol/codec.ts';
import { Op, Xid } from '../protocol/constants.ts';

/** A connection to a server: whole frames out, whole frames back, without their lengths. */
export interface FrameLink {
  send(frame: Uint8Array): void;
  /** Rejects when the connection ends first, or nothing comes for too long. */
  receive(): Promise<Uint8Array>;
  close(): void;
}

/** The server can't be reached, or does not talk as one should. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
}

export interface Answer {
  readonly err: number;
  readonly body: Reader;
}

const SESSION_TIMEOUT_MS = 30_000;

/** One session of a command: signs in, asks one thing after the other, closes. */
export class AdminLink {
  private readonly link: FrameLink;
  private xid = 0;

  constructor(link: FrameLink) {
    this.link = link;
  }

  async open(): Promise<void> {
    const writer = new Writer();
    encodeRecord(writer, 'ConnectRequest', {
      protocolVersion: 0,
      lastZxidSeen: 0,
      timeOut: SESSION_TIMEOUT_MS,
      sessionId: 0n,
      passwd: new Uint8Array(16),
      readOnly: false,
    });
    this.link.send(writer.written());
    const answer = decodeRecord(new Reader(await this.link.receive()), 'ConnectResponse');
    if (answer.timeOut <= 0) throw new LinkError('the server gives no session');
  }

  /** ReplyHeader.err. A server that refuses may also just hang up. */
  async signIn(scheme: string, credentials: Uint8Array): Promise<number> {
    const { err } = await this.ask(Xid.auth, Op.auth, (writer) =>
      encodeRecord(writer, 'AuthPacket', { type: 0, scheme, auth: credentials }),
    );
    return err;
  }

  request(opcode: number, body: (writer: Writer) => void): Promise<Answer> {
    return this.ask(++this.xid, opcode, body);
  }

  async close(): Promise<void> {
    await this.request(Op.closeSession, () => {}).catch(() => undefined);
    this.link.close();
  }

  private async ask(xid: number, type: number, body: (writer: Writer) => void): Promise<Answer> {
    const writer = new Writer();
    encodeRecord(writer, 'RequestHeader', { xid, type });
    body(writer);
    this.link.send(writer.written());
    for (;;) {
      const reader = new Reader(await this.link.receive());
      const header = decodeRecord(reader, 'ReplyHeader');
      if (header.xid === xid) return { err: header.err, body: reader };
    }
  }
}
