import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from '../base/prng.ts';
import { DecodeError, Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { decodeFrame, encodeFrame, frameBytes } from './codec.ts';
import { countBytes, putCount, takeCount } from './codec-parts.ts';
import type { Fact, Meta } from './member.ts';
import type { Message } from './messages.ts';
import * as arbitrary from './testing/arbitraries.ts';

const CLUSTER = 0x51554f4c;
const A = '000102030405060708090a0b0c0d0e0f';
const B = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff';
const FUZZ_COUNT = Number(process.env.QUOLL_FUZZ_COUNT ?? 20_000);

const META: Meta = {
  role: 'observer',
  serverId: 0,
  address: 'b:2881',
  bulkAddress: '',
  clientPort: 2181,
  version: '1',
  leader: 3,
  leaderRound: 300,
  load: 7,
  appliedSlot: 128,
  appliedZxid: 2 ** 32 + 1,
};

const ALIVE: Fact = {
  ...{ id: B, status: 'alive', incarnation: 2, life: 1, counter: 5 },
  ...{ meta: META, accuser: null, ageTicks: 0 },
};
const SUSPECT: Fact = { ...ALIVE, status: 'suspect', meta: null, accuser: A };
const DEAD: Fact = { ...ALIVE, status: 'dead', meta: null, ageTicks: 200 };

function encoded(message: Message, cluster = CLUSTER): Uint8Array {
  const writer = new Writer();
  encodeFrame(writer, cluster, A, message);
  return writer.written().slice();
}

function decoded(bytes: Uint8Array): Message {
  return decodeFrame(new Reader(bytes), CLUSTER).message;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

const HEAD = (type: string) => `01${'51554f4c'}${type}${A}`;
const META_BYTES =
  '0100' + '06623a32383831' + '00' + '8511' + '0131' + '03' + 'ac02' + '07' + '8001';
const HASH = new Uint8Array(32).fill(0xaa);
const PREVIOUS = new Uint8Array(32).fill(0xbb);

/** If one of these changes, members of two versions no longer understand each other. */
const GOLDEN: readonly (readonly [Message, string])[] = [
  [
    { type: 'ping', number: 5, target: B, facts: [ALIVE] },
    `${HEAD('00')}05${B}0104${B}02010500${META_BYTES}8180808010`,
  ],
  [{ type: 'ack', number: 300, facts: [SUSPECT] }, `${HEAD('01')}ac020109${B}02010500${A}`],
  [{ type: 'nack', number: 0, facts: [DEAD] }, `${HEAD('02')}000102${B}020105c801`],
  [
    { type: 'pingRequest', number: 1, target: B, address: 'b:1', facts: [] },
    `${HEAD('03')}01${B}03623a3100`,
  ],
  [
    { type: 'rumours', facts: [{ ...DEAD, status: 'left', ageTicks: 0 }] },
    `${HEAD('04')}0103${B}02010500`,
  ],
  [{ type: 'exchange', wantsReply: true, facts: [] }, `${HEAD('05')}0100`],
  [{ type: 'link', isUrgent: true, wantsFeed: false, slot: 9 }, `${HEAD('06')}010009`],
  [{ type: 'linked', isAccepted: true }, `${HEAD('07')}01`],
  [{ type: 'unlink' }, HEAD('08')],
  [
    {
      type: 'push',
      round: 2,
      isFeed: true,
      entries: [{ slot: 7, previous: PREVIOUS, hash: HASH, body: Uint8Array.of(1, 2) }],
    },
    `${HEAD('09')}02010701${hex(PREVIOUS)}${hex(HASH)}020102`,
  ],
  [
    { type: 'have', first: 3, last: 7, round: 1, isNeighbour: true, isFeed: false },
    `${HEAD('0a')}0307010100`,
  ],
  [{ type: 'want', slot: 8, feed: true }, `${HEAD('0b')}0801`],
  [{ type: 'prune' }, HEAD('0c')],
];

describe('the codec', () => {
  it.each(GOLDEN)('has fixed bytes: %o', (message, bytes) => {
    expect(hex(encoded(message))).toBe(bytes);
    expect(decoded(encoded(message))).toEqual(message);
  });

  it('gives back what it was given, and counts its bytes exactly', () => {
    fc.assert(
      fc.property(arbitrary.message, (message) => {
        const bytes = encoded(message);
        expect(decoded(bytes)).toEqual(message);
        expect(frameBytes(message)).toBe(bytes.length);
      }),
    );
  });

  it('has one encoding for each number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 52 - 1 }), (number) => {
        const writer = new Writer();
        putCount(writer, number);
        expect(writer.at).toBe(countBytes(number));
        expect(takeCount(new Reader(writer.written()))).toBe(number);
      }),
    );
    expect(() => takeCount(new Reader(Uint8Array.of(0x81, 0x00)))).toThrow(DecodeError);
    expect(() => takeCount(new Reader(new Uint8Array(9).fill(0xff)))).toThrow(DecodeError);
  });

  it('refuses another cluster and another format', () => {
    const message: Message = { type: 'unlink' };
    expect(() => decoded(encoded(message, CLUSTER + 1))).toThrow('another cluster');
    const bytes = encoded(message);
    bytes[0] = 2;
    expect(() => decoded(bytes)).toThrow('format');
  });

  it('refuses what is cut anywhere, and what is longer than its content', () => {
    for (const [message] of GOLDEN) {
      const bytes = encoded(message);
      for (let end = 0; end < bytes.length; end++) {
        expect(() => decoded(bytes.subarray(0, end))).toThrow(DecodeError);
      }
      expect(() => decoded(Uint8Array.of(...bytes, 0))).toThrow(DecodeError);
    }
  });

  it('believes no count that the bytes could not hold', () => {
    const facts = encoded({ type: 'rumours', facts: [] }).slice(0, -1);
    const entries = encoded(GOLDEN[9]?.[0] as Message).slice(0, 22 + 3);
    for (const [head, error] of [
      [facts, '100 facts'],
      [entries, '100 entries'],
    ] as const) {
      const many = Uint8Array.of(...head, 100, ...new Uint8Array(100));
      expect(() => decoded(many)).toThrow(error);
      const huge = Uint8Array.of(...head, 0xff, 0xff, 0xff, 0xff, 0x7f, ...new Uint8Array(100));
      expect(() => decoded(huge)).toThrow(DecodeError);
    }
  });

  it('refuses members that are alive nowhere, accused by nobody, or talk too much', () => {
    const odd: Fact[] = [
      { ...ALIVE, meta: null },
      { ...ALIVE, accuser: A },
      { ...SUSPECT, accuser: null },
      { ...ALIVE, meta: { ...META, address: '' } },
      { ...ALIVE, meta: { ...META, version: 'v'.repeat(600) } },
      { ...ALIVE, meta: { ...META, version: 'é' } },
    ];
    for (const fact of odd) {
      expect(() => decoded(encoded({ type: 'rumours', facts: [fact] }))).toThrow(DecodeError);
    }
  });

  it(`throws nothing but DecodeError: ${FUZZ_COUNT} damaged frames`, () => {
    const prng = new Prng(1).fork();
    const frames = GOLDEN.map(([message]) => encoded(message));
    let refused = 0;
    for (let i = 0; i < FUZZ_COUNT; i++) {
      const bytes = damaged(prng, prng.pick(frames));
      try {
        expect(frameBytes(decoded(bytes))).toBe(bytes.length);
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(FUZZ_COUNT / 10);
    expect(refused).toBeLessThan(FUZZ_COUNT);
  });
});

/** Noise, or a frame with some bytes changed behind its cluster, cut or lengthened. */
function damaged(prng: Prng, frame: Uint8Array): Uint8Array {
  const length = prng.chance(0.3) ? prng.below(frame.length + 40) : frame.length;
  const bytes = new Uint8Array(length);
  bytes.set(frame.subarray(0, length));
  const from = prng.chance(0.1) ? 0 : 5;
  for (let changes = prng.between(0, 4); changes > 0 && length > from; changes--) {
    bytes[prng.between(from, length - 1)] = prng.pick([0, 1, 127, 128, 255, prng.below(256)]);
  }
  return bytes;
}
