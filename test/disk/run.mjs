// Faults of the disk under a real server process.
//   node test/disk/run.mjs [--only full,power,errors,damage] [--rounds N] [--seed N]
//        [--binary FILE] [--limit-s N]
import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Report } from './lib/report.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: 'damage,errors,full,power' },
    rounds: { type: 'string', default: '12' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    binary: { type: 'string', default: 'dist/quoll.js' },
    'limit-s': { type: 'string', default: '600' },
  },
});

const report = new Report();
const limit = setTimeout(() => {
  report.check(`finished within ${options['limit-s']} s`, ['it was not']);
  process.exit(report.end());
}, Number(options['limit-s']) * 1000);
limit.unref();

writeSync(2, `seed ${options.seed}\n`);
const { binary } = options;
const parameters = { binary, seed: Number(options.seed), rounds: Number(options.rounds) };
for (const name of options.only.split(',')) {
  const part = await import(`./${name}.mjs`);
  report.section = `${name}: `;
  try {
    await part.run(report, parameters);
  } catch (error) {
    report.check('runs to its end', [String(error.stack)]);
  }
}
process.exit(report.end());
