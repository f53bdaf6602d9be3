import { drawOptions, type Options } from '../options.ts';
import { type Platform, type Result, Simulation } from '../simulation.ts';

/** One seed in this build of the server and the simulator: the entry point of every build. */
export function runSeed(
  seed: number,
  said: Partial<Options>,
  platform: Platform,
  print: ((line: string) => void) | null = null,
): Promise<Result> {
  return new Simulation(drawOptions(seed, said), platform, print).run();
}
