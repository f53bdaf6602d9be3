// A client for the soak: watches, cut connections, half frames. On top of the wire format of
// test/durability, which shares no code with Quoll.
import { connect } from 'node:net';
import { Fields, Reader } from '../../durability/lib/wire.mjs';

export const Code = { ok: 0, noNode: -101, nodeExists: -110, notEmpty: -111, noWatcher: -121 };
export const WatchMode = { data: 0, exist: 1, children: 2, persistent: 0, recursive: 1 };
const Type = {
  ...{ create: 1, delete: 2, exists: 3, getData: 4, setData: 5, sync: 9, ping: 11 },
  ...{ getChildren2: 12, multi: 14, createContainer: 19, removeWatches: 18 },
  ...{ addWatch: 106, closeSession: -11 },
};
const openAcl = new Fields().int(1).int(31).text('world').text('anyone').done();
const noBytes = Buffer.alloc(0);

export class Client {
  notifications = 0;
  isClosed = false;
  sessionId = 0n;
  password = Buffer.alloc(16);
  #socket;
  #chunks = [];
  #bytes = 0;
  #waiting = new Map();
  #xid = 0;
  #attached = null;

  static open(port, timeoutMs, session = null) {
    const client = new Client();
    return new Promise((done, failed) => client.#start(port, timeoutMs, session, done, failed));
  }

  #start(port, timeoutMs, session, done, failed) {
    this.#attached = () => done(this);
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.on('error', () => {});
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('close', () => {
      this.isClosed = true;
      for (const { reject } of this.#waiting.values()) reject(new Error('connection lost'));
      this.#waiting.clear();
      failed(new Error('closed before the session began'));
    });
    const hello = new Fields()
      .int(0)
      .long(0)
      .int(timeoutMs)
      .long(session?.sessionId ?? 0n);
    this.#write(
      hello
        .bytes(session?.password ?? this.password)
        .flag(false)
        .done(),
    );
  }

  #write(payload) {
    const length = Buffer.alloc(4);
    length.writeInt32BE(payload.length);
    this.#socket.write(Buffer.concat([length, payload]));
  }

  #take(chunk) {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    for (;;) {
      if (this.#bytes < 4) return;
      if (this.#chunks[0].length < 4) this.#chunks = [Buffer.concat(this.#chunks)];
      const end = 4 + this.#chunks[0].readInt32BE(0);
      if (this.#bytes < end) return;
      const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
      this.#chunks = all.length > end ? [all.subarray(end)] : [];
      this.#bytes -= end;
      this.#frame(all.subarray(4, end));
    }
  }

  #frame(frame) {
    const reader = new Reader(frame);
    if (this.#attached !== null) {
      reader.int();
      this.timeoutMs = reader.int();
      this.sessionId = reader.id();
      this.password = Buffer.from(reader.bytes());
      const attached = this.#attached;
      this.#attached = null;
      if (this.timeoutMs > 0) attached();
      return;
    }
    const xid = reader.int();
    if (xid === -1) this.notifications += 1;
    if (xid < 0) return;
    reader.long();
    const waiting = this.#waiting.get(xid);
    this.#waiting.delete(xid);
    waiting?.resolve({ err: reader.int(), body: frame.subarray(16) });
  }

  #call(type, body) {
    if (this.isClosed) return Promise.reject(new Error('connection lost'));
    this.#xid += 1;
    const xid = this.#xid;
    this.#write(new Fields().int(xid).int(type).raw(body).done());
    return new Promise((resolve, reject) => this.#waiting.set(xid, { resolve, reject }));
  }

  create(path, data, flags = 0) {
    const body = new Fields().text(path).bytes(data).raw(openAcl).int(flags).done();
    return this.#call(flags === 4 ? Type.createContainer : Type.create, body);
  }

  set(path, data) {
    return this.#call(Type.setData, new Fields().text(path).bytes(data).int(-1).done());
  }

  delete(path) {
    return this.#call(Type.delete, new Fields().text(path).int(-1).done());
  }

  /** Sets two nodes at once, or neither. */
  setBoth(first, second, data) {
    const fields = new Fields();
    for (const path of [first, second]) {
      fields.int(Type.setData).flag(false).int(-1).text(path).bytes(data).int(-1);
    }
    return this.#call(Type.multi, fields.int(-1).flag(true).int(-1).done());
  }

  getData(path, watch = false) {
    return this.#call(Type.getData, new Fields().text(path).flag(watch).done());
  }

  exists(path, watch = false) {
    return this.#call(Type.exists, new Fields().text(path).flag(watch).done());
  }

  async children(path, watch = false) {
    const reply = await this.#call(Type.getChildren2, new Fields().text(path).flag(watch).done());
    if (reply.err !== Code.ok) return { ...reply, names: [] };
    const reader = new Reader(reply.body);
    return { ...reply, names: Array.from({ length: reader.int() }, () => reader.text()) };
  }

  addWatch(path, mode) {
    return this.#call(Type.addWatch, new Fields().text(path).int(mode).done());
  }

  /** Of any kind. */
  removeWatches(path) {
    return this.#call(Type.removeWatches, new Fields().text(path).int(3).done());
  }

  ping() {
    if (!this.isClosed) this.#write(new Fields().int(-2).int(Type.ping).done());
  }

  async close() {
    await this.#call(Type.closeSession, noBytes);
    this.#socket.destroy();
  }

  /** The connection goes without a word. */
  cut() {
    this.#socket.destroy();
  }

  /** The connection goes in the middle of a request. */
  cutInFrame() {
    this.#socket.write(new Fields().int(100_000).int(7).raw(Buffer.alloc(500)).done(), () =>
      this.#socket.destroy(),
    );
  }

  /** Asks for more than anyone wants, reads nothing of it, and goes. */
  async cutUnread(path, count) {
    this.#socket.pause();
    for (let i = 0; i < count; i += 1) this.getData(path).catch(() => {});
    await new Promise((done) => setTimeout(done, 200));
    this.#socket.destroy();
  }
}
