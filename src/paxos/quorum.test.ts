import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type QuorumSpec, Quorums, type Voter } from './quorum.ts';

function voters(count: number): Voter[] {
  return Array.from({ length: count }, (_, i) => ({ id: i + 1, weight: 1, group: 0 }));
}

function sized(count: number, electionSize = 0, writeSize = 0): QuorumSpec {
  return { voters: voters(count), electionSize, writeSize, hierarchical: false };
}

/** [group, weight] of the voters 1, 2, 3... */
function grouped(...members: readonly (readonly [number, number])[]): QuorumSpec {
  const list = members.map(([group, weight], i) => ({ id: i + 1, weight, group }));
  return { voters: list, electionSize: 0, writeSize: 0, hierarchical: true };
}

function subsets(spec: QuorumSpec): Set<number>[] {
  const ids = spec.voters.map((voter) => voter.id);
  return Array.from(
    { length: 2 ** ids.length },
    (_, bits) => new Set(ids.filter((_id, i) => ((bits >> i) & 1) === 1)),
  );
}

function intersect(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  return [...a].some((id) => b.has(id));
}

/** Both kinds of quorum exist, and each of one kind meets each of the other. */
function isSound(spec: QuorumSpec): boolean {
  const quorums = new Quorums(spec);
  const election = subsets(spec).filter((ids) => quorums.isElectionQuorum(ids));
  const write = subsets(spec).filter((ids) => quorums.isWriteQuorum(ids));
  return (
    election.length > 0 &&
    write.length > 0 &&
    election.every((a) => write.every((b) => intersect(a, b)))
  );
}

const anySized = fc
  .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 8 }), fc.nat({ max: 8 }))
  .map(([count, election, write]) => sized(count, election, write));

const anyGrouped = fc
  .array(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 4 })), { minLength: 1, maxLength: 7 })
  .map((members) => grouped(...members));

describe('quorums', () => {
  it('are majorities unless the configuration says otherwise', () => {
    const three = new Quorums(sized(3));
    expect(three.isElectionQuorum(new Set([1]))).toBe(false);
    expect(three.isWriteQuorum(new Set([1, 3]))).toBe(true);
    const four = new Quorums(sized(4));
    expect(four.isWriteQuorum(new Set([1, 2]))).toBe(false);
    expect(four.isElectionQuorum(new Set([1, 2, 4]))).toBe(true);
    expect(new Quorums(sized(1)).isWriteQuorum(new Set([1]))).toBe(true);
  });

  it('count voters only', () => {
    const quorums = new Quorums(sized(3));
    expect(quorums.isWriteQuorum(new Set([1, 4, 5, 6]))).toBe(false);
  });

  it('have the sizes that the configuration gives', () => {
    const quorums = new Quorums(sized(5, 4, 2));
    expect(quorums.check()).toBeNull();
    expect(quorums.isWriteQuorum(new Set([2, 5]))).toBe(true);
    expect(quorums.isElectionQuorum(new Set([1, 2, 5]))).toBe(false);
    expect(quorums.isElectionQuorum(new Set([1, 2, 3, 5]))).toBe(true);
  });

  it('are refused when a leader could be elected behind the back of a write', () => {
    expect(new Quorums(sized(5, 0, 2)).check()).toContain('5 different ones of 5');
    expect(new Quorums(sized(4, 2, 2)).check()).toContain('4 different ones of 4');
  });

  it('are refused when nobody could ever make one', () => {
    expect(new Quorums(sized(3, 4, 1)).check()).toContain('4 of 3 voters');
    expect(new Quorums(sized(0)).check()).toContain('no voter');
    expect(new Quorums(grouped([1, 0], [2, 0])).check()).toContain('no group has any weight');
    const negative = grouped([1, 1], [1, -1], [1, 3]);
    expect(new Quorums(negative).check()).toContain('not a whole number');
  });

  it('are refused when one voter would count twice', () => {
    const one = { id: 1, weight: 1, group: 0 };
    const spec = { ...sized(0), voters: [one, one, { ...one, id: 2 }] };
    expect(new Quorums(spec).check()).toContain('one id');
  });

  it('do not take sizes and groups together', () => {
    const spec = { ...grouped([1, 1], [1, 1], [1, 1]), writeSize: 2 };
    expect(new Quorums(spec).check()).toContain('do not go with groups');
  });

  it('meet each other whenever the check passes, and only then', () => {
    fc.assert(
      fc.property(fc.oneof(anySized, anyGrouped), (spec) => {
        expect(new Quorums(spec).check() === null).toBe(isSound(spec));
      }),
      { numRuns: 300 },
    );
  });

  it('stay quorums when a voter joins in', () => {
    fc.assert(
      fc.property(fc.oneof(anySized, anyGrouped), fc.integer({ min: 1, max: 7 }), (spec, id) => {
        const quorums = new Quorums(spec);
        for (const ids of subsets(spec)) {
          const more = new Set([...ids, id]);
          expect(quorums.isWriteQuorum(ids) && !quorums.isWriteQuorum(more)).toBe(false);
          expect(quorums.isElectionQuorum(ids) && !quorums.isElectionQuorum(more)).toBe(false);
        }
      }),
    );
  });
});

describe('groups', () => {
  /** ZooKeeper's example: three groups of three, of which two decide by two each. */
  const nine = grouped(
    ...([1, 1, 1, 2, 2, 2, 3, 3, 3] as const).map((group) => [group, 1] as const),
  );

  it('decide by a majority of groups, each by a majority of its weight', () => {
    const quorums = new Quorums(nine);
    expect(quorums.isWriteQuorum(new Set([1, 2, 4, 5]))).toBe(true);
    expect(quorums.isWriteQuorum(new Set([1, 4, 7, 2]))).toBe(false);
    expect(quorums.isElectionQuorum(new Set([1, 2, 3, 4, 7]))).toBe(false);
  });

  it('of weight 0 take no part', () => {
    const quorums = new Quorums(grouped([1, 1], [1, 1], [1, 1], [2, 0], [3, 0]));
    expect(quorums.check()).toBeNull();
    expect(quorums.isWriteQuorum(new Set([1, 3]))).toBe(true);
    expect(quorums.isWriteQuorum(new Set([1, 4, 5]))).toBe(false);
  });

  it('need more than half of an even weight', () => {
    const quorums = new Quorums(grouped([1, 2], [1, 1], [1, 1]));
    expect(quorums.isWriteQuorum(new Set([1]))).toBe(false);
    expect(quorums.isWriteQuorum(new Set([2, 3]))).toBe(false);
    expect(quorums.isWriteQuorum(new Set([1, 2]))).toBe(true);
  });

  it('decide as a count by hand says', () => {
    fc.assert(
      fc.property(anyGrouped, (spec) => {
        const quorums = new Quorums(spec);
        const groups = [...new Set(spec.voters.map((voter) => voter.group))];
        const sum = (list: readonly Voter[]) => list.reduce((total, v) => total + v.weight, 0);
        const members = (group: number) => spec.voters.filter((v) => v.group === group);
        const taking = groups.filter((group) => sum(members(group)) > 0);
        for (const ids of subsets(spec)) {
          const won = taking.filter(
            (group) => sum(members(group).filter((v) => ids.has(v.id))) > sum(members(group)) / 2,
          );
          expect(quorums.isWriteQuorum(ids)).toBe(won.length > taking.length / 2);
          expect(quorums.isElectionQuorum(ids)).toBe(won.length > taking.length / 2);
        }
      }),
    );
  });
});
