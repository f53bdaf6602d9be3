import { Summary } from '../base/summary.ts';
import { utf8Decode } from '../base/utf8.ts';
import { Event } from '../protocol/constants.ts';
import type { Acl } from '../state/acl.ts';
import { ChangeKind, type Changes } from '../state/outcome.ts';

/** How a connection watches a path. ZooKeeper's two tables, folded into one set of bits. */
export const WatchMode = {
  /** One-shot, set by getData and exists. */
  data: 1,
  /** One-shot, set by getChildren. */
  child: 2,
  persistent: 4,
  recursive: 8,
} as const;

export const DATA_TABLE: number = WatchMode.data | WatchMode.persistent | WatchMode.recursive;
const CHILD_TABLE = WatchMode.child | WatchMode.persistent;
/** Event types of watches are 1 to 4. */
const EVENT_TYPES = 5;

/** Whoever watches: a client's connection. */
export interface Watcher {
  /** Paths this watcher watches, kept by `Watches` so that a closed connection is forgotten. */
  readonly watched: Set<PathWatch>;
  /** Owned by `Watches`: the last trigger that reached this watcher. */
  lastTrigger: number;
  mayRead(acl: Acl): boolean;
  notify(type: number, path: Uint8Array, from: number, to: number, zxid: number): void;
}

/** All who watch one path. */
export interface PathWatch {
  readonly path: string;
  readonly modes: Map<Watcher, number>;
}

/**
 * The watches of one replica's connections. They live in memory only. A write that nobody watches
 * costs one comparison; one that is watched costs a look-up of its path and, if anyone watches
 * recursively, of its ancestors.
 */
export class Watches {
  private readonly paths = new Map<string, PathWatch>();
  private recursive = 0;
  private trigger = 0;
  /** Watchers of each path, in ZooKeeper's two tables. */
  dataCount = 0;
  childCount = 0;
  /** How many were told of an event, by its type; what nobody watched counts nothing. */
  readonly told: readonly Summary[] = Array.from({ length: EVENT_TYPES }, () => new Summary());
  private tellings = 0;

  get count(): number {
    return this.dataCount + this.childCount;
  }

  get pathCount(): number {
    return this.paths.size;
  }

  add(watcher: Watcher, path: string, mode: number): void {
    let entry = this.paths.get(path);
    if (entry === undefined) {
      entry = { path, modes: new Map() };
      this.paths.set(path, entry);
    }
    const before = entry.modes.get(watcher) ?? 0;
    if ((before & mode) === mode) return;
    this.store(entry, watcher, before, before | mode);
  }

  /** The modes in which `watcher` watches exactly `path`. */
  modesOf(watcher: Watcher, path: string): number {
    return this.paths.get(path)?.modes.get(watcher) ?? 0;
  }

  remove(watcher: Watcher, path: string, mode: number): void {
    const entry = this.paths.get(path);
    const before = entry?.modes.get(watcher) ?? 0;
    if (entry !== undefined) this.store(entry, watcher, before, before & ~mode);
  }

  /** Forgets a connection. */
  drop(watcher: Watcher): void {
    for (const entry of [...watcher.watched]) {
      this.store(entry, watcher, entry.modes.get(watcher) ?? 0, 0);
    }
  }

  entries(): IterableIterator<PathWatch> {
    return this.paths.values();
  }

  /** Tells watchers about the changes of one command, in order (protocol 9.2 to 9.4). */
  match(changes: Changes, zxid: number): void {
    if (this.paths.size === 0) return;
    for (let i = 0; i < changes.count; i++) this.matchOne(changes, i, zxid);
  }

  private matchOne(changes: Changes, i: number, zxid: number): void {
    const bytes = changes.paths.bytes;
    const from = changes.pathFrom[i] as number;
    const to = changes.pathTo[i] as number;
    const acl = changes.acl[i] as Acl;
    const kind = changes.kind[i];
    const path = utf8Decode(bytes, from, to);
    this.trigger++;
    if (kind === ChangeKind.dataChanged) {
      this.fire(path, DATA_TABLE, Event.nodeDataChanged, acl, bytes, from, to, zxid);
      return;
    }
    const created = kind === ChangeKind.created;
    const type = created ? Event.nodeCreated : Event.nodeDeleted;
    this.fire(path, DATA_TABLE, type, acl, bytes, from, to, zxid);
    // The same trigger number: who was told of the deletion by the data table is not told twice.
    if (!created) this.fire(path, CHILD_TABLE, type, acl, bytes, from, to, zxid);
    this.trigger++;
    const slash = path.lastIndexOf('/');
    const parent = slash === 0 ? '/' : path.slice(0, slash);
    const parentTo = slash === 0 ? from + 1 : bytes.lastIndexOf(0x2f, to - 1);
    const parentAcl = changes.parentAcl[i] as Acl;
    this.fire(
      parent,
      CHILD_TABLE,
      Event.nodeChildrenChanged,
      parentAcl,
      bytes,
      from,
      parentTo,
      zxid,
    );
  }

  private fire(
    path: string,
    table: number,
    type: number,
    acl: Acl,
    bytes: Uint8Array,
    from: number,
    to: number,
    zxid: number,
  ): void {
    const tellings = this.tellings;
    const exact = this.paths.get(path);
    if (exact !== undefined) {
      for (const [watcher, modes] of exact.modes) {
        if ((modes & table) === 0) continue;
        this.tell(watcher, type, acl, bytes, from, to, zxid);
        const oneShot = table === DATA_TABLE ? WatchMode.data : WatchMode.child;
        if (modes & oneShot) this.store(exact, watcher, modes, modes & ~oneShot);
      }
    }
    if (this.recursive > 0 && table === DATA_TABLE) {
      this.fireAncestors(path, type, acl, bytes, from, to, zxid);
    }
    if (this.tellings > tellings) this.told[type]?.record(this.tellings - tellings);
  }

  private fireAncestors(
    path: string,
    type: number,
    acl: Acl,
    bytes: Uint8Array,
    from: number,
    to: number,
    zxid: number,
  ): void {
    let ancestor = path;
    while (ancestor.length > 1) {
      const slash = ancestor.lastIndexOf('/');
      ancestor = slash === 0 ? '/' : ancestor.slice(0, slash);
      const entry = this.paths.get(ancestor);
      if (entry === undefined) continue;
      for (const [watcher, modes] of entry.modes) {
        if (modes & WatchMode.recursive) this.tell(watcher, type, acl, bytes, from, to, zxid);
      }
    }
  }

  private tell(
    watcher: Watcher,
    type: number,
    acl: Acl,
    bytes: Uint8Array,
    from: number,
    to: number,
    zxid: number,
  ): void {
    if (watcher.lastTrigger === this.trigger) return;
    watcher.lastTrigger = this.trigger;
    if (!watcher.mayRead(acl)) return;
    this.tellings++;
    watcher.notify(type, bytes, from, to, zxid);
  }

  private store(entry: PathWatch, watcher: Watcher, before: number, after: number): void {
    this.dataCount += Number(isIn(DATA_TABLE, after)) - Number(isIn(DATA_TABLE, before));
    this.childCount += Number(isIn(CHILD_TABLE, after)) - Number(isIn(CHILD_TABLE, before));
    this.recursive += ((after & WatchMode.recursive) - (before & WatchMode.recursive)) / 8;
    if (after !== 0) {
      entry.modes.set(watcher, after);
      watcher.watched.add(entry);
      return;
    }
    entry.modes.delete(watcher);
    watcher.watched.delete(entry);
    if (entry.modes.size === 0) this.paths.delete(entry.path);
  }
}

function isIn(table: number, modes: number): boolean {
  return (modes & table) !== 0;
}
