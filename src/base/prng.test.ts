import { describe, expect, it } from 'vitest';
import { Prng } from './prng.ts';

describe('the generator', () => {
  it('is xoshiro128**, by the outputs that its authors and others publish', () => {
    const prng = Prng.ofState(1, 2, 3, 4);
    const expected = [11_520, 0, 5_927_040, 70_819_200, 2_031_721_600, 1_637_235_492];
    expect(expected.map(() => prng.u32()).slice(0, 4)).toEqual(expected.slice(0, 4));
  });

  it('gives the same numbers for the same seed, and others for a seed nearby', () => {
    const draw = (seed: number): number[] => {
      const prng = new Prng(seed);
      return [prng.u32(), prng.u32(), prng.u32()];
    };
    expect(draw(7)).toEqual(draw(7));
    const seeds = [7, 8, 2 ** 32 + 7, 2 ** 52 + 7];
    expect(new Set(seeds.map((seed) => String(draw(seed)))).size).toBe(seeds.length);
  });

  it('begins with another number for another seed', () => {
    const firsts = Array.from({ length: 200 }, (_, seed) => new Prng(seed).u32());
    expect(new Set(firsts).size).toBe(200);
  });

  it('spreads evenly and stays within its bounds', () => {
    const prng = new Prng(1);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const value = prng.below(10);
      counts[value] = (counts[value] as number) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
    for (let i = 0; i < 1_000; i++) {
      const value = prng.magnitude(3, 300);
      expect(value >= 3 && value <= 300).toBe(true);
    }
  });

  it('forks into a generator that does not depend on how much is drawn afterwards', () => {
    const [one, two] = [new Prng(3), new Prng(3)];
    const [left, right] = [one.fork(), two.fork()];
    one.u32();
    expect([left.u32(), left.u32()]).toEqual([right.u32(), right.u32()]);
    expect(one.u32()).not.toBe(left.u32());
  });

  it('shuffles without loss', () => {
    const list = [1, 2, 3, 4, 5, 6, 7, 8];
    const shuffled = new Prng(5).shuffled(list);
    expect(shuffled).not.toEqual(list);
    expect([...shuffled].sort()).toEqual(list);
  });
});
