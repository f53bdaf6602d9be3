// Drives one server with real ZooKeeper clients. See README.md for what is checked.
//   node test/interop/run.mjs [--peer quoll|zookeeper | --server HOST:PORT] [--binary FILE]
//        [--servers 3 [--through observer]] [--only NAME,NAME] [--match TEXT] [--allow-missing] [--time-limit-seconds N]
import { mkdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Connection } from '../durability/lib/wire.mjs';
import { Ensemble } from '../ensemble/lib/ensemble.mjs';
import { eventually } from '../ensemble/lib/waiting.mjs';
import { startProxy } from './lib/proxy.mjs';
import {
  fourLetterWord,
  freePort,
  projectRoot,
  reapIntervalMs,
  startServer,
  writeConfig,
} from './lib/servers.mjs';
import { runSuite } from './lib/suite.mjs';
import { suites, zookeeperNeeds } from './lib/suites.mjs';

const { values: options } = parseArgs({
  options: {
    peer: { type: 'string', default: 'quoll' },
    server: { type: 'string' },
    /** More than one: an ensemble of Quoll, driven through a follower. */
    servers: { type: 'string', default: '1' },
    /** observer: not through a follower, but through an observer that joins them. */
    through: { type: 'string', default: 'follower' },
    binary: { type: 'string', default: 'dist/quoll.js' },
    only: { type: 'string' },
    match: { type: 'string', default: '' },
    'allow-missing': { type: 'boolean', default: false },
    'time-limit-seconds': { type: 'string', default: '300' },
  },
});

const totals = { passed: 0, failed: 0, missing: 0 };

/** Synchronous, so that no line is lost when the process ends or its output is a pipe. */
function print(line) {
  writeSync(1, `${line}\n`);
}

function printOutcome(suite, outcome) {
  totals[outcome.passed ? 'passed' : 'failed'] += 1;
  const word = outcome.passed ? 'ok  ' : 'FAIL';
  const reason = outcome.passed ? '' : `: ${outcome.reason}`;
  print(`${word} ${suite}: ${outcome.name}${reason} (${outcome.milliseconds} ms)`);
}

function printMissing(name, what, command) {
  totals.missing += 1;
  print(`MISSING ${name}: ${what} is not there; get it with: ${command}`);
}

function isComplete(name, needs) {
  const absent = needs.filter((need) => !need.there());
  for (const need of absent) printMissing(name, need.what, need.get);
  return absent.length === 0;
}

function chosenSuites() {
  if (options.only === undefined) return suites;
  const names = options.only.split(',');
  const unknown = names.filter((name) => !suites.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    const known = suites.map((suite) => suite.name).join(', ');
    throw new Error(`no suite named ${unknown.join(', ')}; there are ${known}`);
  }
  return suites.filter((suite) => names.includes(suite.name));
}

/** The server to drive; `restart` is there only if it is ours to kill. */
async function target(workDirectory) {
  if (options.server !== undefined) {
    const colon = options.server.lastIndexOf(':');
    const [host, port] = [options.server.slice(0, colon), options.server.slice(colon + 1)];
    print('note: checks that restart the server are not run on one that was not started here');
    return { host, port: Number(port), restart: null, stop: async () => {} };
  }
  if (options.servers !== '1') return followerTarget();
  const port = await freePort();
  const config = writeConfig(workDirectory, port);
  const start = () => startServer(options.peer, config, port, { binary: options.binary });
  let server = await start();
  const restart = async () => {
    server.kill('SIGKILL');
    await server.exited;
    server = await start();
  };
  return { host: '127.0.0.1', port, restart, stop: () => server.stop() };
}

/** One that does not lead, of an ensemble; when it is restarted the others go on. */
async function followerTarget() {
  const { binary } = options;
  const size = Number(options.servers);
  const joined = options.through === 'observer' ? 1 : 0;
  const ensemble = await Ensemble.create('interop', { size, joined, binary });
  await ensemble.startAll();
  const [id] = joined > 0 ? [size + 1] : await ensemble.followers();
  const restart = async () => {
    await ensemble.kill(id);
    await ensemble.start(id);
  };
  const stop = async () => {
    const leader = await ensemble.leader().catch(() => null);
    print(`note: driven through server ${id}; server ${leader} leads at the end`);
    await ensemble.stopAll();
    ensemble.removeFiles();
  };
  return { host: '127.0.0.1', port: ensemble.port(id), restart, stop };
}

/** The one that is left of three and serves reads only; `restart` brings the others back. */
async function minorityTarget() {
  const { binary } = options;
  const settings = { 'readonlymode.enabled': true };
  const ensemble = await Ensemble.create('read-only', { size: 3, binary, settings });
  await ensemble.startAll();
  const [left] = await ensemble.followers();
  const others = ensemble.ids.filter((id) => id !== left);
  const port = ensemble.port(left);
  const setup = await Connection.open(port);
  await setup.write({ kind: 'create', path: '/read-only', data: 'written before', flags: 0 });
  await setup.closeSession();
  for (const id of others) await ensemble.kill(id);
  await eventually('it serves reads', async () => (await fourLetterWord(port, 'isro')) === 'ro');
  const restart = () => ensemble.startAll(others);
  const stop = async () => {
    await ensemble.stopAll();
    ensemble.removeFiles();
  };
  return { host: '127.0.0.1', port, restart, stop };
}

/** Suites that need more than the server that all others share. */
async function runWithoutMajority(suite, workDirectory) {
  if (options.peer !== 'quoll' || options.server !== undefined) {
    print(`note: ${suite.name} is left out: it needs an ensemble of Quoll that is started here`);
    return;
  }
  const own = await minorityTarget();
  try {
    await runOne(suite, own, workDirectory);
  } finally {
    await own.stop();
  }
}

async function prepare(suite, workDirectory) {
  try {
    await suite.prepare?.(workDirectory);
    return true;
  } catch (error) {
    if (suite.prepareFailure === undefined) {
      const reason = String(error.stderr ?? error.message).slice(0, 2000);
      printOutcome(suite.name, { name: 'builds', passed: false, milliseconds: 0, reason });
    } else {
      printMissing(suite.name, `its library (${error.message})`, suite.prepareFailure);
    }
    return false;
  }
}

async function runOne(suite, server, workDirectory) {
  if (!isComplete(suite.name, suite.needs) || !(await prepare(suite, workDirectory))) return;
  const proxy = await startProxy(server.host, server.port, server.restart);
  // A server that was started by somebody else removes containers at its own pace.
  const reapMs = options.server === undefined ? 20 * reapIntervalMs : 130_000;
  await runSuite(suite.command(workDirectory, `${server.host}:${server.port}`), {
    environment: {
      INTEROP_PROXY: proxy.address,
      INTEROP_PROXY_CONTROL: proxy.control,
      INTEROP_CAN_RESTART: server.restart === null ? 'no' : 'yes',
      INTEROP_REAP_MS: String(reapMs),
      INTEROP_MATCH: options.match,
      INTEROP_PEER: options.server === undefined ? options.peer : 'unknown',
    },
    logPath: join(workDirectory, `${suite.name}.log`),
    timeLimitMs: Number(options['time-limit-seconds']) * 1000,
    report: (outcome) => printOutcome(suite.name, outcome),
  });
  proxy.close();
}

async function main() {
  if (options.peer !== 'quoll' && options.peer !== 'zookeeper') {
    throw new Error(`--peer is quoll or zookeeper, not ${options.peer}`);
  }
  if (options.servers !== '1' && (options.peer !== 'quoll' || options.server !== undefined)) {
    throw new Error('--servers is for an ensemble of Quoll that is started here');
  }
  if (options.through !== 'follower' && options.through !== 'observer') {
    throw new Error(`--through is follower or observer, not ${options.through}`);
  }
  const chosen = chosenSuites();
  const workDirectory = join(projectRoot, '.tmp/interop', String(process.pid));
  mkdirSync(workDirectory, { recursive: true });
  const startsZookeeper = options.peer === 'zookeeper' && options.server === undefined;
  if (!startsZookeeper || isComplete('zookeeper', zookeeperNeeds)) {
    const server = await target(workDirectory);
    try {
      const shared = chosen.filter((suite) => suite.target === undefined);
      for (const suite of shared) await runOne(suite, server, workDirectory);
    } finally {
      await server.stop();
    }
    const others = chosen.filter((suite) => suite.target === 'minority');
    for (const suite of others) await runWithoutMajority(suite, workDirectory);
  }
  const complete = totals.missing === 0 || options['allow-missing'];
  const good = totals.failed === 0 && complete && totals.passed > 0;
  if (good) rmSync(workDirectory, { recursive: true, force: true });
  else print(`logs: ${workDirectory}`);
  if (totals.missing > 0) print(`MISSING ${totals.missing} (listed above, not run)`);
  print(`${totals.passed} passed, ${totals.failed} failed`);
  process.exitCode = good ? 0 : 1;
}

await main();
