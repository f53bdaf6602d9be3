import { Reader } from '../../src/base/reader.ts';
import { decodeRecord } from '../../src/protocol/codec.ts';
import { Op as Opcode } from '../../src/protocol/constants.ts';
import { compareStreams, type Mismatch, type Tolerance } from './compare.ts';
import type { Crowd, Member } from './crowd-generator.ts';
import { SHARED } from './crowd-generator.ts';
import { checkShared } from './crowd-invariants.ts';
import type { Item } from './link.ts';
import { type Normal, Normalizer } from './normalize.ts';
import { type Side, sessionOf } from './side.ts';
import type { Op } from './steps.ts';
import { OPEN_ACL } from './vocabulary.ts';

/**
 * Concurrent mode: all connections pipeline at once. What each gets back about its own subtree is
 * compared field by field, zxids by the write that took them; what it gets back about the shared
 * subtree depends on how the server interleaved the connections, and is held against invariants.
 */

export interface CrowdFinding {
  readonly crowd: Crowd;
  readonly slot: number;
  readonly mismatch: Mismatch;
}

export interface CrowdOptions {
  readonly tolerance: Tolerance;
  readonly answerMs: number;
}

const WRITES: ReadonlySet<number> = new Set([
  Opcode.create,
  Opcode.create2,
  Opcode.createContainer,
  Opcode.createTTL,
  Opcode.delete,
  Opcode.setData,
  Opcode.multi,
  Opcode.reconfig,
  Opcode.closeSession,
]);
const MARSHALLING_ERROR = -5;
const EVENT = 'event';

export async function runCrowd(
  sides: readonly [Side, Side],
  crowd: Crowd,
  options: CrowdOptions,
): Promise<CrowdFinding | undefined> {
  const all = await Promise.all(sides.map((side) => runSide(side, crowd, options.answerMs)));
  const [a, b] = all as [SideResult, SideResult];
  for (const member of crowd.members) {
    const { slot } = member;
    const [left, right] = [a.own[slot] ?? [], b.own[slot] ?? []];
    const mismatch = compareStreams(left, right, options.tolerance);
    if (mismatch !== undefined) return { crowd, slot, mismatch };
  }
  if (a.broken.length === 0 && b.broken.length === 0) return undefined;
  const broken = (result: SideResult): Normal => ({ what: 'promises', broken: result.broken });
  const mismatch = { index: 0, field: 'broken', a: broken(a), b: broken(b) };
  return { crowd, slot: -1, mismatch };
}

interface SideResult {
  /** What each connection got back about its own subtree, normalised. */
  readonly own: readonly (readonly Normal[])[];
  /** Promises that this server broke by itself. */
  readonly broken: readonly string[];
}

async function runSide(side: Side, crowd: Crowd, answerMs: number): Promise<SideResult> {
  await side.begin(crowd.root);
  await prepare(side, crowd);
  const broken: string[] = [];
  const streams = await Promise.all(
    crowd.members.map(async (member) => {
      const items = await runMember(side, member, answerMs, broken);
      await cutOff(side, member, answerMs, broken);
      return items;
    }),
  );
  await checkShared(side, crowd, streams, broken);
  const own = crowd.members.map((member) => {
    const normalizer = new Normalizer(side, namesOf(side, streams[member.slot] ?? []));
    const normals = ownStream(member, streams[member.slot] ?? [], normalizer);
    broken.push(...normalizer.violations);
    return normals;
  });
  await side.cleanUp();
  return { own, broken };
}

async function prepare(side: Side, { root, members }: Crowd): Promise<void> {
  const shared = [`${root}/s`, ...Object.values(SHARED).map((path) => `${root}${path}`)];
  const own = members.flatMap((member) => [member.root, `${member.root}/k`]);
  for (const path of [...shared, ...own]) {
    await side.control(Opcode.create2, { path, data: null, acl: OPEN_ACL, flags: 0 });
  }
}

async function runMember(
  side: Side,
  { slot, handshake, groups }: Member,
  answerMs: number,
  broken: string[],
): Promise<Item[]> {
  const id = slot + 1;
  const link = side.connect({ kind: 'connect', id, slot, handshake, early: [] });
  await link.settled(false, answerMs);
  if (link.handshake === undefined) throw new Error(`${side.name} refuses a session`);
  side.bind(slot, id, sessionOf(link.handshake));
  for (const group of groups) {
    for (const burst of group) side.send(slot, burst);
    if (await link.settled(false, answerMs)) continue;
    broken.push(`connection ${slot}: requests are not answered`);
    break;
  }
  return link.take();
}

/**
 * Cuts the connection with creates in flight and attaches again. Of what one connection sent, the
 * server must have done a prefix: none may be missing before one that was done, and none may
 * arrive after the session has moved on.
 */
async function cutOff(
  side: Side,
  member: Member,
  answerMs: number,
  broken: string[],
): Promise<void> {
  const { slot, handshake, root, doomed } = member;
  side.send(slot, doomed);
  for (let turns = doomed.length % 4; turns > 0; turns--) await new Promise(setImmediate);
  side.links.get(slot)?.destroy();
  const id = 1000 + slot;
  const link = side.attach({
    kind: 'attach',
    id,
    slot,
    session: slot + 1,
    password: 'right',
    handshake,
  });
  await link.settled(false, answerMs);
  const list = (xid: number): Op => {
    const body = { path: `${root}/k`, watch: false };
    return { id: xid, xid, type: Opcode.getChildren, body };
  };
  side.send(slot, [list(1), { id: 2, xid: 2, type: Opcode.sync, body: { path: '/' } }, list(3)]);
  await link.settled(false, answerMs);
  const lists = link.take().flatMap((item) => childrenIn(item));
  const [first, second] = lists;
  if (first === undefined || second === undefined) {
    broken.push(`connection ${slot}: not attached again`);
  } else {
    if (first.join() !== second.join()) broken.push(`connection ${slot}: late writes`);
    broken.push(...gaps(first, doomed).map((text) => `connection ${slot}: ${text}`));
    // How many were done is chance, and episodes to come count all znodes.
    const deletes = second.map((name, i): Op => {
      const body = { path: `${root}/k/${name}`, version: -1 };
      return { id: i + 4, xid: i + 4, type: Opcode.delete, body };
    });
    side.send(slot, deletes);
    await link.settled(false, answerMs);
  }
}

function childrenIn(item: Item): string[][] {
  if (item.kind !== 'reply' || item.expected.type !== Opcode.getChildren) return [];
  const reader = new Reader(item.payload);
  if (decodeRecord(reader, 'ReplyHeader').err !== 0) return [];
  const { children } = decodeRecord(reader, 'GetChildrenResponse');
  return [(children ?? []).map(String).sort()];
}

function gaps(children: readonly string[], doomed: readonly Op[]): string[] {
  const present = new Set(children);
  const done = doomed.filter((_, i) => present.has(`n${i}`)).length;
  const found: string[] = [];
  doomed.forEach((op, i) => {
    if (present.has(`n${i}`) !== i < done) found.push(`write ${i} of ${done} done is missing`);
    const twin = op.type === Opcode.multi && present.has(`n${i}`);
    if (present.has(`m${i}`) !== twin) found.push(`multi ${i} is done in part`);
  });
  return found;
}

/** Zxids are named by the connection's own write that took them. */
function namesOf(side: Side, items: readonly Item[]): (zxid: number) => number | string {
  const names = new Map<number, string>();
  for (const item of items) {
    if (item.kind !== 'reply' || !WRITES.has(item.expected.type)) continue;
    const { zxid, err } = decodeRecord(new Reader(item.payload), 'ReplyHeader');
    const took = err !== MARSHALLING_ERROR || item.expected.type === Opcode.multi;
    if (took) names.set(zxid, `write ${item.expected.id}`);
  }
  return (zxid) => names.get(zxid) ?? (zxid <= 0 ? zxid : zxid < side.base ? 'old' : 'other');
}

/** Replies to auth may overtake, so they are put behind; what is about the others is left out. */
function ownStream(member: Member, items: readonly Item[], normalizer: Normalizer): Normal[] {
  const stream: Normal[] = [];
  const overtaking: Normal[] = [];
  for (const item of items) {
    if (item.kind === 'reply' && member.shared.has(item.expected.id)) continue;
    const normal = normalizer.item(item);
    if (normal.what === EVENT && !isOwn(member, normal)) continue;
    if (item.kind !== 'reply' || takesZxid(item, normal)) stream.push(normal);
    else if (item.expected.type === Opcode.auth) overtaking.push(normal);
    else stream.push({ ...normal, zxid: 'any' });
  }
  return [...stream, ...overtaking];
}

function takesZxid(item: Item & { kind: 'reply' }, normal: Normal): boolean {
  const { type } = item.expected;
  return WRITES.has(type) && (normal.err !== MARSHALLING_ERROR || type === Opcode.multi);
}

/** Events of setWatches may name any path; they come at their own request's place. */
function isOwn(member: Member, event: Normal): boolean {
  const path = String(event.path);
  const own = path === member.root || path.startsWith(`${member.root}/`);
  return (own && !path.startsWith(`${member.root}/k`)) || event.zxid === -1;
}
