import { AddWatchMode, Err, Event, Op } from '../protocol/constants.ts';
import type { RecordOf } from '../protocol/records.ts';
import type { Call, History, Watch, WatchKind } from './history.ts';

/** Kinds that an event of each type ends or tells, as the Java client has it (protocol 9.6). */
const TOLD_BY: Readonly<Record<number, readonly WatchKind[]>> = {
  [Event.nodeCreated]: ['data', 'exist', 'persistent', 'recursive'],
  [Event.nodeDataChanged]: ['data', 'exist', 'persistent', 'recursive'],
  [Event.nodeDeleted]: ['data', 'exist', 'child', 'persistent', 'recursive'],
  [Event.nodeChildrenChanged]: ['child', 'persistent'],
};

/** The watches of a client, which it sets again on each new connection. */
export class ClientWatches {
  private readonly history: History;
  private readonly client: string;
  private watches: Watch[] = [];
  /** Lasting ones of connections that have ended, to be set again. */
  private lasting: Watch[] = [];

  constructor(history: History, client: string) {
    this.history = history;
    this.client = client;
  }

  get isEmpty(): boolean {
    return this.watches.length + this.lasting.length === 0;
  }

  add(kind: WatchKind, path: string, session: bigint, zxid: number, connection: number): void {
    const known = this.watches.some((watch) => watch.kind === kind && watch.path === path);
    // Two of one kind on one path are one: the older one has seen more.
    if (known) return;
    const watch: Watch = {
      client: this.client,
      session,
      kind,
      path,
      setZxid: zxid,
      connection,
      fired: [],
      seenZxid: zxid,
      isOver: false,
    };
    this.watches.push(watch);
    this.history.watches.push(watch);
  }

  /** The client has got a reply that shows the state at `zxid`. */
  saw(zxid: number): void {
    for (const watch of this.watches) watch.seenZxid = Math.max(watch.seenZxid, zxid);
  }

  /** False: nobody has asked for this event. */
  fire(type: number, path: string, zxid: number): boolean {
    const kinds = TOLD_BY[type] ?? [];
    const told = this.watches.filter(
      (watch) => kinds.includes(watch.kind) && (watch.path === path || isAbove(watch, path)),
    );
    for (const watch of told) {
      watch.fired.push({ type, path, zxid });
      watch.seenZxid = Math.max(watch.seenZxid, zxid);
      if (!isLasting(watch.kind)) watch.isOver = true;
    }
    this.watches = this.watches.filter((watch) => !watch.isOver);
    return told.length > 0;
  }

  /** The request that sets them on a new connection. */
  reset(relativeZxid: number): RecordOf<'SetWatches2'> {
    const ended = this.watches.filter((watch) => isLasting(watch.kind));
    for (const watch of ended) watch.isOver = true;
    this.watches = this.watches.filter((watch) => !watch.isOver);
    this.lasting = [...this.lasting, ...ended];
    const paths = (kind: WatchKind): string[] =>
      [...this.watches, ...this.lasting]
        .filter((watch) => watch.kind === kind)
        .map((watch) => watch.path);
    return {
      relativeZxid,
      dataWatches: paths('data'),
      existWatches: paths('exist'),
      childWatches: paths('child'),
      persistentWatches: paths('persistent'),
      persistentRecursiveWatches: paths('recursive'),
    };
  }

  /** The server has set them, in the state at `zxid`; lasting ones begin a new life there. */
  resetDone(zxid: number, connection: number): void {
    for (const watch of this.watches) {
      // A znode that came and went meanwhile leaves no trace: the protocol has no way to tell.
      if (watch.kind === 'exist' && watch.connection < connection) watch.setZxid = zxid;
    }
    for (const { kind, path, session } of this.lasting.splice(0)) {
      this.add(kind, path, session, zxid, connection);
    }
  }

  /** The session is over, and they with it. */
  clear(): void {
    for (const watch of this.watches) watch.isOver = true;
    this.watches = [];
    this.lasting = [];
  }
}

function isLasting(kind: WatchKind): boolean {
  return kind === 'persistent' || kind === 'recursive';
}

/** The watch that an answered call has set; null: none. */
export function watchKindOf({ opcode, request, err }: Call): WatchKind | null {
  if (opcode === Op.addWatch) {
    if (err !== Err.ok) return null;
    const { mode } = request as RecordOf<'AddWatchRequest'>;
    return mode === AddWatchMode.persistent ? 'persistent' : 'recursive';
  }
  const isWatching = (request as { readonly watch?: boolean } | null)?.watch === true;
  if (!isWatching) return null;
  if (opcode === Op.exists && err === Err.noNode) return 'exist';
  if (err !== Err.ok) return null;
  return opcode === Op.getChildren || opcode === Op.getChildren2 ? 'child' : 'data';
}

function isAbove(watch: Watch, path: string): boolean {
  if (watch.kind !== 'recursive') return false;
  return watch.path === '/' || path.startsWith(`${watch.path}/`);
}
