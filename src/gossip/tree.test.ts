import { describe, expect, it } from 'vitest';
import { GOSSIP_CHUNK_BYTES, GOSSIP_FLOW_BYTES } from '../base/limits.ts';
import type { Entry } from './entry.ts';
import type { Message } from './messages.ts';
import { TUNING } from './options.ts';
import { aliveFact, Lone, someLog } from './testing/lone.ts';
import { idOf, metaOf } from './testing/world.ts';

/** Nothing but the log: no probe, no exchange, no new link in between. */
const QUIET = { probeTicks: 1e9, exchangeTicks: 1e9, refreshTicks: 1e9 };
const log = someLog(10);

const push = (entries: readonly Entry[], isFeed = true, round = 1): Message => ({
  ...{ type: 'push', round, isFeed, entries },
});

const have = (last: number, first = 1, round = 1): Message => ({
  ...{ type: 'have', first, last, round, isNeighbour: true, isFeed: false },
});

/** With neighbours 1 to `count`, of which those in `fed` have asked to be fed. */
function linked(count: number, fed: readonly number[] = [], tuning = {}): Lone {
  const indices = Array.from({ length: count }, (_, i) => i + 1);
  const lone = new Lone({ ...QUIET, degree: 0, ...tuning }).knows(...indices);
  for (const index of indices) {
    lone.hears({ type: 'link', isUrgent: false, wantsFeed: fed.includes(index), slot: 0 }, index);
  }
  lone.said();
  return lone;
}

const slotsOf = (message: Message) =>
  message.type === 'push' ? message.entries.map(({ slot }) => slot) : [];

/** Plumtree (Leitão, Pereira, Rodrigues, 2007), section 3.4. */
describe('the tree', () => {
  it('delivers in order, pushes to those it feeds and announces to the others', () => {
    const lone = linked(3, [2])
      .ticks(TUNING.haveTicks)
      .hears(push(log.slice(0, 2)), 1);
    expect(lone.deliveries.map(({ slot }) => slot)).toEqual([1, 2]);
    const sent = lone.said();
    const pushed = sent.filter(({ message }) => message.type === 'push');
    expect(pushed).toMatchObject([{ to: idOf(2), stream: true, message: { round: 2 } }]);
    expect(slotsOf(pushed[0]?.message as Message)).toEqual([1, 2]);
    const told = sent.filter(({ message }) => message.type === 'have');
    expect(told.map(({ to }) => to)).toEqual([idOf(1), idOf(3)]);
    expect(told[0]).toMatchObject({ stream: false, message: { first: 1, last: 2, round: 2 } });
  });

  it('tells the slower of two that push that it was slower', () => {
    const lone = linked(2)
      .hears(push(log.slice(0, 1)), 1)
      .hears(push(log.slice(0, 1)), 2);
    expect(lone.said('prune')).toMatchObject([{ to: idOf(2) }]);
    expect(lone.gossip.feeder).toBe(idOf(1));
    expect(lone.deliveries.length).toBe(1);
  });

  it('takes nothing at a root, whoever pushes it: the consensus says what is decided', () => {
    const lone = new Lone({ ...QUIET, degree: 0 }, metaOf(0, 'voter')).knows(1);
    lone.hears({ type: 'link', isUrgent: false, wantsFeed: false, slot: 0 }, 1).said();
    lone.hears(push(log.slice(0, 1)), 1);
    expect([lone.deliveries, lone.gossip.anchor.slot]).toEqual([[], 0]);
    expect(lone.said('prune')).toMatchObject([{ to: idOf(1) }]);
    lone.gossip.announce(log.slice(0, 2));
    expect(lone.gossip.anchor.slot).toBe(2);
  });

  it('stops pushing to one that has said so', () => {
    const lone = linked(2, [2])
      .hears({ type: 'prune' }, 2)
      .hears(push(log.slice(0, 1)), 1);
    expect(lone.said('push')).toEqual([]);
  });

  it('asks for what was announced and does not come, the nearest to a root first', () => {
    const lone = linked(3)
      .hears(have(1, 1, 5), 1)
      .hears(have(1, 1, 2), 2)
      .hears(have(1, 1, 4), 3);
    lone.ticks(TUNING.graftTicks - 1);
    expect(lone.said('want')).toEqual([]);
    lone.ticks(1);
    expect(lone.said('want')).toMatchObject([{ to: idOf(2), message: { slot: 1, feed: true } }]);
    lone.ticks(TUNING.wantTicks);
    expect(lone.said('want')).toMatchObject([{ to: idOf(3) }]);
    lone.hears(push(log.slice(0, 1)), 3).ticks(50);
    expect(lone.said('want')).toEqual([]);
    expect(lone.gossip.feeder).toBe(idOf(3));
  });

  it('asks at once for what somebody waits for here', () => {
    const lone = linked(1)
      .hears(have(3), 1)
      .acts((gossip) => gossip.need(3));
    expect(lone.said('want')).toMatchObject([{ to: idOf(1), message: { slot: 1 } }]);
  });

  it('fills a gap from the one that pushed what is behind it', () => {
    const lone = linked(2)
      .hears(push(log.slice(0, 1)), 1)
      .hears(push(log.slice(4, 5)), 2);
    expect(lone.said('want')).toMatchObject([{ to: idOf(2), message: { slot: 2, feed: false } }]);
    lone.hears(push(log.slice(1, 4), false), 2);
    expect(lone.deliveries.map(({ slot }) => slot)).toEqual([1, 2, 3, 4, 5]);
  });

  it('prefers a neighbour that is nearer to a root', () => {
    const lone = linked(2)
      .hears(push(log.slice(0, 1), true, 6), 1)
      .ticks(TUNING.digestTicks);
    lone.said();
    lone.hears(have(1, 1, 5), 2);
    expect(lone.said('want')).toEqual([]);
    lone.hears(have(1, 1, 1), 2);
    expect(lone.said('want')).toMatchObject([{ to: idOf(2), message: { slot: 2, feed: true } }]);
  });

  it('feeds who asks, from the slot that it asks for, and goes on', () => {
    const lone = linked(2).hears(push(log.slice(0, 3)), 1);
    lone.said();
    lone.hears({ type: 'want', slot: 2, feed: true }, 2);
    expect(lone.said('push').map(({ message }) => slotsOf(message))).toEqual([[2, 3]]);
    lone.hears(push(log.slice(3, 4)), 1);
    expect(lone.said('push').map(({ to, message }) => [to, slotsOf(message)])).toEqual([
      [idOf(2), [4]],
    ]);
  });

  it('feeds no more than it may, but answers', () => {
    const lone = linked(3, [3]).acts((gossip) => gossip.limitFanout(1));
    lone.hears(push(log.slice(0, 1)), 1);
    lone.said();
    lone.hears({ type: 'want', slot: 1, feed: true }, 2);
    const [answer] = lone.said('push');
    expect(answer).toMatchObject({ to: idOf(2), message: { isFeed: false } });
    expect(lone.gossip.fanout).toBe(1);
    lone.acts((gossip) => gossip.limitFanout(0));
    expect(lone.gossip.fanout).toBe(0);
    expect(lone.said('have')).toMatchObject([{ to: idOf(3), message: { isFeed: false } }]);
  });

  it('asks one that did not feed after all others', () => {
    const lone = linked(2)
      .hears(have(1, 1, 0), 1)
      .hears(have(1, 1, 4), 2);
    lone.ticks(TUNING.graftTicks);
    expect(lone.said('want')).toMatchObject([{ to: idOf(1) }]);
    lone.hears(push(log.slice(0, 1), false, 0), 1);
    lone
      .hears(have(2, 1, 0), 1)
      .hears(have(2, 1, 4), 2)
      .ticks(TUNING.graftTicks);
    expect(lone.said('want')).toMatchObject([{ to: idOf(2) }]);
  });

  it('looks for another when the one that fed it says that it does not any more', () => {
    const lone = linked(2)
      .hears(push(log.slice(0, 1), true, 3), 1)
      .hears(have(1, 1, 2), 2);
    lone.said();
    lone.hears(have(1, 1, 3), 1);
    expect(lone.said('want')).toMatchObject([{ to: idOf(2), message: { feed: true } }]);
  });

  it('says that it is behind when nobody has what comes next', () => {
    const lone = linked(2).hears(have(50, 20), 1).hears(have(60, 30), 2).ticks(30);
    expect(lone.fetchFrom).toBe(idOf(2));
    lone.acts((gossip) => gossip.reset({ slot: 60, hash: log[0]?.hash as Uint8Array }));
    expect(lone.gossip.anchor.slot).toBe(60);
    expect(lone.said('have').map(({ message }) => message.last)).toContain(60);
  });

  it('asks voters that are no neighbours before it says so', () => {
    const lone = linked(1);
    const voter = { ...aliveFact(5), meta: metaOf(5, 'voter') };
    lone.hears({ type: 'rumours', facts: [voter] }).hears(have(50, 20), 1);
    lone.ticks(TUNING.graftTicks);
    expect(lone.said('want')).toMatchObject([{ to: idOf(5), message: { feed: false } }]);
    expect(lone.fetchFrom).toBe(null);
  });
});

describe('what is pushed', () => {
  it('that belongs to another history ends the link, and none of it is delivered', () => {
    const foreign = { ...(log[1] as Entry), previous: (log[7] as Entry).hash };
    const lone = linked(2).hears(push([log[0] as Entry, foreign]), 1);
    expect(lone.deliveries.map(({ slot }) => slot)).toEqual([1]);
    expect(lone.gossip.counters.foreignEntries).toBe(1);
    expect(lone.said('unlink')).toMatchObject([{ to: idOf(1) }]);
  });

  it('by a stranger is not looked at', () => {
    expect(linked(1).hears(push(log.slice(0, 1)), 9).deliveries).toEqual([]);
  });

  it('to one that does not confirm stops at a bound, and goes on with its confirmation', () => {
    const big = someLog(40, GOSSIP_CHUNK_BYTES);
    const lone = linked(1, [1]).acts((gossip) => gossip.announce(big));
    const before = lone.said('push').length;
    expect(before).toBe(GOSSIP_FLOW_BYTES / GOSSIP_CHUNK_BYTES);
    lone.hears(have(10), 1);
    expect(lone.said('push').length).toBe(10);
  });

  it('answers one question a tick', () => {
    const lone = linked(2)
      .hears(push(log.slice(0, 3)), 1)
      .ticks(1);
    lone.said();
    for (let i = 0; i < 5; i++) lone.hears({ type: 'want', slot: 1, feed: false }, 2);
    expect(lone.said('push').length).toBe(1);
  });
});

describe('an announced log', () => {
  it('is not delivered to whoever announced it', () => {
    const lone = linked(1, [1]).acts((gossip) => gossip.announce(log.slice(0, 2)));
    expect(lone.deliveries).toEqual([]);
    expect(lone.said('push')).toMatchObject([{ message: { round: 0 } }]);
  });

  it('must have no gap: whoever announces has decided it', () => {
    const lone = linked(1);
    expect(() => lone.gossip.announce(log.slice(1, 2))).toThrow('no gap');
  });
});

/** HyParView's active view. */
describe('links', () => {
  it('are asked for until there are as many as wanted', () => {
    const lone = new Lone(QUIET).knows(1, 2, 3, 4, 5, 6, 7, 8);
    for (let i = 0; i < 20; i++) {
      for (const { to } of lone.ticks(1).said('link')) {
        lone.hears({ type: 'linked', isAccepted: true }, Number(`0x${to}`) - 1);
      }
    }
    expect(lone.gossip.neighbours.length).toBe(TUNING.degree);
  });

  it('beyond what one bears are refused, unless the asker is all alone', () => {
    const lone = linked(TUNING.degreeMax + 2);
    expect(lone.gossip.neighbours.length).toBe(TUNING.degreeMax);
    lone.hears({ type: 'link', isUrgent: true, wantsFeed: false, slot: 0 }, TUNING.degreeMax + 2);
    expect(lone.gossip.neighbours.length).toBe(TUNING.degreeMax);
    expect(lone.gossip.neighbours).toContain(idOf(TUNING.degreeMax + 2));
    expect(lone.said('unlink').length).toBe(1);
  });

  it('end with silence, with death, and when the other one does not know of them', () => {
    const lone = linked(3).ticks(TUNING.silentTicks);
    lone.hears(have(0), 1).hears(have(0), 2).ticks(1);
    expect(lone.gossip.neighbours).toEqual([idOf(1), idOf(2)]);
    lone.hears({ type: 'unlink' }, 2);
    expect(lone.gossip.neighbours).toEqual([idOf(1)]);
    lone.said();
    lone.hears(have(0), 3);
    expect(lone.said('unlink')).toMatchObject([{ to: idOf(3) }]);
  });

  it('are not kept between voters: they have the log from each other', () => {
    const lone = new Lone(QUIET, metaOf(0, 'voter'));
    const voter = { ...aliveFact(1), meta: metaOf(1, 'voter') };
    lone.hears({ type: 'rumours', facts: [voter] }).ticks(20);
    expect(lone.said('link')).toEqual([]);
  });
});
