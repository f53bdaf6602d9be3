import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GOSSIP_MEMBERS_MAX, GOSSIP_TOMBSTONES_MAX } from '../base/limits.ts';
import { type Fact, STATUSES } from './member.ts';
import { TUNING } from './options.ts';
import { aliveFact, Lone, statusFact } from './testing/lone.ts';
import { idOf, metaOf } from './testing/world.ts';

const rumours = (...facts: Fact[]) => ({ type: 'rumours', facts }) as const;

/** SWIM 4.2: what overrules what. */
describe('a member', () => {
  it('joins when it is heard of, alive', () => {
    const lone = new Lone().hears(rumours(aliveFact(2)));
    expect(lone.statusOf(2)).toBe('alive 1');
    expect(lone.changes).toMatchObject([{ kind: 'joined', id: idOf(2) }]);
  });

  it('that is suspected is cleared by a higher incarnation, not by the same', () => {
    const lone = new Lone().knows(1, 2, 3).hears(rumours(statusFact(2, 'suspect')));
    expect(lone.statusOf(2)).toBe('suspect 1');
    expect(lone.hears(rumours(aliveFact(2, 1))).statusOf(2)).toBe('suspect 1');
    expect(lone.hears(rumours(aliveFact(2, 2))).statusOf(2)).toBe('alive 2');
    expect(lone.changes.map(({ kind }) => kind).slice(-2)).toEqual(['suspected', 'cleared']);
  });

  it('is not suspected again by news of an earlier incarnation', () => {
    const lone = new Lone().knows(1).hears(rumours(aliveFact(2, 5)));
    expect(lone.hears(rumours(statusFact(2, 'suspect', 4))).statusOf(2)).toBe('alive 5');
    expect(lone.hears(rumours(statusFact(2, 'dead', 4))).statusOf(2)).toBe('alive 5');
  });

  it('that is dead rises with a higher incarnation only', () => {
    const lone = new Lone().knows(1, 2).hears(rumours(statusFact(2, 'dead', 3)));
    expect(lone.statusOf(2)).toBe('dead 3');
    expect(lone.hears(rumours(aliveFact(2, 3))).statusOf(2)).toBe('dead 3');
    expect(lone.hears(rumours(aliveFact(2, 4))).statusOf(2)).toBe('alive 4');
  });

  it('that left is told from one that died, whichever is heard first', () => {
    const died = new Lone()
      .knows(1, 2)
      .hears(rumours(statusFact(2, 'dead'), statusFact(2, 'left')));
    const left = new Lone()
      .knows(1, 2)
      .hears(rumours(statusFact(2, 'left'), statusFact(2, 'dead')));
    expect([died.statusOf(2), left.statusOf(2)]).toEqual(['left 1', 'left 1']);
  });

  it('keeps what it last said of itself, whatever others say of it', () => {
    const newer = { ...aliveFact(2, 1, 7), meta: { ...metaOf(2, 'observer'), load: 500 } };
    const lone = new Lone().knows(1).hears(rumours(newer));
    lone.hears(rumours(aliveFact(2, 1, 6), statusFact(2, 'suspect')));
    expect(lone.gossip.find(idOf(2))).toMatchObject({ status: 'suspect', meta: { load: 500 } });
    const again = { ...aliveFact(2, 1, 8), meta: { ...metaOf(2, 'observer'), load: 600 } };
    lone.hears(rumours(again));
    expect(lone.gossip.find(idOf(2))).toMatchObject({ status: 'suspect', meta: { load: 600 } });
  });

  it('is the same for all who heard the same, in whatever order', () => {
    const fact = fc
      .record({
        status: fc.constantFrom(...STATUSES),
        incarnation: fc.integer({ min: 1, max: 4 }),
        counter: fc.integer({ min: 0, max: 3 }),
      })
      .map(({ status, incarnation, counter }) =>
        status === 'alive'
          ? aliveFact(2, incarnation, counter)
          : statusFact(2, status, incarnation),
      );
    const facts = fc.array(fact, { minLength: 2, maxLength: 6 });
    const orders = facts.chain((some) =>
      fc.tuple(
        fc.constant(some),
        fc.shuffledSubarray(some, { minLength: some.length, maxLength: some.length }),
      ),
    );
    fc.assert(
      fc.property(orders, ([first, second]) => {
        const heard = (some: Fact[]) =>
          new Lone().hears(rumours(aliveFact(2), ...some)).statusOf(2);
        expect(heard(second)).toBe(heard(first));
      }),
    );
  });
});

describe('a member that is accused itself', () => {
  it('raises its incarnation above the accusation and tells so', () => {
    const lone = new Lone().knows(1, 2);
    lone.said();
    lone.hears(rumours(statusFact(0, 'suspect', 1)));
    expect(lone.gossip.incarnation).toBe(2);
    expect(lone.said('rumours')[0]?.message.facts[0]).toMatchObject({
      ...{ id: idOf(0), status: 'alive', incarnation: 2 },
    });
    expect(lone.gossip.counters.refutations).toBe(1);
  });

  it('is held to be slower than the others', () => {
    const lone = new Lone().knows(1).hears(rumours(statusFact(0, 'suspect', 1)));
    expect(lone.gossip.healthScore).toBe(1);
  });

  it('does not rise for what it has refuted, but tells the one who has not heard', () => {
    const lone = new Lone().knows(1, 2).hears(rumours(statusFact(0, 'dead', 4)));
    expect(lone.gossip.incarnation).toBe(5);
    lone.said();
    lone.hears(rumours(statusFact(0, 'suspect', 4)), 2);
    expect(lone.gossip.incarnation).toBe(5);
    expect(lone.said('rumours')).toMatchObject([{ to: idOf(2) }]);
  });

  it('rises above an earlier life that had a higher incarnation, and so does what it says', () => {
    const earlier = { ...aliveFact(0, 9, 30), life: 7 };
    const lone = new Lone().knows(1).hears(rumours(earlier));
    expect(lone.gossip.incarnation).toBe(10);
    const own = lone.said().flatMap(({ message }) => ('facts' in message ? message.facts : []));
    lone.ticks(4);
    const told = [...own, ...lone.said('rumours').flatMap(({ message }) => message.facts)];
    expect(told.at(-1)).toMatchObject({ id: idOf(0), incarnation: 10, life: 10 });
  });

  it('does not answer when it is leaving', () => {
    const lone = new Lone().knows(1).acts((gossip) => gossip.leave());
    lone.hears(rumours(statusFact(0, 'left', 1)));
    expect(lone.gossip.incarnation).toBe(1);
  });
});

/** Lifeguard, section IV-B: LHA-Suspicion. */
describe('a suspicion', () => {
  const shortest = TUNING.suspicionFactor * TUNING.probeTicks;
  const others = [1, 2, 3, 4, 5, 6, 7, 8];

  it('lasts long when nobody confirms it, and shrinks with independent accusers', () => {
    const at = (accusers: number[]) => {
      const lone = new Lone({ probeTimeoutTicks: 1_000_000 }).knows(...others);
      for (const accuser of accusers) lone.hears(rumours(statusFact(8, 'suspect', 1, accuser)));
      let ticks = 0;
      while (!lone.statusOf(8).startsWith('dead') && ticks < 10_000) {
        for (const each of others) lone.hears({ type: 'ack', number: ticks, facts: [] }, each);
        lone.acts((gossip) => gossip.tick());
        ticks += 1;
      }
      return ticks;
    };
    expect(at([1, 2, 3, 4])).toBe(shortest);
    expect(at([1])).toBeGreaterThan(at([1, 2]));
    expect(at([1, 2])).toBeGreaterThan(at([1, 2, 3]));
    expect(at([1, 1, 1, 1])).toBe(at([1]));
  });

  it('is told on for each new accuser, as often as confirmations count', () => {
    const lone = new Lone().knows(...others).ticks(4);
    lone.said();
    for (const accuser of [1, 2, 3, 4, 5, 6]) {
      lone.hears(rumours(statusFact(8, 'suspect', 1, accuser))).ticks(4);
    }
    const accusers = lone
      .said()
      .flatMap(({ message }) => ('facts' in message ? message.facts : []))
      .filter(({ id, status }) => id === idOf(8) && status === 'suspect')
      .map(({ accuser }) => accuser);
    expect(new Set(accusers)).toEqual(new Set([1, 2, 3, 4].map(idOf)));
  });
});

describe('the dead', () => {
  it('are forgotten after a while', () => {
    const lone = new Lone({ tombstoneTicks: 300 })
      .knows(1, 2)
      .hears(rumours(statusFact(2, 'dead')));
    lone.ticks(250);
    expect(lone.statusOf(2)).toBe('dead 1');
    lone.ticks(200);
    expect(lone.statusOf(2)).toBe('unknown');
    expect(lone.changes.some(({ kind, id }) => kind === 'forgotten' && id === idOf(2))).toBe(true);
  });

  it('are as old as the one says who tells of them, so that no tombstone is handed round for ever', () => {
    const lone = new Lone({ tombstoneTicks: 300 }).knows(1);
    lone.hears(rumours({ ...statusFact(2, 'dead'), ageTicks: 299 }));
    expect(lone.statusOf(2)).toBe('dead 1');
    expect(lone.ticks(100).statusOf(2)).toBe('unknown');
    expect(lone.hears(rumours({ ...statusFact(3, 'dead'), ageTicks: 300 })).statusOf(3)).toBe(
      'unknown',
    );
  });

  it('of the other half of a network that was cut are suspected first', () => {
    const lone = new Lone().knows(1, 2);
    lone.hears({ type: 'exchange', wantsReply: false, facts: [statusFact(2, 'dead')] });
    expect(lone.statusOf(2)).toBe('suspect 1');
  });

  it('are bounded in number', () => {
    const lone = new Lone();
    for (let i = 1; i <= GOSSIP_TOMBSTONES_MAX + 10; i++)
      lone.hears(rumours(statusFact(i, 'dead')));
    expect(lone.gossip.rows.length).toBe(GOSSIP_TOMBSTONES_MAX + 1);
    expect(lone.statusOf(10)).toBe('unknown');
    expect(lone.statusOf(11)).toBe('dead 1');
  });
});

describe('members', () => {
  it('are bounded in number; those that find no place are counted', () => {
    const lone = new Lone().knows(...Array.from({ length: GOSSIP_MEMBERS_MAX }, (_, i) => i + 1));
    expect(lone.gossip.size).toBe(GOSSIP_MEMBERS_MAX);
    expect(lone.gossip.counters.refusedMembers).toBe(1);
  });

  it('are all forgotten by one that stood still for longer than the dead are remembered', () => {
    const lone = new Lone({ tombstoneTicks: 300 }).knows(1, 2);
    lone.acts((gossip) => gossip.stalled(299));
    expect(lone.gossip.size).toBe(3);
    lone.said();
    lone.acts((gossip) => gossip.stalled(300));
    expect(lone.gossip.size).toBe(1);
    const [asked] = lone.said('exchange');
    expect([1, 2].map((i) => metaOf(i, 'observer').address)).toContain(asked?.address);
    expect(asked?.message.facts.map(({ id }) => id)).toEqual([idOf(0)]);
  });
});
