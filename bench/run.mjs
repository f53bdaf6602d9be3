// npm run bench [-- options]. docs/benchmarks.md says what is measured, and how.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CASES } from './cases.mjs';
import { compileGenerator, Generator } from './generator.mjs';
import { LIVES } from './lives.mjs';
import { measureLoads } from './loads.mjs';
import { busyness, describeMachine, machineFacts } from './machine.mjs';
import { killAll } from './processes.mjs';
import { jsonReport, markdownReport, terminalReport } from './report.mjs';
import { OtherServer, OwnServer } from './servers.mjs';

const RESULTS_MARKER = '<!-- results: written by npm run bench -- --markdown -->';
const USAGE = `npm run bench -- [options]
  --peer zookeeper     measure Apache ZooKeeper too, alternating, and print ratios
  --only-peer          measure the peer alone
  --server HOST:PORT   measure a server that runs already (loads only)
  --case NAME          only this case; may be repeated: ${CASES.map((c) => c.name).join(' ')}
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
      ...{ markdown: text, quick: flag, busy: flag, help: flag, 'only-peer': flag },
      case: { type: 'string', multiple: true },
    },
  });
  if (values.peer && values.peer !== 'zookeeper') throw new Error(`unknown peer ${values.peer}`);
  const [rounds, seconds, keys] = values.quick ? [1, 1, 100_000] : [5, 5, 1_000_000];
  const options = {
    ...values,
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
  const unknown = (options.case ?? []).find((name) => !CASES.some((c) => c.name === name));
  if (unknown)
    throw new Error(
      `no case is called ${unknown}; there are: ${CASES.map((c) => c.name).join(' ')}`,
    );
  const chosen = CASES.filter(({ name }) => !options.case || options.case.includes(name));
  return options.server ? chosen.filter(({ kind }) => kind === 'load') : chosen;
}

function chooseServers(options, root, workDir) {
  if (options.server) return [new OtherServer(options.server)];
  const names = [];
  if (!options['only-peer']) names.push('quoll');
  if (options.peer || options['only-peer']) names.push('zookeeper');
  return names.map((name) => new OwnServer(name, root, workDir));
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
    for (const server of bench.servers) if (testCase.kind !== 'load') await server.stop('SIGKILL');
  }
}

async function measureAll(bench, cases) {
  const rows = [];
  const keep = (testCase, measure) => keepRows(bench, rows, testCase, measure);
  const loads = cases.filter(({ kind }) => kind === 'load');
  if (loads.length > 0) await measureLoads(bench, loads, keep);
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
  if (options.markdown) writeMarkdown(options.markdown, markdownReport(result));
}

/** A page that has the marker keeps what stands above it. */
function writeMarkdown(file, report) {
  const page = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const at = page.indexOf(RESULTS_MARKER);
  const head = at < 0 ? '' : `${page.slice(0, at)}${RESULTS_MARKER}\n\n`;
  writeFileSync(file, head + report);
}

main().catch((error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exit(1);
});
