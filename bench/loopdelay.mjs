// How long a server keeps a connection waiting that does nothing but ping once a millisecond, while
// others load it: its event-loop delay (for a JVM, its pauses), seen from outside.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PING_FRAMES, READ_FRAMES } from './cases.mjs';
import { startEcho } from './floors.mjs';
import { sleep } from './processes.mjs';
import { quantile } from './stats.mjs';

const PING_ARGS = ['-c', 1, '-d', 256, '-o', 'ping', '-i', 1000, '-w', 0.2, '-t', 3600];
const LOAD_ARGS = ['-c', 64, '-d', 1, '-w', 0.2, '-t', 3600];

/** Samples are { atMs, delayMs }: when the reply came, and how long after the ping was due. */
function readSamples(file) {
  const lines = readFileSync(file, 'latin1').trim().split('\n');
  return lines.filter(Boolean).map((line) => {
    const [atUs, delayUs] = line.split(' ').map(Number);
    return { atMs: atUs / 1000, delayMs: delayUs / 1000 };
  });
}

function within({ atMs, delayMs }, windows) {
  return windows.some(({ fromMs, toMs }) => atMs >= fromMs && atMs - delayMs <= toMs);
}

export function summarize(samples) {
  const delays = samples.map((sample) => sample.delayMs);
  return {
    pings: delays.length,
    p50Ms: quantile(delays, 0.5),
    p999Ms: quantile(delays, 0.999),
    maxMs: quantile(delays, 1),
  };
}

/** Pings under load until `isEnough` says so; the samples, and how much the load achieved. */
async function pingWhile(generator, addresses, loadArgs, workDir, isEnough) {
  const log = join(workDir, 'pings');
  const load = generator.start([...LOAD_ARGS, ...loadArgs, addresses.load]);
  const pings = generator.start([...PING_ARGS, ...addresses.pingArgs, '-L', log, addresses.ping]);
  const ended = Promise.race([load.result, pings.result]);
  try {
    await Promise.race([sleep(500), ended]);
    while (!isEnough()) await Promise.race([sleep(20), ended]);
  } finally {
    // Neither may go on and load what is measured next, whatever became of the other.
    for (const generatorRun of [pings, load]) {
      generatorRun.interrupt();
      await Promise.allSettled([generatorRun.result]);
    }
  }
  return readSamples(log);
}

export async function measureDelay(generator, server, keys, workDir, snapshots, seconds) {
  const addresses = { load: server.address, ping: server.address, pingArgs: [] };
  const started = performance.now();
  const isEnough = () => {
    const elapsedSeconds = (performance.now() - started) / 1000;
    if (elapsedSeconds > seconds.atMost) return true;
    return elapsedSeconds > seconds.atLeast && snapshots.completed > 0;
  };
  // Multis of ten sets: servers decide by the bytes or the entries of their log when to write a
  // snapshot, and single sets would take minutes to get there.
  const loadArgs = ['-k', keys, '-r', 50, '-O', 'multi'];
  const samples = await pingWhile(generator, addresses, loadArgs, workDir, isEnough);
  const windows = snapshots.stop();
  return {
    always: summarize(samples),
    whileSnapshot: summarize(samples.filter((sample) => within(sample, windows))),
    snapshots: windows.map(({ fromMs, toMs }) => ({ ms: toMs - fromMs })),
  };
}

/** The same pings to an echo under the same load: what the scheduler and Node's `net` account for. */
export async function measureDelayFloor(generator, benchDir, workDir, seconds) {
  const echo = await startEcho(benchDir, [READ_FRAMES, PING_FRAMES]);
  const [load, ping] = echo.ports.map((port) => `127.0.0.1:${port}`);
  const deadline = performance.now() + seconds * 1000;
  const addresses = { load, ping, pingArgs: ['-E'] };
  const isEnough = () => performance.now() > deadline;
  const samples = await pingWhile(generator, addresses, ['-E'], workDir, isEnough);
  await echo.stop();
  return summarize(samples);
}
