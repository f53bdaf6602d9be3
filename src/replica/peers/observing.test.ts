import { describe, expect, it } from 'vitest';
import { OBSERVER_PENDING_BYTES } from '../../base/limits.ts';
import { Writer } from '../../base/writer.ts';
import { CommandHeader, CommandKind } from '../../state/command.ts';
import { Identities } from '../../state/identities.ts';
import { IDS_GRANTED } from '../granted-ids.ts';
import { CLUSTER, TestWorld } from './observing.test-helper.ts';

const BALLOT = { round: 3, replica: 1 };

/** A chunk of one command whose body has so many bytes. */
function chunk(number: number, bytes = 8) {
  const commands = new Writer(bytes + 128);
  commands.i32(0);
  const header = new CommandHeader();
  header.kind = CommandKind.write;
  header.encode(commands, Identities.none.encoded);
  commands.raw(new Uint8Array(bytes));
  commands.patchI32(0, commands.at - 4);
  return { number, commands };
}

function worldLedBy(leader: number | null) {
  const world = new TestWorld();
  world.lead(leader);
  return world;
}

describe('an observer', () => {
  it('hangs on a voter that does not lead, and hears from it who does', () => {
    const world = worldLedBy(1);
    const observer = world.observer(300);
    world.clock.advance(20_000);
    expect(observer.voter).not.toBe(1);
    expect(observer.leaderId).toBe(1);
    expect(world.voter(observer.voter).observers.count).toBe(1);
  });

  it('stays with the leader where there is no other', () => {
    const world = worldLedBy(1);
    world.network.cut('zk2');
    world.network.cut('zk3');
    const observer = world.observer(300);
    world.clock.advance(30_000);
    expect([observer.voter, observer.leaderId]).toEqual([1, 1]);
  });

  it('goes to another when its voter is gone, and hears of the way anew', () => {
    const world = worldLedBy(1);
    const observer = world.observer(300);
    world.clock.advance(20_000);
    const former = observer.voter;
    world.network.cut(`zk${former}`);
    world.clock.advance(1_000);
    expect(observer.voter).not.toBe(former);
    expect(observer.told.slice(-2)).toEqual(['leader null', 'leader 1']);
  });

  it('does not wait for a voter that takes the connection and says nothing', () => {
    const world = worldLedBy(1);
    world.network.cut('zk1');
    world.network.stop('zk2');
    for (const number of [300, 301, 302]) {
      const observer = world.observer(number);
      world.clock.advance(10_000);
      expect(observer.voter).toBe(3);
    }
  });

  it('leaves a voter that falls silent, within two seconds', () => {
    const world = worldLedBy(1);
    const observer = world.observer(300);
    world.clock.advance(20_000);
    const former = observer.voter;
    world.network.stop(`zk${former}`);
    world.clock.advance(2_000);
    expect(observer.voter).not.toBe(former);
  });

  it('leaves a voter that knows of no leader', () => {
    const world = worldLedBy(1);
    const observer = world.observer(300);
    world.clock.advance(20_000);
    const former = observer.voter;
    world.voter(former).relay.leaderIs(null, BALLOT);
    world.clock.advance(1_000);
    expect(observer.voter).not.toBe(former);
    expect(observer.leaderId).toBe(1);
  });

  it('is sent what is decided, in order, and what was decided while it was away', () => {
    const world = worldLedBy(1);
    const observer = world.observer(300);
    world.clock.advance(20_000);
    for (const voter of world.voters) voter.decide(1, 2);
    for (const voter of world.voters) voter.decide(3);
    world.clock.settle();
    expect(observer.paxos.decidedSlot).toBe(3);
    expect(observer.fetched).toEqual([]);
  });

  it('fetches what its voter has no longer in memory, and is sent the rest', () => {
    const world = worldLedBy(1);
    for (const voter of world.voters) voter.decide(1, 2, 3, 4);
    const observer = world.observer(300);
    expect(observer.fetched).toEqual([observer.voter]);
    observer.paxos.decidedSlot = 4;
    world.clock.advance(1_000);
    for (const voter of world.voters) voter.decide(5);
    world.clock.settle();
    expect(observer.paxos.decidedSlot).toBe(5);
  });

  it('that has the log by gossip is sent none of it, but what its clients wait for', () => {
    const world = worldLedBy(1);
    world.tree.isThere = true;
    const observer = world.observer(300);
    world.clock.advance(20_000);
    const voter = world.voter(observer.voter);
    voter.decide(1, 2);
    world.clock.advance(100);
    expect(observer.paxos.decidedSlot).toBe(0);
    voter.relay.marked(300, 1, 2);
    voter.decide(3);
    world.clock.advance(20);
    expect(observer.paxos.decidedSlot).toBe(2);
  });

  it('is fed again when gossip is late', () => {
    const world = worldLedBy(1);
    world.tree.isThere = true;
    const observer = world.observer(300);
    world.clock.advance(20_000);
    world.voter(observer.voter).decide(1, 2);
    world.clock.advance(3_000);
    expect(observer.paxos.decidedSlot).toBe(2);
  });

  it('is granted ids for its sessions, and more of them no faster than clocks make them', () => {
    const world = worldLedBy(1);
    const observer = world.observer(300);
    const first = observer.ids.next();
    expect((first?.high ?? 0) >>> 24).toBe(observer.voter);
    for (let i = 0; i < 3 * IDS_GRANTED; i++) observer.ids.next();
    world.clock.settle();
    expect(observer.ids.next()).toBeNull();
    world.clock.advance(1_000);
    observer.ids.next();
    world.clock.settle();
    expect(observer.ids.next()).not.toBeNull();
  });
});

describe('a voter', () => {
  it('relays chunks under the way that was told last, and no others', () => {
    const world = worldLedBy(1);
    const observer = world.observer(300);
    world.clock.advance(20_000);
    const voter = world.voter(observer.voter);
    observer.upstream.forward(1, BALLOT, chunk(7));
    world.clock.settle();
    expect(voter.chunks).toEqual(['300: 7']);
    observer.upstream.forward(1, BALLOT, chunk(8));
    observer.upstream.flush();
    voter.relay.leaderIs(2, BALLOT);
    world.clock.settle();
    expect(voter.chunks).toEqual(['300: 7']);
  });

  it('reads no more from one whose commands are not applied, until they are', () => {
    const world = worldLedBy(1);
    const observer = world.observer(300);
    world.clock.advance(20_000);
    const voter = world.voter(observer.voter);
    observer.upstream.forward(1, BALLOT, chunk(1, OBSERVER_PENDING_BYTES));
    world.clock.settle();
    observer.upstream.forward(1, BALLOT, chunk(2));
    world.clock.advance(10_000);
    expect(voter.chunks).toEqual(['300: 1']);
    expect(voter.observers.count).toBe(1);
    voter.relay.marked(300, 1, 9);
    world.clock.settle();
    expect(voter.chunks).toEqual(['300: 1', '300: 2']);
  });

  it('takes no report for sessions that do not exist', () => {
    const world = worldLedBy(1);
    const observer = world.observer(300);
    world.clock.advance(20_000);
    const voter = world.voter(observer.voter);
    const touches = [
      { high: 1, low: 5 },
      { high: 2, low: 5 },
    ];
    observer.upstream.report(1, BALLOT, 4, touches);
    world.clock.settle();
    expect(voter.relay.takeReport(1)).toEqual([{ high: 1, low: 5 }]);
    voter.relay.reportConfirmed(1);
    world.clock.settle();
    expect(observer.told.at(-1)).toBe('confirmed 4');
  });

  it('ends the connection of one that sends what are no commands, and nobody else’s', () => {
    const world = worldLedBy(1);
    const [bad, good] = [world.observer(300), world.observer(301)];
    world.clock.advance(20_000);
    const commands = new Writer(64);
    commands.raw(new Uint8Array(60).fill(255));
    const voter = world.voter(bad.voter);
    const before = good.told.length;
    bad.upstream.forward(1, BALLOT, { number: 1, commands });
    bad.upstream.flush();
    world.clock.settle();
    expect(voter.chunks).toEqual([]);
    expect(bad.told).toContain('leader null');
    expect(good.told.slice(before)).not.toContain('leader null');
  });

  it('refuses a second one of the same identity, and keeps the first', () => {
    const world = worldLedBy(1);
    world.network.cut('zk2');
    world.network.cut('zk3');
    const first = world.observer(300);
    world.clock.advance(1_000);
    const before = first.told.length;
    const copy = world.observer(300);
    world.clock.advance(2_000);
    expect([first.voter, copy.voter]).toEqual([1, undefined]);
    expect(first.told.length).toBe(before);
    expect(String(world.warnings.at(-1))).toContain('is a copy, which must not be started');
  });

  it('refuses another one with the same number', () => {
    const world = worldLedBy(1);
    world.network.cut('zk2');
    world.network.cut('zk3');
    world.observer(300);
    world.clock.advance(1_000);
    const other = world.observer(300, 301);
    world.clock.advance(1_000);
    expect(other.voter).toBeUndefined();
    expect(world.warnings).toContain('another observer has the number 300');
  });

  it('lets one go that gives no sign of life', () => {
    const world = worldLedBy(1);
    const { observers } = world.voter(1);
    const refusals = world.silentObserver(1, CLUSTER);
    expect([observers.count, refusals]).toEqual([1, []]);
    world.clock.advance(2_000);
    expect(observers.count).toBe(1);
    world.clock.advance(2_000);
    expect(observers.count).toBe(0);
  });

  it('refuses one of another ensemble, and says why', () => {
    const world = worldLedBy(1);
    const refusals = world.silentObserver(1, new Uint8Array(16).fill(8));
    expect(refusals).toEqual(['it belongs to another ensemble']);
    expect(world.voter(1).observers.count).toBe(0);
  });
});
