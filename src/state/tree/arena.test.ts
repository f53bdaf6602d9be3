import { expect, test } from 'vitest';
import {
  Arena,
  CHUNK_BYTES,
  LARGE,
  SLAB_CLASSES,
  SLAB_MAX_BYTES,
  sizeClass,
  slotBytes,
} from './arena.ts';

test('a slot is never too small, at most 12.5 % or 7 bytes too large, and of the least class', () => {
  const wrong: number[] = [];
  for (let bytes = 1; bytes <= SLAB_MAX_BYTES; bytes++) {
    const slot = slotBytes(sizeClass(bytes));
    const isRight = slot >= bytes && slot - bytes <= Math.max(7, bytes / 8);
    if (!isRight || slotBytes(sizeClass(bytes) - 1) >= bytes) wrong.push(bytes);
  }
  expect(wrong).toEqual([]);
  expect(sizeClass(SLAB_MAX_BYTES)).toBe(SLAB_CLASSES);
  expect(sizeClass(SLAB_MAX_BYTES + 1)).toBe(LARGE);
  expect(sizeClass(0)).toBe(0);
});

test('memory that one size has left serves every other size', () => {
  const arena = new Arena();
  let most = 0;
  for (let round = 0; round < 40; round++) {
    const bytes = 8 + round * 100;
    const blobs: [number, number][] = [];
    for (let i = 0; i < 2_000_000 / bytes; i++) {
      arena.allocate(bytes);
      blobs.push([arena.chunk, arena.offset]);
    }
    most = Math.max(most, arena.bytesUsed);
    for (const [chunk, offset] of blobs) arena.free(chunk, offset);
    expect(arena.bytesUsed).toBe(0);
  }
  expect(most).toBeLessThan(2_000_000 * 1.2 + CHUNK_BYTES);
  expect(arena.chunks.length).toBeLessThan(20);
});

test('no two blobs overlap, whatever was freed before', () => {
  const arena = new Arena();
  const owned = new Map<string, [chunk: number, offset: number, bytes: number]>();
  for (let i = 0; i < 20_000; i++) {
    const bytes = 1 + ((i * 7919) % 300);
    arena.allocate(bytes);
    const key = `${arena.chunk}:${arena.offset}`;
    expect(owned.has(key)).toBe(false);
    arena.chunks[arena.chunk]?.fill(i, arena.offset, arena.offset + bytes);
    owned.set(key, [arena.chunk, arena.offset, bytes]);
    if (i % 3 === 0) continue;
    const [first] = owned;
    if (first === undefined) continue;
    const [chunk, offset, length] = first[1];
    const written = arena.chunks[chunk]?.subarray(offset, offset + length);
    expect(new Set(written).size).toBe(1);
    arena.free(chunk, offset);
    owned.delete(first[0]);
  }
});

test('a sealed chunk is neither written nor reused until it is unsealed', () => {
  const arena = new Arena();
  arena.allocate(100);
  const { chunk, offset } = arena;
  arena.seal();
  expect(arena.fits(chunk, 100)).toBe(false);
  arena.free(chunk, offset);
  arena.allocate(100);
  expect(arena.chunk).not.toBe(chunk);
  expect(arena.chunks[chunk]?.length).toBe(CHUNK_BYTES);
  arena.unseal(chunk + 1);
  expect(arena.chunks[chunk]?.length).toBe(0);
});

test('what is allocated while chunks are sealed never lies among them', () => {
  const arena = new Arena();
  for (const bytes of [100, 200]) arena.allocate(bytes);
  arena.free(1, 0);
  arena.seal();
  arena.allocate(100);
  expect(arena.isSealed(arena.chunk)).toBe(false);
  arena.unsealAll();
  arena.allocate(300);
  expect(arena.chunk).toBe(1);
});

test('a blob can overwrite only one of its own size class', () => {
  const arena = new Arena();
  arena.allocate(100);
  expect([97, 100, 104].map((bytes) => arena.fits(arena.chunk, bytes))).toEqual([true, true, true]);
  expect([96, 105].map((bytes) => arena.fits(arena.chunk, bytes))).toEqual([false, false]);
  arena.allocate(100_000);
  expect(arena.fits(arena.chunk, 99_993)).toBe(true);
  expect(arena.fits(arena.chunk, 99_992)).toBe(false);
});
