import { describe, expect, it } from 'vitest';
import { utf8Decode } from '../base/utf8.ts';
import { Err, Op } from '../protocol/constants.ts';
import { CommandFlag } from './command.ts';
import { type Client, decode, Harness } from './testing/harness.ts';

function start(flags: number = CommandFlag.extendedTypes): { h: Harness; c: Client } {
  const h = new Harness();
  h.flags = flags;
  return { h, c: h.open() };
}

function createContainer(c: Client, path: string): void {
  expect(c.send({ opcode: Op.createContainer, path, flags: 4 }).error).toBe(0);
}

function createTTL(c: Client, path: string, ttl: number, flags = 5): number {
  return c.send({ opcode: Op.createTTL, path, flags, ttl }).error;
}

function reapable(h: Harness, maxNeverUsedMs = 0): string[] {
  const paths: string[] = [];
  h.state.forEachReapable(h.timeMs, maxNeverUsedMs, (_row, bytes, from, to) => {
    paths.push(utf8Decode(bytes, from, to));
    return true;
  });
  return paths;
}

describe('a container', () => {
  it('shows no owner, and may be reaped once it has had a child and has none', () => {
    const { h, c } = start();
    createContainer(c, '/c');
    expect(h.stat('/c')?.ephemeralOwner).toBe(0n);
    expect(reapable(h)).toEqual([]);
    c.create('/c/x');
    expect(reapable(h)).toEqual([]);
    expect(h.reap('/c').error).toBe(Err.notEmpty);
    c.delete('/c/x');
    expect(reapable(h)).toEqual(['/c']);
    expect(h.reap('/c')).toMatchObject({ error: 0, changes: ['deleted /c'] });
    expect(reapable(h)).toEqual([]);
    expect(h.reap('/c').error).toBe(Err.noNode);
  });

  it('that never had a child goes by its age, if there is a limit to that', () => {
    const { h, c } = start();
    createContainer(c, '/c');
    h.timeMs += 101;
    expect(reapable(h, 0)).toEqual([]);
    expect(reapable(h, 101)).toEqual([]);
    expect(reapable(h, 100)).toEqual(['/c']);
  });

  it('is what opcode 19 makes whatever the flags say', () => {
    const { h, c } = start();
    c.send({ opcode: Op.createContainer, path: '/c', flags: 0 });
    c.create('/c/x');
    c.delete('/c/x');
    expect(reapable(h)).toEqual(['/c']);
  });

  it('answers its creation with a Stat', () => {
    const { h, c } = start();
    const { body } = c.send({ opcode: Op.createContainer, path: '/c', flags: 4 });
    expect(decode(body, 'Create2Response').stat).toEqual(h.stat('/c'));
  });
});

describe('a TTL node', () => {
  it('may be reaped once nobody has written it for longer than its TTL', () => {
    const { h, c } = start();
    expect(createTTL(c, '/t', 100)).toBe(0);
    expect(h.stat('/t')?.ephemeralOwner).toBe(0n);
    h.timeMs += 100;
    expect(reapable(h)).toEqual([]);
    expect(h.reap('/t').error).toBe(Err.badVersion);
    h.timeMs += 1;
    expect(reapable(h)).toEqual(['/t']);
    expect(h.reap('/t')).toMatchObject({ error: 0, changes: ['deleted /t'] });
  });

  it('lives on when it is written, also after the leader proposed to reap it', () => {
    const { h, c } = start();
    createTTL(c, '/t', 100);
    h.timeMs += 101;
    expect(reapable(h)).toEqual(['/t']);
    c.setData('/t', 'x');
    expect(h.reap('/t').error).toBe(Err.badVersion);
  });

  it('with children stays, and creating a child does not renew it', () => {
    const { h, c } = start();
    createTTL(c, '/t', 100);
    h.timeMs += 90;
    c.create('/t/x');
    h.timeMs += 20;
    expect(reapable(h)).toEqual([]);
    c.delete('/t/x');
    expect(reapable(h)).toEqual(['/t']);
  });

  it('may live 34 years, and may be sequential', () => {
    const { h, c } = start();
    expect(createTTL(c, '/t', 0xff_ffff_ffff, 6)).toBe(0);
    h.timeMs += 0xff_ffff_ffff;
    expect(reapable(h)).toEqual([]);
    h.timeMs += 1;
    expect(reapable(h)).toEqual(['/t0000000000']);
  });

  it.each([
    [5, 0],
    [5, -1],
    [5, 2 ** 40],
    [0, 10],
    [0, -1],
    [1, -1],
    [4, -1],
  ])('is refused for flags %d and ttl %d', (flags, ttl) => {
    const { c } = start();
    expect(createTTL(c, '/t', ttl, flags)).toBe(Err.badArguments);
  });

  it('is not implemented without extended types, and never made by a plain create', () => {
    const plain = start(0);
    expect(createTTL(plain.c, '/t', 10)).toBe(Err.unimplemented);
    expect(plain.c.create('/t', '', 5).error).toBe(Err.unimplemented);
    expect(start().c.create('/t', '', 5).error).toBe(Err.badArguments);
  });
});

describe('reaping', () => {
  it('never touches what is neither container nor TTL node, and takes a zxid all the same', () => {
    const { h, c } = start();
    c.create('/plain');
    c.create('/ephemeral', '', 1);
    for (const path of ['/plain', '/ephemeral', '/zookeeper/quota']) {
      const before = h.state.zxid;
      expect(h.reap(path)).toMatchObject({ error: Err.badVersion, zxid: before + 1 });
    }
  });

  it('stops visiting when the visitor has enough', () => {
    const { h, c } = start();
    for (const path of ['/t1', '/t2', '/t3']) createTTL(c, path, 1);
    h.timeMs += 10;
    let visits = 0;
    h.state.forEachReapable(h.timeMs, 0, () => ++visits < 2);
    expect(visits).toBe(2);
  });
});
