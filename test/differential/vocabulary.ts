import { utf8Encode } from '../../src/base/utf8.ts';
import type { ACL } from '../../src/protocol/records.ts';
import type { Random } from './random.ts';

/** Random paths, data, ACLs and numbers: few of each kind, so that they meet one another. */

/** Where an episode works, and how. */
export interface Place {
  readonly root: string;
  /** Few nodes, open ACLs, few mistakes: more of what is asked succeeds and meets a watch. */
  readonly tame: boolean;
  /** No path outside the root, not even a wrong one: a suffix can make `/.` a good one. */
  readonly inside: boolean;
  /** Differences that are known, so that what lies behind them is reached. */
  readonly avoid: ReadonlySet<Avoidable>;
}

/**
 * Differences that are known and can be left out: ACL entries of schemes x509 and sasl, null paths,
 * null ids in ACLs, auth packets behind requests that are not answered yet, TTL flags in a multi
 * without a TTL, and the content of /zookeeper/config, which only an ensemble has.
 */
export const AVOIDABLE = [
  'providers',
  'null-path',
  'null-acl-id',
  'late-auth',
  'multi-flags',
  'config',
] as const;
/** Quoll means to differ here; docs/compatibility.md says why. */
export const WANTED: readonly Avoidable[] = ['null-path', 'null-acl-id'];
export type Avoidable = (typeof AVOIDABLE)[number];

const DIGESTS = {
  bob: 'bob:ikIaKsbtGweaHnb/jKn7OHqbunM=',
  alice: 'alice:nothing+that+matches+here=',
};

export const OPEN_ACL: readonly ACL[] = [acl(31, 'world', 'anyone')];

function acl(perms: number, scheme: string | null, id: string | null): ACL {
  return { perms, id: { scheme, id } };
}

const INVALID_ACLS: readonly (readonly ACL[] | null)[] = [
  null,
  [],
  [acl(31, 'world', 'other')],
  [acl(31, 'digest', 'bob')],
  [acl(31, 'digest', 'bob:')],
  [acl(31, 'digest', ':')],
  [acl(31, 'digest', 'a:b:c')],
  [acl(31, 'ip', 'nowhere')],
  [acl(31, 'ip', '127.0.0.1/33')],
  [acl(31, 'ip', '1.2.3')],
  [acl(31, 'super', '')],
  [acl(31, 'sasl', 'bob')],
  [acl(31, 'x509', 'CN=a')],
  [acl(31, 'nosuch', 'x')],
  [acl(31, null, 'x')],
  [acl(31, 'world', null)],
  [acl(31, 'digest', null)],
  [acl(31, '', '')],
  [acl(31, 'world', 'anyone'), acl(1, 'nosuch', 'x')],
];

export function randomAcl(random: Random, place: Place): readonly ACL[] | null {
  const acl = anyAcl(random, place);
  const avoided = acl?.some(({ id }) => {
    if (id.scheme === 'x509' || id.scheme === 'sasl') return place.avoid.has('providers');
    return id.id === null && place.avoid.has('null-acl-id');
  });
  return avoided === true ? OPEN_ACL : acl;
}

function anyAcl(random: Random, { tame }: Place): readonly ACL[] | null {
  if (tame && !random.oneIn(8)) return OPEN_ACL;
  switch (
    random.weighted([
      [14, 0],
      [2, 1],
      [2, 2],
      [2, 3],
      [1, 4],
      [2, 5],
      [1, 6],
    ])
  ) {
    case 0:
      return OPEN_ACL;
    case 1:
      return [acl(random.below(32), 'world', 'anyone')];
    case 2:
      return [acl(31, 'auth', random.pick(['', 'x', null]))];
    case 3:
      return [acl(random.pick([31, 31, 1, 16]), 'digest', DIGESTS.bob), acl(1, 'world', 'anyone')];
    case 4:
      return [acl(31, 'ip', random.pick(['127.0.0.1', '127.0.0.0/8', '10.0.0.0/8', '::1']))];
    case 5:
      return mixedAcl(random);
    default:
      return random.pick(INVALID_ACLS);
  }
}

function mixedAcl(random: Random): readonly ACL[] {
  const entries = [
    acl(31, 'world', 'anyone'),
    acl(31, 'world', 'anyone'),
    acl(0, 'world', 'anyone'),
    acl(-1, 'digest', DIGESTS.alice),
    acl(64, 'world', 'anyone'),
    acl(30, 'auth', ''),
    acl(31, 'digest', DIGESTS.bob),
    acl(17, 'ip', '127.0.0.1/32'),
  ];
  return Array.from({ length: random.between(1, 4) }, () => random.pick(entries));
}

/**
 * Without nulls. A multi that meets one fails in 3.9.5 with an exception that leaves the changes of
 * its earlier operations pending until the next write is applied, so that what a pipelined request
 * behind it sees is chance.
 */
export function randomAclInMulti(random: Random, place: Place): readonly ACL[] {
  const acl = randomAcl(random, place);
  const nulls = acl?.some(({ id }) => id.scheme === null || id.id === null) ?? true;
  return acl === null || nulls ? OPEN_ACL : acl;
}

export function randomData(random: Random): Uint8Array | null {
  const length = random.weighted([
    [6, random.below(6)],
    [4, random.below(40)],
    [1, 3000],
    [1, 0],
  ]);
  if (random.oneIn(12)) return null;
  return Uint8Array.from({ length }, () => random.below(256));
}

const VERSIONS = [-1, -1, -1, -1, 0, 0, 0, 1, 1, 2, 3, 7, -2, 2147483647, -2147483648];

export function randomVersion(random: Random, { tame }: Place): number {
  if (tame && !random.oneIn(4)) return -1;
  return random.pick(VERSIONS);
}

/** A TTL that never runs out within a test, or a wrong one. */
export function randomTtl(random: Random): number {
  const right = random.pick([3_600_000, 86_400_000, 0xffffffffff]);
  return random.oneIn(4) ? random.pick([0x10000000000, 0, -1, -2, 2 ** 50]) : right;
}

export function randomFlags(random: Random): number {
  return random.weighted([
    [20, 0],
    [8, 1],
    [8, 2],
    [6, 3],
    [1, 4],
    [1, 5],
    [1, 6],
    [1, 7],
    [1, -1],
    [1, 100],
  ]);
}

export function randomTimeout(random: Random): number {
  return random.pick([30_000, 60_000, 40_001, 1, 0, -1, 2147483647, -2147483648, 600_001]);
}

const CREDENTIALS = [
  'bob:pw',
  'bob:pw',
  'alice:pw',
  'bob:other',
  'nocolon',
  '',
  ':',
  'é:ü',
  'a:b:c',
];

export function randomCredential(random: Random): Uint8Array {
  return utf8Encode(random.pick(CREDENTIALS));
}

const NAMES = ['a', 'b', 'c'];
const FEW_NAMES = ['a', 'b'];
const TAILS = ['s', 's0000000000', 's0000000001', 's0000000002', 'é', '...', 'x y', '\u4e16'];

/** Paths of one subtree: short names to a depth of three, most of which exist sooner or later. */
export function randomNode(random: Random, { root, tame }: Place): string {
  let path = root;
  for (let depth = random.pick(tame ? [1, 1, 1, 2, 2] : [1, 1, 1, 2, 2, 3]); depth > 0; depth--) {
    path += `/${random.pick(tame ? FEW_NAMES : NAMES)}`;
  }
  if (random.oneIn(tame ? 12 : 6)) path += `/${random.pick(TAILS)}`;
  return path;
}

/** Where the server's own nodes are; reading and failing writes only. */
export const SYSTEM_PATHS: readonly string[] = [
  '/',
  '/zookeeper',
  '/zookeeper/quota',
  '/zookeeper/config',
];

export function randomSystemPath(random: Random, { avoid }: Place): string {
  const path = random.pick(SYSTEM_PATHS);
  return path === '/zookeeper/config' && avoid.has('config') ? '/zookeeper/quota' : path;
}

// No supplementary characters: Java writes them as two sequences of three bytes, where others,
// Quoll among them, write UTF-8, and nothing turns on it since no path may hold any.
const BAD_NAMES = [
  '.',
  '..',
  '',
  'a/',
  '/a',
  'a//b',
  './a',
  'a/..',
  '\u0000',
  'a\u0001',
  '\u001f',
  '\u007f',
  '\u009f',
  '\ue000',
  '\uf8ff',
  '\ufff0',
  '\uffff',
  '\ud800',
  'a/./b',
  'missing/x/y',
];

export function randomBadPath(random: Random, { root, avoid, inside }: Place): string | null {
  if (inside) return `${root}/${random.pick(BAD_NAMES)}`;
  return random.weighted<string | null>([
    [12, `${root}/${random.pick(BAD_NAMES)}`],
    [1, `${root}/`],
    [1, ''],
    [1, 'a'],
    [1, '//'],
    [1, '/.'],
    [1, avoid.has('null-path') ? '' : null],
  ]);
}

export function randomPath(random: Random, place: Place): string | null {
  if (random.oneIn(place.tame ? 100 : 25)) return randomBadPath(random, place);
  return randomNode(random, place);
}

export function randomReadPath(random: Random, place: Place): string | null {
  if (random.oneIn(15)) return place.root;
  return random.oneIn(25) ? randomSystemPath(random, place) : randomPath(random, place);
}
