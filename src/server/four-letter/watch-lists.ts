import { DATA_TABLE, type Watcher } from '../../replica/watches.ts';
import type { Connection } from '../connection.ts';
import type { ServerContext } from '../context.ts';
import { sessionHex } from './format.ts';
import { Lines } from './text.ts';

/** `wchs`. Like the other two it tells of the data table only, as ZooKeeper does. */
export function watchSummary(context: ServerContext): string {
  const { watches } = context.replica;
  const watchers = new Set<Watcher>();
  let paths = 0;
  for (const { modes } of watches.entries()) {
    let watched = false;
    for (const [watcher, bits] of modes) {
      if ((bits & DATA_TABLE) === 0) continue;
      watched = true;
      watchers.add(watcher);
    }
    if (watched) paths++;
  }
  const total = `Total watches:${watches.dataCount}`;
  return `${watchers.size} connections watching ${paths} paths\n${total}\n`;
}

/** `wchc`. */
export function watchesByConnection(context: ServerContext): string {
  const lines = new Lines();
  for (const connection of context.connections) {
    let head: string | null = sessionOf(connection);
    for (const { path, modes } of connection.watched) {
      if (((modes.get(connection) ?? 0) & DATA_TABLE) === 0) continue;
      if (head !== null) lines.add(head);
      head = null;
      lines.add(`\t${path}`);
    }
  }
  return `${lines}\n`;
}

/** `wchp`. */
export function watchesByPath(context: ServerContext): string {
  const lines = new Lines();
  const ids = sessionsOfWatchers(context);
  for (const { path, modes } of context.replica.watches.entries()) {
    let head: string | null = path;
    for (const [watcher, bits] of modes) {
      if ((bits & DATA_TABLE) === 0) continue;
      if (head !== null) lines.add(head);
      head = null;
      lines.add(`\t${ids.get(watcher) ?? '0x0'}`);
    }
  }
  return `${lines}\n`;
}

function sessionsOfWatchers(context: ServerContext): ReadonlyMap<Watcher, string> {
  const ids = new Map<Watcher, string>();
  for (const connection of context.connections) {
    if (connection.watched.size > 0) ids.set(connection, sessionOf(connection));
  }
  return ids;
}

function sessionOf({ attachment }: Connection): string {
  return sessionHex(attachment?.high ?? 0, attachment?.low ?? 0);
}
