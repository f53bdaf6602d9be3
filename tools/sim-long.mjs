// Runs 50,000 seeds of the simulator, in chunks: each commit draws its own from its hash, unless
// `--from S` names the first. `--runs N` and `--jobs N` are as for `npm run sim`, and so is every
// other option. After each chunk it says where to go on, so that a run can be broken off.

import { execFileSync, spawnSync } from 'node:child_process';

const words = process.argv.slice(2);
const from = Number(taken('--from') ?? firstSeed());
const runs = Number(taken('--runs') ?? 50_000);
const jobs = taken('--jobs') ?? '2';
const CHUNK = 1_000;
let worst = 0;
for (let done = 0; done < runs; ) {
  const count = Math.min(CHUNK, runs - done);
  const args = ['--seed', from + done, '--runs', count, '--jobs', jobs, ...words].map(String);
  const { status } = spawnSync(process.execPath, ['tools/sim.mjs', ...args], { stdio: 'inherit' });
  worst = Math.max(worst, status ?? 1);
  done += count;
  const rest = `--from ${from + done} --runs ${runs - done}`;
  console.log(`${done} of ${runs} seeds done; to go on: npm run sim:long -- ${rest}`);
}
process.exitCode = worst;

/** Takes an option with its value out of the words. */
function taken(name) {
  const at = words.indexOf(name);
  return at < 0 ? undefined : words.splice(at, 2)[1];
}

/** As `.ci/run` has it. */
function firstSeed() {
  const hash = execFileSync('git', ['rev-parse', '--short=7', 'HEAD'], { encoding: 'utf8' });
  return Number.parseInt(hash.trim().slice(0, 7), 16) + 1;
}
