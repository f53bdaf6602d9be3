import { DecodeError, Reader } from '../../src/base/reader.ts';
import { decodeRecord } from '../../src/protocol/codec.ts';
import { Op } from '../../src/protocol/constants.ts';
import { decodeMultiReply } from '../../src/protocol/multi.ts';
import { operations } from '../../src/protocol/operations.ts';
import type { ACL, RecordOf, Stat } from '../../src/protocol/records.ts';
import type { Item } from './link.ts';
import type { Side } from './side.ts';

/**
 * Rewrites what a server sent so that two servers that behave alike give equal values: zxids are
 * named by a rule of the mode, session ids by the step that opened them, times are checked against
 * the zxid they belong to, and what has no order is sorted.
 */

export type Normal = { readonly [field: string]: unknown };
/** Names a zxid, the same on both servers. */
export type ZxidNames = (zxid: number) => number | string;

const CLOCK_SLACK_MS = 60_000;
const EVENTS = ['none', 'NodeCreated', 'NodeDeleted', 'NodeDataChanged', 'NodeChildrenChanged'];

export class Normalizer {
  /** Promises about time that this server broke. */
  readonly violations: string[] = [];
  private readonly side: Side;
  private readonly nameZxid: ZxidNames;
  /** All that happened at one zxid happened at one time. */
  private readonly times = new Map<number, number>();
  private lastZxid = 0;
  private lastTime = 0;

  constructor(side: Side, nameZxid: ZxidNames) {
    this.side = side;
    this.nameZxid = nameZxid;
  }

  item(item: Item): Normal {
    if (item.kind === 'closed') return { what: 'connection closed' };
    try {
      if (item.kind === 'connected') return this.connected(item.payload);
      if (item.kind === 'event') return this.event(item.payload);
      if (item.kind === 'reply') return this.reply(item.payload, item.expected.type);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return { what: item.kind, undecodable: item.payload.toString('hex') };
    }
    return { what: 'a reply nobody asked for', bytes: item.payload.toString('hex') };
  }

  private connected(payload: Buffer): Normal {
    const reader = new Reader(payload);
    const { protocolVersion, timeOut, sessionId, passwd, readOnly } = decodeRecord(
      reader,
      'ConnectResponse',
    );
    return {
      what: 'connected',
      protocolVersion,
      timeOut,
      session: this.session(sessionId),
      passwd: sessionId === 0n ? [...(passwd ?? [])] : passwd?.length,
      readOnly,
      rest: rest(reader),
    };
  }

  private event(payload: Buffer): Normal {
    const reader = new Reader(payload);
    const { zxid, err } = decodeRecord(reader, 'ReplyHeader');
    const { type, state, path } = decodeRecord(reader, 'WatcherEvent');
    const kind = EVENTS[type] ?? type;
    return { what: 'event', kind, path, state, err, zxid: this.nameZxid(zxid), rest: rest(reader) };
  }

  private reply(payload: Buffer, type: number): Normal {
    const reader = new Reader(payload);
    const { xid, zxid, err } = decodeRecord(reader, 'ReplyHeader');
    const operation = operations.get(type);
    const what = `reply to ${operation?.name ?? type}`;
    const header = { what, xid, err, zxid: this.nameZxid(zxid) };
    // Clients must ignore the body of an error; a multiRead that fails half-way has one in 3.9.
    if (err !== 0 || operation === undefined) return header;
    const body =
      operation.reply === null
        ? null
        : operation.reply === 'multi'
          ? decodeMultiReply(reader).map((result) => this.value(result))
          : this.body(type, decodeRecord(reader, operation.reply));
    return { ...header, body, rest: rest(reader) };
  }

  private body(type: number, record: object): unknown {
    const normal = this.value(record) as Record<string, unknown>;
    if (type === Op.whoAmI) return { clientInfo: sorted(normal.clientInfo) };
    if (type === Op.getEphemerals) return { ephemerals: sorted(normal.ephemerals) };
    return normal;
  }

  private value(value: unknown): unknown {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    if (Array.isArray(value)) return value.map((element) => this.value(element));
    if (value === null || typeof value !== 'object') return value;
    if ('czxid' in value) return this.stat(value as Stat);
    const fields = Object.entries(value).map(([name, field]) => {
      if (name === 'children') return [name, sorted(this.value(field))];
      if (name === 'acl') return [name, sortedIdentities(field as readonly ACL[] | null)];
      return [name, this.value(field)];
    });
    return Object.fromEntries(fields);
  }

  private stat(stat: Stat): Normal {
    return {
      ...stat,
      czxid: this.nameZxid(stat.czxid),
      mzxid: this.nameZxid(stat.mzxid),
      pzxid: this.nameZxid(stat.pzxid),
      ctime: this.time(stat.czxid, stat.ctime),
      mtime: this.time(stat.mzxid, stat.mtime),
      ephemeralOwner: this.session(stat.ephemeralOwner),
    };
  }

  private session(id: bigint): string {
    if (id === 0n) return 'none';
    for (const [step, session] of this.side.sessions) {
      if (session.id === id) return `session of step ${step}`;
    }
    return 'new session';
  }

  private time(zxid: number, time: number): string {
    if (zxid === 0) return time === 0 ? 'zero' : this.violation(`time ${time} at zxid 0`);
    const known = this.times.get(zxid);
    if (known !== undefined) {
      return known === time ? 'ok' : this.violation(`zxid ${zxid} at ${known} and at ${time}`);
    }
    this.times.set(zxid, time);
    if (Math.abs(time - Date.now()) > CLOCK_SLACK_MS && zxid >= this.side.base) {
      return this.violation(`zxid ${zxid} at ${time}, far from the clock`);
    }
    if (zxid > this.lastZxid) {
      const back = time < this.lastTime;
      this.lastZxid = zxid;
      this.lastTime = Math.max(time, this.lastTime);
      if (back) return this.violation(`zxid ${zxid} is earlier than one before it`);
    }
    return 'ok';
  }

  private violation(text: string): string {
    this.violations.push(text);
    return 'impossible';
  }
}

function rest(reader: Reader): string {
  return Buffer.from(reader.bytes.subarray(reader.at, reader.end)).toString('hex');
}

function sorted(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/**
 * An entry of scheme `auth` becomes one entry per identity of the connection, in no promised order,
 * so neighbours with equal permissions are sorted. Any other order of entries is kept.
 */
function sortedIdentities(acl: readonly ACL[] | null): RecordOf<'ACL'>[] | null {
  if (acl === null) return null;
  const result = [...acl];
  const key = (entry: ACL): string => `${entry.id.scheme}:${entry.id.id}`;
  const swaps = (a: ACL, b: ACL): boolean =>
    a.id.scheme === 'digest' && b.id.scheme === 'digest' && a.perms === b.perms && key(a) > key(b);
  for (let end = result.length - 1; end > 0; end--) {
    for (let i = 0; i < end; i++) {
      const [a, b] = [result[i] as ACL, result[i + 1] as ACL];
      if (swaps(a, b)) result.splice(i, 2, b, a);
    }
  }
  return result;
}
