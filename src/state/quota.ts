import { equalBytes } from '../base/bytes.ts';
import { DecodeError } from '../base/reader.ts';
import { utf8Encode } from '../base/utf8.ts';
import { Writer } from '../base/writer.ts';
import type { ExceededQuota } from './outcome.ts';
import { parseQuota, type QuotaFields, writeUsage } from './quota-text.ts';
import type { Row } from './tree/layout.ts';
import type { Tree } from './tree/tree.ts';

const ROOT_OF_QUOTAS = utf8Encode('/zookeeper/quota');
const LIMITS = utf8Encode('/zookeeper_limits');
const STATS = utf8Encode('/zookeeper_stats');
const SLASH = 0x2f;

/**
 * Quotas (protocol document 8). There is no registry beside the tree: the quota of `/a/b` is found
 * by walking `/zookeeper/quota/a/b` down, which usually ends at the first step. So a rollback, an
 * image or a load has nothing to restore, and a usage is what the stats node says, even after a
 * client has written that node.
 */
export class Quota {
  private readonly tree: Tree;
  /** /zookeeper/quota, which nothing can delete. */
  private readonly top: Row;
  /** The nodes of the quota that `nearest` found last. */
  private limitsRow: Row = 0;
  private statsRow: Row = 0;
  /** Where its path ends in `mirror`. */
  private pathEnd = 0;
  private readonly mirror = new Writer(256);
  private readonly text = new Writer(256);
  private readonly limits: QuotaFields = noFields();
  private readonly usage: QuotaFields = noFields();
  /** Rooms of the operations of a multi, by their number. */
  private readonly rooms: Room[] = [];
  private readonly exceeded: ExceededQuota;

  /** Soft limits that are exceeded are noted in `exceeded`. */
  constructor(tree: Tree, exceeded: ExceededQuota) {
    this.tree = tree;
    this.exceeded = exceeded;
    this.top = tree.find(ROOT_OF_QUOTAS, 0, ROOT_OF_QUOTAS.length);
    if (this.top === 0) throw new DecodeError('a tree without /zookeeper/quota');
  }

  /** True if some quota may exist; false saves the walk. */
  get inUse(): boolean {
    return this.tree.childCount(this.top) > 0;
  }

  /** Adds a difference to the usage of the nearest quota at or above the path, if any. */
  add(path: Uint8Array, from: number, to: number, count: number, bytes: number): void {
    if (count === 0 && bytes === 0) return;
    if (!this.inUse || !this.nearest(path, from, to) || this.statsRow === 0) return;
    this.parse(this.statsRow, this.usage);
    this.store(this.statsRow, this.usage.count + count, this.usage.bytes + bytes);
  }

  /**
   * True if the path has no room for so much more. Inside a multi the room is the one that
   * `reserveRoom` saw before its first operation: checks go by committed usage. What is above a hard
   * limit already may shrink only below it, as in ZooKeeper 3.9.5. A soft limit counts where there
   * is no hard one, and refuses nothing.
   */
  exceeds(
    path: Uint8Array,
    from: number,
    to: number,
    multiIndex: number,
    count: number,
    bytes: number,
  ): boolean {
    if (multiIndex < 0) this.reserveRoom(path, from, to, 0);
    const room = this.rooms[Math.max(multiIndex, 0)] as Room;
    if ((count > 0 && count > room.count) || (bytes !== 0 && bytes > room.bytes)) return true;
    if (count > 0 && count > room.softCount) this.note('count', path, from, to, count);
    else if (bytes !== 0 && bytes > room.softBytes) this.note('bytes', path, from, to, bytes);
    return false;
  }

  private note(
    what: 'count' | 'bytes',
    path: Uint8Array,
    from: number,
    to: number,
    growth: number,
  ): void {
    // Operations ahead in the same multi may have removed it.
    if (!this.nearest(path, from, to) || this.statsRow === 0) return;
    this.parse(this.limitsRow, this.limits);
    this.parse(this.statsRow, this.usage);
    const { exceeded, mirror } = this;
    exceeded.what = what;
    exceeded.limit = this.limits[what];
    exceeded.use = this.usage[what] + growth;
    exceeded.path.clear();
    exceeded.path.raw(mirror.bytes, ROOT_OF_QUOTAS.length, this.pathEnd);
  }

  /** Notes how many znodes and bytes the path's quota still allows to operation `index`. */
  reserveRoom(path: Uint8Array, from: number, to: number, index: number): void {
    const room = this.roomOf(index);
    if (!this.inUse || !this.nearest(path, from, to) || this.statsRow === 0) return;
    this.parse(this.limitsRow, this.limits);
    this.parse(this.statsRow, this.usage);
    const { limits, usage } = this;
    if (limits.countHardLimit > -1) room.count = limits.countHardLimit - usage.count;
    else if (limits.count > -1) room.softCount = limits.count - usage.count;
    if (limits.byteHardLimit > -1) room.bytes = limits.byteHardLimit - usage.bytes;
    else if (limits.bytes > -1) room.softBytes = limits.bytes - usage.bytes;
  }

  /** Without any limit so far. */
  private roomOf(index: number): Room {
    let room = this.rooms[index];
    if (room === undefined) {
      room = { ...NO_LIMITS };
      this.rooms[index] = room;
    }
    return Object.assign(room, NO_LIMITS);
  }

  /**
   * After a znode was created: if it is the stats node of a quota, it gets the present usage of
   * the subtree that it stands for.
   */
  computeIfStats(row: Row, path: Uint8Array, from: number, to: number): void {
    const subtreeFrom = from + ROOT_OF_QUOTAS.length;
    const subtreeTo = to - STATS.length;
    if (subtreeTo < subtreeFrom) return;
    if (subtreeTo > subtreeFrom && path[subtreeFrom] !== SLASH) return;
    if (!equalBytes(path, subtreeTo, STATS, 0, STATS.length)) return;
    if (!equalBytes(path, from, ROOT_OF_QUOTAS, 0, ROOT_OF_QUOTAS.length)) return;
    const top = this.tree.find(path, subtreeFrom, subtreeTo);
    if (top === 0) this.store(row, 0, 0);
    else this.store(row, this.tree.descendantCount(top) + 1, this.dataBytesBelow(top));
  }

  /** Sum of the data lengths of a whole subtree. */
  private dataBytesBelow(top: Row): number {
    const { tree } = this;
    let bytes = 0;
    let row = top;
    for (;;) {
      bytes += Math.max(tree.dataLength(row), 0);
      let next = tree.firstChild(row);
      while (next === 0) {
        if (row === top) return bytes;
        next = tree.nextSibling(row);
        if (next === 0) row = tree.parent(row);
      }
      row = next;
    }
  }

  /**
   * Finds the longest prefix of the path, by component, that has a limits node, and notes that
   * node and the stats node beside it. The root has no quota, as in ZooKeeper.
   */
  private nearest(path: Uint8Array, from: number, to: number): boolean {
    const { tree, mirror } = this;
    mirror.clear();
    mirror.raw(ROOT_OF_QUOTAS);
    this.limitsRow = 0;
    let at = from;
    while (at < to) {
      let end = at + 1;
      while (end < to && path[end] !== SLASH) end++;
      mirror.raw(path, at, end);
      if (tree.find(mirror.bytes, 0, mirror.at) === 0) break;
      const limits = this.findBeside(LIMITS);
      if (limits !== 0) {
        this.limitsRow = limits;
        this.statsRow = this.findBeside(STATS);
        this.pathEnd = mirror.at;
      }
      at = end;
    }
    return this.limitsRow !== 0;
  }

  private findBeside(name: Uint8Array): Row {
    const { mirror } = this;
    const length = mirror.at;
    mirror.raw(name);
    const row = this.tree.find(mirror.bytes, 0, mirror.at);
    mirror.at = length;
    return row;
  }

  private parse(row: Row, fields: QuotaFields): void {
    this.text.clear();
    this.tree.writeData(row, this.text);
    parseQuota(this.text.bytes, 0, this.text.at, fields);
  }

  private store(row: Row, count: number, bytes: number): void {
    this.text.clear();
    writeUsage(this.text, count, bytes);
    this.tree.setData(row, this.text.bytes, 0, this.text.at);
  }
}

/** How much a path's quota still allows. */
interface Room {
  count: number;
  bytes: number;
  softCount: number;
  softBytes: number;
}

const NO_LIMITS: Readonly<Room> = {
  count: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
  softCount: Number.POSITIVE_INFINITY,
  softBytes: Number.POSITIVE_INFINITY,
};

function noFields(): QuotaFields {
  return { count: -1, bytes: -1, countHardLimit: -1, byteHardLimit: -1 };
}
