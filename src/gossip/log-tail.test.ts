import { describe, expect, it } from 'vitest';
import { NO_HASH } from '../paxos/testing/chain.ts';
import type { Entry } from './entry.ts';
import { LogTail, TAIL_LIMITS } from './log-tail.ts';
import { someLog } from './testing/lone.ts';

const log = someLog(20, 100);
const at = (slot: number): Entry => log[slot - 1] as Entry;

function tail(limits = {}, isGenuine: (entry: Entry) => boolean = () => true): LogTail {
  return new LogTail({ slot: 0, hash: NO_HASH }, isGenuine, { ...TAIL_LIMITS, ...limits });
}

describe('the tail of the log', () => {
  it('takes the next slot only, and keeps for later what comes too early', () => {
    const one = tail();
    expect(one.offer(at(1), 1)).toBe('next');
    expect(one.offer(at(3), 1)).toBe('ahead');
    expect([one.last, one.firstEarly]).toEqual([1, 3]);
    expect(one.offer(at(2), 1)).toBe('next');
    expect(one.absorb(1).map(({ slot }) => slot)).toEqual([3]);
    expect(one.offer(at(2), 1)).toBe('old');
    expect(one.anchor).toEqual({ slot: 3, hash: at(3).hash });
  });

  it('refuses an entry that follows another history', () => {
    const one = tail();
    one.offer(at(1), 1);
    expect(one.offer({ ...at(2), previous: at(5).hash }, 1)).toBe('foreign');
    expect(one.last).toBe(1);
  });

  it('refuses an entry whose hash does not cover it', () => {
    const one = tail({}, ({ slot }) => slot !== 2);
    one.offer(at(1), 1);
    expect(one.offer(at(2), 1)).toBe('foreign');
  });

  it('drops a foreign entry that came too early, and waits for the right one', () => {
    const one = tail();
    one.offer({ ...at(2), previous: at(9).hash }, 1);
    one.offer(at(1), 1);
    expect(one.absorb(1)).toEqual([]);
    expect(one.offer(at(2), 1)).toBe('next');
  });

  it('keeps as much as its window holds, and one entry however long', () => {
    const one = tail({ windowBytes: 350 });
    for (const entry of log.slice(0, 10)) one.offer(entry, 1);
    expect([one.first, one.last, one.bytesFrom(1)]).toEqual([8, 10, 300]);
    const small = tail({ windowBytes: 10 });
    for (const entry of log.slice(0, 3)) small.offer(entry, 1);
    expect([small.first, small.last]).toEqual([3, 3]);
    expect(tail({ windowSlots: 2 }).first).toBe(1);
  });

  it('keeps no more of what came too early than its bounds say', () => {
    const bytes = tail({ aheadBytes: 250 });
    expect([3, 4, 5].map((slot) => bytes.offer(at(slot), 1))).toEqual(['ahead', 'ahead', 'full']);
    const slots = tail({ aheadSlots: 1 });
    expect([3, 4].map((slot) => slots.offer(at(slot), 1))).toEqual(['ahead', 'full']);
    expect(slots.offer(at(3), 1)).toBe('old');
  });

  it('hands out entries up to about so many bytes, one at least', () => {
    const one = tail();
    for (const entry of log.slice(0, 5)) one.offer(entry, entry.slot);
    expect(one.from(2, 1).entries.map(({ slot }) => slot)).toEqual([2]);
    expect(one.from(2, 200)).toMatchObject({ entries: [{ slot: 2 }, { slot: 3 }], round: 3 });
    expect(one.from(6, 200).entries).toEqual([]);
  });

  it('goes on behind a snapshot, with what came early and is still ahead', () => {
    const one = tail();
    for (const slot of [3, 6, 7]) one.offer(at(slot), 1);
    one.reset({ slot: 5, hash: at(5).hash });
    expect([one.first, one.last, one.earlyCount]).toEqual([6, 5, 2]);
    expect(one.absorb(0).map(({ slot }) => slot)).toEqual([6, 7]);
  });
});
