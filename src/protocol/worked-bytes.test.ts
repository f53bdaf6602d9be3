import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { decodeRecord } from './codec.ts';
import { Err, Op, Xid } from './constants.ts';
import {
  decodeReply,
  decodeRequest,
  encodeRecordFrame,
  encodeReply,
  encodeRequest,
} from './frames.ts';
import type { ACL, RecordName, RecordOf } from './records.ts';

const OPEN: readonly ACL[] = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
const CONNECTS = new Set([1, 2, 3]);
const frames = readFrames();

interface Frame {
  readonly example: number;
  readonly direction: string;
  readonly bytes: Uint8Array;
}

function readFrames(): Frame[] {
  const text = readFileSync(new URL('testdata/worked-bytes.txt', import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => /^\d/.test(line));
  return lines.map((line) => {
    const [example, direction, ...hex] = line.split(/ +/);
    const bytes = Uint8Array.from(Buffer.from(hex.join(''), 'hex'));
    return { example: Number(example), direction: String(direction), bytes };
  });
}

function payloads(example: number, direction: string): Uint8Array[] {
  const wanted = frames.filter((f) => f.example === example && f.direction === direction);
  return wanted.map((frame) => frame.bytes.subarray(4));
}

function requestOf(example: number): ReturnType<typeof decodeRequest> {
  return decodeRequest(payloads(example, 'request')[0] ?? new Uint8Array(0));
}

function repliesOf(example: number, type: number): ReturnType<typeof decodeReply>[] {
  return payloads(example, 'reply').map((payload) => decodeReply(payload, type));
}

function reencode(name: RecordName, payload: Uint8Array): Uint8Array {
  const writer = new Writer();
  encodeRecordFrame(writer, name, decodeRecord(new Reader(payload), name));
  return writer.written();
}

function opcodeOf(example: number): number {
  const payload = payloads(example, 'request')[0];
  return payload === undefined ? 0 : new DataView(payload.buffer, payload.byteOffset).getInt32(4);
}

describe('every worked frame', () => {
  it('is there: 32 examples, each with its length in front', () => {
    expect(new Set(frames.map((frame) => frame.example)).size).toBe(32);
    for (const { bytes } of frames) {
      expect(new DataView(bytes.buffer).getInt32(0)).toBe(bytes.length - 4);
    }
  });

  it.each(frames.filter((f) => !CONNECTS.has(f.example) && f.example !== 29))(
    'of example $example, $direction, decodes and encodes to the same bytes',
    ({ example, direction, bytes }) => {
      const writer = new Writer();
      const payload = bytes.subarray(4);
      const type = opcodeOf(example);
      if (direction === 'request') encodeRequest(writer, decodeRequest(payload));
      else encodeReply(writer, type, decodeReply(payload, type));
      expect(writer.written()).toEqual(bytes);
    },
  );

  it.each(frames.filter((frame) => CONNECTS.has(frame.example)))(
    'of handshake $example, $direction, decodes and encodes to the same bytes',
    ({ direction, bytes }) => {
      const name = direction === 'request' ? 'ConnectRequest' : 'ConnectResponse';
      expect(reencode(name, bytes.subarray(4))).toEqual(bytes);
    },
  );
});

describe('the handshake', () => {
  it('carries the session id with all 64 bits', () => {
    const [response] = payloads(1, 'reply').map((p) => decodeRecord(new Reader(p), CONNECTED));
    expect(response).toMatchObject({
      protocolVersion: 0,
      timeOut: 10_000,
      sessionId: 0x01000013139a0000n,
      readOnly: false,
    });
  });

  it('of an old client has no readOnly byte, in either direction', () => {
    const [request] = payloads(2, 'request').map((p) => decodeRecord(new Reader(p), CONNECT));
    const [response] = payloads(2, 'reply').map((p) => decodeRecord(new Reader(p), CONNECTED));
    expect(request?.readOnly).toBeNull();
    expect(response).toMatchObject({ timeOut: 4000, readOnly: null });
  });
});
const CONNECT = 'ConnectRequest' satisfies RecordName;
const CONNECTED = 'ConnectResponse' satisfies RecordName;

describe('requests', () => {
  it('create carries data, ACL and flags', () => {
    expect(requestOf(4)).toEqual({
      xid: 1,
      type: Op.create,
      body: { path: '/a', data: Uint8Array.of(0x68, 0x69), acl: OPEN, flags: 0 },
    });
  });

  it('setWatches2 carries five lists behind the zxid', () => {
    expect(requestOf(26).body).toEqual({
      relativeZxid: 0x142,
      dataWatches: ['/v', '/v/n'],
      existWatches: ['/nope'],
      childWatches: ['/v'],
      persistentWatches: ['/v'],
      persistentRecursiveWatches: ['/v'],
    });
  });

  it('keep null apart from empty', () => {
    expect(requestOf(32).body).toEqual({ path: '/q', data: null, version: -1 });
    expect(requestOf(27).body).toMatchObject({ joiningServers: null, leavingServers: '3' });
    expect(requestOf(28).body).toEqual({ token: new Uint8Array(0) });
  });

  it('multi lists its operations in order', () => {
    const types = (requestOf(23).body as { type: number }[]).map((op) => op.type);
    expect(types).toEqual([Op.create, Op.check, Op.setData, Op.create2, Op.delete]);
  });

  it('of an unknown opcode are refused', () => {
    expect(() => requestOf(29)).toThrow('unknown operation 99');
  });
});

describe('replies', () => {
  it('create2 returns a path and a stat', () => {
    const [reply] = repliesOf(5, Op.create2);
    const body = reply?.body as RecordOf<'Create2Response'>;
    expect(body).toMatchObject({
      path: '/a2',
      stat: { czxid: 5, mzxid: 5, pzxid: 5, ctime: 0x1a2067bc34c, ephemeralOwner: 0n },
    });
  });

  it('an error has no body', () => {
    expect(repliesOf(6, Op.exists)).toEqual([{ xid: 4, zxid: 5, err: Err.noNode, body: null }]);
  });

  it('a notification is known by its xid, whatever was asked', () => {
    const [event, answer] = repliesOf(8, Op.setData);
    expect(event).toEqual({
      xid: Xid.notification,
      zxid: 6,
      err: 0,
      body: { type: 3, state: 3, path: '/a' },
    });
    expect(answer?.body).toMatchObject({ stat: { version: 1, mzxid: 6 } });
  });

  it('a failed multi tells of it only in its results', () => {
    const [reply] = repliesOf(24, Op.multi);
    expect(reply?.err).toBe(0);
    expect(reply?.body).toEqual([
      { type: -1, err: 0, result: { err: 0 } },
      { type: -1, err: Err.noNode, result: { err: Err.noNode } },
      { type: -1, err: Err.runtimeInconsistency, result: { err: Err.runtimeInconsistency } },
    ]);
  });

  it('an unknown opcode is answered with zxid -1', () => {
    expect(repliesOf(29, 99)).toEqual([{ xid: 1, zxid: -1, err: Err.unimplemented, body: null }]);
  });
});
