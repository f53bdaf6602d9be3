import { beforeEach, describe, expect, it } from 'vitest';
import { Broadcast } from './broadcast.ts';

let nowMs = 0;
const tree = { isThere: true };

beforeEach(() => {
  nowMs = 0;
  tree.isThere = true;
});

/** One that has the log from the tree. */
function used(): Broadcast {
  const broadcast = new Broadcast(tree, () => nowMs);
  nowMs = 2_000;
  broadcast.changes(5, true);
  expect(broadcast.isUsed).toBe(true);
  return broadcast;
}

describe('an observer', () => {
  it('is fed by its voter at first, and tries the tree after a while', () => {
    const broadcast = new Broadcast(tree, () => nowMs);
    expect(broadcast.changes(5, true)).toBe(false);
    nowMs = 2_000;
    expect([broadcast.changes(5, true), broadcast.isUsed]).toEqual([true, true]);
  });

  it('does not try it alone, nor while it has yet to fetch what it lacks', () => {
    const broadcast = new Broadcast(tree, () => nowMs);
    nowMs = 10_000;
    expect(broadcast.changes(5, false)).toBe(false);
    tree.isThere = false;
    expect(broadcast.changes(5, true)).toBe(false);
  });

  it('goes back to its voter when the tree is a second late', () => {
    const broadcast = used();
    broadcast.heard(7, 5);
    nowMs += 1_000;
    expect(broadcast.changes(6, false)).toBe(false);
    nowMs += 1;
    expect([broadcast.changes(6, false), broadcast.isUsed]).toEqual([true, false]);
  });

  it('stays with the tree as long as that brings what is decided', () => {
    const broadcast = used();
    for (let slot = 6; slot < 100; slot++) {
      broadcast.heard(slot, slot - 1);
      nowMs += 900;
      expect(broadcast.changes(slot, false)).toBe(false);
    }
    expect(broadcast.isUsed).toBe(true);
  });

  it('goes back at once when nobody is there any more', () => {
    const broadcast = used();
    tree.isThere = false;
    expect(broadcast.changes(5, false)).toBe(true);
  });

  it('tries again, more seldom each time', () => {
    const broadcast = used();
    const pauses: number[] = [];
    for (let i = 0; i < 3; i++) {
      broadcast.heard(7, 5);
      nowMs += 1_001;
      broadcast.changes(5, false);
      const failedMs = nowMs;
      while (!broadcast.isUsed) {
        nowMs += 100;
        broadcast.changes(7, true);
      }
      pauses.push(nowMs - failedMs);
    }
    expect(pauses).toEqual([2_000, 4_000, 8_000]);
  });
});
