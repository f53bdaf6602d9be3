import { describe, expect, it } from 'vitest';
import { BATCH_BYTES_MAX } from '../base/limits.ts';
import { Reader } from '../base/reader.ts';
import { Batches } from './batches.ts';

function put(batches: Batches, length: number, fill: number): void {
  batches.open().raw(new Uint8Array(length).fill(fill));
  batches.close();
}

describe('gathering commands into batches', () => {
  it('frames each command with its length', () => {
    const batches = new Batches();
    put(batches, 3, 7);
    put(batches, 0, 0);
    const reader = new Reader(batches.take()?.written().slice());
    expect(reader.i32()).toBe(3);
    reader.skip(3);
    expect(reader.i32()).toBe(0);
    expect(reader.remaining).toBe(0);
    expect(batches.take()).toBeNull();
  });

  it('starts a new batch when one is full, and hands them out oldest first', () => {
    const batches = new Batches();
    for (let i = 0; i < 5; i++) put(batches, BATCH_BYTES_MAX / 2, i);
    const firsts: number[] = [];
    for (let batch = batches.take(); batch !== null; batch = batches.take()) {
      expect(batch.at).toBeLessThan(2 * BATCH_BYTES_MAX);
      firsts.push(batch.bytes[4] as number);
    }
    expect(firsts).toEqual([0, 2, 4]);
    expect(batches.pendingBytes).toBe(0);
  });

  it('keeps what was taken untouched until it is released', () => {
    const batches = new Batches();
    put(batches, 8, 1);
    const taken = batches.take();
    const before = taken?.written().slice();
    put(batches, 8, 2);
    expect(taken?.written()).toEqual(before);
    if (taken !== null) batches.release(taken);
    put(batches, 8, 3);
    expect(batches.take()?.bytes[4]).toBe(2);
  });
});
