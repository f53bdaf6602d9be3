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

const ENSEMBLE: Partial<Options> = { servers: 3 };

/**
 * Runs seed after seed in the planted build until one is found wrong that is all right in the
 * healthy build: what is wrong there as well does not prove that this bug was found.
 */
export class Hunt {
  private readonly bug: PlantedBug;
  private readonly load: Load;
  private readonly platform: Platform;
  private readonly said: Partial<Options>;

  constructor(bug: PlantedBug, load: Load, platform: Platform) {
    this.bug = bug;
    this.load = load;
    this.platform = platform;
    this.said = { ...ENSEMBLE, ...bug.focus };
  }

  /** Null if none of the seeds shows the bug. */
  async find(firstSeed: number, seedsMax: number): Promise<Finding | null> {
    const { edits, sizes = [] } = this.bug;
    const planted = await this.load([...sizes, ...edits]);
    for (let seeds = 1; seeds <= seedsMax; seeds++) {
      const seed = firstSeed + seeds - 1;
      const result = await this.run(planted, seed);
      if (result.verdict === Verdict.ok || !(await this.isHealthy(seed))) continue;
      const reason = result.reasons[0] ?? '';
      return { seeds, by: finderOf(result.verdict, reason), reason };
    }
    return null;
  }

  private async isHealthy(seed: number): Promise<boolean> {
    const healthy = await this.load(this.bug.sizes ?? []);
    return (await this.run(healthy, seed)).verdict === Verdict.ok;
  }

  private async run(build: Build, seed: number): Promise<Result> {
    let crash: string | null = null;
    const onRejection = (error: unknown): void => {
      crash ??= String(error);
    };
    process.on('unhandledRejection', onRejection);
    try {
      const result = await build.runSeed(seed, this.said, this.platform);
      if (crash === null) return result;
      return { ...result, verdict: Verdict.crash, reasons: [crash, ...result.reasons] };
    } finally {
      process.off('unhandledRejection', onRejection);
    }
  }
}

/** Reasons begin with the name of the checker, but for those that are found as a run goes on. */
function finderOf(verdict: number, reason: string): string {
  if (verdict === Verdict.liveness) return 'liveness';
  if (verdict === Verdict.crash) return 'crash of the simulation';
  const [, checker] = /^([a-z ]+): /.exec(reason) ?? [];
  if (checker !== undefined) return checker;
  if (/AssertionError/.test(reason)) return 'assertion in a server';
  if (/ ended: /.test(reason)) return 'a server that ended';
  if (/ decided | has two values|decides slot/.test(reason)) return 'one value per slot';
  return / differ in state /.test(reason) ? 'equal digests' : 'client';
}
