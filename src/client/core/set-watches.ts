import { CLIENT_SET_WATCHES_BYTES } from '../../base/limits.ts';
import { utf8Length } from '../../base/utf8.ts';
import type { RecordOf } from '../../protocol/records.ts';
import type { WatchKind, WatchTable } from './watch-table.ts';

const LENGTH_BYTES = 4;

const KINDS: readonly WatchKind[] = ['data', 'exist', 'child', 'persistent', 'recursive'];

/** The paths of one request that sets watches again, by kind, as the server names them. */
export type WatchBatch = Readonly<Record<WatchKind, readonly string[]>>;

/** All watches of the table, in batches of which each fits a frame. */
export function watchBatches(table: WatchTable, chroot: string): WatchBatch[] {
  const batches: Record<WatchKind, string[]>[] = [];
  let room = 0;
  for (const kind of KINDS) {
    for (const path of table.tables[kind].keys()) {
      const absolute = path === '/' && chroot !== '' ? chroot : chroot + path;
      const bytes = utf8Length(absolute) + LENGTH_BYTES;
      if (batches.length === 0 || bytes > room) {
        batches.push({ data: [], exist: [], child: [], persistent: [], recursive: [] });
        room = CLIENT_SET_WATCHES_BYTES;
      }
      room -= bytes;
      batches.at(-1)?.[kind].push(absolute);
    }
  }
  return batches;
}

/** Servers before 3.6 do not know the request that has lasting watches in it. */
export function isLasting(batch: WatchBatch): boolean {
  return batch.persistent.length + batch.recursive.length > 0;
}

export function setWatchesBody(batch: WatchBatch, relativeZxid: number): RecordOf<'SetWatches2'> {
  return {
    relativeZxid,
    dataWatches: batch.data,
    existWatches: batch.exist,
    childWatches: batch.child,
    persistentWatches: batch.persistent,
    persistentRecursiveWatches: batch.recursive,
  };
}
