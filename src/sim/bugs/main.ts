import { NodeChecksums } from '../../io/node/checksums.ts';
import { NodeSecrets } from '../../io/node/secrets.ts';
import { findBug, PLANTED_BUGS as PAXOS_BUGS } from '../../paxos/testing/planted-bugs.ts';
import { SimChecksums } from '../checksums.ts';
import type { PlantedBug } from './bug.ts';
import { type Finding, Hunt, type Load } from './hunt.ts';
import { PLANTED_BUGS } from './list.ts';

const USAGE = `npm run sim:bugs -- [options]: does the simulator find what is planted?

  --bug TEXT     only bugs whose name contains this; may be given several times
  --seeds N      how many seeds each bug has (100)
  --first S      the first seed (1)
  --layer NAME   only bugs of this layer
  --jobs N       so many are hunted at the same time (1)
  --fast         a few that are found fast, for CI
  --healthy      plant nothing: is anything wrong with the same seeds and options?
  --trace        print every event that people can make sense of
  --list         print the names and end

Ends with 0 if every bug was found, 1 if one was not.`;

const SEEDS_MAX = 100;

interface Arguments {
  readonly bugs: readonly string[];
  readonly layers: readonly string[];
  readonly seedsMax: number;
  readonly firstSeed: number;
  readonly jobs: number;
  readonly isFast: boolean;
  readonly isHealthy: boolean;
  readonly traces: boolean;
  readonly lists: boolean;
}

/** One bug to be hunted, by its name, and where. */
export interface Task {
  readonly name: string;
  readonly firstSeed: number;
  readonly seedsMax: number;
  /** Nothing is planted. */
  readonly isHealthy: boolean;
  readonly traces: boolean;
}

export interface Outcome {
  /** Null: not found. */
  readonly found: Finding | null;
  /** Seeds that are wrong in the healthy build, too. */
  readonly unhealthy: readonly string[];
}

/** A process that hunts one bug after the other. */
export interface Hunter {
  hunt(task: Task): Promise<Outcome>;
  stop(): void;
}

/** Null: that is no command line of this program. */
function parseArguments(words: readonly string[]): Arguments | null {
  const values = new Map<string, string[]>();
  for (let i = 0; i < words.length; i++) {
    const name = words[i] as string;
    const isSwitch = ['--fast', '--healthy', '--trace', '--list'].includes(name);
    const value = isSwitch ? 'true' : words[++i];
    const known = ['--bug', '--seeds', '--first', '--layer', '--jobs'];
    if (value === undefined || !(isSwitch || known.includes(name))) return null;
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  const numbers = [
    ['--seeds', SEEDS_MAX],
    ['--first', 1],
    ['--jobs', 1],
  ] as const;
  const [seedsMax, firstSeed, jobs] = numbers.map(([name, usual]) =>
    Number(values.get(name)?.[0] ?? usual),
  ) as [number, number, number];
  if (![seedsMax, firstSeed, jobs].every(Number.isSafeInteger)) return null;
  return {
    bugs: values.get('--bug') ?? [],
    layers: values.get('--layer') ?? [],
    seedsMax,
    firstSeed,
    jobs,
    isFast: values.has('--fast'),
    isHealthy: values.has('--healthy'),
    traces: values.has('--trace'),
    lists: values.has('--list'),
  };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What a hunter does; `load` makes builds of `build.ts`. */
export async function hunt(task: Task, load: Load): Promise<Outcome> {
  const { name, firstSeed, seedsMax, isHealthy, traces } = task;
  const bug = PLANTED_BUGS.find((other) => other.name === name);
  if (bug === undefined) throw new Error(`there is no bug ${name}`);
  const platform = { checksums: new SimChecksums(new NodeChecksums()), hashes: new NodeSecrets() };
  const runs = new Hunt(bug, load, platform, traces ? say : null);
  const found = isHealthy
    ? await runs.check(firstSeed, seedsMax).then(() => null)
    : await runs.find(firstSeed, seedsMax);
  return { found, unhealthy: runs.unhealthy };
}

/** `startHunter` starts a process in which `hunt` runs. */
export async function main(words: readonly string[], startHunter: () => Hunter): Promise<number> {
  const said = parseArguments(words);
  if (said === null) {
    say(USAGE);
    return 2;
  }
  const bugs = PLANTED_BUGS.filter((bug) => isWanted(bug, said));
  if (said.lists) {
    for (const { layer, name } of bugs) say(`${layer}: ${name}`);
    return 0;
  }
  const startedMs = performance.now();
  let missed = await huntAll(bugs, said, startHunter);
  const { layers, isFast, isHealthy } = said;
  const isWhole = said.bugs.length + layers.length === 0 && !isFast && !isHealthy;
  if (isWhole) missed += huntInPaxos();
  const count = bugs.length + (isWhole ? PAXOS_BUGS.length : 0);
  const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1);
  const [good, bad] = isHealthy ? ['nothing is wrong', 'WRONG'] : ['all found', 'NOT FOUND'];
  say(`${count} planted bugs, ${minutes} minutes: ${missed === 0 ? good : `${missed} ${bad}`}`);
  return missed === 0 ? 0 : 1;
}

function isWanted(bug: PlantedBug, { bugs, layers, isFast }: Arguments): boolean {
  if (isFast && bug.isFast !== true) return false;
  if (layers.length > 0 && !layers.includes(bug.layer)) return false;
  return bugs.length === 0 || bugs.some((text) => bug.name.includes(text));
}

/** Into whole servers: how many were not found. Rows come in the order of the list. */
async function huntAll(
  bugs: readonly PlantedBug[],
  said: Arguments,
  startHunter: () => Hunter,
): Promise<number> {
  const { firstSeed, seedsMax, isHealthy, traces } = said;
  const outcomes: Outcome[] = [];
  let next = 0;
  let told = 0;
  say('| layer | planted bug | breaks | found by | seeds |');
  say('| --- | --- | --- | --- | --- |');
  const work = async (): Promise<void> => {
    const hunter = startHunter();
    for (let i = next++; i < bugs.length; i = next++) {
      const { name } = bugs[i] as PlantedBug;
      outcomes[i] = await hunter.hunt({ name, firstSeed, seedsMax, isHealthy, traces });
      for (; outcomes[told] !== undefined; told++) {
        tell(bugs[told] as PlantedBug, outcomes[told] as Outcome, said);
      }
    }
    hunter.stop();
  };
  await Promise.all(Array.from({ length: said.jobs }, work));
  const isMissed = ({ found, unhealthy }: Outcome): boolean =>
    isHealthy ? unhealthy.length > 0 : found === null;
  return outcomes.filter(isMissed).length;
}

function tell(bug: PlantedBug, { found, unhealthy }: Outcome, said: Arguments): void {
  const { layer, name, breaks } = bug;
  const [nobody, all] = said.isHealthy ? ['nothing planted', ''] : ['NOT FOUND', '> '];
  const by = found?.by ?? nobody;
  say(`| ${layer} | ${name} | ${breaks} | ${by} | ${found?.seeds ?? all + said.seedsMax} |`);
  if (found !== null && said.bugs.length > 0) say(`    ${found.reason}`);
  for (const seed of unhealthy) say(`    wrong without the bug, too: seed ${seed}`);
}

/** The consensus alone, in the harness of its own: how many were not found. */
function huntInPaxos(): number {
  say('');
  say('| planted into the consensus core alone | breaks | found by | seeds |');
  say('| --- | --- | --- | --- |');
  let missed = 0;
  for (const bug of PAXOS_BUGS) {
    const found = findBug(bug, bug.seedsMax);
    if (found === null) missed++;
    say(`| ${bug.name} | ${bug.breaks} | ${found?.by ?? 'NOT FOUND'} | ${found?.seeds ?? ''} |`);
  }
  return missed;
}
