import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../../base/utf8.ts';
import { Err, Op } from '../../protocol/constants.ts';
import { callOf, evidenceOf, STAT } from './evidence.test-helper.ts';
import { isLinearizable, type Operation, type SequentialObject } from './linearizability.ts';
import { checkRegisters } from './registers.ts';

type ReadOrWrite = readonly ['read' | 'write', number];

const REGISTER: SequentialObject<number, ReadOrWrite> = {
  initial: 0,
  apply: (state, [kind, value]) => (kind === 'write' ? value : value === state ? state : undefined),
  key: String,
};

/** `write 1` from 0 to 10 as ['write', 1, 0, 10]; without an end nobody was told. */
function history(
  ...lines: readonly (readonly ['read' | 'write', number, number, number?])[]
): Operation<ReadOrWrite>[] {
  return lines.map(([kind, value, invokedUs, endedUs = Number.POSITIVE_INFINITY]) => ({
    operation: [kind, value],
    invokedUs,
    endedUs,
  }));
}

/** Herlihy and Wing's and Lowe's examples, in our notation. */
describe('histories with known answers', () => {
  it.each([
    ['nothing', history()],
    ['one after another', history(['write', 1, 0, 1], ['read', 1, 2, 3])],
    ['a read that overlaps may see either', history(['write', 1, 0, 9], ['read', 0, 1, 2])],
    ['both orders, seen in one', history(['write', 1, 0, 9], ['read', 0, 1, 2], ['read', 1, 3, 4])],
    ['an unanswered write that took place', history(['write', 1, 0], ['read', 1, 5, 6])],
    ['an unanswered write that did not', history(['write', 1, 0], ['read', 0, 5, 6])],
    [
      'an unanswered write that took place late',
      history(['write', 1, 0], ['read', 0, 5, 6], ['read', 1, 7, 8]),
    ],
    [
      'two writes at once, seen by two readers alike',
      history(['write', 1, 0, 9], ['write', 2, 0, 9], ['read', 2, 10, 11], ['read', 2, 10, 12]),
    ],
  ])('%s: linearizable', (_name, operations) => {
    expect(isLinearizable(REGISTER, operations)).toBe('linearizable');
  });

  it.each([
    ['a stale read', history(['write', 1, 0, 1], ['read', 0, 2, 3])],
    ['a value from nowhere', history(['read', 7, 0, 1])],
    ['back and forth', history(['write', 1, 0, 9], ['read', 1, 1, 2], ['read', 0, 3, 4])],
    [
      'an unanswered write that was undone',
      history(['write', 1, 0], ['read', 1, 5, 6], ['read', 0, 7, 8]),
    ],
    [
      'two readers who disagree on the order of two writes',
      history(
        ['write', 1, 0, 1],
        ['write', 2, 0, 1],
        ['read', 1, 2, 3],
        ['read', 2, 4, 5],
        ['read', 1, 6, 7],
      ),
    ],
  ])('%s: not linearizable', (_name, operations) => {
    expect(isLinearizable(REGISTER, operations)).toBe('not linearizable');
  });

  it('gives up on what would take for ever, and says so', () => {
    const writes = Array.from({ length: 24 }, (_, i) => ['write', i + 1, 0, 99] as const);
    expect(isLinearizable(REGISTER, history(...writes, ['read', 99, 100, 101]))).toBe('unknown');
  });

  it('agrees with trying every order', () => {
    const line = fc.tuple(
      fc.constantFrom('read' as const, 'write' as const),
      fc.integer({ min: 0, max: 2 }),
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 1, max: 6 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const operations = history(
          ...lines.map(([kind, value, from, lasts]) => [kind, value, from, from + lasts] as const),
        );
        const expected = orders(operations).some(isRight);
        expect(isLinearizable(REGISTER, operations) === 'linearizable').toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});

function orders<T>(list: readonly T[]): T[][] {
  if (list.length === 0) return [[]];
  return list.flatMap((first, i) =>
    orders([...list.slice(0, i), ...list.slice(i + 1)]).map((rest) => [first, ...rest]),
  );
}

function isRight(order: readonly Operation<ReadOrWrite>[]): boolean {
  let state = 0;
  for (const [i, { operation, invokedUs }] of order.entries()) {
    if (order.slice(i + 1).some((later) => later.endedUs < invokedUs)) return false;
    const next = REGISTER.apply(state, operation);
    if (next === undefined) return false;
    state = next;
  }
  return true;
}

describe('znodes as registers', () => {
  const created = callOf({
    opcode: Op.create2,
    request: { path: '/r/0', data: utf8Encode('a'), acl: null, flags: 0 },
    reply: { path: '/r/0', stat: STAT },
  });
  const write = (version: number, from: number): ReturnType<typeof callOf> =>
    callOf({ invokedUs: from, endedUs: from + 1, reply: { stat: { ...STAT, version } } });
  const read = (value: string, version: number, from: number): ReturnType<typeof callOf> =>
    callOf({
      opcode: Op.getData,
      request: { path: '/r/0', watch: false },
      invokedUs: from,
      endedUs: from + 1,
      reply: { data: utf8Encode(value), stat: { ...STAT, version } },
    });

  it('pass when one znode alone could have answered like that', () => {
    const calls = [created, write(1, 10), read('v-1', 1, 20)];
    expect(checkRegisters(evidenceOf({ calls }), true)).toEqual([]);
  });

  it('fail on a stale read, where reads may not be stale', () => {
    const calls = [created, write(1, 10), read('a', 0, 20)];
    expect(checkRegisters(evidenceOf({ calls }), true)).toHaveLength(1);
    expect(checkRegisters(evidenceOf({ calls }), false)).toEqual([]);
  });

  it('fail when two writers get one version, or a version was skipped', () => {
    expect(
      checkRegisters(evidenceOf({ calls: [created, write(1, 10), write(1, 20)] }), false),
    ).toHaveLength(1);
    expect(checkRegisters(evidenceOf({ calls: [created, write(2, 10)] }), false)).toHaveLength(1);
  });

  it('let an unanswered write take place once or never', () => {
    const lost = callOf({ outcome: 'unknown', invokedUs: 10 });
    for (const version of [1, 2]) {
      const calls = [created, lost, write(version, 20)];
      expect(checkRegisters(evidenceOf({ calls }), false)).toEqual([]);
    }
    const calls = [created, lost, write(3, 20)];
    expect(checkRegisters(evidenceOf({ calls }), false)).toHaveLength(1);
  });

  it('are left alone where more calls are under way at once than a search can order', () => {
    const skipped = write(2, 10);
    const reply = { stat: { ...STAT, version: 7 } };
    const waiting = Array.from({ length: 12 }, () => callOf({ invokedUs: 5, endedUs: 50, reply }));
    const calls = [created, skipped, ...waiting];
    expect(checkRegisters(evidenceOf({ calls }), false)).toEqual([]);
    expect(checkRegisters(evidenceOf({ calls: calls.slice(0, 3) }), false)).toHaveLength(1);
  });

  it('let a conditional write fail only when the version is another', () => {
    const refused = callOf({
      request: { path: '/r/0', data: utf8Encode('b'), version: 0 },
      invokedUs: 10,
      endedUs: 11,
      err: Err.badVersion,
    });
    expect(checkRegisters(evidenceOf({ calls: [created, refused] }), false)).toHaveLength(1);
    const calls = [created, write(1, 5), refused];
    expect(checkRegisters(evidenceOf({ calls }), false)).toEqual([]);
  });
});
