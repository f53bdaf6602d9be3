import { describe, expect, it } from 'vitest';
import { Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import { Op } from '../protocol/constants.ts';
import { connectRequest, createBody, pathBody, request } from './server.test-helper.ts';
import { TestServer } from './test-server.test-helper.ts';

/** `npm run test:long` sets a million; the share here keeps `npm test` short. */
const COUNT = Number(process.env.QUOLL_FUZZ_COUNT ?? 20_000);
const SEED = Number(process.env.QUOLL_FUZZ_SEED ?? 1);
const FRAMES_PER_CONNECTION = 20;

/** A small generator whose whole history is its seed. */
class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0 || 1;
  }

  below(bound: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % bound;
  }
}

const paths = (...list: string[]): ((writer: Writer) => void) => {
  return (writer) => {
    writer.i32(list.length);
    for (const path of list) writer.ustring(path);
  };
};

function multi(writer: Writer, close = true): void {
  for (const [op, body] of [
    [Op.create, createBody('/m', 'data')],
    [Op.setData, versioned('/m', 'x', -1)],
    [Op.check, versioned('/m', null, 1)],
    [Op.delete, versioned('/m', null, -1)],
  ] as const) {
    writer.i32(op);
    writer.bool(false);
    writer.i32(-1);
    body(writer);
  }
  if (!close) return;
  writer.i32(-1);
  writer.bool(true);
  writer.i32(-1);
}

function versioned(path: string, data: string | null, version: number): (writer: Writer) => void {
  return (writer) => {
    writer.ustring(path);
    if (data !== null) writer.ustring(data);
    writer.i32(version);
  };
}

/** One valid frame of every operation: what mutation starts from. */
const CORPUS: readonly Uint8Array[] = [
  connectRequest(),
  connectRequest({ readOnlyByte: false, high: 1, low: 2 }),
  request(1, Op.create, createBody('/a', 'hello', 1)),
  request(2, Op.create2, createBody('/a/s', 'hello', 2)),
  request(3, Op.createContainer, createBody('/c', '', 4)),
  request(4, Op.createTTL, (writer) => {
    createBody('/t', '', 5)(writer);
    writer.i64(1_000);
  }),
  request(5, Op.delete, versioned('/a', null, -1)),
  request(6, Op.setData, versioned('/a', 'x', 0)),
  request(7, Op.exists, pathBody('/a', true)),
  request(8, Op.getData, pathBody('/a', true)),
  request(9, Op.getChildren2, pathBody('/', true)),
  request(10, Op.getACL, pathBody('/a')),
  request(11, Op.setACL, (writer) => {
    writer.ustring('/a');
    writer.i32(2);
    for (const scheme of ['world', 'digest']) {
      writer.i32(31);
      writer.ustring(scheme);
      writer.ustring(scheme === 'world' ? 'anyone' : 'bob:x');
    }
    writer.i32(-1);
  }),
  request(12, Op.sync, pathBody('/')),
  request(-2, Op.ping),
  request(13, Op.multi, multi),
  request(14, Op.multiRead, (writer) => {
    writer.i32(Op.getData);
    writer.bool(false);
    writer.i32(-1);
    pathBody('/a', false)(writer);
    writer.i32(-1);
    writer.bool(true);
    writer.i32(-1);
  }),
  request(15, Op.reconfig, (writer) => {
    for (const text of ['', '1', '']) writer.ustring(text);
    writer.i64(-1);
  }),
  request(16, Op.addWatch, versioned('/a', null, 1)),
  request(17, Op.checkWatches, versioned('/a', null, 3)),
  request(18, Op.removeWatches, versioned('/a', null, 3)),
  request(-8, Op.setWatches2, (writer) => {
    writer.i64(1);
    for (const list of [['/a'], ['/b'], ['/'], [], ['/c', '/d']]) paths(...list)(writer);
  }),
  request(19, Op.getEphemerals, pathBody('/')),
  request(20, Op.getAllChildrenNumber, pathBody('/')),
  request(21, Op.whoAmI),
  request(-4, Op.auth, (writer) => {
    writer.i32(0);
    writer.ustring('digest');
    writer.ustring('bob:pw');
  }),
  request(22, Op.sasl, (writer) => writer.i32(0)),
  request(23, Op.closeSession),
];

const INTERESTING = [0, 1, -1, 127, 255, 0x7fffffff, -0x80000000, 10_000, 10_001, 1_048_576];

function mutate(dice: Dice, frame: Uint8Array): Uint8Array {
  let bytes = frame.slice();
  for (let edits = dice.below(4); edits > 0; edits--) {
    const at = dice.below(bytes.length);
    switch (dice.below(5)) {
      case 0:
        bytes[at] = dice.below(256);
        break;
      case 1:
        bytes = bytes.slice(0, at + 1);
        break;
      case 2: {
        const value = INTERESTING[dice.below(INTERESTING.length)] as number;
        if (at + 4 <= bytes.length) new DataView(bytes.buffer).setInt32(at, value);
        break;
      }
      case 3: {
        const other = CORPUS[dice.below(CORPUS.length)] as Uint8Array;
        bytes = Uint8Array.from([...bytes.slice(0, at), ...other.slice(dice.below(other.length))]);
        break;
      }
      default:
        // Half of all frames get their right length back, so that the fields behind are reached.
        if (bytes.length >= 4) new DataView(bytes.buffer).setInt32(0, bytes.length - 4);
    }
  }
  if (dice.below(2) === 0 && bytes.length >= 4) {
    new DataView(bytes.buffer).setInt32(0, bytes.length - 4);
  }
  return bytes;
}

describe('mutated frames', () => {
  it(`(${COUNT}, seed ${SEED}) never raise an error, hold memory, or disturb others`, () => {
    const dice = new Dice(SEED);
    let server = new TestServer();
    let witness = server.client();
    let asked = 0;
    for (let sent = 0; sent < COUNT; ) {
      if (asked === 500) {
        server = new TestServer();
        witness = server.client();
        asked = 0;
      }
      const peer = dice.below(10) === 0 ? server.network.dial() : server.client();
      for (let i = 0; i < FRAMES_PER_CONNECTION && !peer.closed; i++, sent++) {
        peer.send(mutate(dice, CORPUS[dice.below(CORPUS.length)] as Uint8Array));
        if (dice.below(3) === 0) server.clock.settle();
      }
      server.clock.settle();
      for (const connection of server.context.connections) {
        expect(connection.heldBytes).toBeLessThan(4 * 10_000);
      }
      peer.hangUp();
      asked++;
      witness.received = new Uint8Array(0);
      witness.send(request(asked, Op.exists, pathBody('/', false)));
      server.clock.settle();
      const reply = new Reader(witness.received);
      expect([reply.i32(), reply.i32()]).toEqual([84, asked]);
      reply.i64();
      expect(reply.i32()).toBe(0);
    }
    server.clock.advance(60_000);
    expect(server.context.connections.size).toBe(0);
    expect(server.state.sessions.size).toBe(0);
    expect(server.replica.watches.count).toBe(0);
  });
});
