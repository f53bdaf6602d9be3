import { describe, expect, it } from 'vitest';
import type { ChainHash } from './decider.ts';
import { Solo } from './solo.ts';

const chain: ChainHash = (previous, slot, _round, _kind, _replica, body) =>
  Uint8Array.of((previous[0] ?? 0) + slot + (body[0] ?? 0));

function solo(): Solo {
  return new Solo({ chain, round: 1, replica: 1, lastSlot: 4, lastHash: Uint8Array.of(9) });
}

describe('an ensemble of one', () => {
  it('hands out writes in slot order, each chained to the one before', () => {
    const decider = solo();
    decider.propose(Uint8Array.of(1));
    decider.propose(Uint8Array.of(2));
    const { writes, decided } = decider.drain();
    expect(writes.map((entry) => entry.slot)).toEqual([5, 6]);
    expect(writes.map((entry) => entry.hash[0])).toEqual([15, 23]);
    expect(decided).toEqual([]);
  });

  it('decides nothing before it is durable, and then in order and once', () => {
    const decider = solo();
    for (const byte of [1, 2, 3]) decider.propose(Uint8Array.of(byte));
    decider.drain();
    decider.written(6);
    expect(decider.drain().decided.map((entry) => entry.slot)).toEqual([5, 6]);
    decider.written(7);
    expect(decider.drain().decided.map((entry) => entry.slot)).toEqual([7]);
  });

  it('stops at a write that was never handed out', () => {
    expect(() => solo().written(5)).toThrow('never handed out');
  });
});
