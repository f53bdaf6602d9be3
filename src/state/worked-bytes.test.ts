import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../base/bytes.ts';
import { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { Op } from '../protocol/constants.ts';
import { CommandHeader, CommandKind } from './command.ts';
import { Identities } from './identities.ts';
import type { Asker } from './query.ts';
import { type Client, Harness, type Result, resultOf } from './testing/harness.ts';

const ANYONE: Asker = { identities: Identities.none, flags: 0 };

/**
 * The frames of a ZooKeeper 3.9.5 (protocol document 13), request by request against one state
 * that is brought to the zxid and the time of each.
 */
const frames = new Map<string, Uint8Array>();
const file = new URL('../protocol/testdata/worked-bytes.txt', import.meta.url);
for (const line of readFileSync(file, 'utf8').split('\n')) {
  const [example, direction, ...hex] = line.split(/ +/);
  if (!/^\d+$/.test(example ?? '')) continue;
  const key = `${example} ${direction}`;
  // Example 8 has two replies: the notification, and then the one that is meant here.
  frames.set(key, Uint8Array.from(Buffer.from(hex.join(''), 'hex')).subarray(4));
}

function frame(example: number, direction: 'request' | 'reply'): Uint8Array {
  const payload = frames.get(`${example} ${direction}`);
  if (payload === undefined) throw new Error(`no ${direction} ${example}`);
  return payload;
}

/** Error, zxid and body of a reply, as hex where it is bytes. */
interface Reply {
  readonly error: number;
  readonly zxid: number;
  readonly body: string;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function expected(example: number): Reply {
  const payload = frame(example, 'reply');
  const reader = new Reader(payload);
  reader.i32();
  return { zxid: reader.i64(), error: reader.i32(), body: hex(payload.subarray(16)) };
}

function submit(h: Harness, c: Client, example: number): Result {
  const payload = frame(example, 'request');
  const request = new Reader(payload);
  const header = new CommandHeader();
  header.kind = CommandKind.write;
  header.flags = h.flags;
  header.cxid = request.i32();
  header.opcode = request.i32();
  header.sessionHigh = c.high;
  header.sessionLow = c.low;
  header.generation = c.generation;
  header.sequence = ++c.sequence;
  header.timeMs = h.timeMs;
  const writer = new Writer();
  header.encode(writer, Identities.none.encoded);
  writer.raw(payload, request.at);
  const bytes = writer.written();
  return resultOf(h.state.apply(new Reader(bytes)));
}

function write(h: Harness, c: Client, example: number, timeMs?: number): void {
  const wanted = expected(example);
  h.state.zxid = wanted.zxid - 1;
  h.timeMs = timeMs ?? h.timeMs;
  const { error, zxid, body } = submit(h, c, example);
  expect({ error, zxid, body: hex(body) }).toEqual(wanted);
}

function read(h: Harness, c: Client, example: number): void {
  const { state } = h;
  const payload = frame(example, 'request');
  const request = new Reader();
  request.reset(payload, viewOf(payload), 4, payload.length);
  const opcode = request.i32();
  const out = new Writer();
  const error = execute();
  expect({ error, body: hex(out.written()) }).toEqual({
    error: expected(example).error,
    body: expected(example).body,
  });

  function execute(): number {
    const { query } = state;
    if (opcode === Op.multiRead) return query.multiRead(request, ANYONE, out);
    const from = request.span();
    const to = from + request.length;
    const { bytes } = request;
    switch (opcode) {
      case Op.exists:
        return query.exists(bytes, from, to, ANYONE, out);
      case Op.getData:
        return query.getData(bytes, from, to, ANYONE, out);
      case Op.getACL:
        return query.getACL(bytes, from, to, ANYONE, out);
      case Op.getEphemerals:
        return query.getEphemerals(c.high, c.low, bytes, from, to, out);
      default:
        return query.getAllChildrenNumber(bytes, from, to, ANYONE, out);
    }
  }
}

describe('replies are those of ZooKeeper 3.9.5, byte by byte', () => {
  it('for single operations', () => {
    const h = new Harness();
    h.flags = 2;
    const c = h.open();
    write(h, c, 4, 0x1a2067bc33e);
    write(h, c, 5, 0x1a2067bc34c);
    read(h, c, 6);
    read(h, c, 7);
    write(h, c, 8, 0x1a2067bc361);
    write(h, c, 9);
    write(h, c, 12);
    write(h, c, 13);
    for (const name of ['1', '2', '3', '4', '5', '6', '7']) c.create(`/a/${name}`);
    h.state.zxid = 0x36;
    c.create('/a/e', '', 1);
    write(h, c, 14, 0x1a2067bc4c3);
    read(h, c, 16);
    read(h, c, 18);
    read(h, c, 19);
    write(h, c, 27);
  });

  it('for multi and multiRead', () => {
    const h = new Harness();
    h.flags = 2;
    const c = h.open();
    c.create('/m');
    c.send({ opcode: Op.createTTL, path: '/m/ttl', flags: 5, ttl: 100 });
    c.send({ opcode: Op.createContainer, path: '/m/cont', flags: 4 });
    write(h, c, 23, 0x1a2067ccb67);
    write(h, c, 24);
    read(h, c, 25);
  });

  it('for the close of a session', () => {
    const h = new Harness();
    const c = h.open();
    write(h, c, 30);
  });

  it('for null data, which stays null', () => {
    const h = new Harness();
    const c = h.open();
    c.create('/q', 'x');
    c.setData('/q', null);
    const out = new Writer();
    h.state.query.getData(Uint8Array.of(0x2f, 0x71), 0, 2, ANYONE, out);
    expect(hex(out.written()).slice(0, 8)).toBe('ffffffff');
    expect(out.at).toBe(4 + 68);
  });
});
