import { QUOTA_NODES_TOLD_MAX } from '../../base/limits.ts';
import { utf8Encode } from '../../base/utf8.ts';
import { Writer } from '../../base/writer.ts';
import { parseQuota, type QuotaFields } from '../../state/quota-text.ts';
import type { Row } from '../../state/tree/layout.ts';
import type { Tree } from '../../state/tree/tree.ts';
import type { MetricsSink } from './sink.ts';

const ROOT_OF_QUOTAS = utf8Encode('/zookeeper/quota');
const LIMITS = 'zookeeper_limits';
const STATS = 'zookeeper_stats';

/** Limits and usage, added up over all quotas at and below one child of the root. */
interface Namespace {
  countLimit: number;
  bytesLimit: number;
  countUsage: number;
  bytesUsage: number;
}

/** Quotas by the first component of their path. */
export function tellQuotas(tree: Tree, sink: MetricsSink): void {
  const top = tree.find(ROOT_OF_QUOTAS, 0, ROOT_OF_QUOTAS.length);
  const budget = { left: QUOTA_NODES_TOLD_MAX };
  const children = top === 0 ? 0 : tree.firstChild(top);
  for (let row = children; row !== 0 && budget.left > 0; row = tree.nextSibling(row)) {
    const sums = { countLimit: 0, bytesLimit: 0, countUsage: 0, bytesUsage: 0 };
    if (!addBelow(tree, row, sums, budget)) continue;
    const name = nameOf(tree, row);
    sink.keyedGauge('quota_count_limit_per_namespace', name, sums.countLimit);
    sink.keyedGauge('quota_bytes_limit_per_namespace', name, sums.bytesLimit);
    sink.keyedGauge('quota_count_usage_per_namespace', name, sums.countUsage);
    sink.keyedGauge('quota_bytes_usage_per_namespace', name, sums.bytesUsage);
  }
}

/** True if there is a quota at or below the row. Anyone may plant nodes here: hence the budget. */
function addBelow(tree: Tree, top: Row, sums: Namespace, budget: { left: number }): boolean {
  let found = false;
  let row = tree.firstChild(top);
  while (row !== 0 && budget.left-- > 0) {
    if (add(tree, row, sums)) found = true;
    row = tree.firstChild(row) || nextBelow(tree, top, row);
  }
  return found;
}

/** The next row in depth-first order that is not below `row` but still below `top`. */
function nextBelow(tree: Tree, top: Row, row: Row): Row {
  for (let at = row; at !== top; at = tree.parent(at)) {
    const next = tree.nextSibling(at);
    if (next !== 0) return next;
  }
  return 0;
}

function add(tree: Tree, row: Row, sums: Namespace): boolean {
  const length = tree.nameLength(row);
  if (length !== LIMITS.length && length !== STATS.length) return false;
  const name = nameOf(tree, row);
  if (name !== LIMITS && name !== STATS) return false;
  const writer = new Writer(64);
  tree.writeData(row, writer);
  const fields: QuotaFields = { count: 0, bytes: 0, countHardLimit: 0, byteHardLimit: 0 };
  parseQuota(writer.bytes, 0, writer.at, fields);
  if (name === STATS) {
    sums.countUsage += fields.count;
    sums.bytesUsage += fields.bytes;
    return true;
  }
  // A hard limit counts before a soft one.
  sums.countLimit += fields.countHardLimit > -1 ? fields.countHardLimit : fields.count;
  sums.bytesLimit += fields.byteHardLimit > -1 ? fields.byteHardLimit : fields.bytes;
  return true;
}

function nameOf(tree: Tree, row: Row): string {
  const path = tree.pathString(row);
  return path.slice(path.lastIndexOf('/') + 1);
}
