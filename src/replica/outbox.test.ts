import { describe, expect, it } from 'vitest';
import { BATCH_BYTES_MAX } from '../base/limits.ts';
import { type Chunk, Outbox } from './outbox.ts';

function put(outbox: Outbox, fill: number, length = 8): void {
  outbox.open().raw(new Uint8Array(length).fill(fill));
  outbox.close();
}

function all(outbox: Outbox): Chunk[] {
  const chunks: Chunk[] = [];
  for (let chunk = outbox.next(); chunk !== null; chunk = outbox.next()) chunks.push(chunk);
  return chunks;
}

function numbers(outbox: Outbox): number[] {
  return all(outbox).map(({ number }) => number);
}

/** An outbox with three chunks under way, numbered from 7. */
function underWay(): Outbox {
  const outbox = new Outbox(7);
  for (let i = 0; i < 3; i++) {
    put(outbox, i);
    expect(numbers(outbox)).toEqual([7 + i]);
  }
  return outbox;
}

describe('what waits for its leader', () => {
  it('leaves once, with all that gathered in one turn', () => {
    const outbox = new Outbox(7);
    put(outbox, 1);
    put(outbox, 2);
    const [chunk, ...more] = all(outbox);
    expect([chunk?.number, chunk?.commands.at, more.length]).toEqual([7, 24, 0]);
    expect(outbox.next()).toBeNull();
  });

  it('is sent again from the first on, in the same order, when the leader is another', () => {
    const outbox = underWay();
    outbox.rewind();
    put(outbox, 9);
    expect(numbers(outbox)).toEqual([7, 8, 9, 10]);
  });

  it('stays as it is until it has been applied', () => {
    const outbox = new Outbox(7);
    put(outbox, 1);
    const chunk = outbox.next();
    put(outbox, 2, 100);
    outbox.next();
    expect(chunk?.commands.written().subarray(4)).toEqual(new Uint8Array(8).fill(1));
    outbox.rewind();
    expect(outbox.next()).toBe(chunk);
  });

  it('is kept no longer than until a mark behind it has been applied', () => {
    const outbox = underWay();
    expect([outbox.isEmpty, outbox.pendingBytes]).toEqual([false, 36]);
    outbox.release(8);
    expect(outbox.pendingBytes).toBe(12);
    outbox.rewind();
    expect(numbers(outbox)).toEqual([9]);
    outbox.release(9);
    expect([outbox.isEmpty, outbox.pendingBytes]).toEqual([true, 0]);
  });

  it('goes on behind what was released while part of it had been sent again', () => {
    const outbox = underWay();
    outbox.rewind();
    outbox.next();
    outbox.next();
    // Both were decided under the leader before.
    outbox.release(7);
    expect(numbers(outbox)).toEqual([9]);
  });

  it('is not sent again when it turns out to be decided before its turn comes', () => {
    const outbox = underWay();
    outbox.rewind();
    outbox.release(8);
    expect(numbers(outbox)).toEqual([9]);
  });

  it('is not taken for done by the mark of an earlier life', () => {
    const outbox = underWay();
    outbox.release(1_000);
    outbox.release(3);
    expect(outbox.pendingBytes).toBe(36);
  });

  it('leaves in chunks that a frame can hold', () => {
    const outbox = new Outbox(0);
    for (let i = 0; i < 5; i++) put(outbox, i, BATCH_BYTES_MAX / 2);
    expect(numbers(outbox)).toEqual([0, 1, 2]);
  });
});
