import { describe, expect, it } from 'vitest';
import { Err, Op } from '../protocol/constants.ts';
import { CommandFlag } from './command.ts';
import { Identities } from './identities.ts';
import type { Entry } from './testing/commands.ts';
import { type Client, decode, Harness, type Result } from './testing/harness.ts';

const INT_MAX = 2_147_483_647;
const READ_ONLY: Entry[] = [{ perms: 1, scheme: 'world', id: 'anyone' }];

function start(): { h: Harness; c: Client } {
  const h = new Harness();
  return { h, c: h.open() };
}

function createdPath(result: Result): string | null {
  return decode(result.body, 'CreateResponse').path;
}

describe('create', () => {
  it('makes a znode whose three zxids are its own and whose times are the command’s', () => {
    const { h, c } = start();
    h.timeMs = 5_000;
    const { zxid, changes } = c.create('/a', 'hi');
    expect(h.stat('/a')).toEqual({
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctime: 5_000,
      mtime: 5_000,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: 0n,
      dataLength: 2,
      numChildren: 0,
    });
    expect(changes).toEqual(['created /a']);
  });

  it('raises the parent’s cversion and pzxid, and nothing else of it', () => {
    const { h, c } = start();
    c.create('/a');
    const before = h.stat('/a');
    const { zxid } = c.create('/a/b');
    expect(h.stat('/a')).toEqual({ ...before, cversion: 1, pzxid: zxid, numChildren: 1 });
  });

  it('answers with the path alone, create2 with the Stat, too', () => {
    const { h, c } = start();
    const plain = c.send({ opcode: Op.create, path: '/a' });
    expect(plain.body.length).toBe(4 + 2);
    const { path, stat } = decode(c.create('/b', 'x').body, 'Create2Response');
    expect(path).toBe('/b');
    expect(stat).toEqual(h.stat('/b'));
  });

  it('keeps null data apart from empty data, both of length 0', () => {
    const { h, c } = start();
    c.create('/null', null);
    c.create('/empty', '');
    expect([h.data('/null'), h.data('/empty')]).toEqual([null, '']);
    expect(h.stat('/null')?.dataLength).toBe(0);
  });

  it('records the session as the owner of an ephemeral, which can’t have children', () => {
    const { h, c } = start();
    c.create('/e', '', 1);
    const owner = (BigInt(c.high) << 32n) | BigInt(c.low);
    expect(h.stat('/e')?.ephemeralOwner).toBe(owner);
    expect(c.create('/e/x').error).toBe(Err.noChildrenForEphemerals);
  });

  it('takes flags 4 of a plain create for a persistent znode', () => {
    const { h, c } = start();
    c.create('/p', '', 4);
    c.create('/p/x');
    c.delete('/p/x');
    expect(h.reap('/p').error).toBe(Err.badVersion);
  });

  it('checks flags, then ACL, parent, permission, path, existence, in this order', () => {
    const { h, c } = start();
    const bad = { acl: [], path: '/missing/x/', flags: 7 };
    const attempt = (change: object): number =>
      c.send({ opcode: Op.create, ...bad, ...change }).error;
    expect(attempt({})).toBe(Err.badArguments);
    expect(attempt({ flags: 5 })).toBe(Err.unimplemented);
    expect(attempt({ flags: 0, path: 'noslash' })).toBe(Err.badArguments);
    expect(attempt({ flags: 0, path: '/a\0' })).toBe(Err.badArguments);
    expect(attempt({ flags: 0 })).toBe(Err.invalidACL);
    const sound = { flags: 0, acl: READ_ONLY };
    expect(attempt(sound)).toBe(Err.noNode);
    c.create('/locked', '', 0, READ_ONLY);
    expect(attempt({ ...sound, path: '/locked/.' })).toBe(Err.noAuth);
    expect(attempt({ ...sound, path: '/.' })).toBe(Err.badArguments);
    expect(attempt({ ...sound, path: '/locked' })).toBe(Err.nodeExists);
    expect(attempt({ ...sound, path: '/' })).toBe(Err.nodeExists);
    expect(h.children('/')).toEqual(['locked', 'zookeeper']);
  });

  it('does not find the parents of odd paths', () => {
    const { c } = start();
    for (const path of ['/a//b', '/missing/', 'x/y']) {
      expect(c.create(path).error, path).toBe(Err.noNode);
    }
    // The parent of this one is "/", which there is; the empty name is what is wrong.
    expect(c.create('//x').error).toBe(Err.badArguments);
  });
});

describe('a sequential create', () => {
  it('counts all creations under the parent, deletions or not, from 0', () => {
    const { c } = start();
    c.create('/q');
    expect(createdPath(c.create('/q/a-', '', 2))).toBe('/q/a-0000000000');
    c.create('/q/plain');
    c.delete('/q/plain');
    expect(createdPath(c.create('/q/', '', 3))).toBe('/q/0000000002');
  });

  it('starts again at 0 under a parent that was deleted and created again', () => {
    const { c } = start();
    for (let round = 0; round < 2; round++) {
      c.create('/q');
      expect(createdPath(c.create('/q/n', '', 2))).toBe('/q/n0000000000');
      c.delete('/q/n0000000000');
      c.delete('/q');
    }
  });

  it('is stuck once the counter is at its end, because it only ever rises', () => {
    const { h, c } = start();
    c.create('/q');
    const row = h.state.find(new TextEncoder().encode('/q'), 0, 2);
    h.state.tree.setCversion(row, INT_MAX);
    h.state.tree.settle();
    const pzxid = h.stat('/q')?.pzxid;
    expect(createdPath(c.create('/q/n', '', 2))).toBe('/q/n2147483647');
    expect(c.create('/q/n', '', 2).error).toBe(Err.nodeExists);
    expect(createdPath(c.create('/q/m', '', 2))).toBe('/q/m2147483647');
    expect(h.stat('/q')?.pzxid).toBe(pzxid);
  });

  it('shows a negative counter with its sign inside the width', () => {
    const { h, c } = start();
    c.create('/q');
    const row = h.state.find(new TextEncoder().encode('/q'), 0, 2);
    h.state.tree.setCversion(row, -5);
    expect(createdPath(c.create('/q/n', '', 2))).toBe('/q/n-000000005');
    expect(h.state.tree.cversion(row)).toBe(-4);
  });

  it('is refused if the path with its suffix is not valid', () => {
    const { c } = start();
    expect(c.create('/\u0001', '', 2).error).toBe(Err.badArguments);
    expect(createdPath(c.create('/.', '', 2))).toBe('/.0000000000');
  });
});

describe('delete', () => {
  it('takes the node away, sets the parent’s pzxid, and shows in its cversion', () => {
    const { h, c } = start();
    c.create('/a');
    c.create('/a/b');
    const { zxid, changes } = c.delete('/a/b');
    expect(changes).toEqual(['deleted /a/b']);
    expect(h.stat('/a/b')).toBeNull();
    expect(h.stat('/a')).toMatchObject({ cversion: 2, pzxid: zxid, numChildren: 0 });
  });

  it.each(['', 'a', '/a\0', '/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'])(
    'refuses the path %j',
    (path) => {
      const { c } = start();
      expect(c.delete(path).error).toBe(Err.badArguments);
    },
  );

  it('asks the parent’s ACL before it looks for the node, and never the node’s own', () => {
    const { c } = start();
    c.create('/locked', '', 0, READ_ONLY);
    expect(c.delete('/missing/x').error).toBe(Err.noNode);
    expect(c.delete('/locked/x').error).toBe(Err.noAuth);
    expect(c.delete('/x').error).toBe(Err.noNode);
    expect(c.delete('/locked').error).toBe(Err.ok);
  });

  it('compares the version before it looks for children', () => {
    const { c } = start();
    c.create('/a');
    c.create('/a/b');
    expect(c.delete('/a', 1).error).toBe(Err.badVersion);
    expect(c.delete('/a', 0).error).toBe(Err.notEmpty);
    expect(c.delete('/a/b', 0).error).toBe(Err.ok);
  });
});

describe('setData', () => {
  it('changes version, mzxid, mtime and data, and nothing else', () => {
    const { h, c } = start();
    c.create('/a', 'hi');
    const before = h.stat('/a');
    h.timeMs = 9_000;
    const { zxid, body, changes } = c.setData('/a', 'longer than before', 0);
    expect(h.stat('/a')).toEqual({
      ...before,
      version: 1,
      mzxid: zxid,
      mtime: 9_000,
      dataLength: 18,
    });
    expect(decode(body, 'SetDataResponse').stat).toEqual(h.stat('/a'));
    expect(h.data('/a')).toBe('longer than before');
    expect(changes).toEqual(['changed /a']);
  });

  it('checks path, existence, permission and version in this order', () => {
    const { c } = start();
    c.create('/locked', '', 0, READ_ONLY);
    c.create('/open');
    expect(c.setData('/open/', '').error).toBe(Err.badArguments);
    expect(c.setData('', '').error).toBe(Err.badArguments);
    expect(c.setData('/missing', '', 7).error).toBe(Err.noNode);
    expect(c.setData('/locked', '', 7).error).toBe(Err.noAuth);
    expect(c.setData('/open', '', 7).error).toBe(Err.badVersion);
    expect(c.setData('/zookeeper/config', '').error).toBe(Err.noAuth);
  });

  it('wraps the version behind 2147483647', () => {
    const { h, c } = start();
    c.create('/a');
    h.state.tree.setVersion(h.state.find(new TextEncoder().encode('/a'), 0, 2), INT_MAX);
    c.setData('/a', 'x', INT_MAX);
    expect(h.stat('/a')?.version).toBe(-INT_MAX - 1);
  });

  it('of null leaves null', () => {
    const { h, c } = start();
    c.create('/a', 'x');
    c.setData('/a', null);
    expect(h.data('/a')).toBeNull();
  });

  it('works on the root', () => {
    const { h, c } = start();
    expect(c.setData('/', 'top')).toMatchObject({ error: 0, changes: ['changed /'] });
    expect(h.data('/')).toBe('top');
  });
});

describe('setACL', () => {
  it('raises aversion alone and fires no watch', () => {
    const { h, c } = start();
    c.create('/a');
    const before = h.stat('/a');
    h.timeMs = 9_000;
    const { changes, body } = c.setACL('/a', READ_ONLY, 0);
    expect(h.stat('/a')).toEqual({ ...before, aversion: 1 });
    expect(decode(body, 'SetACLResponse').stat).toEqual(h.stat('/a'));
    expect(changes).toEqual([]);
    expect(c.setData('/a', '').error).toBe(Err.noAuth);
  });

  it('checks path, ACL, existence, permission and aversion in this order', () => {
    const { c } = start();
    c.create('/locked', '', 0, READ_ONLY);
    c.create('/open');
    expect(c.setACL('open', []).error).toBe(Err.badArguments);
    expect(c.setACL('/missing', []).error).toBe(Err.invalidACL);
    expect(c.setACL('/missing', null).error).toBe(Err.invalidACL);
    expect(c.setACL('/missing', READ_ONLY).error).toBe(Err.noNode);
    expect(c.setACL('/locked', READ_ONLY, 7).error).toBe(Err.noAuth);
    expect(c.setACL('/open', READ_ONLY, 7).error).toBe(Err.badVersion);
  });

  it('lets go of the ACL before it, so that the table does not grow', () => {
    const { h, c } = start();
    c.create('/a');
    for (let i = 0; i < 5; i++) c.setACL('/a', [{ perms: 31, scheme: 'digest', id: `u:${i}` }]);
    expect(c.setACL('/a', READ_ONLY).error).toBe(Err.noAuth);
    expect(h.state.acls.size).toBe(3);
  });

  it('with auth closes the znode to everyone but those who asked', () => {
    const { h, c } = start();
    c.create('/a');
    c.identities = new Identities([{ scheme: 'digest', id: 'bob:x' }]);
    expect(c.setACL('/a', [{ perms: 31, scheme: 'auth', id: '' }]).error).toBe(Err.ok);
    expect(c.setData('/a', 'by bob').error).toBe(Err.ok);
    const other = h.open();
    expect(other.setData('/a', 'by nobody').error).toBe(Err.noAuth);
    // Remembered by its bytes, `auth` would now stand for bob.
    other.identities = new Identities([{ scheme: 'digest', id: 'eve:y' }]);
    other.create('/b', '', 0, [{ perms: 31, scheme: 'auth', id: '' }]);
    expect(c.setData('/b', 'by bob').error).toBe(Err.noAuth);
  });
});

describe('other requests', () => {
  it('reconfig is disabled, or else not implemented by a single server', () => {
    const { h, c } = start();
    expect(c.send({ opcode: Op.reconfig }).error).toBe(Err.reconfigDisabled);
    h.flags = CommandFlag.reconfigEnabled;
    expect(c.send({ opcode: Op.reconfig }).error).toBe(Err.unimplemented);
  });

  it('check and deleteContainer are not for clients', () => {
    const { c } = start();
    expect(c.send({ opcode: Op.check, path: '/' }).error).toBe(Err.unimplemented);
    expect(c.send({ opcode: Op.deleteContainer, path: '/' }).error).not.toBe(Err.ok);
  });
});
