import { describe, expect, it } from 'vitest';
import { run } from './testing/chaos.ts';

const COUNT = Number(process.env.QUOLL_FUZZ_COUNT ?? 2_000);
const SEED = Number(process.env.QUOLL_FUZZ_SEED ?? 1);

describe('Paxos under faults', () => {
  it(`keeps every invariant and recovers: ${COUNT} runs from seed ${SEED}`, () => {
    let decided = 0;
    for (let seed = SEED; seed < SEED + COUNT; seed++) decided += runOrTell(seed);
    expect(decided).toBeGreaterThan(COUNT);
  });
});

function runOrTell(seed: number): number {
  try {
    return run(seed).chosen;
  } catch (error) {
    throw new Error(`seed ${seed}: QUOLL_FUZZ_SEED=${seed} QUOLL_FUZZ_COUNT=1`, { cause: error });
  }
}
