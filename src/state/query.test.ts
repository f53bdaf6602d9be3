import { describe, expect, it } from 'vitest';
import { Reader } from '../base/reader.ts';
import { utf8Encode } from '../base/utf8.ts';
import { Writer } from '../base/writer.ts';
import { Err, Op } from '../protocol/constants.ts';
import { decodeMultiReply } from '../protocol/multi.ts';
import { CommandFlag } from './command.ts';
import { Identities } from './identities.ts';
import type { State } from './state.ts';
import { type Entry, encodeWrite, type Write } from './testing/commands.ts';
import { type Client, decode, Harness } from './testing/harness.ts';

const ALICE = { scheme: 'digest', id: 'alice:hash' };
const alice = new Identities([ALICE]);
const PRIVATE: Entry[] = [{ perms: 31, ...ALICE }];
const ADMIN_ONLY: Entry[] = [{ perms: 16, ...ALICE }];

type PathRead = 'getData' | 'exists' | 'getChildren' | 'getChildren2' | 'getACL';
type AnyRead = PathRead | 'getAllChildrenNumber';
const READS: readonly AnyRead[] = [
  'getData',
  'exists',
  'getChildren',
  'getChildren2',
  'getACL',
  'getAllChildrenNumber',
];

function start(): { h: Harness; c: Client } {
  const h = new Harness();
  return { h, c: h.open() };
}

interface Answer {
  readonly error: number;
  readonly body: Uint8Array;
}

function read(
  state: State,
  name: AnyRead,
  path: string,
  who: Identities = Identities.none,
  flags = 0,
): Answer {
  const bytes = utf8Encode(`--${path}--`);
  const out = new Writer(1);
  const error = state.query[name](bytes, 2, bytes.length - 2, { identities: who, flags }, out);
  return { error, body: out.written() };
}

function ephemerals(h: Harness, c: Client, prefix: string): string[] {
  const bytes = utf8Encode(prefix);
  const out = new Writer(1);
  expect(h.state.query.getEphemerals(c.high, c.low, bytes, 0, bytes.length, out)).toBe(Err.ok);
  return [...(decode(out.written(), 'GetEphemeralsResponse').ephemerals ?? [])].map(String);
}

function multiRead(h: Harness, ops: Write[], cut = 0): Answer {
  const body = encodeWrite({ opcode: Op.multiRead, ops });
  const reader = new Reader(body.subarray(0, body.length - cut));
  const out = new Writer(1);
  const error = h.state.query.multiRead(reader, { identities: Identities.none, flags: 0 }, out);
  return { error, body: out.written() };
}

describe('every read', () => {
  it.each(READS)('%s of a missing or malformed path is NoNode and writes nothing', (name) => {
    const { h, c } = start();
    c.create('/a');
    for (const path of ['/b', 'a', '/a/', '//', '/a//b', 'x/a', '/a\u0001']) {
      expect(read(h.state, name, path), path).toEqual({
        error: Err.noNode,
        body: new Uint8Array(0),
      });
    }
  });

  it.each(READS)('%s needs a permission, and takes it from identity, super or skipACL', (name) => {
    const { h, c } = start();
    c.create('/private', '', 0, PRIVATE);
    const error = (who: Identities, flags = 0): number =>
      read(h.state, name, '/private', who, flags).error;
    expect(error(Identities.none)).toBe(Err.noAuth);
    expect(error(alice)).toBe(Err.ok);
    expect(error(alice, CommandFlag.digestDisabled)).toBe(Err.noAuth);
    expect(error(new Identities([{ scheme: 'super', id: '' }]))).toBe(Err.ok);
    expect(error(Identities.none, CommandFlag.skipACL)).toBe(Err.ok);
  });

  it.each(READS)('%s reaches the root by its empty path, too', (name) => {
    const { h } = start();
    expect(read(h.state, name, '')).toEqual(read(h.state, name, '/'));
    expect(read(h.state, name, '').error).toBe(Err.ok);
  });
});

describe('each read', () => {
  it('exists refuses a path with U+0000', () => {
    const { h } = start();
    expect(read(h.state, 'exists', '/a\0').error).toBe(Err.badArguments);
    expect(read(h.state, 'getData', '/a\0').error).toBe(Err.noNode);
  });

  it('getChildren gives names, getChildren2 the Stat as well', () => {
    const { h, c } = start();
    c.create('/p');
    for (const name of ['x', 'é', 'y']) c.create(`/p/${name}`);
    const plain = decode(read(h.state, 'getChildren', '/p').body, 'GetChildrenResponse');
    const { children, stat } = decode(
      read(h.state, 'getChildren2', '/p').body,
      'GetChildren2Response',
    );
    expect([...(plain.children ?? [])].sort()).toEqual(['x', 'y', 'é']);
    expect(children).toEqual(plain.children);
    expect(stat).toEqual(h.stat('/p'));
  });

  it('getAllChildrenNumber counts everything below, system nodes included', () => {
    const { h, c } = start();
    for (const path of ['/a', '/a/b', '/a/b/c', '/d']) c.create(path);
    const count = (path: string): number =>
      decode(read(h.state, 'getAllChildrenNumber', path).body, 'GetAllChildrenNumberResponse')
        .totalNumber;
    expect([count('/'), count('/a'), count('/d')]).toEqual([7, 2, 0]);
  });

  it('getACL is for those who may read or administer; hashes only for the latter', () => {
    const { h, c } = start();
    c.create('/admin', '', 0, ADMIN_ONLY);
    c.create('/both', '', 0, [...ADMIN_ONLY, { perms: 1, scheme: 'world', id: 'anyone' }]);
    const ids = (path: string, who: Identities): unknown[] | undefined =>
      decode(read(h.state, 'getACL', path, who).body, 'GetACLResponse').acl?.map((a) => a.id.id);
    expect(read(h.state, 'getACL', '/admin').error).toBe(Err.noAuth);
    expect(read(h.state, 'getData', '/admin', alice).error).toBe(Err.noAuth);
    expect(ids('/admin', alice)).toEqual(['alice:hash']);
    expect(ids('/both', Identities.none)).toEqual(['alice:x', 'anyone']);
  });

  it('getEphemerals goes by plain prefix, and gives all for none, blanks or /', () => {
    const { h, c } = start();
    c.create('/a');
    for (const path of ['/ab', '/a/b', '/b']) c.create(path, '', 1);
    h.open().create('/a/other', '', 1);
    for (const prefix of ['', '  ', '/']) {
      expect(ephemerals(h, c, prefix)).toEqual(['/ab', '/a/b', '/b']);
    }
    expect(ephemerals(h, c, '/a')).toEqual(['/ab', '/a/b']);
    expect(ephemerals(h, c, '/ab/longer')).toEqual([]);
    c.delete('/a/b');
    expect(ephemerals(h, c, '')).toEqual(['/ab', '/b']);
  });

  it('getEphemerals of a session that is gone is SessionExpired', () => {
    const { h } = start();
    const out = new Writer();
    expect(h.state.query.getEphemerals(9, 9, new Uint8Array(0), 0, 0, out)).toBe(
      Err.sessionExpired,
    );
    expect(out.at).toBe(0);
  });
});

describe('multiRead', () => {
  it('answers each read on its own', () => {
    const { h, c } = start();
    c.create('/a', 'x');
    c.create('/private', '', 0, PRIVATE);
    const { error, body } = multiRead(h, [
      { opcode: Op.getData, path: '/a' },
      { opcode: Op.getData, path: '/private' },
      { opcode: Op.getChildren, path: '/a' },
      { opcode: Op.getChildren, path: '/none' },
    ]);
    expect(error).toBe(Err.ok);
    const results = decodeMultiReply(new Reader(body));
    expect(results.map(({ type, err }) => [type, err])).toEqual([
      [4, 0],
      [-1, Err.noAuth],
      [8, 0],
      [-1, Err.noNode],
    ]);
    expect(results[0]?.result).toMatchObject({ data: utf8Encode('x') });
  });

  it.each<[string, Write[], number]>([
    [
      'a write',
      [
        { opcode: Op.getData, path: '/' },
        { opcode: Op.delete, path: '/' },
      ],
      0,
    ],
    ['another read', [{ opcode: Op.exists, path: '/' }], 0],
    ['a null path', [{ opcode: Op.getData, path: null }], 0],
    ['its end missing', [{ opcode: Op.getData, path: '/' }], 1],
  ])('with %s is MarshallingError with an empty multi', (_, ops, cut) => {
    const { h } = start();
    const { error, body } = multiRead(h, ops, cut);
    expect(error).toBe(Err.marshallingError);
    expect([...body]).toEqual([255, 255, 255, 255, 1, 255, 255, 255, 255]);
  });
});
