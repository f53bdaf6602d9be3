import { describe, expect, it } from 'vitest';
import { copyByImage, Harness } from './testing/harness.ts';

describe('a fresh state', () => {
  it('has the digest of an empty ZooKeeper', () => {
    const { state } = new Harness();
    expect(state.tree.digestHigh).toBe(0);
    expect(state.tree.digestLow).toBe(0x51c6d660);
  });
  it('smoke', () => {
    const h = new Harness();
    const c = h.open();
    expect(c.create('/a', 'hi')).toMatchObject({ error: 0, zxid: 2, changes: ['created /a'] });
    expect(c.create('/a/e', 'hi', 1).error).toBe(0);
    expect(c.setData('/a', 'yo').error).toBe(0);
    expect(h.data('/a')).toBe('yo');
    const copy = new Harness(copyByImage(h.state));
    expect(copy.digest).toBe(h.digest);
    expect(copy.data('/a')).toBe('yo');
    expect(c.close()).toMatchObject({ error: 0, changes: ['deleted /a/e'] });
    expect(h.stat('/a')).toMatchObject({ cversion: 2, numChildren: 0 });
  });
});
