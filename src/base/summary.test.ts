import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram, Summary } from './summary.ts';

describe('a summary', () => {
  it('is all zeros before the first record', () => {
    const summary = new Summary();
    expect({ ...summary, mean: summary.mean }).toEqual({
      count: 0,
      sum: 0,
      min: 0,
      max: 0,
      last: 0,
      mean: 0,
    });
  });

  it('knows the extremes even where all values are on one side of zero', () => {
    const summary = new Summary();
    for (const value of [-3, -7]) summary.record(value);
    expect([summary.min, summary.max, summary.last, summary.mean]).toEqual([-7, -3, -7, -5]);
  });

  it('counts several equal records at once', () => {
    const [once, singly] = [new Histogram(), new Histogram()];
    once.recordTimes(5, 3);
    for (let i = 0; i < 3; i++) singly.record(5);
    expect(once).toEqual(singly);
  });

  it('forgets everything at a reset', () => {
    const histogram = new Histogram();
    histogram.recordTimes(1_000, 9);
    histogram.reset();
    expect(histogram).toEqual(new Histogram());
  });
});

describe('a histogram', () => {
  it('tells quantiles at most 1/32 too high and never too low', () => {
    const values = fc.array(fc.integer({ min: 0, max: 2_147_483_647 }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, share) => {
        const histogram = new Histogram();
        for (const value of list) histogram.record(value);
        const sorted = [...list].sort((a, b) => a - b);
        const exact = sorted[Math.max(Math.ceil(share * list.length), 1) - 1] as number;
        expect(histogram.quantile(share)).toBeGreaterThanOrEqual(exact);
        expect(histogram.quantile(share)).toBeLessThanOrEqual(exact + exact / 32);
      }),
    );
  });

  it('is exact below 64 steps of its resolution', () => {
    const histogram = new Histogram(0.001);
    for (const value of [0.001, 0.002, 0.063]) histogram.record(value);
    expect(histogram.quantile(0.5)).toBeCloseTo(0.002, 9);
    expect(histogram.quantile(1)).toBeCloseTo(0.063, 9);
  });

  it('puts what is beyond its range into the last bucket', () => {
    const histogram = new Histogram();
    histogram.record(1e300);
    expect([histogram.max, histogram.quantile(0.5)]).toEqual([1e300, 2_147_483_647]);
  });
});
