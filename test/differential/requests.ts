import { Writer } from '../../src/base/writer.ts';
import { encodeRecord } from '../../src/protocol/codec.ts';
import { Op } from '../../src/protocol/constants.ts';
import type { Body } from '../../src/protocol/frames.ts';
import { encodeMultiRequest, type MultiOp } from '../../src/protocol/multi.ts';
import { operations } from '../../src/protocol/operations.ts';
import type { RecordName, RecordOf } from '../../src/protocol/records.ts';
import type { Random } from './random.ts';
import type { Place } from './vocabulary.ts';
import * as vocabulary from './vocabulary.ts';

/** Random requests of every kind below one root. Pure: what comes depends on the seed alone. */

export interface Made {
  readonly type: number;
  readonly body: Body | Uint8Array;
  readonly fromBase?: boolean;
}

type Maker = (random: Random, place: Place, written: number) => Made;

const writes: readonly (readonly [number, Maker])[] = [
  [10, (random, place) => creation(random, place, Op.create)],
  [10, (random, place) => creation(random, place, Op.create2)],
  [3, (random, place) => creation(random, place, Op.createContainer)],
  [3, creationTtl],
  [9, deletion],
  [10, setData],
  [3, setAcl],
  [8, multi],
  [1, reconfig],
];

const reads: readonly (readonly [number, Maker])[] = [
  [7, (random, place) => watchable(random, place, Op.exists)],
  [8, (random, place) => watchable(random, place, Op.getData)],
  [4, (random, place) => watchable(random, place, Op.getChildren)],
  [5, (random, place) => watchable(random, place, Op.getChildren2)],
  [3, (random, place) => pathOnly(random, place, Op.getACL)],
  [2, (random, place) => pathOnly(random, place, Op.sync)],
  [2, descendants],
  [2, ephemerals],
  [3, multiRead],
  [1, () => ({ type: Op.whoAmI, body: null })],
  [1, () => ({ type: Op.ping, body: null })],
];

const watches: readonly (readonly [number, Maker])[] = [
  [6, addWatch],
  [4, (random, place) => watchTable(random, place, Op.checkWatches)],
  [4, (random, place) => watchTable(random, place, Op.removeWatches)],
  [3, setWatches],
  [3, setWatches2],
];

export type Group = 'writes' | 'reads' | 'watches';
const groups = { writes, reads, watches };

/** `written` is roughly how many zxids the episode has used, for setWatches. */
export function randomRequest(random: Random, place: Place, group: Group, written: number): Made {
  const made = random.weighted(groups[group])(random, place, written);
  return random.oneIn(60) ? damaged(random, made) : made;
}

export function creation(random: Random, place: Place, type: number): Made {
  const flags = type === Op.createContainer ? random.pick([4, 4, 4, 4, 0, 2]) : undefined;
  return { type, body: createBody(random, place, flags ?? vocabulary.randomFlags(random)) };
}

function createBody(random: Random, place: Place, flags: number): RecordOf<'CreateRequest'> {
  const sequential = flags === 2 || flags === 3 || flags === 6;
  const path = vocabulary.randomPath(random, place);
  return {
    path: sequential && random.oneIn(2) ? `${vocabulary.randomNode(random, place)}/s` : path,
    data: vocabulary.randomData(random),
    acl: vocabulary.randomAcl(random, place),
    flags,
  };
}

function creationTtl(random: Random, place: Place): Made {
  const flags = random.oneIn(5) ? random.pick([0, 1, 4, 7]) : random.pick([5, 5, 6]);
  const ttl = vocabulary.randomTtl(random);
  // Other flags with a negative TTL stop a 3.9.5 server (section 14), so they are never sent.
  const safe = flags === 5 || flags === 6 ? ttl : Math.max(ttl, 0);
  return { type: Op.createTTL, body: { ...createBody(random, place, flags), ttl: safe } };
}

function deletion(random: Random, place: Place): Made {
  const system = random.oneIn(40);
  const path = system
    ? vocabulary.randomSystemPath(random, place)
    : vocabulary.randomPath(random, place);
  return { type: Op.delete, body: { path, version: vocabulary.randomVersion(random, place) } };
}

function setData(random: Random, place: Place): Made {
  const data = vocabulary.randomData(random);
  const version = vocabulary.randomVersion(random, place);
  const path = random.oneIn(60) ? place.root : vocabulary.randomPath(random, place);
  return { type: Op.setData, body: { path, data, version } };
}

function setAcl(random: Random, place: Place): Made {
  const acl = vocabulary.randomAcl(random, place);
  const version = vocabulary.randomVersion(random, place);
  return { type: Op.setACL, body: { path: vocabulary.randomPath(random, place), acl, version } };
}

function watchable(random: Random, place: Place, type: number): Made {
  const path = vocabulary.randomReadPath(random, place);
  return { type, body: { path, watch: random.oneIn(2) } };
}

function pathOnly(random: Random, place: Place, type: number): Made {
  return { type, body: { path: vocabulary.randomReadPath(random, place) } };
}

/** Below the empty path 3.9.5 counts the root as a node below itself. */
function descendants(random: Random, place: Place): Made {
  const path = vocabulary.randomReadPath(random, place);
  return { type: Op.getAllChildrenNumber, body: { path: path === '' ? '/' : path } };
}

function ephemerals(random: Random, { root }: Place): Made {
  const prefixPath = random.pick(['', '/', ' ', root, `${root}/a`, `${root}/b/`, null, 'x']);
  return { type: Op.getEphemerals, body: { prefixPath } };
}

function reconfig(random: Random): Made {
  const body = {
    joiningServers: random.pick([null, 'server.9=127.0.0.1:1:2:participant;3']),
    leavingServers: random.pick([null, '3']),
    newMembers: null,
    curConfigId: random.pick([-1, 5]),
  };
  return { type: Op.reconfig, body };
}

function addWatch(random: Random, place: Place): Made {
  const mode = random.pick([0, 0, 0, 1, 1, 1, 2, -1]);
  return { type: Op.addWatch, body: { path: vocabulary.randomReadPath(random, place), mode } };
}

function watchTable(random: Random, place: Place, type: number): Made {
  const which = random.pick([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 6, -1]);
  return { type, body: { path: vocabulary.randomReadPath(random, place), type: which } };
}

function setWatches(random: Random, place: Place, written: number): Made {
  return {
    type: Op.setWatches,
    fromBase: true,
    body: {
      relativeZxid: random.oneIn(8) ? 2 ** 40 : random.below(written + 5),
      dataWatches: somePaths(random, place),
      existWatches: somePaths(random, place),
      childWatches: somePaths(random, place),
    },
  };
}

function setWatches2(random: Random, place: Place, written: number): Made {
  const plain = setWatches(random, place, written).body as RecordOf<'SetWatches'>;
  const persistentWatches = somePaths(random, place);
  const persistentRecursiveWatches = somePaths(random, place);
  const body = { ...plain, persistentWatches, persistentRecursiveWatches };
  return { type: Op.setWatches2, fromBase: true, body };
}

function somePaths(random: Random, place: Place): string[] {
  const length = random.pick([0, 0, 1, 1, 2, 4]);
  return Array.from({ length }, () => vocabulary.randomReadPath(random, place) ?? place.root);
}

function multi(random: Random, place: Place): Made {
  if (random.oneIn(20)) return { type: Op.multi, body: invalidMulti(random, place) };
  if (random.oneIn(4)) return { type: Op.multi, body: lifeOfOneNode(random, place) };
  const length = random.pick([0, 1, 1, 1, 2, 2, 3, 6]);
  const body = Array.from({ length }, () => multiOp(random, place));
  return { type: Op.multi, body };
}

/** Each operation needs the one before it. */
function lifeOfOneNode(random: Random, place: Place): MultiOp[] {
  const path = vocabulary.randomNode(random, place);
  const data = vocabulary.randomData(random);
  const life: MultiOp[] = [
    { type: 15, request: { path, data, acl: vocabulary.OPEN_ACL, flags: random.below(2) } },
    { type: 5, request: { path, data: vocabulary.randomData(random), version: 0 } },
    { type: 13, request: { path, version: 1 } },
    { type: 2, request: { path, version: 1 } },
    { type: 1, request: { path, data, acl: vocabulary.OPEN_ACL, flags: 0 } },
  ];
  return life.slice(random.below(2), random.between(2, 5));
}

function multiOp(random: Random, episode: Place): MultiOp {
  const place = { ...episode, tame: !random.oneIn(4) };
  const path = vocabulary.randomPath(random, place) ?? '';
  const version = random.oneIn(3) ? vocabulary.randomVersion(random, place) : -1;
  switch (
    random.weighted([
      [5, 1],
      [5, 15],
      [1, 19],
      [1, 21],
      [3, 2],
      [5, 5],
      [3, 13],
    ] as const)
  ) {
    case 1:
      return { type: 1, request: createInMulti(random, place, multiFlags(random)) };
    case 15:
      return { type: 15, request: createInMulti(random, place, multiFlags(random)) };
    case 19:
      return { type: 19, request: createInMulti(random, place, 4) };
    case 21: {
      const flags = random.pick([5, 6]);
      const ttl = vocabulary.randomTtl(random);
      return { type: 21, request: { ...createInMulti(random, place, flags), ttl } };
    }
    case 2:
      return { type: 2, request: { path, version } };
    case 5:
      return { type: 5, request: { path, data: vocabulary.randomData(random), version } };
    default:
      return { type: 13, request: { path, version } };
  }
}

function createInMulti(random: Random, place: Place, flags: number): RecordOf<'CreateRequest'> {
  const body = createBody(random, place, flags);
  return { ...body, path: body.path ?? '', acl: vocabulary.randomAclInMulti(random, place) };
}

function multiFlags(random: Random): number {
  return random.weighted([
    [12, 0],
    [5, 1],
    [5, 2],
    [4, 3],
    [1, 4],
  ]);
}

/** Kinds that no multi may hold, kinds of both sorts, bad flags, an end that never comes. */
function invalidMulti(random: Random, place: Place): Uint8Array {
  const path = vocabulary.randomNode(random, place);
  const good: MultiOp = { type: 2, request: { path, version: -1 } };
  const read: MultiOp = { type: 4, request: { path, watch: false } };
  const bad = random.pick(place.avoid.has('multi-flags') ? [99, -1] : [99, -1, 5, 6]);
  const flags: MultiOp = { type: 1, request: createInMulti(random, place, bad) };
  const writer = new Writer();
  switch (random.below(4)) {
    case 0:
      encodeMultiRequest(writer, [good, read]);
      break;
    case 1:
      encodeMultiRequest(writer, [good, flags]);
      break;
    case 2:
      encodeRecord(writer, 'MultiHeader', { type: 3, done: false, err: -1 });
      encodeRecord(writer, 'ExistsRequest', { path, watch: false });
      encodeMultiRequest(writer, [good]);
      break;
    default:
      encodeMultiRequest(writer, [good, good]);
      writer.at -= random.between(1, 9);
  }
  return writer.written().slice();
}

function multiRead(random: Random, place: Place): Made {
  const length = random.pick([0, 1, 2, 3, 5]);
  const body = Array.from({ length }, (): MultiOp => {
    const request = { path: vocabulary.randomReadPath(random, place), watch: random.oneIn(2) };
    return { type: random.pick([4, 8] as const), request };
  });
  return { type: Op.multiRead, body };
}

/** Cut short, a byte changed to an impossible length, or something behind the record. */
function damaged(random: Random, made: Made): Made {
  const bytes = encodeBody(made);
  const changed = new Uint8Array(bytes.length + 3);
  changed.set(bytes);
  if (random.oneIn(3)) return { type: made.type, body: changed };
  return { type: made.type, body: bytes.slice(0, random.below(bytes.length + 1)) };
}

export function encodeBody({ type, body }: Made): Uint8Array {
  if (body instanceof Uint8Array) return body;
  const shape = operations.get(type)?.request ?? null;
  const writer = new Writer();
  if (shape === 'multi') encodeMultiRequest(writer, body as readonly MultiOp[]);
  else if (shape !== null) encodeRecord(writer, shape, body as RecordOf<RecordName>);
  return writer.written().slice();
}
