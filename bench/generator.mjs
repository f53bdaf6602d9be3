// zkload, compiled at need, and its results as numbers.
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cpuSeconds, launch } from './processes.mjs';

const SOURCES = ['zkload.c', 'zkload.h', 'zkload-setup.h'];

function modifiedMs(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Returns the path of the compiled generator. */
export function compileGenerator(benchDir, outDir) {
  mkdirSync(outDir, { recursive: true });
  const binary = join(outDir, 'zkload');
  const newest = Math.max(...SOURCES.map((name) => modifiedMs(join(benchDir, name))));
  if (modifiedMs(binary) > newest) return binary;
  const args = ['-O2', '-Wall', '-Wextra', '-o', binary, join(benchDir, 'zkload.c')];
  const { error, status } = spawnSync('cc', args, { stdio: 'inherit' });
  if (error?.code === 'ENOENT')
    throw new Error('No C compiler: the load generator needs cc (on Debian: apt install gcc).');
  if (error ?? status !== 0) throw new Error('cc could not compile bench/zkload.c');
  return binary;
}

/** `ops_s=1 errors=0 p50=2 …` as an object. */
export function parseResult(line) {
  const fields = Object.fromEntries(
    line
      .trim()
      .split(' ')
      .map((field) => field.split('=')),
  );
  if (fields.ops_s === undefined) throw new Error(`zkload printed ${JSON.stringify(line)}`);
  return {
    opsPerSecond: Number(fields.ops_s),
    errors: Number(fields.errors),
    p50Us: Number(fields.p50),
    p99Us: Number(fields.p99),
    p999Us: Number(fields.p999),
    maxUs: Number(fields.max),
    generatorCpuSeconds: Number(fields.cpu),
  };
}

function cpuSecondsOf(pids) {
  return pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

export class Generator {
  constructor(binary) {
    this.binary = binary;
  }

  /** Starts a load; `interrupt` ends it early, `result` holds its figures. */
  start(args) {
    const child = launch(this.binary, ['-q', ...args.map(String)]);
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    const result = child.ended.then(({ code }) => {
      // 1 says that some replies were errors: they are in the figures.
      if (code !== 0 && code !== 1) throw new Error(`zkload ${args.join(' ')} ended with ${code}`);
      return Buffer.concat(chunks).toString();
    });
    return { result, interrupt: () => child.kill('SIGINT') };
  }

  /** Runs a load to its end. CPU shares count cores: 1 is one core all the time. */
  async measure(args, { seconds, warmupSeconds, pids }) {
    const cpuBefore = cpuSecondsOf(pids);
    const started = performance.now();
    const text = await this.start(['-t', seconds, '-w', warmupSeconds, ...args]).result;
    const elapsedSeconds = (performance.now() - started) / 1000;
    const sample = parseResult(text);
    sample.generatorCores = sample.generatorCpuSeconds / seconds;
    if (pids.length) sample.serverCores = (cpuSecondsOf(pids) - cpuBefore) / elapsedSeconds;
    return sample;
  }

  /** Creates `keys` znodes of 100 bytes under /zkload; returns how long it took. */
  async createKeys(address, keys) {
    const started = performance.now();
    await this.start(['-s', '-c', 1, '-k', keys, address]).result;
    return performance.now() - started;
  }
}
