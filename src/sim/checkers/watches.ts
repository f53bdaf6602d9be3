import { Event } from '../../protocol/constants.ts';
import type { Evidence } from '../evidence.ts';
import type { Fired, Watch } from '../history.ts';

/** Events that happen to a path, as one watching it would be told. */
interface Happening extends Fired {
  readonly zxid: number;
}

/**
 * Watches are ordered and complete: each tells the first change behind the zxid it was set at (a
 * lasting one: all changes), no other, and in order, up to what its client has seen.
 *
 * Source: the watch guarantees of the ZooKeeper programmer's guide, and protocol 9.2 to 9.7.
 */
export function checkWatches({ history, log }: Evidence): string[] {
  const happenings = log.flatMap(({ outcome }) =>
    outcome.changes.flatMap((change) => happeningsOf(change, outcome.zxid)),
  );
  return history.watches.flatMap((watch) => {
    const due = happenings.filter(
      ({ zxid, path, type }) =>
        zxid > watch.setZxid && zxid <= watch.seenZxid && concerns(watch, path, type),
    );
    const isLasting = watch.kind === 'persistent' || watch.kind === 'recursive';
    const found = isLasting ? compareAll(watch, due) : compareFirst(watch, due);
    return found === null ? [] : [`${nameOf(watch)}: ${found}`];
  });
}

function happeningsOf(change: string, zxid: number): Happening[] {
  const [kind, path] = change.split(' ') as [string, string];
  if (kind === 'changed') return [{ type: Event.nodeDataChanged, path, zxid }];
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  const type = kind === 'created' ? Event.nodeCreated : Event.nodeDeleted;
  return [
    { type, path, zxid },
    { type: Event.nodeChildrenChanged, path: parent, zxid },
  ];
}

function concerns({ kind, path: watched }: Watch, path: string, type: number): boolean {
  const isChildren = type === Event.nodeChildrenChanged;
  if (kind === 'recursive') {
    return !isChildren && (path === watched || path.startsWith(`${watched}/`));
  }
  if (path !== watched) return false;
  if (kind === 'child') return isChildren || type === Event.nodeDeleted;
  return kind === 'persistent' || !isChildren;
}

function compareFirst(watch: Watch, due: readonly Happening[]): string | null {
  const [fired] = watch.fired;
  const [first] = due;
  if (fired === undefined) {
    return first === undefined ? null : `never told of zxid ${first.zxid}`;
  }
  // What setWatches tells is about the state that it finds, however many changes led there.
  if (fired.zxid < 0) return null;
  if (first === undefined) return `told of zxid ${fired.zxid}, where nothing happened`;
  const isSame = first.zxid === fired.zxid && first.type === fired.type;
  return isSame ? null : `told of ${text(fired)}, not of ${text(first)}`;
}

function compareAll(watch: Watch, due: readonly Happening[]): string | null {
  const told = watch.fired.filter(({ zxid }) => zxid > 0);
  const count = Math.max(told.length, due.length);
  for (let i = 0; i < count; i++) {
    const [fired, expected] = [told[i], due[i]];
    if (fired === undefined) return `never told of ${text(expected as Happening)}`;
    if (expected === undefined) return `told of ${text(fired)}, where nothing happened`;
    if (text(fired) !== text(expected)) return `told of ${text(fired)}, not of ${text(expected)}`;
  }
  return null;
}

function text({ type, path, zxid }: Fired): string {
  return `event ${type} of ${path} at zxid ${zxid}`;
}

function nameOf({ client, kind, path, setZxid }: Watch): string {
  return `${kind} watch of ${client} on ${path}, set at zxid ${setZxid}`;
}
