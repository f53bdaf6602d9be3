import type { Options } from '../options.ts';
import { type Platform, type Result, Verdict } from '../simulation.ts';
import type { Edit, PlantedBug } from './bug.ts';

/** A build of the simulator and of the servers in it. */
export type Build = typeof import('./build.ts');

/** Makes the build in which these edits are made. */
export type Load = (edits: readonly Edit[]) => Promise<Build>;

export interface Finding {
  /** How many seeds it took, this one included. */
  readonly seeds: number;
  /** The checker. */
  readonly by: string;
  readonly reason: string;
}

const ENSEMBLE: Partial<Options> = {
  servers: 3,
  observers: 0,
  nearWraps: false,
  ownLines: [],
  retainBytes: 16_777_216,
  chunkBytes: 1_048_576,
};

/**
 * Runs seed after seed in the planted build until one is found wrong that is all right in the
 * healthy build: what is wrong there as well does not prove that this bug was found.
 */
export class Hunt {
  private readonly bug: PlantedBug;
  private readonly load: Load;
  private readonly platform: Platform;
  private readonly said: Partial<Options>;
  private readonly print: ((line: string) => void) | null;
  private healthy: Build | null = null;
  /** Seeds that are wrong in the healthy build, too. */
  readonly unhealthy: string[] = [];

  constructor(
    bug: PlantedBug,
    load: Load,
    platform: Platform,
    print: ((line: string) => void) | null = null,
  ) {
    this.print = print;
    this.bug = bug;
    this.load = load;
    this.platform = platform;
    this.said = { ...ENSEMBLE, ...bug.focus };
  }

  /** Null if none of the seeds shows the bug. */
  async find(firstSeed: number, seedsMax: number): Promise<Finding | null> {
    const { edits, faultEdits = [] } = this.bug;
    const planted = await this.load([...faultEdits, ...edits]);
    for (let seeds = 1; seeds <= seedsMax; seeds++) {
      const seed = firstSeed + seeds - 1;
      const result = await this.run(planted, seed);
      if (result.verdict === Verdict.ok) continue;
      const reason = result.reasons[0] ?? '';
      if (!(await this.isHealthy(seed))) continue;
      return { seeds, by: finderOf(result.verdict, reason), reason };
    }
    return null;
  }

  /** Runs the seeds without the bug: `unhealthy` has those that are wrong all the same. */
  async check(firstSeed: number, seedsMax: number): Promise<void> {
    for (let seeds = 0; seeds < seedsMax; seeds++) await this.isHealthy(firstSeed + seeds);
  }

  private async isHealthy(seed: number): Promise<boolean> {
    this.healthy ??= await this.load(this.bug.faultEdits ?? []);
    const { verdict, reasons } = await this.run(this.healthy, seed);
    if (verdict !== Verdict.ok) this.unhealthy.push(`${seed}: ${reasons[0]}`);
    return verdict === Verdict.ok;
  }

  /** What nobody has caught ends a process of production, so it counts as a crash. */
  private async run(build: Build, seed: number): Promise<Result> {
    const crashes: string[] = [];
    const onRejection = (error: unknown): number => crashes.push(`server ended: ${error}`);
    process.on('unhandledRejection', onRejection);
    const result = await build.runSeed(seed, this.said, this.platform, this.print);
    // Rejections are reported behind the microtasks of the turn that they came in.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onRejection);
    if (crashes.length === 0) return result;
    return { ...result, verdict: Verdict.crash, reasons: [...crashes, ...result.reasons] };
  }
}

/** Reasons begin with the name of the checker, but for those that are found as a run goes on. */
function finderOf(verdict: number, reason: string): string {
  if (verdict === Verdict.liveness) return 'liveness';
  const [, checker] = /^([a-z ]+): /.exec(reason) ?? [];
  if (checker !== undefined) return checker;
  if (/AssertionError/.test(reason)) return 'assertion in a server';
  if (/ ended: /.test(reason)) return 'a server that ended';
  if (/ decided | has two values|decides slot/.test(reason)) return 'one value per slot';
  if (/ differ in state /.test(reason)) return 'equal digests';
  return verdict === Verdict.crash ? 'crash' : 'client';
}
