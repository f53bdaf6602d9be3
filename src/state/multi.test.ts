import { describe, expect, it } from 'vitest';
import { Reader } from '../base/reader.ts';
import { Err, Op } from '../protocol/constants.ts';
import { decodeMultiReply, type MultiResult } from '../protocol/multi.ts';
import { CommandKind } from './command.ts';
import type { Write } from './testing/commands.ts';
import { type Client, Harness, type Result } from './testing/harness.ts';

function start(): { h: Harness; c: Client } {
  const h = new Harness();
  return { h, c: h.open() };
}

function results(result: Result): MultiResult[] {
  expect(result.error).toBe(Err.ok);
  return decodeMultiReply(new Reader(result.body));
}

function codes(result: Result): number[] {
  return results(result).map(({ err }) => err);
}

const create = (path: string, flags = 0): Write => ({ opcode: Op.create, path, data: '1', flags });
const check = (path: string, version = -1): Write => ({ opcode: Op.check, path, version });
const remove = (path: string): Write => ({ opcode: Op.delete, path });

describe('a multi', () => {
  it('runs its operations under one zxid, each seeing those before it', () => {
    const { h, c } = start();
    const result = c.multi(create('/a'), check('/a', 0), create('/a/n', 2), create('/a/n', 2));
    expect(codes(result)).toEqual([0, 0, 0, 0]);
    expect(h.children('/a')).toEqual(['n0000000000', 'n0000000001']);
    expect(h.stat('/a/n0000000001')?.czxid).toBe(result.zxid);
    expect(result.changes).toEqual([
      'created /a',
      'created /a/n0000000000',
      'created /a/n0000000001',
    ]);
  });

  it('tells watches of a node that it creates and deletes', () => {
    const { c } = start();
    const { changes } = c.multi(create('/a'), remove('/a'));
    expect(changes).toEqual(['created /a', 'deleted /a']);
  });

  it('keeps each Stat as it was right after its operation', () => {
    const { c } = start();
    const set = { opcode: Op.setData, path: '/a', data: '22' };
    const [, first, second] = results(c.multi(create('/a'), set, { ...set, data: '333' }));
    expect(first?.result).toMatchObject({ stat: { version: 1, dataLength: 2 } });
    expect(second?.result).toMatchObject({ stat: { version: 2, dataLength: 3 } });
  });

  it('answers each kind of operation with its own type of result', () => {
    const { c } = start();
    const result = c.multi(
      create('/a'),
      { opcode: Op.create2, path: '/b' },
      { opcode: Op.createContainer, path: '/c', flags: 4 },
      create('/d', 4),
      check('/a'),
      remove('/a'),
    );
    expect(results(result).map(({ type }) => type)).toEqual([1, 15, 15, 15, 13, 2]);
  });

  it('that fails undoes what went before, and says which operation it was', () => {
    const { h, c } = start();
    c.create('/e', '', 1);
    const digest = [h.state.tree.digestHigh, h.state.tree.digestLow];
    const before = h.state.zxid;
    const result = c.multi(create('/a'), remove('/e'), remove('/zz'), check('/a'));
    expect(result.zxid).toBe(before + 1);
    expect(codes(result)).toEqual([0, 0, Err.noNode, Err.runtimeInconsistency]);
    expect(results(result).every(({ type }) => type === -1)).toBe(true);
    expect(result.changes).toEqual([]);
    expect(h.children('/')).toEqual(['e', 'zookeeper']);
    expect([h.state.tree.digestHigh, h.state.tree.digestLow]).toEqual(digest);
    expect(c.close().changes).toEqual(['deleted /e']);
  });

  it('of no operations takes a zxid and answers with none', () => {
    const { h, c } = start();
    const before = h.state.zxid;
    const result = c.multi();
    expect(result.zxid).toBe(before + 1);
    expect([...result.body]).toEqual([255, 255, 255, 255, 1, 255, 255, 255, 255]);
  });

  it.each<[string, Write[]]>([
    ['setACL', [create('/a'), { opcode: Op.setACL, path: '/a' }]],
    ['a read', [create('/a'), { opcode: Op.getData, path: '/a' }]],
    ['a multi', [create('/a'), { opcode: Op.multi, ops: [] }]],
    ['closeSession', [create('/a'), { opcode: Op.closeSession }]],
    ['create flags 7', [create('/a'), create('/b', 7)]],
    ['create flags -1', [create('/a'), create('/b', -1)]],
    ['a null path', [create('/a'), { opcode: Op.delete, path: null }]],
  ])('with %s in it is MarshallingError as a whole, and takes a zxid', (_, ops) => {
    const { h, c } = start();
    const before = h.state.zxid;
    expect(c.multi(...ops)).toMatchObject({
      error: Err.marshallingError,
      zxid: before + 1,
      changes: [],
    });
    expect(h.children('/')).toEqual(['zookeeper']);
    expect(c.create('/next').error).toBe(Err.ok);
  });

  it('cut short is MarshallingError, wherever it is cut', () => {
    const { h, c } = start();
    const { high, low, generation } = c;
    // A MultiHeader of delete and four bytes of its record.
    const lengthMax = 13;
    for (let length = 0; length <= lengthMax; length++) {
      const body = new Uint8Array(length);
      if (length > 3) body[3] = 2;
      const sequence = length + 1;
      const kind = CommandKind.write;
      const command = { kind, opcode: Op.multi, high, low, generation, sequence, body };
      expect(h.command(command).error).toBe(Err.marshallingError);
    }
  });

  it('that fails brings back the ACLs, the lists and the usage of quotas', () => {
    const { h, c } = start();
    const own = [{ perms: 31, scheme: 'digest', id: 'a:b' }];
    c.create('/own', '', 0, own);
    const result = c.multi(
      remove('/own'),
      { opcode: Op.create, path: '/x', acl: [{ perms: 31, scheme: 'digest', id: 'c:d' }] },
      { opcode: Op.create, path: '/eph', flags: 1 },
      remove('/nowhere'),
    );
    expect(codes(result)).toEqual([0, 0, 0, Err.noNode]);
    expect(h.state.acls.size).toBe(3);
    expect(c.setData('/own', '').error).toBe(Err.noAuth);
    expect(c.close().changes).toEqual([]);
  });
});
