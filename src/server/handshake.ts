import type { Reader } from '../base/reader.ts';
import type { Attachment } from '../replica/attachment.ts';
import type { Connection } from './connection.ts';

const PASSWORD_BYTES = 16;
const WORD_BYTES = 4;
const MASK_BYTES = 8;
const NO_PASSWORD = new Uint8Array(PASSWORD_BYTES);

/** What a client is told of its session. */
export interface SessionNumbers {
  readonly high: number;
  readonly low: number;
  readonly timeoutMs: number;
}

/** ConnectRequest and ConnectResponse of one connection (protocol section 4.1 to 4.3). */
export class Handshake {
  private readonly connection: Connection;
  private password: Uint8Array = NO_PASSWORD;
  /** Clients before 3.4 leave the read-only byte out, and get a response without it. */
  private readOnlyByte = false;
  private askedMs = 0;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Answers a four-letter word, if that is what the first four bytes are. */
  takeWord(view: DataView, at: number, to: number): 'none' | 'incomplete' | 'answered' {
    const word = String.fromCharCode(
      view.getUint8(at),
      view.getUint8(at + 1),
      view.getUint8(at + 2),
      view.getUint8(at + 3),
    );
    const { connection } = this;
    const hasMask = to - at >= WORD_BYTES + MASK_BYTES;
    const mask = hasMask ? view.getBigInt64(at + WORD_BYTES) : undefined;
    const answer = connection.context.fourLetterWord(word, connection, mask);
    if (answer === null) return 'none';
    if (answer === undefined) return 'incomplete';
    const writer = connection.rawOutput();
    writer.ustring(answer);
    // The text goes out as it is, without the length that a jute string has in front.
    writer.bytes.copyWithin(0, 4, writer.at);
    writer.at -= 4;
    connection.leave();
    return 'answered';
  }

  receive(reader: Reader): void {
    const { connection } = this;
    const { replica, state, limits, secrets, counters, throttle } = connection.context;
    counters.connectRequests++;
    if (connection.context.refusesClients()) {
      counters.connectionsRejected++;
      connection.close();
      return;
    }
    this.askedMs = connection.nowMs;
    reader.i32();
    const lastZxidSeen = reader.i64();
    const wantedMs = reader.i32();
    const high = reader.i32();
    const low = reader.i32();
    const password = reader.buffer() ?? NO_PASSWORD;
    this.readOnlyByte = reader.remaining > 0;
    const acceptsReadOnly = this.readOnlyByte && reader.bool();
    const isNew = high === 0 && low === 0;
    const admitted = throttle.admits(isNew, connection.nowMs);
    counters.tokenDeficit.record(throttle.deficit);
    if (!admitted) {
      counters.connectionsRejected++;
      connection.close();
      return;
    }
    const readOnly = connection.context.readOnly();
    // A session that is in the log can't be taken up again without the others.
    const isRefused = readOnly ? !acceptsReadOnly || !isNew : !connection.context.attachable();
    if (isRefused || lastZxidSeen > state.zxid) {
      connection.close();
      return;
    }
    const { minSessionTimeoutMs: min, maxSessionTimeoutMs: max } = limits;
    const timeoutMs = Math.min(Math.max(wantedMs, min), max);
    if (readOnly) {
      this.password = secrets.randomBytes(PASSWORD_BYTES);
      connection.openReadOnly({ ...replica.newSessionId(), timeoutMs });
      return;
    }
    connection.phase = 'opening';
    this.password = isNew ? secrets.randomBytes(PASSWORD_BYTES) : password;
    const hash = secrets.sha256(this.password);
    if (isNew) replica.openSession(connection, timeoutMs, hash);
    else replica.attachSession(connection, high, low, timeoutMs, hash);
  }

  /** Tells the client its session, or that it has none any more. */
  answer(attachment: Attachment | null): void {
    const { connection } = this;
    connection.traffic.packetsSent++;
    connection.context.traffic.packetsSent++;
    if (attachment?.generation === 1) connection.noteOpened(this.askedMs);
    this.respond(attachment, false);
  }

  /** Tells the client its session, which only this server knows. */
  answerReadOnly(session: SessionNumbers): void {
    const { connection } = this;
    connection.traffic.packetsSent++;
    connection.context.traffic.packetsSent++;
    this.respond(session, true);
  }

  private respond(session: SessionNumbers | null, readOnly: boolean): void {
    const { connection } = this;
    const writer = connection.rawOutput();
    const at = writer.at;
    writer.i32(0);
    writer.i32(0);
    writer.i32(session?.timeoutMs ?? 0);
    writer.i64Halves(session?.high ?? 0, session?.low ?? 0);
    writer.buffer(session === null ? NO_PASSWORD : this.password);
    if (this.readOnlyByte) writer.bool(readOnly);
    writer.patchI32(at, writer.at - at - 4);
    this.password = NO_PASSWORD;
  }
}
