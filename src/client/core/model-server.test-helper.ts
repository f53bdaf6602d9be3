import { Reader } from '../../base/reader.ts';
import { utf8Decode } from '../../base/utf8.ts';
import { Writer } from '../../base/writer.ts';
import { decodeRecord } from '../../protocol/codec.ts';
import { Event, Op, Xid } from '../../protocol/constants.ts';
import {
  type Body,
  decodeRequest,
  encodeRecordFrame,
  encodeReply,
  type Request,
} from '../../protocol/frames.ts';
import type { RecordOf, Stat } from '../../protocol/records.ts';

interface Znode {
  data: Uint8Array | null;
  mzxid: number;
}

const TIMEOUT_MS = 9_000;

/** A server with a few znodes that always exist: sessions, writes in order, watches. */
export class ModelServer {
  zxid = 1;
  /** What was written, in the order of execution. */
  readonly executed: string[] = [];
  readonly znodes: Map<string, Znode> = new Map();
  private readonly sessions = new Set<bigint>();
  private nextSession = 1n;

  constructor(paths: readonly string[]) {
    for (const path of paths) this.znodes.set(path, { data: null, mzxid: 0 });
  }

  expireAll(): void {
    this.sessions.clear();
  }

  newSession(): bigint {
    this.sessions.add(this.nextSession);
    this.nextSession += 1n;
    return this.nextSession - 1n;
  }

  knows(session: bigint): boolean {
    return this.sessions.has(session);
  }

  endSession(session: bigint): void {
    this.sessions.delete(session);
  }
}

/** One connection to the model. Bytes wait on both sides until the test lets them through. */
export class ModelConnection {
  isClosed = false;
  private readonly server: ModelServer;
  private readonly output = new Writer();
  private input: Uint8Array = new Uint8Array(0);
  private session: bigint | null = null;
  private readonly watched = new Set<string>();
  private readonly lasting = new Set<string>();
  private taken = 0;

  constructor(server: ModelServer) {
    this.server = server;
  }

  get waiting(): number {
    return this.output.at - this.taken;
  }

  /** So many of the bytes that wait for the client. */
  take(count: number): Uint8Array {
    const from = this.taken;
    this.taken += Math.min(count, this.waiting);
    return this.output.bytes.slice(from, this.taken);
  }

  receive(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.input.length + bytes.length);
    joined.set(this.input);
    joined.set(bytes, this.input.length);
    const reader = new Reader(joined);
    let done = 0;
    while (reader.remaining >= 4) {
      const length = reader.i32();
      if (reader.remaining < length) break;
      const payload = joined.subarray(reader.at, reader.at + length);
      reader.skip(length);
      done = reader.at;
      if (this.session === null) this.greet(payload);
      else if (this.server.knows(this.session)) this.execute(decodeRequest(payload));
      else this.isClosed = true;
      if (this.isClosed) break;
    }
    this.input = joined.slice(done);
  }

  /** Another connection has written. */
  changed(path: string, zxid: number): void {
    if (!this.watched.delete(path) && !this.lasting.has(path)) return;
    this.notify(path, zxid);
  }

  private greet(payload: Uint8Array): void {
    const request = decodeRecord(new Reader(payload), 'ConnectRequest');
    const { server } = this;
    const isNew = request.sessionId === 0n;
    const isRefused = !isNew && !server.knows(request.sessionId);
    const sessionId = isRefused ? 0n : isNew ? server.newSession() : request.sessionId;
    encodeRecordFrame(this.output, 'ConnectResponse', {
      protocolVersion: 0,
      timeOut: isRefused ? 0 : TIMEOUT_MS,
      sessionId,
      passwd: new Uint8Array(16),
      readOnly: false,
    });
    this.session = sessionId;
    this.isClosed = isRefused;
  }

  private execute({ xid, type, body }: Request): void {
    const { server } = this;
    const { path = '' } = (body ?? {}) as { readonly path?: string };
    switch (type) {
      case Op.ping:
        this.reply(Xid.ping, type, null);
        return;
      case Op.setData:
        this.setData(xid, body as RecordOf<'SetDataRequest'>);
        return;
      case Op.getData: {
        const { data, mzxid } = server.znodes.get(path) as Znode;
        if ((body as RecordOf<'GetDataRequest'>).watch) this.watched.add(path);
        this.reply(xid, type, { data, stat: statOf(mzxid) });
        return;
      }
      case Op.addWatch:
        this.lasting.add(path);
        this.reply(xid, type, { err: 0 });
        return;
      case Op.setWatches:
      case Op.setWatches2:
        this.setWatches(type, body as RecordOf<'SetWatches2'>);
        return;
      case Op.closeSession:
        server.endSession(this.session as bigint);
        this.reply(xid, type, null);
        this.isClosed = true;
        return;
      default:
        throw new Error(`the model does not know operation ${type}`);
    }
  }

  private setData(xid: number, { path, data }: RecordOf<'SetDataRequest'>): void {
    const { server } = this;
    server.zxid += 1;
    server.znodes.set(path as string, { data, mzxid: server.zxid });
    const bytes = data as Uint8Array;
    server.executed.push(utf8Decode(bytes, 0, bytes.length));
    this.changed(path as string, server.zxid);
    this.reply(xid, Op.setData, { stat: statOf(server.zxid) });
  }

  private setWatches(type: number, body: RecordOf<'SetWatches2'>): void {
    for (const path of body.dataWatches ?? []) {
      const { mzxid } = this.server.znodes.get(path as string) as Znode;
      if (mzxid > body.relativeZxid) this.notify(path as string, -1);
      else this.watched.add(path as string);
    }
    for (const path of body.persistentWatches ?? []) this.lasting.add(path as string);
    this.reply(Xid.setWatches, type, null);
  }

  private notify(path: string, zxid: number): void {
    const body = { type: Event.nodeDataChanged, state: 3, path };
    encodeReply(this.output, 0, { xid: Xid.notification, zxid, err: 0, body });
  }

  private reply(xid: number, type: number, body: Body): void {
    encodeReply(this.output, type, { xid, zxid: this.server.zxid, err: 0, body });
  }
}

function statOf(mzxid: number): Stat {
  return {
    ...{ czxid: 0, mzxid, ctime: 0, mtime: 0, version: 0, cversion: 0, aversion: 0 },
    ...{ ephemeralOwner: 0n, dataLength: 0, numChildren: 0, pzxid: 0 },
  };
}
