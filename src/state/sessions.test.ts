import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../base/utf8.ts';
import { Err, Op } from '../protocol/constants.ts';
import { CommandKind } from './command.ts';
import { Verdict } from './outcome.ts';
import { openingBody } from './testing/commands.ts';
import { type Client, copyByImage, Harness } from './testing/harness.ts';

const COUNTER_MAX = 0xffff_ffff;
const EPOCH = 2 ** 32;

function start(): { h: Harness; c: Client } {
  const h = new Harness();
  return { h, c: h.open() };
}

describe('a session', () => {
  it('opens with a zxid and generation 1', () => {
    const h = new Harness();
    const body = openingBody(6_000, utf8Encode('hash'));
    const kind = CommandKind.openSession;
    expect(h.command({ kind, high: 1, low: 2, sequence: 77, body })).toMatchObject({
      verdict: Verdict.applied,
      error: 0,
      zxid: 1,
      generation: 1,
      timeoutMs: 6_000,
    });
    expect(h.state.sessions.get(1, 2)).toMatchObject({ timeoutMs: 6_000, sequence: 0 });
  });

  it('opened twice with one password is a repeat, with another a collision', () => {
    const { h, c } = start();
    c.create('/a');
    const open = { kind: CommandKind.openSession, high: c.high, low: c.low };
    const zxid = h.state.zxid;
    const again = h.command({ ...open, body: openingBody(1, utf8Encode('hash')) });
    expect(again).toMatchObject({ verdict: Verdict.repeat, error: 0, zxid });
    const other = h.command({ ...open, body: openingBody(1, utf8Encode('else')) });
    expect(other).toMatchObject({ verdict: Verdict.refused, error: Err.sessionExpired, zxid });
    expect(c.create('/b').error).toBe(Err.ok);
  });

  it.each([
    [0, 0],
    [-(2 ** 31), 0],
    [0xff00_0000 | 0, 5],
  ])('can’t have the id %i:%i, which as an owner means something else', (high, low) => {
    const h = new Harness();
    const body = openingBody(1, utf8Encode('hash'));
    const result = h.command({ kind: CommandKind.openSession, high, low, body });
    expect(result).toMatchObject({ verdict: Verdict.refused, error: Err.sessionExpired, zxid: 0 });
  });

  it('is attached with its password: next generation, new time-out, no zxid', () => {
    const { h, c } = start();
    c.create('/a');
    const zxid = h.state.zxid;
    expect(c.attach(7_000)).toMatchObject({
      verdict: Verdict.applied,
      error: 0,
      zxid,
      generation: 2,
      timeoutMs: 7_000,
    });
    expect(c.create('/b')).toMatchObject({ verdict: Verdict.applied, error: 0 });
  });

  it.each(['other', 'has', 'hashh', ''])('is not attached with the password %j', (password) => {
    const { h, c } = start();
    const before = h.digest;
    expect(c.attach(1, utf8Encode(password))).toMatchObject({
      verdict: Verdict.refused,
      error: Err.sessionExpired,
    });
    expect(h.digest).toBe(before);
  });

  it('is attached once only, however often the command comes', () => {
    const { h, c } = start();
    const { high, low } = c;
    const body = openingBody(7_000, utf8Encode('hash'));
    const attach = { kind: CommandKind.attachSession, high, low, generation: 1, body };
    expect(h.command(attach)).toMatchObject({ verdict: Verdict.applied, generation: 2 });
    const before = h.digest;
    expect(h.command(attach)).toMatchObject({
      verdict: Verdict.refused,
      error: Err.sessionMoved,
      generation: 2,
      timeoutMs: 0,
    });
    expect(h.digest).toBe(before);
    expect(h.command({ ...attach, generation: 2 })).toMatchObject({ generation: 3 });
  });

  it('does not tell its generation to whoever lacks the password', () => {
    const { c } = start();
    c.generation = 0;
    expect(c.attach(1, utf8Encode('other'))).toMatchObject({
      error: Err.sessionExpired,
      generation: 0,
    });
  });

  it('that is gone can’t be attached', () => {
    const { c } = start();
    c.close();
    expect(c.attach()).toMatchObject({ verdict: Verdict.refused, error: Err.sessionExpired });
  });

  it('closes with its ephemerals, in the order of their creation, under one zxid', () => {
    const { h, c } = start();
    c.create('/p');
    for (const path of ['/p/b', '/c', '/p/a']) c.create(path, '', 1);
    h.open().create('/other', '', 1);
    const { zxid, changes, closedSession } = c.close();
    expect(closedSession).toBe(true);
    expect(changes).toEqual(['deleted /p/b', 'deleted /c', 'deleted /p/a']);
    expect(h.stat('/p')?.pzxid).toBe(zxid);
    expect(h.children('/')).toEqual(['other', 'p', 'zookeeper']);
    expect(c.create('/late')).toMatchObject({
      verdict: Verdict.refused,
      error: Err.sessionExpired,
    });
  });

  it('expires only in the generation that the leader saw', () => {
    const { h, c } = start();
    c.create('/e', '', 1);
    c.attach();
    const zxid = h.state.zxid;
    const missed = { verdict: Verdict.refused, closedSession: false, changes: [], zxid };
    expect(c.expire(1)).toMatchObject(missed);
    expect(c.expire(2)).toMatchObject({
      verdict: Verdict.applied,
      closedSession: true,
      changes: ['deleted /e'],
      zxid: zxid + 1,
    });
    expect(c.expire(2)).toMatchObject({ ...missed, zxid: zxid + 1 });
  });

  it('leaves the digest of a state that never had it', () => {
    const h = new Harness();
    const { sessions } = h.state;
    const c = h.open();
    c.create('/a');
    expect([sessions.digest.high, sessions.digest.low]).not.toEqual([0, 0]);
    c.attach();
    c.close();
    expect([sessions.digest.high, sessions.digest.low]).toEqual([0, 0]);
    expect(h.state.sessions.size).toBe(0);
  });
});

describe('writes run exactly once', () => {
  it('a repeat has no effect, no zxid and no changes', () => {
    const { h, c } = start();
    const write = { opcode: Op.create, path: '/q-', flags: 2 };
    c.send(write);
    const before = h.digest;
    expect(c.resend(write)).toMatchObject({ verdict: Verdict.repeat, zxid: 2, changes: [] });
    expect(h.digest).toBe(before);
    expect(h.children('/')).toEqual(['q-0000000000', 'zookeeper']);
  });

  it('what follows a gap is refused until the gap is filled', () => {
    const { h, c } = start();
    c.sequence = 1;
    expect(c.create('/second')).toMatchObject({ verdict: Verdict.refused, zxid: 1 });
    c.sequence = 0;
    expect(c.create('/first').verdict).toBe(Verdict.applied);
    expect(c.create('/second').verdict).toBe(Verdict.applied);
    expect(h.children('/')).toEqual(['first', 'second', 'zookeeper']);
  });

  it('a write of an older attachment is refused, whatever its number', () => {
    const { c } = start();
    c.create('/a');
    c.attach();
    c.generation = 1;
    for (const sequence of [0, 1, 2]) {
      c.sequence = sequence;
      expect(c.create('/late')).toMatchObject({
        verdict: Verdict.refused,
        error: Err.sessionMoved,
      });
    }
  });

  it('a failed write counts and takes a zxid', () => {
    const { c } = start();
    expect(c.delete('/none')).toMatchObject({ verdict: Verdict.applied, zxid: 2 });
    expect(c.delete('/none')).toMatchObject({ verdict: Verdict.applied, zxid: 3 });
  });

  it('a write that the leader rejects counts too, and answers with its code', () => {
    const { h, c } = start();
    expect(c.reject(Op.setData, Err.throttledOp)).toMatchObject({
      verdict: Verdict.applied,
      error: Err.throttledOp,
      zxid: 2,
      changes: [],
    });
    expect(c.create('/a').verdict).toBe(Verdict.applied);
    expect(h.children('/')).toEqual(['a', 'zookeeper']);
  });

  it('a body that does not decode is answered, and the next write runs', () => {
    const { h, c } = start();
    const { high, low, generation } = c;
    const kind = CommandKind.write;
    for (const [i, opcode] of [Op.create, Op.delete, Op.setData, Op.setACL, 99].entries()) {
      const body = new Uint8Array(5);
      const result = h.command({
        kind,
        opcode,
        high,
        low,
        generation,
        sequence: i + 1,
        body,
      });
      expect(result).toMatchObject({ verdict: Verdict.applied, error: Err.marshallingError });
    }
    c.sequence = 5;
    expect(c.create('/a').error).toBe(Err.ok);
  });

  it('a command that can’t be a command stops the replica', () => {
    const { h } = start();
    expect(() => h.command({ kind: 99 })).toThrow('unknown kind');
    expect(() => h.apply(new Uint8Array(10))).toThrow('bytes wanted');
  });
});

describe('zxids and times', () => {
  it('the exhausted counter opens the next epoch, whose first entry is counter 1', () => {
    const { h, c } = start();
    h.state.zxid = 3 * EPOCH + COUNTER_MAX - 1;
    expect(c.create('/a').zxid).toBe(3 * EPOCH + COUNTER_MAX);
    expect(c.create('/b').zxid).toBe(4 * EPOCH + 1);
    expect(h.stat('/b')?.czxid).toBe(4 * EPOCH + 1);
  });

  it('a new leader opens the next epoch', () => {
    const { h, c } = start();
    const body = new Uint8Array([0, 0, 0, 1, 0, 0, 0, 0]);
    expect(h.command({ kind: CommandKind.openEpoch, body }).zxid).toBe(EPOCH);
    expect(h.state.zxid).toBe(EPOCH);
    expect(c.create('/a').zxid).toBe(EPOCH + 1);
    expect(h.state.hasEpochsLeft).toBe(true);
    h.state.zxid = 2 ** 53 - EPOCH;
    expect(h.state.hasEpochsLeft).toBe(false);
    // The present epoch goes on: a zxid beyond 2^53 would not be told from its neighbour.
    expect(h.command({ kind: CommandKind.openEpoch, body }).zxid).toBe(2 ** 53 - EPOCH);
  });

  it('time never runs backward, whatever the clock of the next leader says', () => {
    const { h, c } = start();
    h.timeMs = 8_000;
    c.create('/a');
    h.timeMs = 2_000;
    c.create('/b');
    expect(h.stat('/b')?.ctime).toBe(8_000);
    h.timeMs = Number.POSITIVE_INFINITY;
    c.create('/c');
    expect(h.stat('/c')?.ctime).toBe(8_000);
  });

  it('are part of the digest', () => {
    const [one, two] = [new Harness(), new Harness()];
    expect(one.digest).toBe(two.digest);
    two.timeMs++;
    one.open();
    two.open();
    expect(one.digest).not.toBe(two.digest);
  });

  it('survive an image together with the slot', () => {
    const { h, c } = start();
    c.create('/a');
    h.state.applied(41);
    const copy = copyByImage(h.state);
    expect([copy.slot, copy.zxid, copy.timeMs]).toEqual([41, 2, 1_000]);
  });
});
