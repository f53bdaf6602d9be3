import type { Reader } from '../../base/reader.ts';
import type { Writer } from '../../base/writer.ts';
import { decodeRecord } from '../../protocol/codec.ts';
import { AddWatchMode, Err, Op, Xid } from '../../protocol/constants.ts';
import { encodeRequest } from '../../protocol/frames.ts';
import type { Call } from './call.ts';
import { type Delivery, Firing } from './deliveries.ts';
import { relativePath } from './request.ts';
import { isLasting, setWatchesBody, type WatchBatch, watchBatches } from './set-watches.ts';
import { eventTypeOf, type WatchKind, WatchTable } from './watch-table.ts';

/** Keeps the watches of a session in step with the server that has them. */
export class Watching {
  readonly table: WatchTable = new WatchTable();
  private readonly chroot: string;
  private readonly deliveries: Delivery[];
  /** What each unanswered setWatches sets again. */
  private resets: WatchBatch[] = [];

  constructor(chroot: string, deliveries: Delivery[]) {
    this.chroot = chroot;
    this.deliveries = deliveries;
  }

  /**
   * A lasting watch counts from here on, not from its answer: if another one on the path is given
   * up meanwhile, the table must show that the server's is still wanted.
   */
  submitted(call: Call): void {
    if (call.op === Op.addWatch && call.watcher !== null) {
      this.table.add(lastingKind(call), call.path, call.watcher);
    }
  }

  /** The call has not been carried out, or nobody waits for it. */
  failed(call: Call): void {
    if (call.op === Op.addWatch && call.watcher !== null) {
      this.table.remove(lastingKind(call), call.path, call.watcher);
    }
  }

  answered(call: Call): void {
    if (call.watcher === null) return;
    const { op, err } = call;
    if (op === Op.addWatch) {
      if (err !== Err.ok) this.failed(call);
    } else if (op === Op.exists && err === Err.noNode) {
      this.table.add('exist', call.path, call.watcher);
    } else if (err === Err.ok) {
      const isChild = op === Op.getChildren || op === Op.getChildren2;
      this.table.add(isChild ? 'child' : 'data', call.path, call.watcher);
    }
  }

  /** A notification. */
  receive(reader: Reader, zxid: number): void {
    const event = decodeRecord(reader, 'WatcherEvent');
    const type = eventTypeOf(event.type);
    if (type === null || event.path === null) return;
    const path = relativePath(this.chroot, event.path);
    const targets = this.table.fire(type, path);
    if (targets.size === 0) return;
    this.deliveries.push(new Firing(targets, { type, path, zxid: zxid > 0 ? zxid : null }));
  }

  connectionLost(): void {
    this.resets = [];
  }

  /**
   * Sets them again on a new connection. All batches name the same zxid, the last that was seen on
   * the old one: what the server answers meanwhile says nothing about paths of later batches.
   */
  resume(writer: Writer, relativeZxid: number): void {
    this.resets = watchBatches(this.table, this.chroot);
    for (const batch of this.resets) {
      const type = isLasting(batch) ? Op.setWatches2 : Op.setWatches;
      const body = setWatchesBody(batch, relativeZxid);
      encodeRequest(writer, { xid: Xid.setWatches, type, body });
    }
  }

  /** The oldest unanswered setWatches has been carried out. */
  resumed(): void {
    const batch = this.resets.shift();
    if (batch === undefined) return;
    this.tellToLookAgain('persistent', batch.persistent);
    this.tellToLookAgain('recursive', batch.recursive);
  }

  /** The server tells of one-shot watches what they have missed; of lasting ones it does not. */
  private tellToLookAgain(kind: WatchKind, paths: readonly string[]): void {
    for (const absolute of paths) {
      const path = relativePath(this.chroot, absolute);
      const targets = this.table.tables[kind].get(path);
      if (targets === undefined) continue;
      this.deliveries.push(new Firing([...targets], { type: 'resync', path, zxid: null }));
    }
  }
}

function lastingKind(call: Call): WatchKind {
  return call.argument === AddWatchMode.persistentRecursive ? 'recursive' : 'persistent';
}
