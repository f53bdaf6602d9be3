import type { Reader } from '../base/reader.ts';
import type { Attachment } from '../replica/attachment.ts';
import type { Connection } from './connection.ts';

const PASSWORD_BYTES = 16;
const NO_PASSWORD = new Uint8Array(PASSWORD_BYTES);

/** ConnectRequest and ConnectResponse of one connection (protocol section 4.1 to 4.3). */
export class Handshake {
  private readonly connection: Connection;
  private password: Uint8Array = NO_PASSWORD;
  /** Clients before 3.4 leave the read-only byte out, and get a response without it. */
  private readOnlyByte = false;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Answers a four-letter word and returns true, if that is what the first four bytes are. */
  isFourLetterWord(firstBytes: number): boolean {
    const word = String.fromCharCode(
      (firstBytes >>> 24) & 0xff,
      (firstBytes >>> 16) & 0xff,
      (firstBytes >>> 8) & 0xff,
      firstBytes & 0xff,
    );
    const { connection } = this;
    const answer = connection.context.fourLetterWord(word, connection);
    if (answer === null) return false;
    const writer = connection.rawOutput();
    writer.ustring(answer);
    // The text goes out as it is, without the length that a jute string has in front.
    writer.bytes.copyWithin(0, 4, writer.at);
    writer.at -= 4;
    connection.leave();
    return true;
  }

  receive(reader: Reader): void {
    const { connection } = this;
    const { replica, state, limits, secrets } = connection.context;
    reader.i32();
    const lastZxidSeen = reader.i64();
    const wantedMs = reader.i32();
    const high = reader.i32();
    const low = reader.i32();
    const password = reader.buffer() ?? NO_PASSWORD;
    this.readOnlyByte = reader.remaining > 0;
    if (this.readOnlyByte) reader.bool();
    if (lastZxidSeen > state.zxid || !connection.context.writable()) {
      connection.close();
      return;
    }
    const { minSessionTimeoutMs: min, maxSessionTimeoutMs: max } = limits;
    const timeoutMs = Math.min(Math.max(wantedMs, min), max);
    connection.phase = 'opening';
    const isNew = high === 0 && low === 0;
    this.password = isNew ? secrets.randomBytes(PASSWORD_BYTES) : password;
    const hash = secrets.sha256(this.password);
    if (isNew) replica.openSession(connection, timeoutMs, hash);
    else replica.attachSession(connection, high, low, timeoutMs, hash);
  }

  /** Tells the client its session, or that it has none any more. */
  answer(attachment: Attachment | null): void {
    const writer = this.connection.rawOutput();
    const at = writer.at;
    writer.i32(0);
    writer.i32(0);
    writer.i32(attachment?.timeoutMs ?? 0);
    writer.i64Halves(attachment?.high ?? 0, attachment?.low ?? 0);
    writer.buffer(attachment === null ? NO_PASSWORD : this.password);
    if (this.readOnlyByte) writer.bool(false);
    writer.patchI32(at, writer.at - at - 4);
    this.password = NO_PASSWORD;
  }
}
