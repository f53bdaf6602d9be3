// Three or five servers as processes, faults, and clients that keep books. See README.md.
//   node test/ensemble/run.mjs [--only kill,stop,...] [--rounds N] [--servers 3|5] [--seed N]
//        [--binary FILE] [--limit-s N]
import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Report } from '../disk/lib/report.mjs';
import { Random } from '../durability/lib/random.mjs';

const scenarios = [
  'kill',
  'kill-all',
  'stop',
  'partition',
  'rolling',
  'replace',
  'behind',
  'damage',
  'observer',
  'joined',
  'disk-full',
  'expiry',
  'riders',
  'reconfig',
  'gossip',
];

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: scenarios.join(',') },
    /** Of leader-kills and client-kills, which run only by name. */
    kills: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '2' },
    servers: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    binary: { type: 'string', default: 'dist/quoll.js' },
    'limit-s': { type: 'string', default: '600' },
  },
});

const report = new Report();
report.endWithin(Number(options['limit-s']));

writeSync(2, `seed ${options.seed}\n`);
const startedMs = performance.now();
for (const name of options.only.split(',')) {
  const scenario = await import(`./scenarios/${name}.mjs`);
  const beganMs = performance.now();
  const { binary } = options;
  // Each scenario draws the same from its seed, whichever others run before it.
  const random = new Random(Number(options.seed));
  const [rounds, size] = [Number(options.rounds), Number(options.servers)];
  const kills = Number(options.kills);
  await report.part(name, () => scenario.run({ report, random, binary, rounds, kills, size }));
  report.progress(`took ${Math.round((performance.now() - beganMs) / 1000)} s`);
}
report.section = '';
report.progress(`${Math.round((performance.now() - startedMs) / 1000)} s in all`);
process.exit(report.end());
