import { Reader } from '../../src/base/reader.ts';
import { decodeRecord } from '../../src/protocol/codec.ts';
import { Op as Opcode } from '../../src/protocol/constants.ts';
import { decodeReply } from '../../src/protocol/frames.ts';
import type { RecordOf } from '../../src/protocol/records.ts';
import { type Crowd, type Member, SHARED } from './crowd-generator.ts';
import type { Item } from './link.ts';
import type { Side } from './side.ts';
import type { Op } from './steps.ts';

/** What must hold on a subtree that several connections use at once, however they interleave. */

const VERSION_GUARD_ERRORS = new Set([0, -103]);

interface Shared {
  readonly queue: string[];
  /** Version after the write, by zxid, of the counter that anyone may set. */
  readonly counts: Map<number, number>;
  /** Versions that a guarded write replaced. */
  readonly guarded: number[];
}

export async function checkShared(
  side: Side,
  crowd: Crowd,
  streams: readonly (readonly Item[])[],
  broken: string[],
): Promise<void> {
  const shared: Shared = { queue: [], counts: new Map(), guarded: [] };
  for (const member of crowd.members) {
    checkStream(crowd, member, streams[member.slot] ?? [], shared, broken);
  }
  const { queue, counts, guarded } = shared;
  if (new Set(queue).size !== queue.length) broken.push('two creates got one sequential name');
  if (new Set(guarded).size !== guarded.length) broken.push('one version was replaced twice');
  const versions = [...counts].toSorted(([a], [b]) => a - b).map(([, version]) => version);
  const inOrder = versions.every((version, i) => version === i + 1);
  if (!inOrder) broken.push(`versions in zxid order: ${versions.join(' ')}`);
  await checkEnd(side, crowd, shared, broken);
}

async function checkEnd(
  side: Side,
  { root }: Crowd,
  { queue, counts, guarded }: Shared,
  broken: string[],
): Promise<void> {
  const versionOf = async (path: string): Promise<number> => {
    const body = { path: `${root}${path}`, watch: false };
    const reply = await side.control(Opcode.getData, body);
    return (reply as RecordOf<'GetDataResponse'>).stat.version;
  };
  if ((await versionOf(SHARED.counter)) !== counts.size) broken.push('counter: version is off');
  if ((await versionOf(SHARED.guarded)) !== guarded.length) broken.push('guarded: version is off');
  const body = { path: `${root}${SHARED.queue}`, watch: false };
  const { children } = (await side.control(
    Opcode.getChildren,
    body,
  )) as RecordOf<'GetChildrenResponse'>;
  const names = new Set((children ?? []).map((name) => `${root}${SHARED.queue}/${name}`));
  if (!queue.every((path) => names.has(path))) broken.push('a sequential node is lost');
  if (names.size !== queue.length) broken.push('a sequential node that nobody made');
}

/** One connection: versions never go back, and an armed watch fires before its change is seen. */
function checkStream(
  { root }: Crowd,
  member: Member,
  items: readonly Item[],
  shared: Shared,
  broken: string[],
): void {
  const ops = new Map(member.groups.flat(2).map((op) => [op.id, op]));
  const counter = new Watched(`${root}${SHARED.counter}`, broken);
  const queue = new Watched(`${root}${SHARED.queue}`, broken);
  let lastZxid = 0;
  for (const item of items) {
    if (item.kind === 'event') {
      const { path } = eventIn(item.payload);
      for (const watched of [counter, queue]) watched.event(path);
    }
    if (item.kind !== 'reply') continue;
    const { zxid } = decodeRecord(new Reader(item.payload), 'ReplyHeader');
    if (item.expected.type !== Opcode.auth && item.expected.type !== Opcode.sasl) {
      if (zxid < lastZxid) broken.push(`zxid ${zxid} answered after ${lastZxid}`);
      lastZxid = Math.max(zxid, lastZxid);
    }
    const op = ops.get(item.expected.id);
    if (op === undefined || !member.shared.has(op.id)) continue;
    checkReply(op, item.payload, shared, broken);
    if (op.type === Opcode.getData) counter.read(op, statIn(op, item.payload)?.version);
    if (op.type === Opcode.getChildren2) queue.read(op, statIn(op, item.payload)?.cversion);
    if (op.type === Opcode.setData && pathOf(op) === counter.path) {
      counter.wrote(statIn(op, item.payload)?.version);
    }
  }
}

class Watched {
  readonly path: string;
  private readonly broken: string[];
  private version = 0;
  private armed = false;

  constructor(path: string, broken: string[]) {
    this.path = path;
    this.broken = broken;
  }

  event(path: string | null): void {
    if (path === this.path) this.armed = false;
  }

  read(op: Op, version: number | undefined): void {
    if (version === undefined) return;
    this.sees(version);
    if ((op.body as RecordOf<'GetDataRequest'>).watch) this.armed = true;
  }

  wrote(version: number | undefined): void {
    if (version !== undefined) this.sees(version);
  }

  private sees(version: number): void {
    if (version < this.version) this.broken.push(`${this.path}: version went back`);
    if (this.armed && version > this.version) {
      this.broken.push(`${this.path}: seen before its watch fired`);
    }
    this.version = version;
  }
}

function checkReply(op: Op, payload: Buffer, shared: Shared, broken: string[]): void {
  const { zxid, err, body } = decodeReply(payload, op.type);
  if (op.type === Opcode.create) {
    if (err === 0) shared.queue.push(String((body as RecordOf<'CreateResponse'>).path));
    else broken.push(`a shared create failed with ${err}`);
  }
  if (op.type !== Opcode.setData) return;
  if (!VERSION_GUARD_ERRORS.has(err)) broken.push(`a shared setData failed with ${err}`);
  if (err !== 0) return;
  const { version } = (body as RecordOf<'SetDataResponse'>).stat;
  const wanted = (op.body as RecordOf<'SetDataRequest'>).version;
  if (wanted === -1) shared.counts.set(zxid, version);
  else {
    shared.guarded.push(wanted);
    if (version !== wanted + 1) broken.push(`guarded write of ${wanted} made ${version}`);
  }
}

function statIn(op: Op, payload: Buffer): RecordOf<'Stat'> | undefined {
  const { err, body } = decodeReply(payload, op.type);
  return err === 0 ? (body as RecordOf<'SetDataResponse'>).stat : undefined;
}

function pathOf(op: Op): string | null {
  return (op.body as RecordOf<'SetDataRequest'>).path;
}

function eventIn(payload: Buffer): RecordOf<'WatcherEvent'> {
  const reader = new Reader(payload);
  decodeRecord(reader, 'ReplyHeader');
  return decodeRecord(reader, 'WatcherEvent');
}
