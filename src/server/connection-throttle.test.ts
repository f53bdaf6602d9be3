import { describe, expect, it } from 'vitest';
import type { ConnectionThrottleLimits } from '../base/limits.ts';
import { ConnectionThrottle } from './connection-throttle.ts';
import { THROTTLE_OFF } from './test-context.test-helper.ts';

/** A throttle and the dice that its test loads. */
class Bench {
  readonly dice = { next: 0.999 };
  readonly throttle: ConnectionThrottle;

  constructor(options: Partial<ConnectionThrottleLimits>, nowMs = 0) {
    const all = { ...THROTTLE_OFF, fillTimeMs: 100, ...options };
    this.throttle = new ConnectionThrottle(all, nowMs, () => this.dice.next);
  }

  /** How many of `count` connections get in at `nowMs`. */
  admitted(count: number, nowMs: number, isNew = true): number {
    let admitted = 0;
    for (let i = 0; i < count; i++) if (this.throttle.admits(isNew, nowMs)) admitted++;
    return admitted;
  }
}

describe('the bucket', () => {
  it('with no tokens is switched off', () => {
    const bench = new Bench({ tokens: 0 });
    expect(bench.admitted(1_000, 0)).toBe(1_000);
    expect(bench.throttle.deficit).toBe(0);
  });

  it('lets in as many at once as it has tokens', () => {
    const bench = new Bench({ tokens: 3 });
    expect(bench.admitted(5, 0)).toBe(3);
    expect(bench.throttle.deficit).toBe(3);
  });

  it('is filled with so many tokens at each interval, and only at whole ones', () => {
    const bench = new Bench({ tokens: 10, fillTimeMs: 100, fillCount: 2 }, 1_000);
    bench.admitted(10, 1_000);
    expect(bench.admitted(5, 1_099)).toBe(0);
    expect(bench.admitted(5, 1_100)).toBe(2);
    expect(bench.admitted(5, 1_350)).toBe(4);
    expect(bench.admitted(5, 1_399)).toBe(0);
    expect(bench.admitted(5, 1_400)).toBe(2);
  });

  it('never holds more than it has room for', () => {
    const bench = new Bench({ tokens: 3 });
    expect(bench.admitted(10, 1_000_000)).toBe(3);
  });

  it('weighs sessions that are new and those that come back, if weights are on', () => {
    const weights = { tokens: 12, globalSessionWeight: 4, renewSessionWeight: 3 };
    expect(new Bench({ ...weights, weightEnabled: true }).admitted(20, 0, true)).toBe(3);
    expect(new Bench({ ...weights, weightEnabled: true }).admitted(20, 0, false)).toBe(4);
    expect(new Bench({ ...weights, weightEnabled: false }).admitted(20, 0, true)).toBe(12);
  });

  it('keeps the tokens of whom it turns away', () => {
    const bench = new Bench({ tokens: 4, weightEnabled: true });
    expect(bench.admitted(2, 0, true)).toBe(1);
    expect(bench.throttle.deficit).toBe(3);
  });
});

describe('dropping at random', () => {
  const options = {
    tokens: 2,
    freezeTimeMs: 50,
    dropIncrease: 0.25,
    dropDecrease: 0.125,
  };

  it('is off without a freeze time', () => {
    const bench = new Bench({ ...options, freezeTimeMs: -1 });
    bench.admitted(20, 60);
    bench.dice.next = 0;
    expect(bench.throttle.dropProbability).toBe(0);
    expect(bench.admitted(2, 1_000)).toBe(2);
  });

  it('becomes likelier while tokens are short, one step per freeze time', () => {
    const bench = new Bench({ ...options, fillTimeMs: 1e9 });
    const likely = [49, 50, 51, 99, 100].map((nowMs) => {
      bench.admitted(3, nowMs);
      return bench.throttle.dropProbability;
    });
    expect(likely).toEqual([0, 0.25, 0.25, 0.25, 0.5]);
  });

  it('never passes 1', () => {
    const bench = new Bench({ ...options, fillTimeMs: 1e9, dropIncrease: 0.75 });
    bench.admitted(2, 0);
    for (const nowMs of [50, 100, 150]) bench.admitted(1, nowMs);
    expect(bench.throttle.dropProbability).toBe(1);
  });

  it('becomes less likely while tokens suffice, down to never', () => {
    const bench = new Bench({ ...options, fillTimeMs: 10 });
    bench.admitted(3, 0);
    bench.throttle.dropProbability = 0.25;
    const likely = [50, 60, 100, 150].map((nowMs) => {
      bench.admitted(1, nowMs);
      return bench.throttle.dropProbability;
    });
    expect(likely).toEqual([0.125, 0.125, 0, 0]);
  });

  it('stays as it is between short and sufficient', () => {
    const bench = new Bench({ ...options, fillTimeMs: 1e9, decreaseRatio: 0.5 });
    bench.throttle.dropProbability = 0.25;
    bench.admitted(1, 0);
    bench.admitted(1, 50);
    expect(bench.throttle.dropProbability).toBe(0.25);
  });

  it('drops that share of connections, tokens or not, and takes no token for it', () => {
    const bench = new Bench({ ...options, tokens: 4, freezeTimeMs: 1e9 });
    bench.throttle.dropProbability = 0.5;
    bench.dice.next = 0.499;
    expect(bench.admitted(1, 0)).toBe(0);
    expect(bench.throttle.deficit).toBe(0);
    bench.dice.next = 0.5;
    expect(bench.admitted(1, 0)).toBe(1);
  });
});
