// The cases that look at a server's life: starting, idling, holding a million znodes, and coming
// back with them. Only one server runs at a time.
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { ROWS } from './cases.mjs';
import { fourLetterWord } from './client.mjs';
import { nodeStartMs } from './floors.mjs';
import { measureDelay, measureDelayFloor } from './loopdelay.mjs';
import {
  cpuSeconds,
  peakResidentBytes,
  resetPeak,
  residentBytes,
  settledResidentBytes,
  sleep,
} from './processes.mjs';
import { SnapshotWatch } from './snapshots.mjs';
import { formatValue } from './stats.mjs';

const FULL_KEYS = 1_000_000;
const SETTLE_TIMEOUT_MS = 30_000;
const IDLE_SECONDS = 5;

const megabytes = (bytes) => bytes / 1e6;

function newRow(bench, testCase, key) {
  const { keys } = bench.options;
  const definition = ROWS[key];
  const row = { case: testCase.name, unit: definition.unit, goals: definition.goals };
  row.title = definition.title.replace(
    '{N}',
    keys === FULL_KEYS ? 'a million' : keys.toLocaleString('en-US'),
  );
  row.comparable = !definition.full || keys === FULL_KEYS;
  row.samples = Object.fromEntries(bench.servers.map((server) => [server.name, []]));
  return { ...row, floors: {}, details: {} };
}

/** On a busy machine the CPU time of a start says more than its duration. */
async function timeStart(bench, row, server, path) {
  const ms = await server.start(path);
  const cpuMs = cpuSeconds(server.pid) * 1000;
  row.details[server.name].starts.push({ ms, cpuMs });
  note(bench, row, server, ms, `, of CPU ${formatValue(cpuMs, 'ms')}`);
}

function note(bench, row, server, value, remark = '') {
  row.samples[server.name].push(value);
  bench.progress(`${row.title}: ${server.name} ${formatValue(value, row.unit)}${remark}`);
}

async function measureStart(bench, testCase) {
  const row = newRow(bench, testCase, 'start');
  row.floors.nodeStart = [];
  for (const { name } of bench.servers) row.details[name] = { starts: [] };
  for (let round = 0; round < bench.options.rounds; round++) {
    row.floors.nodeStart.push(await nodeStartMs());
    for (const server of bench.servers) {
      server.wipe();
      await timeStart(bench, row, server, '/');
      await server.stop('SIGKILL');
    }
  }
  return [row];
}

async function measureIdle(bench, testCase) {
  const resident = newRow(bench, testCase, 'idleResident');
  const cpu = newRow(bench, testCase, 'idleCpu');
  for (const server of bench.servers) {
    server.wipe();
    await server.start('/');
    await sleep(2000);
    const before = cpuSeconds(server.pid);
    await sleep(IDLE_SECONDS * 1000);
    note(bench, cpu, server, ((cpuSeconds(server.pid) - before) / IDLE_SECONDS) * 1000);
    note(bench, resident, server, megabytes(residentBytes(server.pid)));
    await server.stop('SIGKILL');
  }
  return [resident, cpu];
}

async function startWithKeys(bench, server) {
  server.wipe();
  await server.start('/');
  const ms = await bench.generator.createKeys(server.address, bench.options.keys);
  bench.progress(
    `${server.name}: ${bench.options.keys} znodes created in ${formatValue(ms, 'ms')}`,
  );
}

/** What the server itself says about its stalls since the last `srst`, if it says anything. */
async function ownStalls(server) {
  const lines = (await fourLetterWord(server.port, 'mntr')).split('\n');
  return lines.filter((line) => /loop|pause/i.test(line));
}

/** Only Quoll has an event loop to tell of. */
function noteLoopDelay(bench, row, server, stalls) {
  const line = stalls.find((it) => it.startsWith('zk_quoll_loop_delay_p999_us'));
  if (line) note(bench, row, server, Number(line.split('\t')[1]) / 1000);
}

async function measureMillion(bench, testCase) {
  const { generator, options, workDir, benchDir } = bench;
  const rowOf = (key) => newRow(bench, testCase, key);
  const rows = { resident: rowOf('resident'), peak: rowOf('peak') };
  rows.delaySnapshot = rowOf('delaySnapshot');
  rows.delay = rowOf('delay');
  rows.loopDelay = rowOf('loopDelay');
  for (const server of bench.servers) {
    await startWithKeys(bench, server);
    const settled = await settledResidentBytes(server.pid, SETTLE_TIMEOUT_MS);
    note(bench, rows.resident, server, megabytes(settled));
    resetPeak(server.pid);
    await fourLetterWord(server.port, 'srst');
    const snapshots = new SnapshotWatch(server.dataDir);
    const delay = await measureDelay(
      ...[generator, server, options.keys, workDir, snapshots],
      options.snapshotSeconds,
    );
    const mntr = await ownStalls(server);
    rows.delay.details[server.name] = { ...delay, mntr };
    noteLoopDelay(bench, rows.loopDelay, server, mntr);
    note(bench, rows.delay, server, delay.always.p999Ms);
    if (delay.snapshots.length > 0) {
      note(bench, rows.peak, server, megabytes(peakResidentBytes(server.pid)));
      note(bench, rows.delaySnapshot, server, delay.whileSnapshot.p999Ms);
    } else {
      bench.progress(`${server.name} wrote no snapshot within ${options.snapshotSeconds.atMost} s`);
    }
    await server.stop('SIGKILL');
  }
  const floor = await measureDelayFloor(generator, benchDir, workDir, options.seconds);
  rows.delay.floors.echo = [floor.p999Ms];
  rows.delay.details.echo = floor;
  return Object.values(rows);
}

/** Every round starts from a copy of what the signal left, so that one start cannot help the next. */
async function measureRestarts(bench, server, testCase, row) {
  const pristine = `${server.dataDir}.pristine`;
  await startWithKeys(bench, server);
  await sleep(1000);
  const stopping = performance.now();
  await server.stop(testCase.signal);
  row.details[server.name] = { stopMs: performance.now() - stopping, starts: [] };
  renameSync(server.dataDir, pristine);
  const lastKey = `/zkload/k${String(bench.options.keys - 1).padStart(7, '0')}`;
  for (let round = 0; round < bench.options.restarts; round++) {
    rmSync(server.dataDir, { recursive: true, force: true });
    // Not fs.cp: it refuses sockets, which a killed server may leave as its lock.
    execFileSync('cp', ['-a', pristine, server.dataDir]);
    execFileSync('sync');
    await timeStart(bench, row, server, lastKey);
    await server.stop('SIGKILL');
  }
  server.wipe();
}

async function measureRestart(bench, testCase) {
  const row = newRow(bench, testCase, testCase.signal);
  for (const server of bench.servers) await measureRestarts(bench, server, testCase, row);
  return [row];
}

export const LIVES = {
  start: measureStart,
  idle: measureIdle,
  million: measureMillion,
  restart: measureRestart,
};
