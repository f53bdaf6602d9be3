import { describe, expect, it } from 'vitest';
import { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { Err } from '../protocol/constants.ts';
import { CommandKind } from './command.ts';
import { BehaviourLevelError, LEVEL_SUPPORTED } from './ensemble.ts';
import { StateLoader } from './loader.ts';
import { decodeMembership, encodeMembership, membershipToQuorumSpec } from './membership.ts';
import { Verdict } from './outcome.ts';
import {
  agesBody,
  GENESIS_TEXT,
  genesisBody,
  genesisMembership,
  identityOf,
  openEpochBody,
} from './testing/commands.ts';
import { copyByImage, Harness, type Result } from './testing/harness.ts';

const EPOCH = 2 ** 32;
const CONFIG = '/zookeeper/config';

function found(h: Harness): Result {
  return h.command({ kind: CommandKind.genesis, body: genesisBody() });
}

function openEpoch(h: Harness, opensEpoch = true, level = 0): Result {
  return h.command({ kind: CommandKind.openEpoch, body: openEpochBody(opensEpoch, level) });
}

describe('genesis', () => {
  it('founds the ensemble and shows it, without a zxid', () => {
    const h = new Harness();
    expect(found(h)).toMatchObject({
      verdict: Verdict.applied,
      error: 0,
      zxid: 0,
      changes: [`changed ${CONFIG}`],
    });
    expect(h.data(CONFIG)).toBe(`${GENESIS_TEXT}\nversion=0`);
    expect(h.stat(CONFIG)).toMatchObject({ version: -1, mzxid: 0, mtime: 1_000, aversion: -1 });
    expect(h.state.membership).toEqual(genesisMembership());
    expect(h.state.clusterId).toEqual(new Uint8Array(16).fill(0xc1));
  });

  it('counts once', () => {
    const h = new Harness();
    found(h);
    openEpoch(h);
    const before = h.digest;
    expect(found(h)).toMatchObject({ verdict: Verdict.repeat, changes: [] });
    expect(h.digest).toBe(before);
  });

  it('never comes to a server alone', () => {
    const { state } = new Harness();
    expect([state.membership, state.clusterId]).toEqual([null, null]);
  });

  it('that does not decode changes nothing', () => {
    const h = new Harness();
    const before = h.digest;
    const body = genesisBody().slice(0, -1);
    h.timeMs = 0;
    expect(h.command({ kind: CommandKind.genesis, body })).toMatchObject({
      verdict: Verdict.refused,
      error: Err.marshallingError,
      changes: [],
    });
    expect(h.digest).toBe(before);
  });
});

describe('a leader’s first entry', () => {
  it('opens an epoch if it says so; the first one is the version of the configuration', () => {
    const h = new Harness();
    found(h);
    expect(openEpoch(h, false)).toMatchObject({ zxid: 0, changes: [] });
    expect(openEpoch(h)).toMatchObject({ zxid: EPOCH, changes: [`changed ${CONFIG}`] });
    expect(h.data(CONFIG)).toBe(`${GENESIS_TEXT}\nversion=100000000`);
    expect(h.stat(CONFIG)).toMatchObject({ version: -1, mzxid: EPOCH });
    expect(openEpoch(h)).toMatchObject({ zxid: 2 * EPOCH, changes: [] });
    expect(h.state.membership?.version).toBe(EPOCH);
    expect(h.open().create('/a').zxid).toBe(2 * EPOCH + 2);
  });

  it('opens one on a server alone too, which has no configuration to show', () => {
    const h = new Harness();
    expect(openEpoch(h)).toMatchObject({ zxid: EPOCH, changes: [] });
    expect(h.data(CONFIG)).toBe('');
  });

  it('stops a replica that lacks the level, and no other', () => {
    const h = new Harness();
    expect(openEpoch(h, false, LEVEL_SUPPORTED).verdict).toBe(Verdict.applied);
    expect(openEpoch(h, false, 0).verdict).toBe(Verdict.applied);
    expect(h.state.level).toBe(LEVEL_SUPPORTED);
    expect(() => openEpoch(h, true, LEVEL_SUPPORTED + 1)).toThrow(BehaviourLevelError);
    expect(() => openEpoch(h, true, LEVEL_SUPPORTED + 1)).toThrow('too old');
    expect(h.state.zxid).toBe(0);
  });
});

it('an image of a level that is not known here is refused, too', () => {
  const head = new Harness().state.beginImage().next(4_096)?.slice();
  const level = 51;
  expect(head?.[level]).toBe(1);
  const newer = head?.with(level, LEVEL_SUPPORTED + 1) as Uint8Array;
  expect(() => new StateLoader({ seed: [1, 2] }).accept(newer)).toThrow(BehaviourLevelError);
});

it('the configuration node counts for a quota, as any other', () => {
  const h = new Harness();
  const c = h.open();
  const quota = '/zookeeper/quota/zookeeper';
  for (const path of [quota, `${quota}/zookeeper_limits`]) c.create(path, 'count=9,bytes=-1');
  c.create(`${quota}/zookeeper_stats`, '');
  found(h);
  const before = Number(/bytes=(\d+)/.exec(String(h.data(`${quota}/zookeeper_stats`)))?.[1]);
  openEpoch(h);
  const growth = '100000000'.length - '0'.length;
  expect(h.data(`${quota}/zookeeper_stats`)).toContain(`bytes=${before + growth}`);
});

describe('a mark', () => {
  it('tells a server how far its chunks have come, and changes nothing', () => {
    const h = new Harness();
    h.open();
    const before = h.digest;
    const mark = { kind: CommandKind.mark, high: 3, sequence: 41 };
    expect(h.command(mark)).toMatchObject({ verdict: Verdict.applied, zxid: 1, changes: [] });
    expect(h.digest).toBe(before);
  });
});

describe('ages of sessions', () => {
  it('are kept until the session is heard of by a write or an attachment', () => {
    const h = new Harness();
    const [a, b] = [h.open(), h.open()];
    const age = (c: typeof a): number | undefined => h.state.sessions.get(c.high, c.low)?.age;
    const tell = (...quarters: [number, number]): Result =>
      h.command({
        kind: CommandKind.sessionAges,
        body: agesBody([a, b].map((c, i) => [c.high, c.low, c.generation, quarters[i] as number])),
      });
    const { zxid } = h.state;
    expect(tell(3, 2)).toMatchObject({ verdict: Verdict.applied, zxid });
    expect([age(a), age(b)]).toEqual([3, 2]);
    a.create('/a');
    b.attach();
    expect([age(a), age(b)]).toEqual([0, 0]);
    tell(1, 9);
    expect([age(a), age(b)]).toEqual([1, 3]);
  });

  it('of an older attachment, or of nobody, mean nothing', () => {
    const h = new Harness();
    const c = h.open();
    c.attach();
    const before = h.digest;
    const body = agesBody([
      [c.high, c.low, 1, 3],
      [9, 9, 1, 3],
    ]);
    expect(h.command({ kind: CommandKind.sessionAges, body }).verdict).toBe(Verdict.applied);
    expect(h.digest).toBe(before);
  });

  it('that end early mean nothing at all', () => {
    const h = new Harness();
    const c = h.open();
    const body = agesBody([
      [c.high, c.low, 1, 3],
      [c.high, c.low, 1, 2],
    ]).slice(0, -1);
    const kind = CommandKind.sessionAges;
    expect(h.command({ kind, body })).toMatchObject({ verdict: Verdict.refused });
    expect(h.state.sessions.get(c.high, c.low)?.age).toBe(0);
  });

  it('are part of the digest and of an image', () => {
    const h = new Harness();
    const c = h.open();
    const before = h.digest;
    const body = agesBody([[c.high, c.low, 1, 2]]);
    h.command({ kind: CommandKind.sessionAges, body });
    expect(h.digest).not.toBe(before);
    const copy = copyByImage(h.state);
    expect(copy.sessions.get(c.high, c.low)?.age).toBe(2);
    expect([copy.digestHigh, copy.digestLow]).toEqual([h.state.digestHigh, h.state.digestLow]);
  });
});

describe('a membership', () => {
  it('survives its encoding, and an image of the state', () => {
    const membership = {
      ...genesisMembership(),
      version: 7 * EPOCH,
      writeSize: 1,
      electionSize: 3,
    };
    const writer = new Writer();
    encodeMembership(writer, membership);
    expect(decodeMembership(new Reader(writer.written()))).toEqual(membership);
    const h = new Harness();
    found(h);
    const copy = copyByImage(h.state);
    expect(copy.membership).toEqual(genesisMembership());
    expect(copy.clusterId).toEqual(h.state.clusterId);
    expect([copy.digestHigh, copy.digestLow]).toEqual([h.state.digestHigh, h.state.digestLow]);
  });

  it('is part of the digest, identities included', () => {
    const digestWith = (id: number): string => {
      const h = new Harness();
      const { members, ...rest } = genesisMembership();
      const changed = members.map((m) => (m.id === 2 ? { ...m, identity: identityOf(id) } : m));
      h.command({ kind: CommandKind.genesis, body: genesisBody({ ...rest, members: changed }) });
      return h.digest;
    };
    expect(digestWith(2)).toBe(digestWith(2));
    expect(digestWith(2)).not.toBe(digestWith(9));
  });

  it('lets its voters decide, and no observer', () => {
    const spec = membershipToQuorumSpec({ ...genesisMembership(), electionSize: 3, writeSize: 1 });
    expect(spec).toEqual({
      voters: [1, 2, 3].map((id) => ({ id, weight: 1, group: 0 })),
      electionSize: 3,
      writeSize: 1,
      hierarchical: false,
    });
  });
});
