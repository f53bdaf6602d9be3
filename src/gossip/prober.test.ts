import { describe, expect, it } from 'vitest';
import { TUNING } from './options.ts';
import { Lone, statusFact } from './testing/lone.ts';
import { idOf, metaOf } from './testing/world.ts';

const { probeTicks, probeTimeoutTicks } = TUNING;

/** Ticks until it pings, and returns the ping. */
function ping(lone: Lone) {
  for (let i = 0; i < 10 * probeTicks; i++) {
    const [sent] = lone.said('ping');
    if (sent !== undefined) return sent;
    lone.ticks(1);
  }
  throw new Error('it never pings');
}

/** SWIM 3.1 and 4.3. */
describe('a probe', () => {
  it('asks each member once before it asks one again', () => {
    const lone = new Lone().knows(1, 2, 3, 4, 5);
    for (let round = 0; round < 3; round++) {
      const asked = [1, 2, 3, 4, 5].map(() => {
        const { to, message } = ping(lone);
        lone.hears({ type: 'ack', number: message.number, facts: [] }, Number(`0x${to}`) - 1);
        return to;
      });
      expect(new Set(asked).size).toBe(5);
    }
  });

  it('that is answered accuses nobody', () => {
    const lone = new Lone().knows(1);
    const { message } = ping(lone);
    lone.hears({ type: 'ack', number: message.number, facts: [] }).ticks(probeTicks - 1);
    expect(lone.statusOf(1)).toBe('alive 1');
  });

  it('without answer has others ask, and tries a stream, before it accuses', () => {
    const lone = new Lone().knows(1, 2, 3, 4, 5);
    const { to, message } = ping(lone);
    lone.ticks(probeTimeoutTicks);
    const sent = lone.said();
    const requests = sent.filter((each) => each.message.type === 'pingRequest');
    expect(requests.length).toBe(TUNING.indirectProbes);
    expect(requests.every((each) => each.to !== to)).toBe(true);
    expect(sent.filter((each) => each.message.type === 'ping')).toMatchObject([
      { to, stream: true },
    ]);
    expect(lone.statusOf(Number(`0x${to}`) - 1)).toBe('alive 1');
    lone.ticks(probeTicks - probeTimeoutTicks);
    expect(lone.statusOf(Number(`0x${to}`) - 1)).toBe('suspect 1');
    expect(message.target).toBe(to);
  });

  it('is answered through another', () => {
    const lone = new Lone().knows(1, 2, 3);
    const { to, message } = ping(lone);
    lone.ticks(probeTimeoutTicks);
    const [request] = lone.said('pingRequest');
    const helper = Number(`0x${request?.to}`) - 1;
    lone.hears({ type: 'ack', number: message.number, facts: [] }, helper).ticks(probeTicks);
    expect(lone.statusOf(Number(`0x${to}`) - 1)).toBe('alive 1');
  });

  it('proves nothing after a pause of the one who asks', () => {
    const lone = new Lone().knows(1);
    ping(lone);
    lone.acts((gossip) => gossip.stalled(probeTicks)).ticks(probeTicks);
    expect(lone.statusOf(1)).toBe('alive 1');
  });
});

describe('a ping', () => {
  it('is answered where it came from', () => {
    const lone = new Lone();
    lone.hears({ type: 'ping', number: 7, target: idOf(0), facts: [] }, 1, 'elsewhere:1');
    expect(lone.said('ack')).toMatchObject([
      { to: idOf(1), address: 'elsewhere:1', message: { number: 7 } },
    ]);
  });

  it('that came over a stream is answered over one', () => {
    const lone = new Lone().knows(1);
    lone.hears({ type: 'ping', number: 7, target: idOf(0), facts: [] }, 1, null);
    expect(lone.said('ack')).toMatchObject([
      { address: metaOf(1, 'observer').address, stream: true },
    ]);
  });

  it('for another member at the same address is not answered', () => {
    const lone = new Lone().hears({ type: 'ping', number: 7, target: idOf(5), facts: [] });
    expect(lone.said('ack')).toEqual([]);
  });

  it('for a third is passed on, and so is the answer', () => {
    const lone = new Lone().knows(1, 2);
    const { address } = metaOf(2, 'observer');
    lone.hears({ type: 'pingRequest', number: 9, target: idOf(2), address, facts: [] });
    const [passed] = lone.said('ping');
    expect(passed).toMatchObject({ to: idOf(2), address });
    lone.hears({ type: 'ack', number: passed?.message.number ?? 0, facts: [] }, 2);
    expect(lone.said('ack')).toMatchObject([{ to: idOf(1), message: { number: 9 } }]);
  });

  it('for a third that is silent is answered by a nack, in time for the asker', () => {
    const lone = new Lone({ probeTicks: 1000 }).knows(1, 2);
    const { address } = metaOf(2, 'observer');
    lone.hears({ type: 'pingRequest', number: 9, target: idOf(2), address, facts: [] });
    lone.ticks(probeTimeoutTicks - 1);
    expect(lone.said('nack')).toMatchObject([{ to: idOf(1), message: { number: 9 } }]);
  });
});

describe('where packets do not pass', () => {
  /** A probe whose answer comes over a stream, if `address` is null, or by a packet. */
  function answered(lone: Lone, address: string | null): void {
    const { to, message } = ping(lone);
    lone.ticks(probeTimeoutTicks);
    lone.hears({ type: 'ack', number: message.number, facts: [] }, indexOf(to), address).said();
  }

  const indexOf = (id: string | null) => Number(`0x${id}`) - 1;
  const streams = (lone: Lone) => {
    lone.hears({ type: 'link', isUrgent: false, wantsFeed: false, slot: 0 });
    return lone.said('linked').map(({ stream }) => stream);
  };

  it('the rest takes streams too, until a probe is answered by a packet', () => {
    const lone = new Lone().knows(1, 2, 3);
    for (const expected of [false, false, true]) {
      answered(lone, null);
      expect(streams(lone)).toEqual([expected]);
    }
    answered(lone, 'somewhere:1');
    expect(streams(lone)).toEqual([false]);
  });
});

/** Lifeguard, section IV-A: LHA-Probe. */
describe('health', () => {
  function failedProbe(lone: Lone, nacks: number): void {
    const { message } = ping(lone);
    lone.ticks(probeTimeoutTicks * (lone.gossip.healthScore + 1));
    const requests = lone.said('pingRequest');
    for (const { to } of requests.slice(0, nacks)) {
      lone.hears({ type: 'nack', number: message.number, facts: [] }, Number(`0x${to}`) - 1);
    }
    lone.ticks(probeTicks * (lone.gossip.healthScore + 1) - probeTimeoutTicks);
  }

  it('is not in doubt while helpers say that they had no answer either', () => {
    const lone = new Lone().knows(1, 2, 3, 4, 5);
    failedProbe(lone, 3);
    expect(lone.gossip.healthScore).toBe(0);
  });

  it('is worse by each helper that says nothing, and better with each answer', () => {
    const lone = new Lone().knows(1, 2, 3, 4, 5);
    failedProbe(lone, 1);
    expect(lone.gossip.healthScore).toBe(2);
    const { to, message } = ping(lone);
    lone.hears({ type: 'ack', number: message.number, facts: [] }, Number(`0x${to}`) - 1);
    expect(lone.gossip.healthScore).toBe(1);
  });

  it('that is bad makes it wait longer before it asks others', () => {
    const lone = new Lone().knows(1, 2, 3, 4, 5);
    failedProbe(lone, 1);
    ping(lone);
    lone.ticks(3 * probeTimeoutTicks - 1);
    expect(lone.said('pingRequest')).toEqual([]);
    expect(lone.ticks(1).said('pingRequest').length).toBe(3);
  });
});

/** Lifeguard, section IV-C: the buddy system. */
describe('whoever is accused', () => {
  it('hears it from the first that talks to it, however often it has been told', () => {
    const lone = new Lone({ probeTicks: 1_000_000 }).knows(1, 2, 3);
    lone.hears({ type: 'rumours', facts: [statusFact(2, 'suspect')] }).ticks(200);
    lone.said();
    lone.hears({ type: 'ping', number: 1, target: idOf(0), facts: [] }, 2);
    expect(lone.said('ack')[0]?.message.facts).toMatchObject([{ id: idOf(2), status: 'suspect' }]);
  });

  it('hears that it is held dead', () => {
    const lone = new Lone({ probeTicks: 1_000_000 }).knows(1, 2, 3);
    lone.hears({ type: 'rumours', facts: [statusFact(2, 'dead')] }).ticks(200);
    lone.said();
    lone.hears({ type: 'ping', number: 1, target: idOf(0), facts: [] }, 2);
    expect(lone.said('ack')[0]?.message.facts).toMatchObject([{ id: idOf(2), status: 'dead' }]);
  });
});
