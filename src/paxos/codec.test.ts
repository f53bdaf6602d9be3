import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from '../base/prng.ts';
import { DecodeError, Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { decodeMessage, encodeMessage } from './codec.ts';
import type { Message } from './messages.ts';

const FUZZ_COUNT = Number(process.env.QUOLL_FUZZ_COUNT ?? 20_000);
const FUZZ_SEED = Number(process.env.QUOLL_FUZZ_SEED ?? 1);

const count = fc.nat({ max: 2 ** 40 });
const ballot = fc.record({ round: count, replica: fc.nat({ max: 255 }) });
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const anchor = fc.record({ slot: count, hash });
const entry = fc.record({
  slot: count,
  round: count,
  replica: fc.nat({ max: 255 }),
  kind: fc.nat({ max: 2 }),
  body: fc.uint8Array({ maxLength: 40 }),
});
const base = { ballot, configurationId: count };
const log = { after: anchor, entries: fc.array(entry, { maxLength: 4 }), hash, decided: count };
const standing = { accepted: ballot, last: count, decided: count };

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant('preVote' as const), ...base, ...standing }),
  fc.record({
    type: fc.constant('preVoteReply' as const),
    ...base,
    granted: fc.boolean(),
    promised: ballot,
    behind: fc.boolean(),
  }),
  fc.record({ type: fc.constant('prepare' as const), ...base, ...standing }),
  fc.record({
    type: fc.constant('promise' as const),
    ...base,
    ...standing,
    ...log,
    damaged: fc.boolean(),
    isLast: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('nack' as const),
    ...base,
    promised: ballot,
    behind: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('acceptSync' as const),
    ...base,
    ...log,
    isFirst: fc.boolean(),
    isLast: fc.boolean(),
  }),
  fc.record({ type: fc.constant('accept' as const), ...base, ...log }),
  fc.record({ type: fc.constant('accepted' as const), ...base, slot: count, hash }),
  fc.record({ type: fc.constant('decide' as const), ...base, decided: count }),
  fc.record({ type: fc.constant('heartbeat' as const), ...base, probe: count, decided: count }),
  fc.record({
    type: fc.constant('heartbeatReply' as const),
    ...base,
    probe: count,
    synced: fc.boolean(),
    last: count,
    decided: count,
    damaged: fc.boolean(),
  }),
  fc.record({ type: fc.constant('behind' as const), ...base, decided: count }),
  fc.record({ type: fc.constant('handOver' as const), ...base }),
);

function encoded(value: Message): Uint8Array {
  const writer = new Writer();
  encodeMessage(writer, value);
  return writer.written().slice();
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

const HEAD = { ballot: { round: 3, replica: 2 }, configurationId: 1 };
/** `round:f64 replica:i32 configurationId:f64` of the above. */
const HEAD_HEX = '4008000000000000000000023ff0000000000000';
const ONE = 'ff'.repeat(32);

describe('codec of messages', () => {
  it('gives back every message', () => {
    fc.assert(
      fc.property(message, (value) => {
        expect(decodeMessage(new Reader(encoded(value)))).toEqual(value);
      }),
    );
  });

  it('covers every type', () => {
    const types = new Set(fc.sample(message, { numRuns: 1000, seed: 1 }).map(({ type }) => type));
    expect(types.size).toBe(13);
  });

  it.each<[Message, string]>([
    [{ type: 'handOver', ...HEAD }, `0c${HEAD_HEX}`],
    [{ type: 'decide', ...HEAD, decided: 2 }, `08${HEAD_HEX}4000000000000000`],
    [
      { type: 'nack', ...HEAD, promised: { round: 1, replica: 1 }, behind: true },
      `04${HEAD_HEX}3ff00000000000000000000101`,
    ],
    [
      { type: 'accepted', ...HEAD, slot: 1, hash: new Uint8Array(32).fill(255) },
      `07${HEAD_HEX}3ff0000000000000${ONE}`,
    ],
    [
      {
        type: 'accept',
        ...HEAD,
        after: { slot: 1, hash: new Uint8Array(32).fill(255) },
        entries: [{ slot: 2, round: 3, replica: 2, kind: 1, body: Uint8Array.of(7) }],
        hash: new Uint8Array(32).fill(255),
        decided: 0,
      },
      `06${HEAD_HEX}3ff0000000000000${ONE}00000001` +
        `400000000000000040080000000000000000000200000001${'00000001'}07${ONE}0000000000000000`,
    ],
  ])('writes %o as it always has', (value, bytes) => {
    expect(hex(encoded(value))).toBe(bytes);
  });

  it('refuses what is cut short at any byte, or goes on', () => {
    for (const value of fc.sample(message, { numRuns: 50, seed: FUZZ_SEED })) {
      const bytes = encoded(value);
      for (let length = 0; length < bytes.length; length++) {
        const reader = new Reader(bytes.slice(0, length));
        expect(() => decodeMessage(reader)).toThrow(DecodeError);
      }
      const longer = new Reader(Uint8Array.of(...bytes, 0));
      expect(() => decodeMessage(longer)).toThrow(DecodeError);
    }
  });

  it('answers changed bytes with a message or a DecodeError, and believes no count', () => {
    const prng = new Prng(FUZZ_SEED).fork();
    const samples = fc.sample(message, { numRuns: 200, seed: FUZZ_SEED }).map(encoded);
    let refused = 0;
    for (let i = 0; i < FUZZ_COUNT; i++) {
      const bytes = prng.pick(samples).slice();
      for (let n = prng.between(1, 4); n > 0; n--) bytes[prng.below(bytes.length)] = prng.u32();
      try {
        const decoded = decodeMessage(new Reader(bytes));
        if ('entries' in decoded) expect(decoded.entries.length * 28).toBeLessThan(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(FUZZ_COUNT / 20);
  });
});
