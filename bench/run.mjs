// npm run bench [-- options]. docs/benchmarks.md says what is measured, and how.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { casesFor } from './cases.mjs';
import { Ensemble } from './ensemble.mjs';
import { compileGenerator, Generator } from './generator.mjs';
import { LIVES } from './lives.mjs';
import { measureLoads, sharesServers } from './loads.mjs';
import { busyness, describeMachine, machineFacts } from './machine.mjs';
import { killAll } from './processes.mjs';
import { jsonReport, markdownReport, terminalReport } from './report.mjs';
import { OtherServer, OwnServer } from './servers.mjs';

/** Between these two lines a page gets its results; the rest of it stays. */
const RESULTS_MARKERS = {
  1: '<!-- results: written by npm run bench -- --markdown -->',
  3: '<!-- results of three servers: written by npm run bench -- --servers 3 --markdown -->',
};
const RESULTS_END = '<!-- end of results -->';
const namesOf = (servers) =>
  casesFor(servers)
    .map(({ name }) => name)
    .join(' ');
const USAGE = `npm run bench -- [options]
  --peer zookeeper     measure Apache ZooKeeper too, alternating, and print ratios
  --only-peer          measure the peer alone
  --server HOST:PORT   measure a server that runs already (loads only)
  --servers N          ensembles of N servers on this machine; the goals are meant for 3
  --case NAME          only this case; may be repeated: ${namesOf(1)}
                       with --servers: ${namesOf(3)}
  --rounds N           rounds of each load and start (5)
  --seconds S          measured seconds of each sample (5)
  --keys N             znodes of the cases about a million (1000000)
  --quick              one round, one second, 100,000 znodes: does it work at all?
  --json FILE          everything that was measured
  --markdown FILE      the table as markdown; docs/benchmarks.md keeps its text above the results
  --busy               measure although others are using the machine
`;

function parseOptions() {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const { values } = parseArgs({
    options: {
      ...{ peer: text, server: text, rounds: text, seconds: text, keys: text, json: text },
      ...{ servers: text, markdown: text, quick: flag, busy: flag, help: flag, 'only-peer': flag },
      case: { type: 'string', multiple: true },
    },
  });
  if (values.peer && values.peer !== 'zookeeper') throw new Error(`unknown peer ${values.peer}`);
  const [rounds, seconds, keys] = values.quick ? [1, 1, 100_000] : [5, 5, 1_000_000];
  const options = {
    ...values,
    servers: positive('servers', values.servers, 1),
    rounds: positive('rounds', values.rounds, rounds),
    seconds: positive('seconds', values.seconds, seconds),
    keys: positive('keys', values.keys, keys),
    warmUp: values.quick ? 1 : 10,
    snapshotSeconds: values.quick ? { atLeast: 2, atMost: 60 } : { atLeast: 15, atMost: 120 },
  };
  return { ...options, restarts: Math.min(3, options.rounds) };
}

function positive(name, text, fallback) {
  const value = text === undefined ? fallback : Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`);
  return value;
}

function chooseCases(options) {
  const cases = casesFor(options.servers);
  const unknown = (options.case ?? []).find((name) => !cases.some((c) => c.name === name));
  if (unknown)
    throw new Error(`no case is called ${unknown}; there are: ${namesOf(options.servers)}`);
  const chosen = cases.filter(({ name }) => !options.case || options.case.includes(name));
  return options.server ? chosen.filter(({ kind }) => kind === 'load') : chosen;
}

function chooseServers(options, root, workDir) {
  if (options.server) return [new OtherServer(options.server)];
  const names = [];
  if (!options['only-peer']) names.push('quoll');
  if (options.peer || options['only-peer']) names.push('zookeeper');
  return names.map((name) => {
    const directory = join(workDir, name);
    if (options.servers === 1) return new OwnServer(name, root, directory);
    return new Ensemble(name, root, directory, options.servers);
  });
}

/** Runs one case; one that fails costs its own rows, not the run. */
async function keepRows(bench, rows, testCase, measure) {
  try {
    rows.push(...(await measure()));
  } catch (error) {
    bench.progress(`${testCase.name} failed: ${error.stack}`);
    const title = testCase.title ?? testCase.name;
    const blank = { unit: '', goals: [], samples: {}, floors: {}, details: {} };
    rows.push({ ...blank, case: testCase.name, title, error: error.message });
    process.exitCode = 1;
    if (sharesServers(testCase)) return;
    for (const server of bench.servers) await server.stop('SIGKILL');
  }
}

async function measureAll(bench, cases) {
  const rows = [];
  const keep = (testCase, measure) => keepRows(bench, rows, testCase, measure);
  const shared = cases.filter(sharesServers);
  if (shared.length > 0) await measureLoads(bench, shared, keep);
  for (const testCase of cases) {
    const measure = LIVES[testCase.kind];
    if (measure) await keep(testCase, () => measure(bench, testCase));
  }
  return rows;
}

function checkMachine(machine, options, progress) {
  const busy = busyness(machine);
  if (!busy) return;
  if (busy.refuse && !options.busy)
    throw new Error(`${busy.message}. --busy measures all the same.`);
  progress(`Warning: ${busy.message}`);
}

function progressSince(started) {
  return (text) => {
    const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(4);
    process.stderr.write(`${seconds} s  ${text}\n`);
  };
}

async function main() {
  const options = parseOptions();
  if (options.help) return process.stdout.write(USAGE);
  const benchDir = dirname(fileURLToPath(import.meta.url));
  const root = dirname(benchDir);
  const outDir = join(root, '.tmp', 'bench');
  const workDir = join(outDir, `run-${process.pid}`);
  const progress = progressSince(performance.now());
  const cases = chooseCases(options);
  const servers = chooseServers(options, root, workDir);
  const machine = machineFacts(servers.some((server) => server.name === 'zookeeper'));
  checkMachine(machine, options, progress);
  progress(describeMachine(machine));

  const generator = new Generator(compileGenerator(benchDir, outDir));
  mkdirSync(workDir, { recursive: true });
  process.on('exit', () => {
    killAll();
    rmSync(workDir, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
  const bench = { options, generator, servers, benchDir, workDir, progress };
  report(bench, machine, await measureAll(bench, cases));
}

function report({ options, servers }, machine, rows) {
  const result = { machine, options, servers: servers.map((server) => server.name), rows };
  result.versions = Object.fromEntries(servers.map((server) => [server.name, server.version]));
  process.stdout.write(terminalReport(result));
  if (options.json) writeFileSync(options.json, jsonReport(result));
  if (!options.markdown) return;
  writeMarkdown(options.markdown, RESULTS_MARKERS[options.servers], markdownReport(result));
}

/** A page that has the markers keeps what stands around them. */
function writeMarkdown(file, marker, report) {
  const page = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const at = page.indexOf(marker);
  const end = page.indexOf(RESULTS_END, at);
  const isMarked = marker !== undefined && at >= 0 && end >= 0;
  const [head, tail] = isMarked ? [`${page.slice(0, at)}${marker}\n\n`, page.slice(end)] : ['', ''];
  writeFileSync(file, isMarked ? `${head}${report}\n${tail}` : report);
}

main().catch((error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exit(1);
});
