import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32, crc32Int, crc32Long, crc32Register } from './crc32.ts';

test('crc32 is that of zlib, for any part of any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), fc.nat(20), (bytes, skip, cut) => {
      const from = Math.min(skip, bytes.length);
      const to = Math.max(from, bytes.length - cut);
      expect(crc32(bytes, from, to)).toBe(zlibCrc32(bytes.subarray(from, to)));
    }),
  );
});

test('crc32 goes on from a seed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
      const at = Math.min(cut, bytes.length);
      const seed = crc32(bytes, 0, at);
      expect(crc32(bytes, at, bytes.length, seed)).toBe(crc32(bytes, 0, bytes.length));
    }),
  );
});

test('the register is linear', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 60, maxLength: 60 }), fc.integer(), (bytes, seed) => {
      const zeros = new Uint8Array(60);
      const apart = crc32Register(zeros, 0, 60, seed) ^ crc32Register(bytes, 0, 60, 0);
      expect(crc32Register(bytes, 0, 60, seed)).toBe(apart);
    }),
  );
});

test('integers count as their big-endian bytes', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), fc.integer(), (register, high, low) => {
      const bytes = Buffer.alloc(8);
      bytes.writeInt32BE(high);
      bytes.writeInt32BE(low, 4);
      expect(crc32Long(register, high, low)).toBe(crc32Register(bytes, 0, 8, register));
      expect(crc32Int(register, high)).toBe(crc32Register(bytes, 0, 4, register));
    }),
  );
});
