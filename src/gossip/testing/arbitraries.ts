import fc from 'fast-check';
import type { Fact, Meta } from '../member.ts';
import { ROLES, STATUSES } from '../member.ts';
import type { Message } from '../messages.ts';

const count: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 0, max: 2 ** 51 }),
);

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

export const id: fc.Arbitrary<string> = bytes(16).map((raw) =>
  [...raw].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
);

const text = (minLength: number): fc.Arbitrary<string> =>
  fc.string({ minLength, maxLength: 40, unit: 'grapheme-ascii' });

export const meta: fc.Arbitrary<Meta> = fc.record({
  role: fc.constantFrom(...ROLES),
  serverId: count,
  address: text(1),
  bulkAddress: text(0),
  clientPort: count,
  version: text(0),
  leader: count,
  leaderRound: count,
  load: count,
  appliedSlot: count,
  appliedZxid: count,
});

export const fact: fc.Arbitrary<Fact> = fc
  .record({
    id,
    status: fc.constantFrom(...STATUSES),
    incarnation: count,
    life: count,
    counter: count,
    meta: fc.option(meta),
    accuser: id,
    ageTicks: count,
    spare: meta,
  })
  .map(({ spare, ...drawn }) => ({
    ...drawn,
    meta: drawn.status === 'alive' ? (drawn.meta ?? spare) : drawn.meta,
    accuser: drawn.status === 'suspect' ? drawn.accuser : null,
  }));

const facts: fc.Arbitrary<Fact[]> = fc.array(fact, { maxLength: 5 });

const push: fc.Arbitrary<Message> = fc
  .record({
    round: count,
    isFeed: fc.boolean(),
    first: fc.integer({ min: 0, max: 2 ** 50 }),
    previous: bytes(32),
    parts: fc.array(fc.tuple(bytes(32), fc.uint8Array({ maxLength: 300 })), {
      minLength: 1,
      maxLength: 4,
    }),
  })
  .map(({ round, isFeed, first, previous, parts }) => ({
    type: 'push',
    round,
    isFeed,
    entries: parts.map(([hash, body], i) => ({
      slot: first + i,
      previous: parts[i - 1]?.[0] ?? previous,
      hash,
      body,
    })),
  }));

const have: fc.Arbitrary<Message> = fc
  .record({
    first: fc.integer({ min: 0, max: 2 ** 50 }),
    more: fc.integer({ min: -1, max: 1000 }),
    round: count,
    isNeighbour: fc.boolean(),
    isFeed: fc.boolean(),
  })
  .map(({ first, more, ...rest }) => ({
    ...{ type: 'have', ...rest },
    ...{ first: Math.max(first, 1), last: Math.max(first, 1) + more },
  }));

export const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant('ping' as const), number: count, target: id, facts }),
  fc.record({ type: fc.constantFrom('ack' as const, 'nack' as const), number: count, facts }),
  fc.record({
    type: fc.constant('pingRequest' as const),
    number: count,
    target: id,
    address: text(0),
    facts,
  }),
  fc.record({ type: fc.constant('rumours' as const), facts }),
  fc.record({ type: fc.constant('exchange' as const), wantsReply: fc.boolean(), facts }),
  fc.record({
    type: fc.constant('link' as const),
    isUrgent: fc.boolean(),
    wantsFeed: fc.boolean(),
    slot: count,
  }),
  fc.record({ type: fc.constant('linked' as const), isAccepted: fc.boolean() }),
  fc.record({ type: fc.constantFrom('unlink' as const, 'prune' as const) }),
  push,
  have,
  fc.record({ type: fc.constant('want' as const), slot: count, feed: fc.boolean() }),
) as fc.Arbitrary<Message>;
