import { WATCHES_PER_CONNECTION_MAX } from '../base/limits.ts';
import type { Reader } from '../base/reader.ts';
import { utf8Decode, utf8Encode } from '../base/utf8.ts';
import { AddWatchMode, Err, Event, WatcherType } from '../protocol/constants.ts';
import { WatchMode } from '../replica/watches.ts';
import type { Connection } from './connection.ts';

/** Catch-up events carry no transaction of their own. */
const NO_ZXID = -1;

export function addWatch(connection: Connection, reader: Reader): number {
  const path = reader.ustring();
  const mode = reader.i32();
  const recursive = mode === AddWatchMode.persistentRecursive;
  if (path === null || (!recursive && mode !== AddWatchMode.persistent)) {
    return Err.marshallingError;
  }
  if (connection.watched.size >= WATCHES_PER_CONNECTION_MAX) return Err.throttledOp;
  const { watches } = connection.context.replica;
  watches.add(connection, path, recursive ? WatchMode.recursive : WatchMode.persistent);
  connection.replyWriter.i32(Err.ok);
  return Err.ok;
}

/** The modes that a watcher type of checkWatches and removeWatches stands for; 0: no such type. */
function modesOf(type: number): number {
  switch (type) {
    case WatcherType.children:
      return WatchMode.child;
    case WatcherType.data:
      return WatchMode.data;
    case WatcherType.persistent:
      return WatchMode.persistent;
    case WatcherType.persistentRecursive:
      return WatchMode.recursive;
    case WatcherType.any:
      return WatchMode.child | WatchMode.data | WatchMode.persistent | WatchMode.recursive;
    default:
      return 0;
  }
}

export function checkWatches(connection: Connection, reader: Reader): number {
  const path = reader.ustring();
  const wanted = modesOf(reader.i32());
  if (path === null || wanted === 0) return Err.marshallingError;
  const held = connection.context.replica.watches.modesOf(connection, path);
  return held & wanted ? Err.ok : Err.noWatcher;
}

export function removeWatches(connection: Connection, reader: Reader): number {
  const path = reader.ustring();
  const wanted = modesOf(reader.i32());
  if (path === null || wanted === 0) return Err.marshallingError;
  const { watches } = connection.context.replica;
  if ((watches.modesOf(connection, path) & wanted) === 0) return Err.noWatcher;
  watches.remove(connection, path, wanted);
  return Err.ok;
}

/**
 * Sets the watches of a client that has reconnected; what it missed since `relativeZxid` is told
 * at once, ahead of the reply (protocol 9.7). All lists are decoded before the first has an effect.
 */
export function setWatches(
  connection: Connection,
  reader: Reader,
  withPersistent: boolean,
): number {
  const relativeZxid = reader.i64();
  const data = decodePaths(reader);
  const exist = decodePaths(reader);
  const child = decodePaths(reader);
  const persistent = withPersistent ? decodePaths(reader) : [];
  const recursive = withPersistent ? decodePaths(reader) : [];
  const asked = data.length + exist.length + child.length + persistent.length + recursive.length;
  if (connection.watched.size + asked > WATCHES_PER_CONNECTION_MAX) return Err.throttledOp;
  for (const path of data) setData(connection, path, relativeZxid);
  for (const path of exist) setExist(connection, path);
  for (const path of child) setChild(connection, path, relativeZxid);
  const { watches } = connection.context.replica;
  for (const path of persistent) watches.add(connection, path, WatchMode.persistent);
  for (const path of recursive) watches.add(connection, path, WatchMode.recursive);
  return Err.ok;
}

function decodePaths(reader: Reader): string[] {
  const paths: string[] = [];
  for (let count = reader.i32(); count > 0; count--) {
    const from = reader.span();
    if (reader.length >= 0) paths.push(utf8Decode(reader.bytes, from, from + reader.length));
  }
  return paths;
}

function setData(connection: Connection, path: string, relativeZxid: number): void {
  const { tree } = connection.context.state;
  const row = find(connection, path);
  if (row === 0) tell(connection, Event.nodeDeleted, path);
  else if (tree.mzxid(row) > relativeZxid) tell(connection, Event.nodeDataChanged, path);
  else connection.context.replica.watches.add(connection, path, WatchMode.data);
}

function setExist(connection: Connection, path: string): void {
  if (find(connection, path) !== 0) tell(connection, Event.nodeCreated, path);
  else connection.context.replica.watches.add(connection, path, WatchMode.data);
}

function setChild(connection: Connection, path: string, relativeZxid: number): void {
  const { tree } = connection.context.state;
  const row = find(connection, path);
  if (row === 0) tell(connection, Event.nodeDeleted, path);
  else if (tree.pzxid(row) > relativeZxid) tell(connection, Event.nodeChildrenChanged, path);
  else connection.context.replica.watches.add(connection, path, WatchMode.child);
}

function find(connection: Connection, path: string): number {
  const bytes = utf8Encode(path);
  return connection.context.state.find(bytes, 0, bytes.length);
}

function tell(connection: Connection, type: number, path: string): void {
  const bytes = utf8Encode(path);
  connection.notify(type, bytes, 0, bytes.length, NO_ZXID);
}
