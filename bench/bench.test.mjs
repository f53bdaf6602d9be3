import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { casesFor } from './cases.mjs';
import { longestGapMs } from './failover.mjs';
import { parseResult } from './generator.mjs';
import { describeGoal, judge } from './goals.mjs';
import { summarize } from './loopdelay.mjs';
import { busyness } from './machine.mjs';
import { markdownReport, terminalReport, warningsOf } from './report.mjs';
import { configuration } from './servers.mjs';
import { hasGrown, SnapshotWatch } from './snapshots.mjs';
import { median, quantile } from './stats.mjs';

function rowOf(goals, quoll, zookeeper, floors = {}) {
  const samples = { quoll, ...(zookeeper && { zookeeper }) };
  return { title: 'reads', unit: '/s', goals, samples, floors, details: {} };
}

test('a throughput goal is a multiple of the median of the peer', () => {
  const goals = [{ ratioAtLeast: 5 }];
  expect(judge(rowOf(goals, [400, 500, 9], [100, 80, 3])).reached).toBe(true);
  expect(judge(rowOf(goals, [399], [80])).reached).toBe(false);
  expect(judge(rowOf(goals, [400, 500, 9], [100, 80, 3])).ratio).toBe(5);
});

test('without a peer a ratio cannot be judged, but a floor or a fixed figure can', () => {
  expect(judge(rowOf([{ ratioAtLeast: 5 }], [400])).reached).toBe(null);
  const either = [{ ratioAtMost: 0.3 }, { floor: 'echo', times: 1.25 }];
  expect(judge(rowOf(either, [50], null, { echo: [40] })).reached).toBe(true);
  expect(judge(rowOf(either, [51], null, { echo: [40] })).reached).toBe(null);
  expect(judge(rowOf([{ atMost: 300 }], [301])).reached).toBe(false);
});

test('reaching one of two goals is enough, missing both is not', () => {
  const either = [{ ratioAtMost: 0.6 }, { floor: 'append', plus: 100 }];
  expect(judge(rowOf(either, [500], [600], { append: [400] })).reached).toBe(true);
  expect(judge(rowOf(either, [501], [600], { append: [400] })).reached).toBe(false);
  expect(judge(rowOf(either, [360], [600], { append: [10] })).reached).toBe(true);
});

test('a tree of another size is shown but not judged', () => {
  const row = { ...rowOf([{ atMost: 300 }], [30]), comparable: false };
  expect(judge(row).reached).toBe(null);
});

test('of three servers the goals are judged, of five they are shown', () => {
  expect(casesFor(3).every(({ comparable }) => comparable)).toBe(true);
  expect(casesFor(5).some(({ comparable }) => comparable)).toBe(false);
  expect(casesFor(5).map(({ name }) => name)).toEqual(casesFor(3).map(({ name }) => name));
});

test('the members of an ensemble know each other, a server alone knows nobody', () => {
  const lines = ['server.1=127.0.0.1:1:2', 'server.2=127.0.0.1:3:4'];
  expect(configuration(2181, '/data', lines)).toBe(
    `${configuration(2181, '/data')}${lines.join('\n')}\n`,
  );
});

test('a gap is what ends after the fault, even where it began before', () => {
  expect(longestGapMs([0, 90, 100, 150, 170], 120)).toBe(50);
  expect(longestGapMs([0, 90, 100], 120)).toBe(0);
});

test('no reconnect at all is a goal, and one misses it', () => {
  const goals = [{ atMost: 0 }];
  expect(describeGoal(goals[0], '')).toBe('0');
  expect(judge(rowOf(goals, [0, 0, 1])).reached).toBe(true);
  expect(judge(rowOf(goals, [1, 0, 1])).reached).toBe(false);
});

test('goals read as the design writes them', () => {
  expect(describeGoal({ ratioAtLeast: 5 }, '/s')).toBe('5×');
  expect(describeGoal({ floor: 'echo', times: 1.25 }, 'µs')).toBe('1.25 × echo');
  expect(describeGoal({ floor: 'append', plus: 100 }, 'µs')).toBe('append + 100 µs');
  expect(describeGoal({ atMost: 1000 }, 'ms')).toBe('1,000 ms');
});

test('medians and quantiles do not depend on the order of the samples', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1])).toBe(2.5);
  expect(median([])).toBe(null);
  expect(quantile([3, 1, 2], 1)).toBe(3);
  expect(quantile([10, 9, 2, 1], 0.5)).toBe(9);
});

test('a line of the generator becomes numbers, anything else is an error', () => {
  const line = 'ops_s=1500 errors=2 p50=92 p90=120 p99=300 p999=900 max=1200 cpu=0.41\n';
  expect(parseResult(line)).toMatchObject({
    opsPerSecond: 1500,
    errors: 2,
    p50Us: 92,
    p999Us: 900,
  });
  expect(() => parseResult('')).toThrow('zkload printed');
});

test('a snapshot that grows or appears is writing, one that is purged is not', () => {
  const before = new Map([['snapshot.1', 10]]);
  expect(hasGrown(before, new Map([['snapshot.1', 11]]))).toBe(true);
  expect(hasGrown(before, new Map([...before, ['snapshot.2', 0]]))).toBe(true);
  expect(hasGrown(before, new Map())).toBe(false);
});

test('the watch makes one window of what grows without a long rest', () => {
  const directory = mkdtempSync(join(tmpdir(), 'quoll-bench-'));
  const watch = new SnapshotWatch(directory);
  writeFileSync(join(directory, 'snapshot.1'), 'a');
  watch.poll();
  writeFileSync(join(directory, 'snapshot.1'), 'ab');
  watch.poll();
  writeFileSync(join(directory, 'log.1'), 'a');
  watch.poll();
  expect(watch.completed).toBe(0);
  const windows = watch.stop();
  rmSync(directory, { recursive: true });
  expect(windows).toHaveLength(1);
  expect(windows[0].toMs).toBeGreaterThan(windows[0].fromMs);
});

test('pings are summed up by their delays', () => {
  const samples = [1, 2, 3, 100].map((delayMs, i) => ({ atMs: i, delayMs }));
  expect(summarize(samples)).toEqual({ pings: 4, p50Ms: 3, p999Ms: 100, maxMs: 100 });
});

test('a busy machine is warned about, an overloaded one refused', () => {
  expect(busyness({ loadAverage: 0.4, cores: 2 })).toBe(null);
  expect(busyness({ loadAverage: 0.5, cores: 2 }).refuse).toBe(false);
  expect(busyness({ loadAverage: 2, cores: 2 }).refuse).toBe(true);
});

test('errors, a wide spread and a busy generator are named', () => {
  const row = rowOf([], [100, 150]);
  row.details.quoll = [{ generatorCores: 0.9, errors: 3 }];
  expect(warningsOf(row).join('\n')).toMatch(/±20 %.*0\.9 cores.*3 requests with errors/s);
});

test('the reports show figures, ratio, floor, goal and verdict of a row', () => {
  const row = rowOf([{ ratioAtLeast: 2 }], [1000], [400], { echo: [5000] });
  const machine = { at: '2026-11-23T00:00:00Z', cores: 2, cpu: 'x', memoryGiB: 8, kernel: 'Linux' };
  const result = {
    machine: { ...machine, node: 'v20', java: null, loadAverage: 0 },
    options: { rounds: 1, seconds: 1 },
    servers: ['quoll', 'zookeeper'],
    versions: { quoll: '0.1.0', zookeeper: '3.8.0' },
    rows: [row],
  };
  expect(markdownReport(result)).toContain(
    '| reads | 1,000/s | 400/s | 2.5× | echo 5,000/s | 2× | yes |',
  );
  expect(terminalReport(result)).toMatch(/reads\s+1,000\/s\s+400\/s\s+2\.5×/);
});
