import { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import type { InstantPeer } from '../sim/instant-network.ts';

/** One frame of the server, taken apart as far as every reply allows. */
export interface Frame {
  readonly xid: number;
  readonly zxid: number;
  readonly err: number;
  readonly body: Uint8Array;
}

/** Cuts what a peer has received into frames; the first is the ConnectResponse. */
export function rawFrames(peer: InstantPeer): Uint8Array[] {
  const reader = new Reader(peer.received);
  const frames: Uint8Array[] = [];
  while (reader.remaining >= 4) {
    const length = reader.i32();
    frames.push(peer.received.slice(reader.at, reader.at + length));
    reader.skip(length);
  }
  return frames;
}

/** Replies and notifications behind the ConnectResponse. */
export function replies(peer: InstantPeer): Frame[] {
  return rawFrames(peer)
    .slice(1)
    .map((bytes) => {
      const reader = new Reader(bytes);
      const [xid, zxid, err] = [reader.i32(), reader.i64(), reader.i32()];
      return { xid, zxid, err, body: bytes.slice(reader.at) };
    });
}

/** A frame with its length in front. */
export function frame(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  writer.i32(0);
  write(writer);
  writer.patchI32(0, writer.at - 4);
  return writer.written().slice();
}

export interface ConnectOptions {
  readonly timeoutMs?: number;
  readonly high?: number;
  readonly low?: number;
  readonly password?: Uint8Array;
  readonly lastZxidSeen?: number;
  readonly readOnlyByte?: boolean;
  /** The client would take a server that only reads. */
  readonly readOnly?: boolean;
}

export function connectRequest(options: ConnectOptions = {}): Uint8Array {
  return frame((writer) => {
    writer.i32(0);
    writer.i64(options.lastZxidSeen ?? 0);
    writer.i32(options.timeoutMs ?? 10_000);
    writer.i64Halves(options.high ?? 0, options.low ?? 0);
    writer.buffer(options.password ?? new Uint8Array(16));
    if (options.readOnlyByte !== false) writer.bool(options.readOnly ?? false);
  });
}

export function request(xid: number, opcode: number, body?: (writer: Writer) => void): Uint8Array {
  return frame((writer) => {
    writer.i32(xid);
    writer.i32(opcode);
    body?.(writer);
  });
}

const OPEN_ACL = (writer: Writer): void => {
  writer.i32(1);
  writer.i32(31);
  writer.ustring('world');
  writer.ustring('anyone');
};

export function createBody(path: string, data: string, flags = 0): (writer: Writer) => void {
  return (writer) => {
    writer.ustring(path);
    writer.ustring(data);
    OPEN_ACL(writer);
    writer.i32(flags);
  };
}

export function pathBody(path: string, watch?: boolean): (writer: Writer) => void {
  return (writer) => {
    writer.ustring(path);
    if (watch !== undefined) writer.bool(watch);
  };
}

export function setBody(path: string, data: string, version = -1): (writer: Writer) => void {
  return (writer) => {
    writer.ustring(path);
    writer.ustring(data);
    writer.i32(version);
  };
}
