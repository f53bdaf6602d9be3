// How many system calls, and syncs among them, the server spends on 10,000 operations. Counts do
// not depend on how fast the machine is, so that the limits can be close.
//   node test/budgets/syscalls.mjs [--binary FILE] [--report]

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Connection, Fields, Flag, OpCode } from '../durability/lib/wire.mjs';
import { freePort, projectRoot, startServer, writeConfig } from '../interop/lib/servers.mjs';

const { values: options } = parseArgs({
  options: {
    binary: { type: 'string', default: 'dist/quoll.js' },
    report: { type: 'boolean', default: false },
  },
});

const operations = 10_000;
const limitMs = 300_000;
const root = '/budget';

/**
 * Calls per 10,000 operations. A write alone costs a read of the request, a wake-up of the thread
 * that writes the log, that write, the wake-up back, and the write of the reply, with a wait for
 * each; sixteen at once share most of that. `total` is without waiting and has room for timers
 * and for the laying out of segments; `futex` and `polls` are the waiting, with more room.
 */
const budgets = [
  {
    name: 'writes, one at a time',
    depth: 1,
    kind: 'set',
    limits: {
      log: 10_000,
      syncs: 40,
      read: 10_500,
      write: 10_500,
      total: 53_000,
      polls: 46_000,
      futex: 65_000,
    },
    // Fewer would mean answers ahead of the disk.
    least: { log: 10_000 },
  },
  {
    name: 'writes, 16 at a time',
    depth: 16,
    kind: 'set',
    limits: {
      log: 2_000,
      syncs: 40,
      read: 2_200,
      write: 2_200,
      total: 11_000,
      polls: 8_000,
      futex: 12_000,
    },
    least: { log: 625 },
  },
  {
    name: 'reads, one at a time',
    depth: 1,
    kind: 'get',
    limits: {
      log: 0,
      syncs: 0,
      read: 10_500,
      write: 10_500,
      total: 21_000,
      polls: 13_000,
      futex: 2_500,
    },
  },
  {
    name: 'reads, 16 at a time',
    depth: 16,
    kind: 'get',
    limits: {
      log: 0,
      syncs: 0,
      read: 1_300,
      write: 1_300,
      total: 3_000,
      polls: 2_000,
      futex: 1_000,
    },
  },
];

function print(line) {
  writeSync(1, `${line}\n`);
}

/** Keeps `depth` requests under way until `operations` are answered. */
function drive(connection, { kind, depth }) {
  const value = Buffer.alloc(100, 0x61);
  const set = new Fields().text(`${root}/n`).bytes(value).int(-1).done();
  const get = new Fields().text(`${root}/n`).flag(false).done();
  const [type, body] = kind === 'set' ? [OpCode.setData, set] : [OpCode.getData, get];
  return new Promise((done, failed) => {
    let [sent, answered] = [0, 0];
    const next = () => {
      sent += 1;
      connection.send(type, body, ({ err }) => {
        answered += 1;
        if (err !== 0) failed(new Error(`code ${err}`));
        else if (answered === operations) done();
        else if (sent < operations) next();
      });
    };
    for (let i = 0; i < depth; i += 1) next();
  });
}

/** How often threads wait is theirs to say: on a busy machine they miss each other more often. */
const waits = new Map([
  ['futex', 'futex'],
  ['epoll_pwait', 'polls'],
  ['epoll_wait', 'polls'],
]);

/** The calls of one phase, counted by kind from the lines of the trace. */
function count(lines) {
  const counts = new Map();
  const add = (name) => counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const line of lines) {
    // The end of a call that was cut in two was counted with its beginning.
    const match = /^\d+ +(\w+)\((.*)$/.exec(line);
    if (match === null) continue;
    const [, name, rest] = match;
    add(waits.get(name) ?? 'total');
    add(`call ${name}`);
    // A segment that is made ahead has another name until it is whole.
    const isLog = rest.includes('.qlog>');
    if (isLog && /^p?writev?(64)?2?$/.test(name)) add('log');
    if (/^(fsync|fdatasync|sync_file_range)$/.test(name)) add('syncs');
    if (!/^\d+<TCP/.test(rest)) continue;
    if (/^(read|readv|recvfrom|recvmsg)$/.test(name)) add('read');
    if (/^(write|writev|sendto|sendmsg)$/.test(name)) add('write');
  }
  return counts;
}

function judge({ name, limits, least = {} }, counts) {
  const spentOn = (kind) => counts.get(kind) ?? 0;
  const problems = [
    ...Object.entries(limits)
      .filter(([kind, limit]) => spentOn(kind) > limit)
      .map(([kind, limit]) => `${kind}: the limit is ${limit}`),
    ...Object.entries(least)
      .filter(([kind, limit]) => spentOn(kind) < limit)
      .map(([kind, limit]) => `${kind}: at least ${limit} are needed`),
  ];
  const spent = Object.keys(limits).map((kind) => `${kind} ${spentOn(kind)}`);
  print(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}: ${spent.join(', ')}`);
  for (const problem of problems) print(`       ${problem}`);
  if (options.report) printCalls(counts);
  return problems.length === 0;
}

function printCalls(counts) {
  const calls = [...counts].filter(([kind]) => kind.startsWith('call '));
  calls.sort(([, a], [, b]) => b - a);
  for (const [kind, spent] of calls.slice(0, 12)) print(`       ${kind}: ${spent}`);
}

async function measure(directory) {
  const port = await freePort();
  const configPath = writeConfig(directory, port);
  const tracePath = join(directory, 'trace');
  // -D keeps the server our own child, so that signals reach it and not strace.
  const wrapper = ['strace', '-D', '-f', '-yy', '-s', '0', '-o', tracePath];
  const server = await startServer('quoll', configPath, port, {
    binary: options.binary,
    wrapper,
  });
  const lineCount = () => readFileSync(tracePath, 'latin1').split('\n').length;
  const phases = [];
  try {
    const connection = await Connection.open(port);
    for (const path of [root, `${root}/n`]) {
      await connection.write({ kind: 'create', path, data: '', flags: Flag.persistent });
    }
    for (const budget of budgets) {
      // The first run compiles, and lays out what the log needs next.
      await drive(connection, budget);
      await new Promise((done) => setTimeout(done, 500));
      const from = lineCount();
      await drive(connection, budget);
      phases.push({ budget, from, to: lineCount() });
    }
    await connection.closeSession();
  } finally {
    await server.stop();
  }
  const lines = readFileSync(tracePath, 'latin1').split('\n');
  return phases.map(({ budget, from, to }) => ({
    budget,
    counts: count(lines.slice(from - 1, to - 1)),
  }));
}

async function main() {
  if (spawnSync('strace', ['-V']).error !== undefined) {
    print('MISSING strace, to count system calls');
    print('0 passed, 1 failed (1 of them MISSING)');
    process.exit(1);
  }
  const directory = join(projectRoot, '.tmp/syscalls', String(process.pid));
  mkdirSync(directory, { recursive: true });
  const timer = setTimeout(() => {
    print(`FAIL not finished within ${limitMs / 1000} s`);
    process.exit(1);
  }, limitMs);
  const phases = await measure(directory);
  clearTimeout(timer);
  const passed = phases.filter(({ budget, counts }) => judge(budget, counts)).length;
  rmSync(directory, { recursive: true, force: true });
  print(`${passed} passed, ${phases.length - passed} failed`);
  process.exit(passed === phases.length ? 0 : 1);
}

await main();
