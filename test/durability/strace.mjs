// Watches the server's system calls, and checks that every acknowledged write was on disk before
// its reply left, whoever asked.
//   node test/durability/strace.mjs [--peer quoll|zookeeper] [--binary FILE] [--allow-missing]
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, projectRoot, startServer, writeConfig } from '../interop/lib/servers.mjs';
import { Evidence } from './lib/evidence.mjs';
import { readTrace, tracedCalls } from './lib/trace.mjs';
import { Connection, encodeWrite, Flag, writeType } from './lib/wire.mjs';

const { values: options } = parseArgs({
  options: {
    peer: { type: 'string', default: 'quoll' },
    binary: { type: 'string', default: 'dist/quoll.js' },
    'allow-missing': { type: 'boolean', default: false },
  },
});

const totals = { passed: 0, failed: 0 };
const quietWrites = 60;
const busyConnections = 4;
const busyWrites = 100;

function print(line) {
  writeSync(1, `${line}\n`);
}

function report(configuration, name, problems) {
  totals[problems.length === 0 ? 'passed' : 'failed'] += 1;
  const word = problems.length === 0 ? 'ok  ' : 'FAIL';
  print(`${word} ${configuration}: ${name}`);
  for (const problem of problems.slice(0, 5)) print(`       ${problem}`);
  if (problems.length > 5) print(`       and ${problems.length - 5} more`);
}

/** Makes writes that carry tokens, and notes which reply acknowledges which. */
class Load {
  acknowledged = [];
  #next = 0;

  constructor(port) {
    this.port = port;
  }

  token() {
    this.#next += 1;
    return `tk${this.#next}x`;
  }

  #make(kind, token) {
    const path = `/t/${token}`;
    const create = { kind: 'create', path, data: 'd', flags: Flag.persistent };
    const set = { kind: 'set', path: '/t', data: token, version: -1 };
    if (kind === 'create') return create;
    if (kind === 'set') return set;
    return { kind: 'multi', parts: [create, set, { kind: 'delete', path, version: -1 }] };
  }

  /** One by one, nothing else under way: here even a delete can be told from its create. */
  async quiet() {
    const connection = await Connection.open(this.port);
    const port = connection.localPort;
    const notes = [];
    const run = async (write, text) => {
      const reply = await connection.write(write);
      if (reply.err !== 0) throw new Error(`${write.kind} ${text}: code ${reply.err}`);
      notes.push({ port, xid: reply.xid, what: `${write.kind} ${text}`, text });
    };
    await run({ kind: 'create', path: '/t', data: '', flags: Flag.persistent }, '/t');
    for (let i = 0; i < quietWrites; i += 1) {
      const token = this.token();
      await run(this.#make(['create', 'set', 'multi'][i % 3], token), token);
      if (i % 3 === 0) await run({ kind: 'delete', path: `/t/${token}`, version: -1 }, token);
    }
    await connection.closeSession();
    return notes;
  }

  /** Several connections with many writes under way, while others read and watch the same nodes. */
  async busy() {
    const readers = await Promise.all([1, 2].map(() => Connection.open(this.port)));
    let isOver = false;
    const reading = readers.map(async (reader) => {
      while (!isOver) await Promise.all([reader.getData('/t'), reader.getChildren('/t')]);
    });
    const writers = await Promise.all(
      Array.from({ length: busyConnections }, () => Connection.open(this.port)),
    );
    await Promise.all(writers.map((writer) => this.#pipeline(writer)));
    isOver = true;
    await Promise.all(reading);
    for (const connection of [...readers, ...writers]) connection.drop();
  }

  #pipeline(writer) {
    const writes = Array.from({ length: busyWrites }, (_, i) => {
      const token = this.token();
      const write = this.#make(['create', 'set', 'set', 'multi'][i % 4], token);
      return new Promise((done) => {
        writer.send(writeType(write), encodeWrite(write), ({ xid, err }) => {
          const what = `${write.kind} ${token}`;
          this.acknowledged.push({ port: writer.localPort, xid, token, what, err });
          done();
        });
      });
    });
    return Promise.all(writes);
  }
}

/** The tracer outlives the server for a moment; its last line tells that all is written. */
async function traceOf(server, path) {
  const isComplete = new RegExp(`^${server.child.pid} .*\\+\\+\\+ (exited|killed)`, 'm');
  for (;;) {
    const text = readFileSync(path, 'latin1');
    if (isComplete.test(text)) return text;
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Runs a server under strace with `settings`; answers what it did and what clients were told. */
async function observe(directory, settings) {
  const port = await freePort();
  const config = writeConfig(directory, port, settings);
  const tracePath = join(directory, 'trace');
  const calls = tracedCalls.join(',');
  // -D keeps the server our own child, so that signals reach it and not strace.
  const wrapper = ['strace', '-D', '-f', '-yy', '-s', '4194304', '-o', tracePath, '-e'];
  const server = await startServer(options.peer, config, port, {
    binary: options.binary,
    wrapper: [...wrapper, `trace=${calls}`],
  });
  const load = new Load(port);
  let quiet = [];
  try {
    quiet = await load.quiet();
    await load.busy();
  } finally {
    await server.stop();
  }
  const events = readTrace(await traceOf(server, tracePath));
  const directories = [join(directory, 'data'), join(directory, 'log')];
  return { quiet, busy: load.acknowledged, evidence: new Evidence(events, directories) };
}

function quietProblems({ quiet, evidence }) {
  const problems = [];
  let before = evidence.replyAt(quiet[0].port, 0);
  for (const { port, xid, what, text } of quiet) {
    const at = evidence.replyAt(port, xid);
    if (at === null) problems.push(`${what}: its reply is not in the trace`);
    else if (!evidence.hasDurableWriteBetween(before, at, text)) {
      problems.push(`${what}: no durable write holds it between the reply before and its own`);
    }
    before = at ?? before;
  }
  return problems;
}

function busyProblems({ busy, evidence }) {
  return busy.flatMap(({ port, xid, token, what, err }) => {
    if (err !== 0) return [`${what}: code ${err}`];
    const at = evidence.replyAt(port, xid);
    const durability = evidence.durability(token);
    if (at === null) return [`${what}: its reply is not in the trace`];
    if (durability === null) return [`${what}: no file write holds it`];
    if (durability.durableAt < at) return [];
    return [`${what}: reply sent at line ${at}, durable at line ${durability.durableAt}`];
  });
}

function shownProblems({ evidence }) {
  const { shown, early } = evidence.shownTooEarly();
  if (shown < busyWrites) return [`only ${shown} tokens were shown to any client`];
  return early.map((token) => `${token} was shown before it was durable`);
}

function nameProblems({ busy, quiet, evidence }) {
  const marks = [...quiet.map((n) => ({ ...n, token: n.text })), ...busy];
  const seen = new Map();
  for (const { port, xid, token } of marks) {
    const path = evidence.durability(token)?.write.path;
    if (path !== undefined && !seen.has(path)) seen.set(path, evidence.replyAt(port, xid));
  }
  return [...seen].flatMap(([path, at]) =>
    evidence.unsafeNames(path, at).map((name) => `${name} is not synced into its directory`),
  );
}

function unseenProblems({ evidence }) {
  return evidence.unseenWays.map(({ name }) => `${name} is used: writes could pass by unseen`);
}

function durableChecks(name, seen) {
  report(name, `${seen.quiet.length} writes one by one: on disk before their replies`, [
    ...quietProblems(seen),
    ...unseenProblems(seen),
  ]);
  const counted = `${seen.busy.length} pipelined writes on ${busyConnections} connections`;
  report(name, `${counted}: on disk before their replies`, busyProblems(seen));
  report(name, 'no reader is shown what is not on disk', shownProblems(seen));
  // Apache ZooKeeper does not sync directories; Quoll promises to.
  if (options.peer === 'quoll') {
    report(name, 'the names of the log files are synced too', nameProblems(seen));
  }
}

function placeProblems({ busy, evidence }, directory) {
  return busy.flatMap(({ token }) => {
    const path = evidence.durability(token)?.write.path ?? 'nowhere';
    return path.startsWith(`${directory}/`) ? [] : [`${token} is in ${path}`];
  });
}

/** Written before the reply even so, but never synced while the load lasts. */
function unsyncedProblems({ busy, quiet, evidence }) {
  const places = busy.map(({ port, xid }) => evidence.replyAt(port, xid));
  const from = evidence.replyAt(quiet[0].port, quiet[0].xid);
  const syncs = evidence.syncsBetween(from, Math.max(...places));
  const unwritten = busy.filter(({ token }) => evidence.durability(token) === null);
  return [
    ...syncs.map(({ kind, path }) => `${kind === 'sync' ? 'sync' : 'O_DSYNC write'} of ${path}`),
    ...unwritten.map(({ what }) => `${what}: no file write holds it`),
  ];
}

async function run(directory) {
  const place = (name) => {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    return realpathSync(path);
  };
  const plain = await observe(place('default'), {});
  durableChecks('default', plain);
  const apart = place('apart');
  const separate = await observe(apart, { dataLogDir: join(apart, 'log') });
  durableChecks('dataLogDir', separate);
  report(
    'dataLogDir',
    'the log is where it should be',
    placeProblems(separate, join(apart, 'log')),
  );
  const unsynced = await observe(place('unsynced'), { forceSync: 'no' });
  report('forceSync=no', 'the log is written, but not synced', unsyncedProblems(unsynced));
}

async function main() {
  const found = (process.env.PATH ?? '')
    .split(':')
    .some((path) => existsSync(join(path, 'strace')));
  const directory = join(projectRoot, '.tmp/durability', String(process.pid));
  if (found) {
    await run(directory);
    if (totals.failed === 0) rmSync(directory, { recursive: true, force: true });
    else print(`kept: ${directory}`);
  } else {
    const command = 'apt-get install -y --no-install-recommends strace';
    print(`MISSING strace: it is not there; get it with: ${command}`);
  }
  print(`${totals.passed} passed, ${totals.failed} failed`);
  const isGood = totals.failed === 0 && (found || options['allow-missing']);
  process.exit(isGood ? 0 : 1);
}

await main();
