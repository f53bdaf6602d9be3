import { parseArgs } from 'node:util';
import { generateEpisode } from './generator.ts';
import { type Difference, runEpisode } from './lockstep.ts';
import { describe, signatureOf } from './report.ts';
import { type Server, STILL, serverFor } from './servers.ts';
import { only, shrink } from './shrink.ts';
import { Side } from './side.ts';
import { type Episode, opsOf } from './steps.ts';

/** Runs episodes against two servers until enough operations were compared. */

const { values } = parseArgs({
  options: {
    a: { type: 'string', default: 'zookeeper-3.9.5' },
    b: { type: 'string', default: 'quoll' },
    ops: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** Stop after so many differences of different kinds. */
    differences: { type: 'string', default: '20' },
    /** One side is older than 3.9. */
    old: { type: 'boolean', default: false },
    /** Print what was compared, by kind and code. */
    tally: { type: 'boolean', default: false },
  },
});

const SHRINK_MS = 30_000;
const ANSWER_MS = 5000;
const SHRINK_ANSWER_MS = 1500;
const tolerance = { old: values.old };
const tally = new Map<string, number>();
let roots = 0;

async function main(): Promise<number> {
  const names = [values.a, values.b] as const;
  const servers = await Promise.all(names.map((name) => serverFor(name, STILL)));
  const kinds = new Map<string, number>();
  const start = Date.now();
  let done = 0;
  try {
    let sides = sidesOf(servers);
    for (let seed = Number(values.seed); done < Number(values.ops); seed++) {
      const episode = generateEpisode(seed, freshRoot());
      const found = await runEpisode(sides, episode, { tolerance, answerMs: ANSWER_MS, tally });
      done += operationsOf(episode);
      if (found === undefined) continue;
      await report(sides, found, kinds);
      if (kinds.size >= Number(values.differences)) break;
      for (const side of sides) side.end();
      await Promise.all(servers.map((server) => server.restart()));
      sides = sidesOf(servers);
    }
    for (const side of sides) side.end();
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  console.log(`${done} operations in ${seconds} s from seed ${values.seed}`);
  if (values.tally) {
    for (const [kind, times] of [...tally].toSorted()) console.log(`  ${times} x ${kind}`);
  }
  for (const [kind, times] of kinds) console.log(`  ${times} x ${kind}`);
  return kinds.size === 0 ? 0 : 1;
}

function sidesOf(servers: readonly Server[]): [Side, Side] {
  const [a, b] = servers as [Server, Server];
  return [new Side(values.a, a.address), new Side(values.b, b.address)];
}

/** Of fixed length, so that a shrunk episode finds the same random numbers at the same places. */
function freshRoot(): string {
  return `/e${String(++roots).padStart(6, '0')}`;
}

function operationsOf({ steps }: Episode): number {
  return steps.reduce((sum, step) => sum + 1 + opsOf(step).length, 0);
}

async function report(
  sides: readonly [Side, Side],
  found: Difference,
  kinds: Map<string, number>,
): Promise<void> {
  const kind = signatureOf(found);
  const times = kinds.get(kind) ?? 0;
  kinds.set(kind, times + 1);
  if (times > 0) return;
  const options = { tolerance, answerMs: SHRINK_ANSWER_MS };
  const smallest = await shrink(
    found,
    (steps) => runEpisode(sides, only(generateEpisode(found.episode.seed, freshRoot()), steps), options),
    SHRINK_MS,
  );
  console.log(`${describe(smallest, [values.a, values.b])}\n`);
}

process.exitCode = await main();
