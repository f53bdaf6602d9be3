import { describe, expect, it } from 'vitest';
import { run } from './testing/chaos.ts';

const COUNT = Number(process.env.QUOLL_FUZZ_COUNT ?? 10);
/** Short runs of few members, unless many runs were asked for. */
const BOUNDS = COUNT > 10 ? {} : { membersMax: 20, faultsMs: 20_000 };
const SEED = Number(process.env.QUOLL_FUZZ_SEED ?? 1);

describe('gossip under faults', () => {
  it(`keeps every invariant and recovers: ${COUNT} runs from seed ${SEED}`, () => {
    let committed = 0;
    for (let seed = SEED; seed < SEED + COUNT; seed++) committed += runOrTell(seed);
    expect(committed).toBeGreaterThan(COUNT);
  });
});

function runOrTell(seed: number): number {
  try {
    return run(seed, BOUNDS).committed;
  } catch (error) {
    throw new Error(`seed ${seed}: QUOLL_FUZZ_SEED=${seed} QUOLL_FUZZ_COUNT=1`, { cause: error });
  }
}
