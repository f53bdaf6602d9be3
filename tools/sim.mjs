// Bundles the simulator, because this line of Node.js runs no TypeScript, and runs it with the
// arguments given. `--jobs N` gives each of N processes its share of the seeds; with `--build` it is
// only bundled.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle-sim.mjs';

const url = await bundle('src/sim/main.ts', 'main');
const file = fileURLToPath(url);
const words = process.argv.slice(2);
const jobs = Number(taken('--jobs') ?? 1);
const seed = Number(taken('--seed'));
const runs = Number(taken('--runs') ?? 1);
const share = Math.ceil(runs / jobs);
const codes = [];
if (words.includes('--build')) process.exit(0);
for (let from = 0; from < runs; from += share) {
  const count = Math.min(share, runs - from);
  codes.push(run(['--seed', String(seed + from), '--runs', String(count), ...words]));
}
process.exitCode = Math.max(...(await Promise.all(codes)));

/** Takes an option with its value out of the words. */
function taken(name) {
  const at = words.indexOf(name);
  return at < 0 ? undefined : words.splice(at, 2)[1];
}

function run(args) {
  const child = spawn(process.execPath, ['--enable-source-maps', file, ...args], {
    stdio: 'inherit',
  });
  return new Promise((done) => child.on('close', (code) => done(code ?? 1)));
}
