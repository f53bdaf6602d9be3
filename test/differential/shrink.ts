import type { Difference } from './lockstep.ts';
import { signatureOf } from './report.ts';
import { type Episode, type Op, opsOf, type Step } from './steps.ts';

/** Makes an episode that shows a difference as small as it can while it shows the same one. */

export type Attempt = (steps: readonly Step[]) => Promise<Difference | undefined>;

export async function shrink(
  first: Difference,
  attempt: Attempt,
  budgetMs: number,
): Promise<Difference> {
  const deadline = Date.now() + budgetMs;
  const wanted = signatureOf(first.mismatch);
  let best = first;
  let steps = upTo(first.episode, first.step.id);
  const shows = async (candidate: readonly Step[]): Promise<boolean> => {
    if (Date.now() > deadline) return false;
    const found = await attempt(candidate);
    if (found === undefined || signatureOf(found.mismatch) !== wanted) return false;
    best = found;
    return true;
  };
  if (!(await shows(steps))) return best;
  steps = await reduce(steps, shows);
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as Step;
    const ops = opsOf(step);
    if (ops.length === 0) continue;
    const within = (kept: readonly Op[]): Step[] => steps.with(i, withOps(step, kept));
    const kept = await reduce(ops, (candidate) => shows(within(candidate)));
    steps = within(kept);
  }
  return best;
}

/** Drops runs of elements, long ones first, as long as what is left still shows it. */
async function reduce<T>(
  all: readonly T[],
  shows: (candidate: readonly T[]) => Promise<boolean>,
): Promise<T[]> {
  let kept = [...all];
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = kept.length - size; at >= 0; at -= size) {
      const candidate = kept.toSpliced(at, size);
      if (await shows(candidate)) kept = candidate;
    }
  }
  return kept;
}

function upTo(episode: Episode, id: number): readonly Step[] {
  const at = episode.steps.findIndex((step) => step.id === id);
  return episode.steps.slice(0, at + 1);
}

function withOps(step: Step, ops: readonly Op[]): Step {
  if (step.kind === 'connect') return { ...step, early: ops };
  return step.kind === 'attach' ? step : { ...step, ops };
}

/** Of a freshly generated episode, the steps and operations that are left in `steps`. */
export function only(episode: Episode, steps: readonly Step[]): Episode {
  const kept = new Map(steps.map((step) => [step.id, new Set(opsOf(step).map((op) => op.id))]));
  const left = episode.steps.flatMap((step) => {
    const ids = kept.get(step.id);
    return ids === undefined
      ? []
      : [
          withOps(
            step,
            opsOf(step).filter((op) => ids.has(op.id)),
          ),
        ];
  });
  return { ...episode, steps: left };
}
