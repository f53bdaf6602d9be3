import { describe, expect, it } from 'vitest';
import { DivergedError } from './digest-check.ts';
import { DIGEST_EVERY_SLOTS } from './digest-votes.ts';
import { type TestClient, TestGroup } from './group.test-helper.ts';

/** A write flips in the memory of these servers, each in a way of its own. */
function corrupt(group: TestGroup, ...ids: number[]): void {
  for (const id of ids) {
    const { state } = group.replica(id);
    state.timeMs += 1_000_000 * id;
  }
}

/** Writes one after the other, until as many slots have passed. */
function write(group: TestGroup, at: number, client: TestClient, slots: number): void {
  const { paxos } = group.replica(at);
  const until = paxos.lastSlot + slots;
  for (let n = 0; paxos.lastSlot < until && n < 2 * slots; n++) {
    group.create(at, client, `/${until}-${n}`);
    group.clock.advance(1);
  }
}

describe('replicas compare their states', () => {
  it('and go on while they agree', () => {
    const group = new TestGroup();
    const leader = group.leader();
    write(group, leader, group.client(leader), 3 * DIGEST_EVERY_SLOTS);
    group.clock.advance(100);
    expect([group.fatal, group.disputes]).toEqual([[], []]);
    const { digests } = group.replica(leader);
    expect(digests.compared).toBeGreaterThanOrEqual(3);
    const [one] = group.followers();
    expect(group.replica(one).digests.newestText).toBe(digests.newestText);
  });

  it('and the follower that differs from the others ends, saying what to do', () => {
    const group = new TestGroup();
    const leader = group.leader();
    const [one] = group.followers();
    const client = group.client(leader);
    corrupt(group, one);
    write(group, leader, client, DIGEST_EVERY_SLOTS);
    group.clock.advance(100);
    expect(group.fatal.map(([id]) => id)).toEqual([one]);
    const [, error] = group.fatal[0] as [number, Error];
    expect(error).toBeInstanceOf(DivergedError);
    expect(error.message).toContain(`run "quoll replace ${one}"`);
    const told = client.told.length;
    group.create(leader, client, '/on');
    group.clock.advance(100);
    expect(client.told).toHaveLength(told + 1);
  });

  it('and the leader ends when it is the one that differs', () => {
    const group = new TestGroup();
    const leader = group.leader();
    corrupt(group, leader);
    write(group, leader, group.client(leader), DIGEST_EVERY_SLOTS);
    group.clock.advance(100);
    expect(group.fatal.map(([id]) => id)).toEqual([leader]);
    expect(group.leader()).not.toBe(leader);
  });

  it('and nothing more is decided when no majority agrees', () => {
    const group = new TestGroup();
    const leader = group.leader();
    const [one, two] = group.followers();
    const client = group.client(leader);
    corrupt(group, one, two);
    write(group, leader, client, 3 * DIGEST_EVERY_SLOTS);
    const { lastSlot } = group.replica(leader).paxos;
    expect(group.disputes).toEqual([[leader, expect.any(Number)]]);
    group.create(leader, client, '/more');
    group.clock.advance(1_000);
    expect([group.has(leader, '/more'), group.fatal]).toEqual([false, []]);
    expect(group.replica(leader).paxos.lastSlot).toBe(lastSlot);
  });

  it('also with one that was away, once it is back', () => {
    const group = new TestGroup();
    const leader = group.leader();
    const [one, two] = group.followers();
    const client = group.client(leader);
    group.cutOff(two);
    corrupt(group, one);
    write(group, leader, client, DIGEST_EVERY_SLOTS);
    group.clock.advance(100);
    expect(group.fatal).toEqual([]);
    group.heal();
    group.clock.advance(3_000);
    expect(group.fatal.map(([id]) => id)).toEqual([one]);
  });
});
