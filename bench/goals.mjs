// Whether a row reached its goal, and how the goal reads.
import { formatValue, median } from './stats.mjs';

export function describeGoal(goal, unit) {
  if (goal.ratioAtLeast) return `${goal.ratioAtLeast}×`;
  if (goal.ratioAtMost) return `${goal.ratioAtMost}×`;
  if (goal.atMost !== undefined) return formatValue(goal.atMost, unit);
  if (goal.times) return `${goal.times} × ${goal.floor}`;
  return `${goal.floor} + ${goal.plus} ${unit}`;
}

/** The figure to stay below or to get above, or null while it is not known. */
function bound(goal, peer, floors) {
  if (goal.atMost !== undefined) return goal.atMost;
  if (goal.ratioAtLeast) return peer && peer * goal.ratioAtLeast;
  if (goal.ratioAtMost) return peer && peer * goal.ratioAtMost;
  const floor = floors[goal.floor] ?? null;
  if (floor === null) return null;
  return goal.times ? floor * goal.times : floor + goal.plus;
}

/** Row medians and verdict: `reached` is true, false, or null where it cannot be told. */
export function judge(row) {
  const medians = mapValues(row.samples, median);
  const own = medians.quoll ?? medians.server ?? null;
  const peer = medians.zookeeper ?? null;
  const floors = mapValues(row.floors ?? {}, median);
  const verdicts = row.goals.map((goal) => {
    const limit = bound(goal, peer, floors);
    if (own === null || limit === null || row.comparable === false) return null;
    return goal.ratioAtLeast ? own >= limit : own <= limit;
  });
  return { medians, floors, ratio: own && peer ? own / peer : null, reached: anyOf(verdicts) };
}

function anyOf(verdicts) {
  if (verdicts.includes(true)) return true;
  return verdicts.length === 0 || verdicts.includes(null) ? null : false;
}

function mapValues(object, transform) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, transform(value)]));
}
