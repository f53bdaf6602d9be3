import { parseArgs } from 'node:util';
import { generateEpisode } from './generator.ts';
import { type Difference, runEpisode } from './lockstep.ts';
import { describe, signatureOf } from './report.ts';
import { type Server, STILL, serverFor } from './servers.ts';
import { shrink } from './shrink.ts';
import { Side } from './side.ts';
import type { Episode } from './steps.ts';

/** Runs episodes against two servers until enough operations were compared. */

const { values } = parseArgs({
  options: {
    a: { type: 'string', default: 'zookeeper-3.9.5' },
    b: { type: 'string', default: 'quoll' },
    ops: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    differences: { type: 'string', default: '20' },
    'event-zxid': { type: 'boolean', default: false },
  },
});

const SHRINK_MS = 30_000;
const tolerance = { eventZxid: values['event-zxid'] };
let roots = 0;

function operationsOf({ steps }: Episode): number {
  let count = 0;
  for (const step of steps) {
    count += 1;
    if (step.kind === 'connect') count += step.early.length;
    else if (step.kind !== 'attach') count += step.ops.length;
  }
  return count;
}

async function shrunk(sides: readonly [Side, Side], found: Difference): Promise<Difference> {
  const { seed, root } = found.episode;
  return shrink(
    found,
    async (steps) => {
      // A new root for each attempt, of the same length: paths are all that refers to it.
      const fresh = freshRoot();
      const text = JSON.stringify(steps, encodeBytes).replaceAll(root, fresh);
      const again = JSON.parse(text, decodeBytes) as Episode['steps'];
      return runEpisode(sides, { seed, root: fresh, steps: again }, { tolerance, answerMs: 1500 });
    },
    SHRINK_MS,
  );
}
