// A tiny client of ZooKeeper's protocol. It shares no code with Quoll, so that an error in Quoll's
// own codec cannot hide from these tests.
import { connect } from 'node:net';

export const OpCode = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  addWatch: 106,
  closeSession: -11,
};
export const Flag = { persistent: 0, ephemeral: 1, sequential: 2 };

export class Fields {
  #parts = [];

  int(value) {
    const part = Buffer.alloc(4);
    part.writeInt32BE(value);
    this.#parts.push(part);
    return this;
  }

  long(value) {
    const part = Buffer.alloc(8);
    part.writeBigInt64BE(BigInt(value));
    this.#parts.push(part);
    return this;
  }

  flag(value) {
    this.#parts.push(Buffer.of(value ? 1 : 0));
    return this;
  }

  bytes(value) {
    this.int(value.length);
    this.#parts.push(value);
    return this;
  }

  text(value) {
    return this.bytes(Buffer.from(value));
  }

  raw(value) {
    this.#parts.push(value);
    return this;
  }

  done() {
    return Buffer.concat(this.#parts);
  }
}

export class Reader {
  #at = 0;
  #buffer;

  constructor(buffer) {
    this.#buffer = buffer;
  }

  int() {
    this.#at += 4;
    return this.#buffer.readInt32BE(this.#at - 4);
  }

  long() {
    this.#at += 8;
    return Number(this.#buffer.readBigInt64BE(this.#at - 8));
  }

  /** Session ids use all 64 bits. */
  id() {
    this.#at += 8;
    return this.#buffer.readBigInt64BE(this.#at - 8);
  }

  flag() {
    this.#at += 1;
    return this.#buffer[this.#at - 1] !== 0;
  }

  bytes() {
    const length = this.int();
    if (length < 0) return null;
    this.#at += length;
    return this.#buffer.subarray(this.#at - length, this.#at);
  }

  text() {
    return String(this.bytes() ?? '');
  }

  stat() {
    return {
      czxid: this.long(),
      mzxid: this.long(),
      ctime: this.long(),
      mtime: this.long(),
      version: this.int(),
      cversion: this.int(),
      aversion: this.int(),
      owner: this.id(),
      dataLength: this.int(),
      childCount: this.int(),
      pzxid: this.long(),
    };
  }
}

const openAcl = new Fields().int(1).int(31).text('world').text('anyone').done();

/** The body of one write: `{ kind: 'create' | 'delete' | 'set' | 'check' | 'multi', ... }`. */
export function encodeWrite(write) {
  const fields = new Fields();
  switch (write.kind) {
    case 'create':
      fields.text(write.path).text(write.data).raw(openAcl).int(write.flags);
      break;
    case 'delete':
    case 'check':
      fields.text(write.path).int(write.version);
      break;
    case 'set':
      fields.text(write.path).text(write.data).int(write.version);
      break;
    case 'multi':
      for (const part of write.parts) {
        fields.int(writeType(part)).flag(false).int(-1).raw(encodeWrite(part));
      }
      fields.int(-1).flag(true).int(-1);
      break;
    default:
      throw new Error(`no write of kind ${write.kind}`);
  }
  return fields.done();
}

export function writeType(write) {
  return write.kind === 'set' ? OpCode.setData : OpCode[write.kind];
}

/** What a reply to a write says: `{ err }`, and on success its path, version, or parts. */
export function decodeOutcome(write, err, body) {
  if (err !== 0) return { err };
  const reader = new Reader(body);
  if (write.kind !== 'multi') return readResult(write, reader);
  const parts = [];
  for (;;) {
    const type = reader.int();
    const isLast = reader.flag();
    reader.int();
    if (isLast) return { err: 0, parts };
    const part = write.parts[parts.length];
    parts.push(type === -1 ? { err: reader.int() } : readResult(part, reader));
  }
}

function readResult(write, reader) {
  if (write.kind === 'create') return { err: 0, path: reader.text() };
  if (write.kind === 'set') return { err: 0, version: reader.stat().version };
  return { err: 0 };
}

export class Connection {
  sessionId = 0n;
  password = Buffer.alloc(16);
  timeoutMs = 0;
  lastZxid = 0;
  isClosed = false;
  /** Called with `{ zxid, type, path }` for each watch event. */
  onEvent = null;
  /** When anything has last come, on the clock of `performance`. */
  heardMs = performance.now();
  #socket;
  #input = Buffer.alloc(0);
  #waiting = [];
  #xid = 0;
  #attached;

  /**
   * `session` is `{ sessionId, password }` to re-attach, or null for a new one. With `answerMs` the
   * socket is closed when the server has not answered by then.
   */
  static open(port, session = null, lastZxidSeen = 0, timeoutMs = 40_000, answerMs = 0) {
    return new Connection().#start(port, session, lastZxidSeen, timeoutMs, answerMs);
  }

  #start(port, session, lastZxidSeen, timeoutMs, answerMs) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const timer = answerMs > 0 ? setTimeout(() => this.drop(), answerMs) : null;
    this.closed = new Promise((done) => {
      this.#socket.on('close', () => {
        this.isClosed = true;
        done();
      });
    });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    const hello = new Fields().int(0).long(lastZxidSeen).int(timeoutMs);
    hello
      .long(session?.sessionId ?? 0n)
      .bytes(session?.password ?? Buffer.alloc(16))
      .flag(false);
    this.#write(hello.done());
    return new Promise((done, failed) => {
      this.#attached = () => {
        clearTimeout(timer);
        done(this);
      };
      this.#socket.on('error', failed);
      this.closed.then(() => failed(new Error('closed before the connect reply')));
    });
  }

  get localPort() {
    return this.#socket.localPort;
  }

  get pendingCount() {
    return this.#waiting.length;
  }

  #write(payload) {
    const length = Buffer.alloc(4);
    length.writeInt32BE(payload.length);
    this.#socket.write(Buffer.concat([length, payload]));
  }

  #take(chunk) {
    this.heardMs = performance.now();
    this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
    while (this.#input.length >= 4) {
      const end = 4 + this.#input.readInt32BE(0);
      if (this.#input.length < end) return;
      const frame = this.#input.subarray(4, end);
      this.#input = this.#input.subarray(end);
      this.#frame(frame);
    }
  }

  #frame(frame) {
    const reader = new Reader(frame);
    if (this.timeoutMs === 0) {
      reader.int();
      this.timeoutMs = reader.int() || -1;
      this.sessionId = reader.id();
      this.password = Buffer.from(reader.bytes());
      this.#attached();
      return;
    }
    const reply = { xid: reader.int(), zxid: reader.long(), err: reader.int() };
    if (reply.xid === -2) return;
    if (reply.xid === -1) {
      const type = reader.int();
      reader.int();
      this.onEvent?.({ zxid: reply.zxid, type, path: reader.text() });
      return;
    }
    if (reply.zxid > this.lastZxid) this.lastZxid = reply.zxid;
    const waiting = this.#waiting.shift();
    if (waiting?.xid !== reply.xid) {
      throw new Error(`reply ${reply.xid} comes when ${waiting?.xid} is due`);
    }
    waiting.done({ ...reply, body: frame.subarray(16) });
  }

  /** Sends one request; `done` gets `{ xid, zxid, err, body }` if the reply ever comes. */
  send(type, body, done) {
    this.#xid += 1;
    this.#waiting.push({ xid: this.#xid, done });
    this.#write(new Fields().int(this.#xid).int(type).raw(body).done());
    return this.#xid;
  }

  /** As `send`, but a promise, which fails when the connection goes. */
  call(type, body = Buffer.alloc(0)) {
    return new Promise((done, failed) => {
      this.send(type, body, done);
      this.closed.then(() => failed(new Error('connection lost')));
    });
  }

  write(write) {
    return this.call(writeType(write), encodeWrite(write));
  }

  /** `{ data, stat }`, or null when there is no such node. */
  async getData(path) {
    const reply = await this.call(OpCode.getData, new Fields().text(path).flag(false).done());
    if (reply.err === -101) return null;
    if (reply.err !== 0) throw new Error(`getData ${path}: code ${reply.err}`);
    const reader = new Reader(reply.body);
    return { data: String(reader.bytes() ?? ''), stat: reader.stat() };
  }

  /** `{ names, stat }`, or null when there is no such node. */
  async getChildren(path) {
    const reply = await this.call(OpCode.getChildren2, new Fields().text(path).flag(false).done());
    if (reply.err === -101) return null;
    if (reply.err !== 0) throw new Error(`getChildren ${path}: code ${reply.err}`);
    const reader = new Reader(reply.body);
    const names = Array.from({ length: Math.max(0, reader.int()) }, () => reader.text());
    return { names, stat: reader.stat() };
  }

  /** What this server reads from now on is at least as new as everything answered before. */
  async sync() {
    const reply = await this.call(OpCode.sync, new Fields().text('/').done());
    if (reply.err !== 0) throw new Error(`sync: code ${reply.err}`);
  }

  /** Events of all changes of `path` come to `onEvent` as long as this connection lives. */
  async addPersistentWatch(path) {
    const reply = await this.call(OpCode.addWatch, new Fields().text(path).int(0).done());
    if (reply.err !== 0) throw new Error(`addWatch ${path}: code ${reply.err}`);
  }

  ping() {
    this.#write(new Fields().int(-2).int(OpCode.ping).done());
  }

  async closeSession() {
    await this.call(OpCode.closeSession);
    await this.closed;
  }

  drop() {
    this.#socket.destroy();
  }
}
