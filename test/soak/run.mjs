// Runs the server for a long time under everything that comes and goes, and looks for what grows.
//   node test/soak/run.mjs [--minutes N] [--seed N] [--binary FILE]
import { mkdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Report } from '../disk/lib/report.mjs';
import { Random } from '../durability/lib/random.mjs';
import { freePort, projectRoot, startServer, writeConfig } from '../interop/lib/servers.mjs';
import {
  deleteBelow,
  Glutton,
  pauseMs,
  root,
  Tally,
  Visitor,
  Watcher,
  Writer,
} from './lib/actors.mjs';
import { Client } from './lib/client.mjs';
import { growth, sample } from './lib/samples.mjs';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    binary: { type: 'string', default: 'dist/quoll.js' },
  },
});

const minutes = Number(options.minutes);
const sampleCount = 60;
/** Pools fill and code is compiled before anything is measured. */
const warmUpMs = Math.min(120_000, Math.max(15_000, minutes * 15_000));
const cleanupLimitMs = 60_000;
const snapshotLimitKb = 16_384;
/** Ephemerals, sessions and visitors come and go within seconds: short for many of them. */
const settings = { tickTime: 500, snapSizeLimitInKb: snapshotLimitKb };
const megabyte = 1_048_576;

/** How much the second half may exceed the first: a share of it, and a floor for small figures. */
const tolerances = {
  residentBytes: { share: 0.1, floor: 12 * megabyte },
  treeBytes: { share: 0.1, floor: 2 * megabyte },
  // What the tree takes beyond live data: rows, and slots of the arena that are not used.
  overheadBytes: { share: 0.1, floor: 2 * megabyte },
  dataBytes: { share: 0.2, floor: 2 * megabyte },
  znodes: { share: 0.15, floor: 100 },
  sessions: { share: 0.3, floor: 30 },
  watches: { share: 0.3, floor: 100 },
  connections: { share: 0.5, floor: 10 },
  descriptors: { share: 0.3, floor: 10 },
  diskBytes: { share: 0.3, floor: 2 * snapshotLimitKb * 1024 },
};

const report = new Report('soak: ');

function text(name, value) {
  if (name.endsWith('Bytes')) return `${(value / megabyte).toFixed(1)} MB`;
  return String(Math.round(value));
}

function line(figures) {
  const names = ['residentBytes', 'treeBytes', 'znodes', 'sessions', 'watches', 'diskBytes'];
  return names.map((name) => `${name} ${text(name, figures[name])}`).join(', ');
}

function actors(port, tally, seed) {
  const random = new Random(seed);
  const make = (Kind, count) =>
    Array.from({ length: count }, () => {
      return new Kind(port, tally, new Random(random.between(1, 2 ** 31)));
    });
  return [...make(Writer, 4), ...make(Visitor, 3), ...make(Watcher, 2), ...make(Glutton, 1)];
}

async function observe(place) {
  const series = [];
  const everyMs = (minutes * 60_000) / sampleCount;
  const started = performance.now();
  for (let i = 1; i <= sampleCount; i += 1) {
    await pauseMs(Math.max(0, started + i * everyMs - performance.now()));
    series.push(await sample(place));
    if (i % 6 === 0)
      report.progress(`${Math.round((i * 100) / sampleCount)} %: ${line(series.at(-1))}`);
  }
  return series;
}

function judgeSeries(series) {
  for (const [name, tolerance] of Object.entries(tolerances)) {
    const values = series.map((figures) => figures[name]);
    const { before, after, rise, allowed, grows } = growth(values, tolerance);
    const story = `${text(name, before)} in the first half, ${text(name, after)} in the second`;
    const limit = `allowed ${text(name, allowed)} more, slope ${text(name, rise)} over the run`;
    const isKnown = values.every((value) => Number.isFinite(value));
    const problem = isKnown ? `it grows: ${limit}` : 'the server does not tell it';
    report.check(`${name}: ${story}`, [grows || !isKnown ? problem : null]);
  }
}

/** Waits until everything that was temporary is gone, sessions that expire included. */
async function settled(place, first) {
  const deadline = performance.now() + cleanupLimitMs;
  let last = await sample(place);
  while (performance.now() < deadline) {
    const { sessions, watches, ephemerals } = last;
    if (sessions + watches + ephemerals === 0 && last.descriptors <= first.descriptors + 2) break;
    await pauseMs(500);
    last = await sample(place);
  }
  return last;
}

function judgeEnd(first, last, series) {
  const peak = Math.max(...series.slice(0, sampleCount / 2).map((each) => each.residentBytes));
  const left = (name, most) => (last[name] <= most ? null : `${name}: ${text(name, last[name])}`);
  report.check('at the end nothing is left of sessions, watches, connections and znodes', [
    left('sessions', 0),
    left('ephemerals', 0),
    left('watches', 0),
    left('connections', first.connections),
    left('znodes', first.znodes),
    left('descriptors', first.descriptors + 2),
  ]);
  report.check(`at the end the tree takes ${text('treeBytes', last.treeBytes)}`, [
    left('treeBytes', first.treeBytes + 2 * megabyte),
  ]);
  const resident = `${text('residentBytes', last.residentBytes)} resident`;
  report.check(`at the end ${resident}, at first ${text('residentBytes', first.residentBytes)}`, [
    left('residentBytes', peak * 1.1 + 12 * megabyte),
  ]);
}

async function prepare(port) {
  const client = await Client.open(port, 10_000);
  await client.create(root, Buffer.alloc(0));
  await client.create(`${root}/visitors`, Buffer.alloc(0));
  await client.close();
}

async function clean(port) {
  const client = await Client.open(port, 30_000);
  await deleteBelow(client, root);
  await client.close();
}

async function restarts(configPath, port, server) {
  await server.stop();
  const again = await startServer('quoll', configPath, port, { binary: options.binary });
  const client = await Client.open(port, 10_000);
  const { names } = await client.children('/');
  await client.close();
  await again.stop();
  report.check('stops in order, and starts again with an empty tree', [
    server.exit === 'code 0' ? null : `it ended with ${server.exit}`,
    names.length === 1 ? null : `it holds ${names}`,
  ]);
}

async function soak(directory) {
  const port = await freePort();
  const configPath = writeConfig(directory, port, settings);
  const server = await startServer('quoll', configPath, port, { binary: options.binary });
  process.once('exit', () => server.kill('SIGKILL'));
  const place = { port, pid: server.child.pid, dataDirectory: join(directory, 'data') };
  try {
    await pauseMs(500);
    const first = await sample(place);
    await prepare(port);
    const tally = new Tally();
    const crowd = actors(port, tally, Number(options.seed));
    for (const actor of crowd) actor.start();
    for (const actor of crowd) await actor.isReady;
    await pauseMs(warmUpMs);
    const series = await observe(place);
    for (const actor of crowd) await actor.stop();
    await clean(port);
    const last = await settled(place, first);
    const done = `${tally.operations} operations, ${tally.sessionCount} sessions`;
    const watches = `${tally.watchesSet} watches set, ${tally.notifications} events`;
    report.progress(`${done}, ${watches}, ${tally.cuts} connections cut, ${last.commits} commits`);
    report.check(`${minutes} minutes without an unexpected answer`, tally.unexpected);
    judgeSeries(series);
    judgeEnd(first, last, series);
    await restarts(configPath, port, server);
  } finally {
    server.kill('SIGKILL');
  }
}

report.endWithin(minutes * 60 + (warmUpMs + cleanupLimitMs) / 1000 + 180);

writeSync(2, `seed ${options.seed}\n`);
const directory = join(projectRoot, '.tmp/soak-test', String(process.pid));
mkdirSync(directory, { recursive: true });
try {
  await soak(directory);
} catch (error) {
  report.check('runs to its end', [String(error.stack)]);
}
if (report.failed === 0) rmSync(directory, { recursive: true, force: true });
process.exit(report.end());
