import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../base/utf8.ts';
import { Err, Op } from '../protocol/constants.ts';
import { CommandFlag } from './command.ts';
import { parseQuota } from './quota-text.ts';
import { type Client, copyByImage, Harness } from './testing/harness.ts';

function start(limits = 'count=-1,bytes=-1'): { h: Harness; c: Client } {
  const h = new Harness();
  h.flags = CommandFlag.enforceQuota;
  const c = h.open();
  c.create('/q', 'four');
  setQuota(c, '/q', limits);
  return { h, c };
}

function setQuota(c: Client, path: string, limits: string): void {
  let at = '/zookeeper/quota';
  for (const name of path.slice(1).split('/')) {
    at += `/${name}`;
    c.create(at);
  }
  c.create(`${at}/zookeeper_limits`, limits);
  c.create(`${at}/zookeeper_stats`, 'count=0,bytes=0');
}

function usage(h: Harness, path = '/q'): string | null | undefined {
  return h.data(`/zookeeper/quota${path}/zookeeper_stats`);
}

describe('the usage of a quota', () => {
  it('is computed when the stats node is created: the node itself and all below', () => {
    const h = new Harness();
    const c = h.open();
    c.create('/q', 'four');
    c.create('/q/a', null);
    c.create('/q/a/b', 'xx');
    setQuota(c, '/q', '');
    expect(usage(h)).toBe('count=3,bytes=6');
  });

  it('of a path that does not exist is nothing', () => {
    const h = new Harness();
    setQuota(h.open(), '/nowhere', '');
    expect(usage(h, '/nowhere')).toBe('count=0,bytes=0');
  });

  it('follows every create, setData and delete below, also of ephemerals that end', () => {
    const { h, c } = start();
    expect(usage(h)).toBe('count=1,bytes=4');
    c.create('/q/a', 'xxx');
    expect(usage(h)).toBe('count=2,bytes=7');
    c.setData('/q/a', 'x');
    expect(usage(h)).toBe('count=2,bytes=5');
    const other = h.open();
    other.create('/q/e', 'yy', 1);
    other.close();
    c.delete('/q/a');
    expect(usage(h)).toBe('count=1,bytes=4');
    c.create('/qq', 'not below /q');
    expect(usage(h)).toBe('count=1,bytes=4');
  });

  it('changes neither version nor zxid of the stats node, and fires no watch', () => {
    const { h, c } = start();
    const path = '/zookeeper/quota/q/zookeeper_stats';
    const before = h.stat(path);
    expect(c.create('/q/a', 'x').changes).toEqual(['created /q/a']);
    expect(h.stat(path)).toEqual(before);
  });

  it('goes to the nearest quota only', () => {
    const { h, c } = start();
    c.create('/q/in');
    setQuota(c, '/q/in', '');
    c.create('/q/in/x', 'xx');
    expect(usage(h)).toBe('count=2,bytes=4');
    expect(usage(h, '/q/in')).toBe('count=2,bytes=2');
  });

  it('is what the stats node says, also after a client wrote it', () => {
    const { h, c } = start();
    c.setData('/zookeeper/quota/q/zookeeper_stats', 'count=100,bytes=');
    c.create('/q/a', 'xx');
    expect(usage(h)).toBe('count=101,bytes=1');
  });

  it('is no longer kept once the limits are deleted', () => {
    const { h, c } = start();
    c.delete('/zookeeper/quota/q/zookeeper_limits');
    c.create('/q/a', 'x');
    expect(usage(h)).toBe('count=1,bytes=4');
  });

  it('comes back when a multi fails', () => {
    const { h, c } = start();
    c.multi({ opcode: Op.create, path: '/q/a', data: 'x' }, { opcode: Op.delete, path: '/none' });
    expect(usage(h)).toBe('count=1,bytes=4');
  });

  it('is exact in an image, not counted anew', () => {
    const { h, c } = start();
    c.setData('/zookeeper/quota/q/zookeeper_stats', 'count=7,bytes=7');
    const copy = new Harness(copyByImage(h.state));
    expect(usage(copy)).toBe('count=7,bytes=7');
  });

  it('of a quota directly below /zookeeper/quota is that of the whole tree', () => {
    const h = new Harness();
    const c = h.open();
    c.create('/zookeeper/quota/zookeeper_stats', '');
    expect(h.data('/zookeeper/quota/zookeeper_stats')).toBe('count=5,bytes=0');
    c.create('/zookeeper/quota/zookeeper_limits', 'count=1,bytes=1=;countHardLimit=1');
    h.flags = CommandFlag.enforceQuota;
    expect(c.create('/a').error).toBe(Err.ok);
    expect(h.data('/zookeeper/quota/zookeeper_stats')).toBe('count=5,bytes=0');
  });
});

describe('the limits of a quota', () => {
  const HARD = 'count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3';

  it('stop a create that is one too many, and one that is too large', () => {
    const { c } = start(HARD);
    expect(c.create('/q/a', '1234567').error).toBe(Err.quotaExceeded);
    expect(c.create('/q/a', '123456').error).toBe(Err.ok);
    expect(c.create('/q/b').error).toBe(Err.ok);
    expect(c.create('/q/c').error).toBe(Err.quotaExceeded);
  });

  it('stop a setData that grows too large, before the version is compared', () => {
    const { c } = start(HARD);
    expect(c.setData('/q', '12345678901', 77).error).toBe(Err.quotaExceeded);
    expect(c.setData('/q', '1234567890', 77).error).toBe(Err.badVersion);
    expect(c.setData('/q', '1234567890').error).toBe(Err.ok);
  });

  /** As 3.9.5 does: found by the differential test, seeds 787135 and 782076. */
  it('above the limit stop what shrinks but stays above, and never what removes or keeps its size', () => {
    const { c } = start(HARD);
    c.create('/q/a', '123456');
    c.setData('/zookeeper/quota/q/zookeeper_limits', '=;byteHardLimit=5;countHardLimit=1');
    expect(c.setData('/q/a', '12345').error).toBe(Err.quotaExceeded);
    expect(c.setData('/q/a', '654321').error).toBe(Err.ok);
    expect(c.setData('/q/a', '1').error).toBe(Err.ok);
    expect(c.delete('/q/a').error).toBe(Err.ok);
  });

  it('hold only where the leader stamped that they are enforced', () => {
    const { h, c } = start(HARD);
    h.flags = 0;
    expect(c.create('/q/a', 'far more than ten').error).toBe(Err.ok);
  });

  it('that are soft stop nothing', () => {
    const { c } = start('count=1,bytes=1');
    expect(c.create('/q/a', 'far more').error).toBe(Err.ok);
  });

  it('inside a multi go by what was in use before it', () => {
    const { h, c } = start(HARD);
    const ops = ['/q/a', '/q/b', '/q/c'].map((path) => ({ opcode: Op.create, path, data: '123' }));
    expect(c.multi(...ops).changes.length).toBe(3);
    expect(usage(h)).toBe('count=4,bytes=13');
    expect(c.create('/q/d').error).toBe(Err.quotaExceeded);
  });

  it('that a multi itself sets hold from the next command on', () => {
    const { c } = start();
    const limits = '/zookeeper/quota/q/zookeeper_limits';
    const result = c.multi(
      { opcode: Op.setData, path: limits, data: '=;countHardLimit=1' },
      { opcode: Op.create, path: '/q/a' },
    );
    expect(result.changes.length).toBe(2);
    expect(c.create('/q/b').error).toBe(Err.quotaExceeded);
  });
});

describe('the text of a quota', () => {
  const UNSET = { count: -1, bytes: -1, countHardLimit: -1, byteHardLimit: -1 };

  function parse(text: string): object {
    const fields = { ...UNSET, count: 99 };
    const bytes = utf8Encode(`xx${text}yy`);
    parseQuota(bytes, 2, bytes.length - 2, fields);
    return fields;
  }

  it.each([
    ['', {}],
    ['count=5,bytes=10', { count: 5, bytes: 10 }],
    [
      'count=5,bytes=-1=;byteHardLimit=7;countHardLimit=8',
      { count: 5, byteHardLimit: 7, countHardLimit: 8 },
    ],
    [',;,count=+5;;bytes=-10', { count: 5, bytes: -10 }],
    ['count=,bytes=x,countHardLimit=1x', {}],
    ['count=9007199254740993', {}],
    ['other=5,=6,count', {}],
  ])('%j is understood', (text, fields) => expect(parse(text)).toEqual({ ...UNSET, ...fields }));

  it('may be anything: what makes no sense sets no limit', () => {
    const part = fc.constantFrom('count', 'bytes', '=', ',', ';', '-', '1', '99999999999', 'x');
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        for (const value of Object.values(parse(parts.join('')))) {
          expect(Number.isSafeInteger(value)).toBe(true);
        }
      }),
    );
  });
});
