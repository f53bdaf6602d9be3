import { describe, expect, it } from 'vitest';
import { NodeChecksums } from '../io/node/checksums.ts';
import { NodeSecrets } from '../io/node/secrets.ts';
import { drawOptions, type Options } from './options.ts';
import { type Result, Simulation, Verdict } from './simulation.ts';

const platform = { checksums: new NodeChecksums(), hashes: new NodeSecrets() };
const BRIEF = { safetyMs: 3_000, thinkMs: 20 };

function run(seed: number, said: Partial<Options> = {}): Promise<Result> {
  return new Simulation(drawOptions(seed, { ...BRIEF, ...said }), platform).run();
}

describe('a simulation', () => {
  it('is the same for the same seed, event for event, and another for another', async () => {
    const [one, again, other] = [await run(1), await run(1), await run(2)];
    expect(again).toEqual(one);
    expect(other.hash).not.toBe(one.hash);
  });

  it('is the same for the same seed with gossip, which changes no verdict', async () => {
    const said = { servers: 3, gossip: true };
    const [one, again] = [await run(1, said), await run(1, said)];
    expect(again).toEqual(one);
    expect(one.verdict).toBe(Verdict.ok);
    const without = await run(1, { ...said, gossip: false });
    expect([without.verdict, without.hash !== one.hash]).toEqual([Verdict.ok, true]);
  });

  it('finds nothing wrong in some seeds, with much going on', async () => {
    let calls = 0;
    for (let seed = 100; seed < 110; seed++) {
      const result = await run(seed);
      expect(result.reasons, `seed ${seed}`).toEqual([]);
      calls += result.calls;
    }
    expect(calls).toBeGreaterThan(2_000);
  });

  it('finds a server that cannot make progress once all faults have ended', async () => {
    // Nobody recovers, opens a session and writes in a tenth of a millisecond.
    const result = await run(1, { livenessMs: 0.1 });
    expect(result.verdict).toBe(Verdict.liveness);
  });

  it('finds a disk that forgets what it has synced, where it is not told to expect one', async () => {
    const said = { faults: ['powerOff'], faultEveryMs: 300, detectsOnly: false };
    const forgetful = { ...said, forgetfulDisks: true };
    const verdicts = [];
    for (let seed = 1; seed <= 5; seed++) verdicts.push((await run(seed, forgetful)).verdict);
    expect(verdicts).toContain(Verdict.correctness);
    for (let seed = 1; seed <= 5; seed++) expect((await run(seed, said)).verdict).toBe(Verdict.ok);
  });
});
