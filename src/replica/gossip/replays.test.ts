import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Replays } from './replays.ts';

describe('replays', () => {
  it('are told from what is new, in any order within the window', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 300 }), (numbers) => {
        const replays = new Replays();
        const seen = new Set<number>();
        let highest = 0;
        for (const number of numbers) {
          const isTooOld = number + 1_024 <= highest;
          // The first one of a sender is where its window begins.
          const isBefore = seen.size === 0;
          const expected = isBefore || !(seen.has(number) || isTooOld);
          expect(replays.isNew('a', 1, number)).toBe(expected);
          seen.add(number);
          highest = Math.max(highest, number);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('from an earlier life are old, from a later one new', () => {
    const replays = new Replays();
    expect(replays.isNew('a', 2, 500)).toBe(true);
    expect(replays.isNew('a', 1, 501)).toBe(false);
    expect(replays.isNew('a', 3, 1)).toBe(true);
    expect(replays.isNew('a', 2, 600)).toBe(false);
    expect(replays.isNew('a', 3, 1)).toBe(false);
  });

  it('are counted for each sender by itself', () => {
    const replays = new Replays();
    expect([replays.isNew('a', 1, 1), replays.isNew('b', 1, 1), replays.isNew('a', 1, 1)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('take bounded memory, however many senders there are', () => {
    const replays = new Replays();
    for (let i = 0; i < 10_100; i++) replays.isNew(`${i}`, 1, 1);
    expect(replays.size).toBe(10_000);
    expect(replays.isNew('10099', 1, 1)).toBe(false);
  });
});
