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
report.endWithin(Number(options['limit-s']));

writeSync(2, `seed ${options.seed}\n`);
const { binary } = options;
const parameters = { binary, seed: Number(options.seed), rounds: Number(options.rounds) };
for (const name of options.only.split(',')) {
  const part = await import(`./${name}.mjs`);
  await report.part(name, () => part.run(report, parameters));
}
process.exit(report.end());
