import { describe, expect, test } from 'vitest';
import { SimClock } from '../sim/clock.ts';
import type { Clock } from './clock.ts';
import { NodeClock } from './node/clock.ts';

/** A clock, and a way to let it reach a time. */
type Moved = readonly [Clock, (ms: number) => Promise<void>];

function nodeClock(): Moved {
  const clock = new NodeClock();
  const pass = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const stop = clock.every(1, () => {
        if (clock.monotonicMs() < untilMs) return;
        stop();
        resolve();
      });
      const untilMs = clock.monotonicMs() + ms;
    });
  return [clock, pass];
}

function simClock(): Moved {
  const clock = new SimClock();
  return [clock, async (ms) => clock.advance(ms)];
}

describe.each([
  ['the clock of Node.js', nodeClock],
  ['the simulated clock', simClock],
])('%s', (_name, newClock) => {
  test('runs a task once, not before its delay, unless it is called off', async () => {
    const [clock, pass] = newClock();
    const ran: string[] = [];
    const startMs = clock.monotonicMs();
    let firstMs = 0;
    clock.after(5, () => {
      firstMs = clock.monotonicMs();
      ran.push('once');
    });
    clock.after(5, () => ran.push('never'))();
    clock.after(0, () => ran.push('soon'));
    expect(ran).toEqual([]);
    await pass(30);
    expect(ran).toEqual(['soon', 'once']);
    // Timers of Node.js count whole milliseconds from a time that may be one too early.
    expect(firstMs - startMs).toBeGreaterThanOrEqual(4);
  });

  test('repeats a task until it is stopped', async () => {
    const [clock, pass] = newClock();
    let count = 0;
    const stop = clock.every(2, () => count++);
    // As long as a busy machine takes; the test's own limit ends it.
    while (count < 2) await pass(20);
    stop();
    const before = count;
    await pass(20);
    expect(count).toBe(before);
  });
});
