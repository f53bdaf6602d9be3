import { describe, expect, it } from 'vitest';
import { TestGroup } from './group.test-helper.ts';

describe('replicas that decide together', () => {
  it('apply the writes of all their clients, everywhere alike', () => {
    const group = new TestGroup();
    group.leader();
    const clients = [1, 2, 3].map((id) => group.client(id));
    clients.forEach((client, i) => {
      for (let n = 0; n < 5; n++) group.create(i + 1, client, `/${i}-${n}`);
    });
    group.clock.advance(100);
    for (const client of clients) expect(client.told.slice(1)).toHaveLength(5);
    expect(new Set([1, 2, 3].map((id) => group.digest(id))).size).toBe(1);
    expect(group.has(3, '/0-4')).toBe(true);
  });

  it('tell the others what is decided before they apply it themselves', () => {
    const group = new TestGroup();
    const leader = group.leader();
    const client = group.client(leader);
    const order: string[] = [];
    group.onSend = (from, { type }) => void (from === leader && order.push(type));
    group.onFlush = (from) => void (from === leader && order.push('leaves'));
    client.onOutcome = () => void order.push('applied');
    group.create(leader, client, '/a');
    for (let turn = 0; !order.includes('applied') && turn < 20; turn++) group.clock.settle();
    const told = order.indexOf('decide');
    expect(order.slice(told)).toEqual(['decide', 'decide', 'leaves', 'applied']);
  });

  it('answer each write once though its leader was lost and it was sent again', () => {
    const group = new TestGroup();
    const leader = group.leader();
    const [one] = group.followers();
    const client = group.client(one);
    group.create(one, client, '/a');
    // The leader gets it replicated, and is gone before anybody hears that it is decided.
    group.clock.settle();
    group.create(one, client, '/b');
    group.cutOff(leader);
    group.clock.advance(50);
    expect(group.leader()).not.toBe(leader);
    group.clock.advance(100);
    expect(client.told).toEqual(['attached', 'reply 1', 'reply 2']);
    group.heal();
    group.clock.advance(2_000);
    expect(new Set([1, 2, 3].map((id) => group.digest(id))).size).toBe(1);
  });

  it('do not mix a chunk that is sent again with the commands that get its buffer', () => {
    const group = new TestGroup();
    const leader = group.leader();
    const [one, two] = group.followers();
    const client = group.client(leader);
    // Replicated, but its leader does not hear of it, and steps down.
    group.cutLink(one, leader);
    group.cutLink(two, leader);
    group.create(leader, client, '/a', 'x'.repeat(300));
    group.clock.settle();
    for (const id of [one, two, leader]) group.cutOff(id);
    group.clock.advance(2_000);
    // It leads again. That the chunk's slot is decided it hears while its own first entry is on
    // the way to its disk, and the chunk, for the second time, waits for that one.
    group.asleep.add(one);
    group.store(leader).automatic = false;
    group.mend(leader, one);
    for (let i = 0; !group.has(leader, '/a') && i < 200; i++) {
      group.store(leader).finish();
      group.clock.advance(20);
    }
    expect([group.has(leader, '/a'), group.replica(leader).isLeading]).toEqual([true, false]);
    for (const path of ['/b', '/c', '/d']) {
      group.create(leader, client, path, path.repeat(50));
      group.clock.settle();
    }
    group.store(leader).automatic = true;
    group.store(leader).finish();
    group.clock.advance(500);
    expect(client.told.slice(1)).toEqual(['reply 1', 'reply 2', 'reply 3', 'reply 4']);
    expect(group.digest(one)).toBe(group.digest(leader));
  });

  it('let a client go on whose replica has lost its leader, once there is another', () => {
    const group = new TestGroup();
    const leader = group.leader();
    const [one] = group.followers();
    const client = group.client(one);
    group.cutOff(leader);
    group.create(one, client, '/a');
    expect(client.told).toEqual(['attached']);
    group.leader();
    group.clock.advance(100);
    expect(client.told).toEqual(['attached', 'reply 1']);
    expect(group.has(leader, '/a')).toBe(false);
  });

  it('give a barrier only after what was decided before it', () => {
    const group = new TestGroup();
    const leader = group.leader();
    const [one] = group.followers();
    const [writer, reader] = [group.client(leader), group.client(one)];
    group.store(one).automatic = false;
    group.create(leader, writer, '/a');
    group.clock.advance(10);
    expect(writer.told).toEqual(['attached', 'reply 1']);
    group.replica(one).requestBarrier(reader);
    group.clock.advance(200);
    expect([group.has(one, '/a'), reader.told]).toEqual([false, ['attached']]);
    group.store(one).automatic = true;
    group.store(one).finish();
    group.clock.advance(10);
    expect([group.has(one, '/a'), reader.told]).toEqual([true, ['attached', 'barrier']]);
  });

  it('ask for a barrier again when the way of the answer was broken and nobody noticed', () => {
    const group = new TestGroup();
    const leader = group.leader();
    const [one] = group.followers();
    const reader = group.client(one);
    group.cutLink(leader, one);
    group.replica(one).requestBarrier(reader);
    group.clock.advance(100);
    group.heal();
    expect(reader.told).toEqual(['attached']);
    group.clock.advance(1_500);
    expect([group.leader(), reader.told]).toEqual([leader, ['attached', 'barrier']]);
  });

  it('never give a barrier on the word of a leader that has lost its quorum', () => {
    const group = new TestGroup();
    const leader = group.leader();
    const client = group.client(leader);
    group.cutOff(leader);
    group.replica(leader).requestBarrier(client);
    group.clock.advance(3_000);
    expect(client.told).toEqual(['attached']);
  });

  it('fall silent towards a client before its session can expire elsewhere', () => {
    const group = new TestGroup();
    group.leader();
    const [one, two] = group.followers();
    const client = group.client(one, 4_000);
    const { attachment } = client;
    if (attachment === null) throw new Error('no session');
    group.clock.advance(1_000);
    group.cutOff(one);
    const { clock } = group;
    const replica = group.replica(one);
    let answeredMs = 0;
    const isThere = (): boolean =>
      group.replica(two).state.sessions.get(attachment.high, attachment.low) !== undefined;
    while (isThere()) {
      clock.advance(20);
      if (replica.freshness.mayAnswer(attachment, clock.monotonicMs())) {
        answeredMs = clock.monotonicMs();
      }
      attachment.lease.heardMs = clock.monotonicMs();
    }
    expect(answeredMs).toBeGreaterThan(1_000);
    // By then the client has given up for longer than it takes to tell.
    expect(clock.monotonicMs()).toBeGreaterThan(answeredMs + (4_000 * 2) / 3);
  });

  it('keep sessions over a change of leaders, and end them once they are silent', () => {
    const group = new TestGroup();
    const leader = group.leader();
    const [one, two] = group.followers();
    const [living, silent] = [group.client(one, 4_000), group.client(one, 4_000)];
    group.replica(one).detach(silent, silent.attachment);
    group.cutOff(leader);
    for (let i = 0; i < 100; i++) {
      group.clock.advance(100);
      if (living.attachment !== null) {
        living.attachment.lease.heardMs = group.clock.monotonicMs();
      }
    }
    const { sessions } = group.replica(two).state;
    expect(sessions.size).toBe(1);
    expect(living.told).not.toContain('detached');
  });
});
