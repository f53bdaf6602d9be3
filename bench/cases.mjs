// What is measured: the lines of the tables "one server" and "three servers", each with its goal.
//
// A goal compares the median with the peer's (`ratioAtLeast`, `ratioAtMost`), with a fixed figure
// (`atMost`), or with a floor (`floor` with `times` or `plus`). Reaching one of several is enough.

/** Frame sizes on the wire, lengths included, for zkload's keys (/zkload/k0000000) and 100 bytes. */
const READ_FRAMES = { requestBytes: 33, replyBytes: 192 };
const WRITE_FRAMES = { requestBytes: 140, replyBytes: 88 };
export const PING_FRAMES = { requestBytes: 12, replyBytes: 20 };
export { READ_FRAMES };

const THROUGHPUT = { metric: 'opsPerSecond', unit: '/s' };
const LATENCY = { metric: 'p50Us', unit: 'µs' };

const CASES = [
  {
    name: 'reads-64x16',
    title: 'reads, 64 × 16',
    kind: 'load',
    args: ['-c', 64, '-d', 16],
    echo: READ_FRAMES,
    ...THROUGHPUT,
    goals: [{ ratioAtLeast: 5 }],
  },
  {
    name: 'reads-64x1',
    title: 'reads, 64 × 1',
    kind: 'load',
    args: ['-c', 64, '-d', 1],
    echo: READ_FRAMES,
    ...THROUGHPUT,
    goals: [{ ratioAtLeast: 2 }],
  },
  {
    name: 'reads-1x1',
    title: 'reads, 1 × 1, p50',
    kind: 'load',
    args: ['-c', 1, '-d', 1],
    echo: READ_FRAMES,
    ...LATENCY,
    goals: [{ ratioAtMost: 0.3 }, { floor: 'echo', times: 1.25 }],
  },
  {
    name: 'writes-64x16',
    title: 'writes, 64 × 16',
    kind: 'load',
    args: ['-c', 64, '-d', 16, '-r', 0],
    echo: WRITE_FRAMES,
    loggedEcho: WRITE_FRAMES,
    ...THROUGHPUT,
    goals: [{ ratioAtLeast: 4 }],
  },
  {
    name: 'writes-64x1',
    title: 'writes, 64 × 1',
    kind: 'load',
    args: ['-c', 64, '-d', 1, '-r', 0],
    echo: WRITE_FRAMES,
    loggedEcho: WRITE_FRAMES,
    ...THROUGHPUT,
    goals: [{ ratioAtLeast: 2 }],
  },
  {
    name: 'writes-1x1',
    title: 'writes, 1 × 1, p50',
    kind: 'load',
    args: ['-c', 1, '-d', 1, '-r', 0],
    echo: WRITE_FRAMES,
    loggedEcho: WRITE_FRAMES,
    append: true,
    ...LATENCY,
    goals: [{ ratioAtMost: 0.6 }, { floor: 'append', plus: 100 }],
  },
  {
    name: 'ephemerals-64x16',
    title: 'create + delete of ephemerals, 64 × 16',
    kind: 'load',
    args: ['-c', 64, '-d', 16, '-r', 0, '-O', 'cd'],
    ...THROUGHPUT,
    goals: [{ ratioAtLeast: 4 }],
  },
  { name: 'start', kind: 'start' },
  { name: 'idle', kind: 'idle' },
  { name: 'million', kind: 'million' },
  { name: 'restart-term', kind: 'restart', signal: 'SIGTERM' },
  { name: 'restart-kill', kind: 'restart', signal: 'SIGKILL' },
];

/** With this many servers the goals are meant. */
const ENSEMBLE_SIZE = 3;

const ENSEMBLE_CASES = [
  {
    name: 'reads-66x16',
    title: 'reads, 66 × 16',
    kind: 'load',
    args: ['-c', 66, '-d', 16],
    echo: READ_FRAMES,
    ...THROUGHPUT,
    goals: [{ ratioAtLeast: 7 }],
  },
  {
    name: 'reads-66x1',
    title: 'reads, 66 × 1',
    kind: 'load',
    args: ['-c', 66, '-d', 1],
    echo: READ_FRAMES,
    ...THROUGHPUT,
    goals: [{ ratioAtLeast: 2 }],
  },
  {
    name: 'writes-66x16',
    title: 'writes, 66 × 16',
    kind: 'load',
    args: ['-c', 66, '-d', 16, '-r', 0],
    echo: WRITE_FRAMES,
    ...THROUGHPUT,
    goals: [{ ratioAtLeast: 4 }],
  },
  {
    name: 'writes-66x1',
    title: 'writes, 66 × 1',
    kind: 'load',
    args: ['-c', 66, '-d', 1, '-r', 0],
    echo: WRITE_FRAMES,
    ...THROUGHPUT,
    goals: [{ ratioAtLeast: 3 }],
  },
  {
    name: 'writes-1x1',
    title: 'writes, 1 × 1, to a follower, p50',
    kind: 'load',
    args: ['-c', 1, '-d', 1, '-r', 0],
    echo: WRITE_FRAMES,
    append: true,
    ...LATENCY,
    goals: [{ ratioAtMost: 0.5 }],
  },
  {
    name: 'mixed-66x16',
    title: '90 % reads, 66 × 16',
    kind: 'load',
    args: ['-c', 66, '-d', 16, '-r', 90],
    ...THROUGHPUT,
    goals: [{ ratioAtLeast: 6 }],
  },
  {
    name: 'leader-killed',
    title: 'write gap, client of a follower, leader killed',
    kind: 'failover',
    signal: 'SIGKILL',
    goals: [{ atMost: 100 }],
  },
  {
    name: 'leader-hangs',
    title: 'write gap, client of a follower, leader hangs (SIGSTOP)',
    kind: 'failover',
    signal: 'SIGSTOP',
    goals: [{ atMost: 1500 }],
  },
];

/** The cases for so many servers that are one. */
export function casesFor(servers) {
  if (servers === 1) return CASES;
  const comparable = servers === ENSEMBLE_SIZE;
  return ENSEMBLE_CASES.map((testCase) => ({ ...testCase, comparable }));
}

/** Rows of the cases that are not loads; a case may yield more than one. `{N}` is the tree's size. */
export const ROWS = {
  start: {
    title: 'start, empty, to first reply',
    unit: 'ms',
    goals: [{ atMost: 200 }, { floor: 'nodeStart', plus: 100 }],
  },
  idleResident: { title: 'idle and empty: resident', unit: 'MB', goals: [] },
  idleCpu: { title: 'idle and empty: CPU in a second', unit: 'ms', goals: [] },
  resident: {
    title: '{N} znodes of 100 B: resident',
    unit: 'MB',
    goals: [{ atMost: 300 }],
    full: true,
  },
  peak: {
    title: '{N} znodes: resident at most, under load, while a snapshot is written',
    unit: 'MB',
    goals: [{ atMost: 450 }],
    full: true,
  },
  delaySnapshot: {
    title: '{N} znodes: ping p99.9 under load while a snapshot is written',
    unit: 'ms',
    goals: [],
  },
  delay: { title: '{N} znodes: ping p99.9 under load, all the time', unit: 'ms', goals: [] },
  loopDelay: {
    title: '{N} znodes: event-loop delay p99.9 under that load, snapshots included',
    unit: 'ms',
    goals: [{ atMost: 10 }],
    full: true,
  },
  SIGTERM: {
    title: '{N} znodes: restart after SIGTERM',
    unit: 'ms',
    goals: [{ atMost: 1000 }],
    full: true,
  },
  SIGKILL: {
    title: '{N} znodes: restart after SIGKILL',
    unit: 'ms',
    goals: [{ atMost: 3000 }],
    full: true,
  },
};
