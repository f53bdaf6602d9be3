// What the workers have left under the parents that all of them share.
import { readTree } from './compare.mjs';
import { sequenceRoot, sharedRoot } from './worker.mjs';

/** Compares it with what the workers know; answers the problems found. */
export async function verifyShared(workers, reader) {
  const shared = await readTree(reader, sharedRoot);
  const sequence = await readTree(reader, sequenceRoot);
  const expected = new Map(workers.flatMap((worker) => [...worker.shared]));
  const tags = new Map(workers.flatMap((worker) => [...worker.sequence]));
  // Without a reply the number is not known: then any path may carry the data.
  const fits = (path, data) => tags.has(data) && (tags.get(data) ?? path) === path;
  const sum = (key) => workers.reduce((total, worker) => total + worker[key], 0);
  const problems = [
    ...childProblems(sharedRoot, shared, expected, (path, data) => expected.get(path) === data),
    countProblem(sharedRoot, shared, sum('sharedCreates'), sum('sharedDeletes')),
    ...childProblems(sequenceRoot, sequence, tags, fits),
    countProblem(sequenceRoot, sequence, sum('sequenceCreates'), sum('sequenceDeletes')),
  ];
  for (const worker of workers) worker.learnPaths(sequence);
  return problems.filter((problem) => problem !== null);
}

function childProblems(root, tree, expected, fits) {
  const children = [...tree].filter(([path]) => path !== root);
  const problems = children
    .filter(([path, { data }]) => !fits(path, data))
    .map(([path, { data }]) => `${path} with data ${data} should not be there`);
  if (children.length !== expected.size) {
    problems.push(`${root} has ${children.length} children, should have ${expected.size}`);
  }
  return problems;
}

function countProblem(root, tree, creates, deletes) {
  const { stat } = tree.get(root);
  if (stat.cversion === creates + deletes && stat.childCount === creates - deletes) return null;
  const actual = `cversion ${stat.cversion}, ${stat.childCount} children`;
  return `${root}: ${actual}; should be ${creates + deletes}, ${creates - deletes}`;
}
