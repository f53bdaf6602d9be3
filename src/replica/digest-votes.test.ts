import { describe, expect, it } from 'vitest';
import { DIGEST_EVERY_SLOTS, DIGESTS_MAX, DigestVotes, type StateDigest } from './digest-votes.ts';

const EVERY = DIGEST_EVERY_SLOTS;
const RIGHT = 7;
const WRONG = 8;
const OTHER = 9;

function digest(nth: number, low: number): StateDigest {
  return { slot: nth * EVERY, high: 1, low };
}

/** The digests that servers 1, 2, 3… have behind the nth slot compared; null: none yet. */
function told(votes: DigestVotes, nth: number, ...lows: (number | null)[]): void {
  lows.forEach((low, i) => {
    if (low !== null) votes.note(i + 1, digest(nth, low));
  });
}

const THREE = [1, 2, 3];
const NOBODY = { deviants: [], disputedSlot: null };

describe('state digests', () => {
  it('that are equal accuse nobody', () => {
    const votes = new DigestVotes();
    told(votes, 1, RIGHT, RIGHT, RIGHT);
    expect([votes.judge(THREE), votes.compared]).toEqual([NOBODY, 1]);
  });

  it('tell who differs from a majority of the voters, and what it should have', () => {
    const votes = new DigestVotes();
    told(votes, 1, WRONG, RIGHT);
    expect(votes.judge(THREE)).toEqual(NOBODY);
    told(votes, 1, null, null, RIGHT);
    expect(votes.judge(THREE).deviants).toEqual([{ id: 1, digest: digest(1, RIGHT) }]);
  });

  it('differ in either half', () => {
    const votes = new DigestVotes();
    told(votes, 1, RIGHT, RIGHT);
    votes.note(3, { ...digest(1, RIGHT), high: 2 });
    expect(votes.judge(THREE).deviants.map(({ id }) => id)).toEqual([3]);
  });

  it('name each deviant once, and again if it tells the same again', () => {
    const votes = new DigestVotes();
    told(votes, 1, RIGHT, RIGHT, WRONG);
    expect(votes.judge(THREE).deviants).toHaveLength(1);
    expect(votes.judge(THREE).deviants).toHaveLength(0);
    told(votes, 1, null, null, WRONG);
    expect(votes.judge(THREE).deviants).toHaveLength(1);
  });

  it('of observers are held against the majority, and are no part of it', () => {
    const votes = new DigestVotes();
    // Server 4 observes. With it two would have the wrong one.
    told(votes, 1, RIGHT, RIGHT, WRONG, WRONG);
    expect(votes.judge(THREE).deviants.map(({ id }) => id)).toEqual([3, 4]);
    const few = new DigestVotes();
    told(few, 1, RIGHT, null, null, RIGHT);
    expect([few.judge(THREE), few.compared]).toEqual([NOBODY, 0]);
  });

  it('that differ are a dispute only once a voter that lags has had its time', () => {
    const votes = new DigestVotes();
    told(votes, 1, RIGHT, WRONG);
    told(votes, 2, RIGHT, WRONG);
    expect(votes.judge(THREE)).toEqual(NOBODY);
    told(votes, 3, RIGHT, WRONG);
    expect(votes.judge(THREE)).toEqual({ deviants: [], disputedSlot: EVERY });
    told(votes, 1, null, null, RIGHT);
    expect(votes.judge(THREE)).toEqual({
      deviants: [{ id: 2, digest: digest(1, RIGHT) }],
      disputedSlot: null,
    });
  });

  it('that are all different are a dispute that nobody can end', () => {
    const votes = new DigestVotes();
    for (const nth of [1, 2, 3]) told(votes, nth, RIGHT, WRONG, OTHER);
    expect(votes.judge(THREE)).toEqual({ deviants: [], disputedSlot: EVERY });
  });

  it('of one voter only, or of none, are no dispute, however long the others are silent', () => {
    const votes = new DigestVotes();
    for (let nth = 1; nth < 10; nth++) told(votes, nth, RIGHT, null, null, WRONG);
    expect(votes.judge(THREE)).toEqual(NOBODY);
  });

  it('count by the voters of now: a reconfiguration can make a majority, or end it', () => {
    const votes = new DigestVotes();
    told(votes, 1, RIGHT, WRONG, WRONG, RIGHT, RIGHT);
    expect(votes.judge([1, 2, 3, 4]).deviants).toEqual([]);
    expect(votes.judge([1, 2, 3, 4, 5]).deviants.map(({ id }) => id)).toEqual([2, 3]);
    const fewer = new DigestVotes();
    told(fewer, 1, RIGHT, RIGHT);
    expect(fewer.judge([1, 2, 3, 4])).toEqual(NOBODY);
    expect([fewer.judge([1, 2]), fewer.compared]).toEqual([NOBODY, 1]);
  });

  it('of slots compared at different times are not mixed', () => {
    const votes = new DigestVotes();
    told(votes, 1, RIGHT);
    told(votes, 2, WRONG, WRONG);
    told(votes, 1, null, RIGHT);
    expect(votes.judge(THREE)).toEqual(NOBODY);
  });

  it('take no more memory than so many slots do', () => {
    const votes = new DigestVotes();
    for (let nth = 1; nth <= 10 * DIGESTS_MAX; nth++) told(votes, nth, RIGHT, WRONG);
    // Too old to be kept: it decides nothing, and is not remembered.
    told(votes, 1, null, null, RIGHT);
    expect(votes.judge(THREE).disputedSlot).toBe((9 * DIGESTS_MAX + 1) * EVERY);
  });

  it('are forgotten by another leadership', () => {
    const votes = new DigestVotes();
    for (const nth of [1, 2, 3]) told(votes, nth, RIGHT, WRONG, OTHER);
    votes.clear();
    expect(votes.judge(THREE)).toEqual(NOBODY);
    told(votes, 1, RIGHT, RIGHT);
    expect([votes.judge(THREE), votes.compared]).toEqual([NOBODY, 1]);
  });
});
