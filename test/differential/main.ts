import { parseArgs } from 'node:util';
import { runCrowd } from './crowd.ts';
import { generateCrowd } from './crowd-generator.ts';
import { generateEpisode } from './generator.ts';
import { type Difference, runEpisode } from './lockstep.ts';
import { describe, describeCrowd, describeTimer, signatureOf } from './report.ts';
import { BRISK, type Server, type Settings, STILL, serverFor } from './servers.ts';
import { only, shrink } from './shrink.ts';
import { Side } from './side.ts';
import { type Episode, opsOf } from './steps.ts';
import { runTimers } from './timers.ts';
import { AVOIDABLE, WANTED } from './vocabulary.ts';

/** Runs episodes against two servers until enough operations were compared. */

const { values } = parseArgs({
  options: {
    a: { type: 'string', default: 'zookeeper-3.9.5' },
    b: { type: 'string', default: 'quoll' },
    ops: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** Stop after so many differences of different kinds. */
    differences: { type: 'string', default: '20' },
    /** lockstep, concurrent, timers, or all. */
    mode: { type: 'string', default: 'all' },
    /** One side is older than 3.9. */
    old: { type: 'boolean', default: false },
    /** Leave out known differences, by name, separated by commas; against Quoll the wanted ones. */
    avoid: { type: 'string', default: '' },
    /** Print what was compared, by kind and code. */
    tally: { type: 'boolean', default: false },
  },
});

const NAMES = [values.a, values.b] as const;
const SHRINK_MS = 30_000;
const ANSWER_MS = 5000;
const SHRINK_ANSWER_MS = 1500;
const tolerance = { old: values.old };
const tally = new Map<string, number>();
const avoid = new Set(
  AVOIDABLE.filter((name) => {
    const wanted = NAMES.some((server) => server.startsWith('quoll')) && WANTED.includes(name);
    const isEnsemble = NAMES.some((server) => /^quoll-\d/.test(server));
    return wanted || (isEnsemble && name === 'config') || values.avoid.split(',').includes(name);
  }),
);
let roots = 0;
/** Of the operations, where crowds are asked for too. */
const LOCKSTEP_SHARE = 0.6;
const nothing = (): Promise<string> => Promise.resolve('');

async function main(): Promise<number> {
  const kinds = new Map<string, number>();
  const start = Date.now();
  let operations = 0;
  if (values.mode !== 'timers') operations = await random(kinds);
  if (values.mode === 'timers' || values.mode === 'all') await timed(kinds);
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  console.log(`${operations} operations in ${seconds} s from seed ${values.seed}`);
  if (values.tally) printCounts(tally);
  printCounts(kinds);
  return kinds.size === 0 ? 0 : 1;
}

function printCounts(counts: ReadonlyMap<string, number>): void {
  for (const [kind, times] of [...counts].toSorted()) console.log(`  ${times} x ${kind}`);
}

async function withServers<T>(
  settings: Settings,
  use: (servers: readonly Server[]) => Promise<T>,
): Promise<T> {
  const servers = await Promise.all(NAMES.map((name) => serverFor(name, settings)));
  try {
    return await use(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/**
 * Crowds come last. Which of a crowd's cut-off deletes were done is chance, and the znodes stay: from
 * then on the two servers may count another number of znodes below the root.
 */
function lockstepShare(): number {
  return { concurrent: 0, all: LOCKSTEP_SHARE }[values.mode] ?? 1;
}

/** Returns how many operations were compared. */
function random(kinds: Map<string, number>): Promise<number> {
  return withServers(STILL, async (servers) => {
    let done = 0;
    let sides = sidesOf(servers);
    for (let seed = Number(values.seed); done < Number(values.ops); seed++) {
      const crowded = done >= lockstepShare() * Number(values.ops);
      const episode = crowded ? await runCrowded(sides, seed) : await runLockstep(sides, seed);
      done += episode.operations;
      if (episode.kind === undefined) continue;
      const times = kinds.get(episode.kind) ?? 0;
      kinds.set(episode.kind, times + 1);
      if (times === 0) console.log(`${await episode.story()}\n`);
      if (kinds.size >= Number(values.differences)) break;
      for (const side of sides) side.end();
      await Promise.all(servers.map((server) => server.restart()));
      sides = sidesOf(servers);
    }
    for (const side of sides) side.end();
    return done;
  });
}

/** Nothing is timed against servers that run already: their settings are not known. */
function timed(kinds: Map<string, number>): Promise<void> {
  if (NAMES.some((name) => name.includes(':'))) return Promise.resolve();
  return withServers(BRISK, async (servers) => {
    const [a, b] = servers as [Server, Server];
    for (const finding of await runTimers([a.address, b.address], freshRoot, tolerance)) {
      kinds.set(`timers: ${finding.scenario}`, 1);
      console.log(`${describeTimer(finding, NAMES)}\n`);
    }
  });
}

function sidesOf(servers: readonly Server[]): [Side, Side] {
  const [a, b] = servers as [Server, Server];
  return [new Side(values.a, a.address), new Side(values.b, b.address)];
}

/** Of fixed length, so that a shrunk episode finds the same random numbers at the same places. */
function freshRoot(): string {
  return `/e${String(++roots).padStart(6, '0')}`;
}

interface Ran {
  readonly operations: number;
  /** What kind of difference was found, if any, and a longer story about it. */
  readonly kind?: string;
  story(): Promise<string>;
}

async function runLockstep(sides: readonly [Side, Side], seed: number): Promise<Ran> {
  const episode = generateEpisode(seed, freshRoot(), avoid);
  const found = await runEpisode(sides, episode, { tolerance, answerMs: ANSWER_MS, tally });
  const operations = episode.steps.reduce((sum, step) => sum + 1 + opsOf(step).length, 0);
  if (found === undefined) return { operations, story: nothing };
  return { operations, kind: signatureOf(found.mismatch), story: () => story(sides, found) };
}

async function runCrowded(sides: readonly [Side, Side], seed: number): Promise<Ran> {
  const crowd = generateCrowd(seed, freshRoot(), avoid);
  const found = await runCrowd(sides, crowd, { tolerance, answerMs: ANSWER_MS });
  const operations = crowd.members.reduce(
    (sum, { groups, doomed }) => sum + groups.flat(2).length + doomed.length,
    0,
  );
  if (found === undefined) return { operations, story: nothing };
  const told = (): Promise<string> => Promise.resolve(describeCrowd(found, NAMES));
  return { operations, kind: `concurrent: ${signatureOf(found.mismatch)}`, story: told };
}

async function story(sides: readonly [Side, Side], found: Difference): Promise<string> {
  const options = { tolerance, answerMs: SHRINK_ANSWER_MS };
  const { seed } = found.episode;
  const attempt = (steps: Episode['steps']): Promise<Difference | undefined> =>
    runEpisode(sides, only(generateEpisode(seed, freshRoot(), avoid), steps), options);
  return describe(await shrink(found, attempt, SHRINK_MS), NAMES);
}

process.exitCode = await main();
