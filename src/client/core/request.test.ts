import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reader } from '../../base/reader.ts';
import { utf8Encode } from '../../base/utf8.ts';
import { Writer } from '../../base/writer.ts';
import { encodeRecord } from '../../protocol/codec.ts';
import { Op } from '../../protocol/constants.ts';
import { type Body, encodeRequest } from '../../protocol/frames.ts';
import { readStat } from '../reply.ts';
import { Call } from './call.ts';
import { absolutePath, appendFrame, encodeCall, relativePath } from './request.ts';

const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
const data = utf8Encode('dätä');

/** What each call is on the wire, by the table of records. */
const cases: readonly (readonly [number, Partial<Call>, Body])[] = [
  [Op.create, { data: 'dätä', acl, argument: 1 }, { path: '/c/p', data, acl, flags: 1 }],
  [
    Op.create2,
    { data: null, acl: [], argument: 0 },
    { path: '/c/p', data: null, acl: [], flags: 0 },
  ],
  [Op.createContainer, { data, acl, argument: 4 }, { path: '/c/p', data, acl, flags: 4 }],
  [
    Op.createTTL,
    { data, acl, argument: 5, ttlMs: 1e12 },
    { path: '/c/p', data, acl, flags: 5, ttl: 1e12 },
  ],
  [Op.delete, { argument: -1 }, { path: '/c/p', version: -1 }],
  [Op.exists, { argument: 1 }, { path: '/c/p', watch: true }],
  [Op.getData, { argument: 0 }, { path: '/c/p', watch: false }],
  [Op.setData, { data, argument: 3 }, { path: '/c/p', data, version: 3 }],
  [Op.getACL, {}, { path: '/c/p' }],
  [Op.setACL, { acl, argument: 2 }, { path: '/c/p', acl, version: 2 }],
  [Op.getChildren, { argument: 1 }, { path: '/c/p', watch: true }],
  [Op.getChildren2, {}, { path: '/c/p', watch: false }],
  [Op.sync, {}, { path: '/c/p' }],
  [Op.checkWatches, { argument: 2 }, { path: '/c/p', type: 2 }],
  [Op.removeWatches, { argument: 5 }, { path: '/c/p', type: 5 }],
  [Op.getEphemerals, {}, { prefixPath: '/c/p' }],
  [Op.getAllChildrenNumber, {}, { path: '/c/p' }],
  [Op.addWatch, { argument: 1 }, { path: '/c/p', mode: 1 }],
  [Op.whoAmI, {}, null],
  [Op.closeSession, {}, null],
];

function callOf(op: number, path: string, change: Partial<Call>): Call {
  return Object.assign(new Call(op, path, () => null), { xid: 77 }, change);
}

describe('a request', () => {
  it.each(cases)('of operation %i is what the table of records says', (op, change, body) => {
    const [actual, expected] = [new Writer(), new Writer()];
    expect(encodeCall(actual, callOf(op, '/p', change), '/c')).toBe(true);
    encodeRequest(expected, { xid: 77, type: op, body });
    expect(actual.written()).toEqual(expected.written());
  });

  it('that can not be made leaves nothing behind', () => {
    const writer = new Writer();
    writer.i32(5);
    expect(encodeCall(writer, callOf(Op.getData, 'relative', {}), '/c')).toBe(false);
    const broken = callOf(Op.create, '/p', { data: '', acl: [null] as never });
    expect(() => encodeCall(writer, broken, '')).toThrow(TypeError);
    expect(writer.at).toBe(4);
  });

  it('may end in a slash where a number is put behind it', () => {
    const make = (argument: number): boolean =>
      encodeCall(new Writer(), callOf(Op.create, '/q/', { data: '', acl, argument }), '');
    expect([0, 1, 2, 3, 6].map(make)).toEqual([false, false, true, true, true]);
  });

  it('that has waited gets another xid', () => {
    const [first, second] = [new Writer(), new Writer()];
    encodeCall(first, callOf(Op.getData, '/p', {}), '');
    appendFrame(second, first.written().slice(), 78);
    expect(new Reader(second.written().subarray(4)).i32()).toBe(78);
  });
});

describe('paths', () => {
  it('beside the chroot are not in it', () => {
    expect(relativePath('/app', '/apple')).toBe('/apple');
  });

  it('go into the chroot and come out again', () => {
    const name = fc.stringMatching(/^[a-z]{1,5}$/);
    const path = fc.array(name).map((names) => `/${names.join('/')}`);
    const chroot = fc.array(name).map((names) => names.map((one) => `/${one}`).join(''));
    fc.assert(
      fc.property(path, chroot, (inside, root) => {
        expect(relativePath(root, absolutePath(root, inside))).toBe(inside);
      }),
    );
  });
});

describe('a stat', () => {
  it('is read as the table of records writes it', () => {
    const long = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const stat = fc.record({
      ...{ czxid: long, mzxid: long, ctime: long, mtime: long, pzxid: long },
      ...{ version: int, cversion: int, aversion: int, dataLength: int, numChildren: int },
      // Without a sign, as session ids are.
      ephemeralOwner: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    });
    fc.assert(
      fc.property(stat, (value) => {
        const writer = new Writer();
        encodeRecord(writer, 'Stat', value);
        expect(readStat(new Reader(writer.written()))).toEqual(value);
      }),
    );
  });
});
