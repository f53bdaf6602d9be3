import fc from 'fast-check';
import { expect, test } from 'vitest';
import { flippedBit } from './flipped-bit.ts';
import { checksums } from './test-fixture.ts';

function crcOf(bytes: Uint8Array): number {
  return checksums.crc32(bytes, 0, bytes.length, 0);
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
  return flipped;
}

test('one flipped bit is found by what it does to the checksum', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), fc.nat(), (bytes, any) => {
      const bit = any % (bytes.length * 8);
      const flipped = flip(bytes, bit);
      expect(flippedBit(flipped, crcOf(bytes) ^ crcOf(flipped))).toBe(bit);
    }),
  );
});

test('two of them are no single one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 2_000 }), fc.nat(), (bytes, any) => {
      const bit = any % (bytes.length * 8);
      const flipped = flip(flip(bytes, bit), (bit + 1) % (bytes.length * 8));
      expect(flippedBit(flipped, crcOf(bytes) ^ crcOf(flipped))).toBe(-1);
    }),
  );
});
