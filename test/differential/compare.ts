import type { Normal } from './normalize.ts';

/** Finds where two streams of normalised items part. */

export interface Mismatch {
  readonly index: number;
  /** Where in the item, such as `body.stat.version`. */
  readonly field: string;
  readonly a: Normal | undefined;
  readonly b: Normal | undefined;
}

export interface Tolerance {
  /** Servers before 3.9 put zxid -1 into notifications and know three types of watchers. */
  readonly old: boolean;
}

export function compareStreams(
  a: readonly Normal[],
  b: readonly Normal[],
  tolerance: Tolerance,
): Mismatch | undefined {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left, right] = [a[index], b[index]];
    const field = difference(left, right, '', tolerance);
    if (field !== undefined) return { index, field, a: left, b: right };
  }
  return undefined;
}

/** The path to the first field that differs. */
function difference(
  a: unknown,
  b: unknown,
  path: string,
  tolerance: Tolerance,
): string | undefined {
  if (Object.is(a, b)) return undefined;
  if (!isObject(a) || !isObject(b)) return path === '' ? 'presence' : path;
  if (tolerance.old && isOldEvent(a, b)) {
    return difference({ ...a, what: '', zxid: 0 }, { ...b, what: '', zxid: 0 }, path, tolerance);
  }
  if (tolerance.old && isOldWatcherType(a, b)) return undefined;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const found = difference(a[key], b[key], path === '' ? key : `${path}.${key}`, tolerance);
    if (found !== undefined) return found;
  }
  return undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function isOldEvent(a: Fields, b: Fields): boolean {
  return a.what === 'event' && b.what === 'event';
}

function isOldWatcherType(a: Fields, b: Fields): boolean {
  const watches = a.what === 'reply to checkWatches' || a.what === 'reply to removeWatches';
  return watches && a.what === b.what && (a.err === -5 || b.err === -5);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/**
 * A closing session's ephemerals go in no promised order. The events of its zxid are sorted, both
 * servers' alike; all others keep their order.
 */
export function sortClosings(
  items: readonly Normal[],
  closings: ReadonlySet<unknown>,
): readonly Normal[] {
  if (!items.some((item) => isClosingEvent(item, closings))) return items;
  const result = [...items];
  for (let from = 0; from < result.length; from++) {
    let to = from;
    while (to < result.length && sameClosing(result[from], result[to], closings)) to++;
    if (to - from < 2) continue;
    const run = result.slice(from, to).sort((x, y) => (keyOf(x) < keyOf(y) ? -1 : 1));
    result.splice(from, run.length, ...run);
    from = to - 1;
  }
  return result;
}

function isClosingEvent(item: Normal | undefined, closings: ReadonlySet<unknown>): boolean {
  return item?.what === 'event' && closings.has(item.zxid);
}

function sameClosing(
  a: Normal | undefined,
  b: Normal | undefined,
  closings: ReadonlySet<unknown>,
): boolean {
  return isClosingEvent(a, closings) && b?.what === 'event' && a?.zxid === b.zxid;
}

function keyOf(item: Normal): string {
  return `${String(item.path)} ${String(item.kind)}`;
}
