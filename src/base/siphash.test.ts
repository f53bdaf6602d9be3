import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sipHash32 } from './siphash.ts';

function rotate(value: number, count: number): number {
  return (value << count) | (value >>> (32 - count));
}

/** HalfSipHash-c-d as its reference code has it: message, then length byte, then finalisation. */
function reference(low: number, high: number, message: Uint8Array, c: number, d: number): number {
  const v = Int32Array.of(low, high, 0x6c796765 ^ low, 0x74656462 ^ high);
  const add = (a: number, b: number): number => ((v[a] as number) + (v[b] as number)) | 0;
  const mix = (a: number, b: number, by: number, turn: number): void => {
    v[a] = add(a, b);
    v[b] = rotate(v[b] as number, by) ^ (v[a] as number);
    if (turn > 0) v[a] = rotate(v[a] as number, turn);
  };
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      mix(0, 1, 5, 16);
      mix(2, 3, 8, 0);
      mix(0, 3, 7, 0);
      mix(2, 1, 13, 16);
    }
  };
  const padded = new Uint8Array(Math.floor(message.length / 4) * 4 + 4);
  padded.set(message);
  padded[padded.length - 1] = message.length;
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 4) {
    const word = view.getInt32(at, true);
    v[3] = (v[3] as number) ^ word;
    rounds(c);
    v[0] = (v[0] as number) ^ word;
  }
  v[2] = (v[2] as number) ^ 0xff;
  rounds(d);
  return (v[1] as number) ^ (v[3] as number);
}

test('the reference is HalfSipHash: vectors of its authors', () => {
  // HalfSipHash-2-4 with key 00 01 … 07 over the empty string and over one zero byte.
  const key = [0x03020100, 0x07060504] as const;
  expect(reference(...key, new Uint8Array(0), 2, 4) >>> 0).toBe(0x5b9f35a9);
  expect(reference(...key, Uint8Array.of(0), 2, 4) >>> 0).toBe(0xb85a4727);
});

test('sipHash32 is HalfSipHash-1-3 over the prefix and the bytes', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer(),
      fc.integer(),
      bytes,
      fc.nat(5),
      (k0, k1, p, all, cut) => {
        const from = Math.min(cut, all.length);
        const message = new Uint8Array(4 + all.length - from);
        new DataView(message.buffer).setInt32(0, p, true);
        message.set(all.subarray(from), 4);
        expect(sipHash32(k0, k1, p, all, from, all.length)).toBe(reference(k0, k1, message, 1, 3));
      },
    ),
  );
});
