import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Expiry } from './expiry.ts';

const TICK_MS = 100;

function sweepAt(expiry: Expiry, nowMs: number): number[] {
  const expired: number[] = [];
  expiry.sweep(nowMs, (lease) => expired.push(lease.low));
  return expired;
}

describe('session expiry', () => {
  it('lets a silent session live longer than its time-out, and at most one tick more', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 1000 }), (startMs, timeoutMs) => {
        const expiry = new Expiry(TICK_MS, 0);
        sweepAt(expiry, startMs);
        expiry.start(0, 1, timeoutMs, startMs);
        let nowMs = startMs;
        while (sweepAt(expiry, nowMs).length === 0) nowMs++;
        expect(nowMs - startMs).toBeGreaterThan(timeoutMs);
        expect(nowMs - startMs).toBeLessThanOrEqual(timeoutMs + TICK_MS);
      }),
    );
  });

  it('spares a session that was heard of meanwhile', () => {
    const expiry = new Expiry(TICK_MS, 0);
    const lease = expiry.start(0, 1, 500, 0);
    lease.heardMs = 400;
    expect(sweepAt(expiry, 899)).toEqual([]);
    expect(sweepAt(expiry, 1000)).toEqual([1]);
  });

  it('names a session once, so that a hanging disk is not fed its closing at every tick', () => {
    const expiry = new Expiry(TICK_MS, 0);
    expiry.start(0, 1, 100, 0);
    expect(sweepAt(expiry, 250)).toEqual([1]);
    expect(sweepAt(expiry, 10_000)).toEqual([]);
    expiry.start(0, 1, 100, 10_000);
    expect(sweepAt(expiry, 10_300)).toEqual([1]);
    expiry.stop(0, 1);
    expect(expiry.size).toBe(0);
  });

  it('starts the clock anew, with the new time-out, when a session is attached again', () => {
    const expiry = new Expiry(TICK_MS, 0);
    expiry.start(0, 1, 100, 0);
    expiry.start(0, 1, 1000, 100);
    expect(sweepAt(expiry, 1099)).toEqual([]);
    expect(sweepAt(expiry, 1300)).toEqual([1]);
  });

  it('tells sessions apart by both halves of their id', () => {
    const expiry = new Expiry(TICK_MS, 0);
    expiry.start(1, 7, 100, 0);
    expiry.start(2, 7, 300, 0);
    const expired: number[] = [];
    expiry.sweep(250, (lease) => expired.push(lease.high));
    expect(expired).toEqual([1]);
    expect([...expiry.byDeadline().keys()]).toEqual([200, 400]);
  });
});
