import { describe, expect, it } from 'vitest';
import { OBSERVER_TAIL_BYTES, OBSERVER_TAIL_SLOTS } from '../../base/limits.ts';
import type { Entry } from '../../paxos/entry.ts';
import { Tail } from './tail.ts';

const ANCHOR = { slot: 10, hash: hashOf(10) };

function hashOf(slot: number): Uint8Array {
  return new Uint8Array(32).fill(slot & 0xff);
}

function entry(slot: number, bytes = 8): Entry {
  const body = new Uint8Array(bytes).fill(slot & 0xff);
  return { slot, round: 1, replica: 1, kind: 0, body, hash: hashOf(slot) };
}

function slotsOf(tail: Tail, slot: number, bytesMax = 1_000): number[] | undefined {
  return tail.after(slot, bytesMax)?.entries.map((one) => one.slot);
}

describe('the newest entries', () => {
  it('are handed out behind any slot that they reach back to, with what they follow', () => {
    const tail = new Tail(ANCHOR);
    tail.add([entry(11), entry(12), entry(13)]);
    expect(slotsOf(tail, 10)).toEqual([11, 12, 13]);
    expect(tail.after(11, 1_000)?.after.slot).toBe(11);
    expect(slotsOf(tail, 13)).toEqual([]);
    expect(tail.after(9, 1_000)).toBeNull();
    expect(tail.last.slot).toBe(13);
  });

  it('come in pieces, a long one alone', () => {
    const tail = new Tail(ANCHOR);
    tail.add([entry(11, 600), entry(12, 600), entry(13, 5_000)]);
    expect(slotsOf(tail, 10)).toEqual([11, 12]);
    expect(slotsOf(tail, 12)).toEqual([13]);
  });

  it('keep what they were when the buffer that they came in is used again', () => {
    const tail = new Tail(ANCHOR);
    const one = entry(11);
    tail.add([one]);
    one.body.fill(0);
    expect(tail.after(10, 1_000)?.entries[0]?.body[0]).toBe(11);
  });

  it('are forgotten while nobody follows', () => {
    const tail = new Tail(ANCHOR);
    tail.add([entry(11)]);
    tail.skip(entry(12));
    expect([slotsOf(tail, 11), slotsOf(tail, 12)]).toEqual([undefined, []]);
    tail.add([entry(13)]);
    expect(slotsOf(tail, 12)).toEqual([13]);
  });

  it('stay within their bounds, in bytes and in slots', () => {
    const large = new Tail(ANCHOR);
    for (let slot = 11; slot < 60; slot++) large.add([entry(slot, 1_048_576)]);
    const kept = large.after(59 - 4, Number.POSITIVE_INFINITY)?.entries.length;
    expect([kept, large.after(59 - OBSERVER_TAIL_BYTES / 1_048_576 - 1, 1)]).toEqual([4, null]);
    const many = new Tail({ slot: 0, hash: hashOf(0) });
    for (let slot = 1; slot <= 2 * OBSERVER_TAIL_SLOTS; slot++) many.add([entry(slot, 0)]);
    expect(many.after(OBSERVER_TAIL_SLOTS - 1, 1)).toBeNull();
    expect(slotsOf(many, 2 * OBSERVER_TAIL_SLOTS - 1)).toEqual([2 * OBSERVER_TAIL_SLOTS]);
  });

  it('hold one that is longer than all of the room', () => {
    const tail = new Tail(ANCHOR);
    tail.add([entry(11), entry(12, OBSERVER_TAIL_BYTES + 1)]);
    expect(slotsOf(tail, 11)).toEqual([12]);
  });
});
