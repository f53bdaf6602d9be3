// A client that keeps its session: when its connection ends or an answer fails to come, it goes to
// the next server at once, with no back-off, and asks again.
import { connect } from 'node:net';
import { frame, handshake, int32 } from './client.mjs';
import { sleep } from './processes.mjs';

const CONNECT_TIMEOUT_MS = 1000;
const REPLY_TIMEOUT_MS = 2000;
const RETRY_MS = 10;
const SESSION_TIMEOUT_MS = 30_000;
const OPCODE = { create: 1, setData: 5, closeSession: -11 };
const NODE_EXISTS = -110;
const NO_PASSWORD = Buffer.alloc(16);

function buffer(bytes) {
  return Buffer.concat([int32(bytes.length), Buffer.from(bytes)]);
}

/** One connection: requests go out one at a time, and each waits for its reply. */
class Link {
  constructor(address) {
    const [host, port] = address.split(':');
    this.received = Buffer.alloc(0);
    this.waiting = null;
    this.socket = connect({ host, port: Number(port), noDelay: true });
    this.socket.on('data', (chunk) => this.take(chunk));
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.fail('the connection was closed'));
  }

  /** The next frame from the server; an error if it does not come. */
  next(timeoutMs) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.fail('no answer'), timeoutMs);
      this.waiting = { resolve, reject, timer };
      if (this.socket.destroyed) this.fail('the connection was closed');
      else this.deliver();
    });
  }

  take(chunk) {
    this.received = Buffer.concat([this.received, chunk]);
    this.deliver();
  }

  deliver() {
    const { received, waiting } = this;
    if (waiting === null || received.length < 4) return;
    const end = 4 + received.readInt32BE(0);
    if (received.length < end) return;
    this.received = received.subarray(end);
    this.waiting = null;
    clearTimeout(waiting.timer);
    waiting.resolve(received.subarray(4, end));
  }

  fail(reason) {
    const { waiting } = this;
    this.waiting = null;
    this.socket.destroy();
    if (waiting === null) return;
    clearTimeout(waiting.timer);
    waiting.reject(new Error(reason));
  }
}

export class Session {
  constructor(addresses) {
    this.addresses = addresses;
    this.id = Buffer.alloc(8);
    this.password = NO_PASSWORD;
    this.zxid = Buffer.alloc(8);
    this.link = null;
    /** Connections made after the first one. */
    this.reconnects = -1;
  }

  async create(path) {
    const acl = [int32(1), int32(31), buffer('world'), buffer('anyone')];
    const body = [buffer(path), int32(0), ...acl, int32(0)];
    const err = await this.call(OPCODE.create, body, SESSION_TIMEOUT_MS);
    if (err !== 0 && err !== NODE_EXISTS) throw new Error(`create ${path}: error ${err}`);
  }

  async set(path, giveUpMs) {
    const body = [buffer(path), buffer('data'), int32(-1)];
    const err = await this.call(OPCODE.setData, body, giveUpMs);
    if (err !== 0) throw new Error(`setData ${path}: error ${err}`);
  }

  close() {
    this.link?.socket.end(frame(int32(2), int32(OPCODE.closeSession)));
  }

  /** Asks until somebody answers. */
  async call(opcode, body, giveUpMs) {
    const deadline = performance.now() + giveUpMs;
    for (;;) {
      try {
        if (this.link === null) await this.attach();
        this.link.socket.write(frame(int32(1), int32(opcode), ...body));
        const reply = await this.link.next(REPLY_TIMEOUT_MS);
        this.zxid = reply.subarray(4, 12);
        return reply.readInt32BE(12);
      } catch (error) {
        this.link = null;
        if (performance.now() > deadline) throw error;
      }
    }
  }

  /** Tries one server after the other, beginning with the first, until one takes the session. */
  async attach() {
    const deadline = performance.now() + SESSION_TIMEOUT_MS;
    for (let i = 0; ; i++) {
      const link = new Link(this.addresses[i % this.addresses.length]);
      try {
        link.socket.write(handshake(SESSION_TIMEOUT_MS, this.zxid, this.id, this.password));
        const reply = await link.next(CONNECT_TIMEOUT_MS);
        if (reply.readInt32BE(4) <= 0) throw new Error('the session has expired');
        this.id = reply.subarray(8, 16);
        this.password = reply.subarray(20, 36);
        this.link = link;
        this.reconnects++;
        return;
      } catch (error) {
        link.socket.destroy();
        if (performance.now() > deadline) throw error;
        await sleep(RETRY_MS);
      }
    }
  }
}
