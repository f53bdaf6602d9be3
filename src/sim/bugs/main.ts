import { NodeChecksums } from '../../io/node/checksums.ts';
import { NodeSecrets } from '../../io/node/secrets.ts';
import { findBug, PLANTED_BUGS as PAXOS_BUGS } from '../../paxos/testing/planted-bugs.ts';
import type { PlantedBug } from './bug.ts';
import { Hunt, type Load } from './hunt.ts';
import { PLANTED_BUGS } from './list.ts';

const USAGE = `npm run sim:bugs -- [options]: does the simulator find what is planted?

  --bug TEXT     only bugs whose name contains this; may be given several times
  --seeds N      how many seeds each bug has (300)
  --first S      the first seed (1)
  --layer NAME   only bugs of this layer
  --fast         a few that are found fast, for CI
  --list         print the names and end

Ends with 0 if every bug was found, 1 if one was not.`;

const SEEDS_MAX = 300;
/** How many seeds show that a bug is harmless. */
const HARMLESS_SEEDS = 25;

interface Arguments {
  readonly bugs: readonly string[];
  readonly layers: readonly string[];
  readonly seedsMax: number;
  readonly firstSeed: number;
  readonly isFast: boolean;
  readonly lists: boolean;
}

/** Null: that is no command line of this program. */
function parseArguments(words: readonly string[]): Arguments | null {
  const values = new Map<string, string[]>();
  for (let i = 0; i < words.length; i++) {
    const name = words[i] as string;
    const isSwitch = name === '--fast' || name === '--list';
    const value = isSwitch ? 'true' : words[++i];
    const isKnown = isSwitch || ['--bug', '--seeds', '--first', '--layer'].includes(name);
    if (!isKnown || value === undefined) return null;
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  const seedsMax = Number(values.get('--seeds')?.[0] ?? SEEDS_MAX);
  const firstSeed = Number(values.get('--first')?.[0] ?? 1);
  if (!Number.isSafeInteger(seedsMax) || !Number.isSafeInteger(firstSeed)) return null;
  return {
    bugs: values.get('--bug') ?? [],
    layers: values.get('--layer') ?? [],
    seedsMax,
    firstSeed,
    isFast: values.has('--fast'),
    lists: values.has('--list'),
  };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** `load` makes builds of `build.ts`. */
export async function main(words: readonly string[], load: Load): Promise<number> {
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
  let missed = 0;
  say('| layer | planted bug | breaks | found by | seeds |');
  say('| --- | --- | --- | --- | --- |');
  for (const bug of bugs) if (!(await huntOne(bug, said, load))) missed++;
  if (said.bugs.length === 0 && said.layers.length === 0 && !said.isFast) missed += huntInPaxos();
  say(missed === 0 ? 'Each was as expected.' : `${missed} not as expected.`);
  return missed === 0 ? 0 : 1;
}

function isWanted(bug: PlantedBug, { bugs, layers, isFast }: Arguments): boolean {
  if (isFast && bug.isFast !== true) return false;
  if (layers.length > 0 && !layers.includes(bug.layer)) return false;
  return bugs.length === 0 || bugs.some((text) => bug.name.includes(text));
}

/** True if it was found, or not found where it is harmless. */
async function huntOne(bug: PlantedBug, said: Arguments, load: Load): Promise<boolean> {
  const { layer, name, breaks, harmless } = bug;
  const platform = { checksums: new NodeChecksums(), hashes: new NodeSecrets() };
  const seedsMax = harmless === undefined ? said.seedsMax : HARMLESS_SEEDS;
  const hunt = new Hunt(bug, load, platform);
  const found = await hunt.find(said.firstSeed, seedsMax);
  const row = (by: string, seeds: number | string): void =>
    say(`| ${layer} | ${name} | ${breaks} | ${by} | ${seeds} |`);
  if (found !== null) {
    row(found.by, found.seeds);
    if (harmless !== undefined || said.bugs.length > 0) say(`    ${found.reason}`);
  } else row(harmless === undefined ? 'NOT FOUND' : `harmless: ${harmless}`, `> ${seedsMax}`);
  for (const seed of hunt.unhealthy) say(`    wrong without the bug, too: seed ${seed}`);
  return (found === null) === (harmless !== undefined);
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
