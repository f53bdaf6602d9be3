import { Event } from '../../protocol/constants.ts';

/** What a watch looks at. The first three are one-shot. */
export type WatchKind = 'data' | 'exist' | 'child' | 'persistent' | 'recursive';

export type WatchEventType =
  | 'created'
  | 'deleted'
  | 'dataChanged'
  | 'childrenChanged'
  /**
   * Changes may have gone untold: the connection was away while a persistent watch was set, or
   * events came faster than they were taken. Read again what you keep.
   */
  | 'resync';

export interface WatchEvent {
  readonly type: WatchEventType;
  /** The znode it happened to; for `resync`, the path of the watch. */
  readonly path: string;
  /** The transaction that did it; null where the server does not say (before 3.9, and later). */
  readonly zxid: number | null;
}

/** Who is told. `ended`: it will not be told anything any more. */
export interface WatchTarget {
  onEvent(event: WatchEvent): void;
  onEnd(): void;
}

type Table = Map<string, Set<WatchTarget>>;

const TYPES: Readonly<Record<number, WatchEventType>> = {
  [Event.nodeCreated]: 'created',
  [Event.nodeDeleted]: 'deleted',
  [Event.nodeDataChanged]: 'dataChanged',
  [Event.nodeChildrenChanged]: 'childrenChanged',
};

/** Null for a number that no server sends. */
export function eventTypeOf(type: number): WatchEventType | null {
  return TYPES[type] ?? null;
}

/** The watches of a client, by path as its caller names it. They outlive any connection. */
export class WatchTable {
  readonly tables: Readonly<Record<WatchKind, Table>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
    persistent: new Map(),
    recursive: new Map(),
  };

  get isEmpty(): boolean {
    return Object.values(this.tables).every((table) => table.size === 0);
  }

  add(kind: WatchKind, path: string, target: WatchTarget): void {
    const table = this.tables[kind];
    const targets = table.get(path);
    if (targets === undefined) table.set(path, new Set([target]));
    else targets.add(target);
  }

  /** True if that was the last one of this kind there. */
  remove(kind: WatchKind, path: string, target: WatchTarget): boolean {
    const targets = this.tables[kind].get(path);
    if (targets?.delete(target) !== true || targets.size > 0) return false;
    return this.tables[kind].delete(path);
  }

  /** All of a kind at a path. */
  take(kind: WatchKind, path: string): readonly WatchTarget[] {
    const targets = this.tables[kind].get(path);
    if (targets === undefined) return [];
    this.tables[kind].delete(path);
    return [...targets];
  }

  /** Whom an event concerns; those with a one-shot watch have none from now on. */
  fire(type: WatchEventType, path: string): ReadonlySet<WatchTarget> {
    const told = new Set<WatchTarget>();
    if (type === 'childrenChanged') {
      for (const target of this.take('child', path)) told.add(target);
    } else {
      for (const target of this.take('data', path)) told.add(target);
      for (const target of this.take('exist', path)) told.add(target);
      if (type === 'deleted') for (const target of this.take('child', path)) told.add(target);
      this.addRecursive(path, told);
    }
    for (const target of this.tables.persistent.get(path) ?? []) told.add(target);
    return told;
  }

  /** Everybody, once each; the table is empty then. */
  takeAll(): ReadonlySet<WatchTarget> {
    const all = new Set<WatchTarget>();
    for (const table of Object.values(this.tables)) {
      for (const targets of table.values()) for (const target of targets) all.add(target);
      table.clear();
    }
    return all;
  }

  private addRecursive(path: string, told: Set<WatchTarget>): void {
    const table = this.tables.recursive;
    if (table.size === 0) return;
    for (let at = path; ; at = at.slice(0, Math.max(at.lastIndexOf('/'), 1))) {
      for (const target of table.get(at) ?? []) told.add(target);
      if (at === '/' || at === '') return;
    }
  }
}
