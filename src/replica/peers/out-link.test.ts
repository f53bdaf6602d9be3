import { describe, expect, it } from 'vitest';
import { Reader } from '../../base/reader.ts';
import { silentLogger } from '../../io/logger.ts';
import { SimClock } from '../../sim/clock.ts';
import { Turn } from '../turn.ts';
import { FrameType } from './frames.ts';
import { decodeHello, Purpose } from './hello.ts';
import { NamedNetwork, NO_CHECKSUMS } from './named-network.test-helper.ts';
import { OutLink } from './out-link.ts';

const IDENTITY = new Uint8Array(16).fill(3);

function linkTo(hosts: readonly string[]) {
  const clock = new SimClock();
  const network = new NamedNetwork(clock);
  const said: string[] = [];
  const link = new OutLink({
    io: {
      network,
      checksums: NO_CHECKSUMS,
      turn: new Turn(clock),
      logger: silentLogger,
      nowMs: () => clock.monotonicMs(),
    },
    clock,
    addresses: hosts.map((host) => ({ host, port: 2888 })),
    hello: {
      purpose: Purpose.messages,
      clusterId: IDENTITY,
      serverId: 1,
      identity: IDENTITY,
      toServerId: 3,
      line: 'zk1:2888:3888',
    },
    identity: IDENTITY,
    onOpen: () => said.push('open'),
    onClosed: () => said.push('closed'),
  });
  clock.settle();
  return { clock, network, link, said };
}

describe('the way to another server', () => {
  it('has its name resolved anew at each connect, so that a server may move', () => {
    const { clock, network, said } = linkTo(['zk3']);
    expect(network.reached).toEqual(['unknown']);
    network.names.set('zk3', '10.0.0.3');
    network.listening.add('10.0.0.3');
    clock.advance(100);
    network.welcome(IDENTITY);
    network.hangUp();
    network.names.set('zk3', '10.0.0.33');
    network.listening.clear();
    network.listening.add('10.0.0.33');
    clock.advance(100);
    network.welcome(IDENTITY);
    expect(network.reached.slice(1)).toEqual(['10.0.0.3', '10.0.0.33']);
    expect(said).toEqual(['open', 'closed', 'open']);
  });

  it('tries the addresses of a server one after the other, more slowly the longer none answers', () => {
    const { clock, network } = linkTo(['a', 'b']);
    network.names.set('a', '10.0.0.1');
    network.names.set('b', '10.0.0.2');
    clock.advance(5_000);
    expect(network.reached.slice(1, 5)).toEqual(['10.0.0.2', '10.0.0.1', '10.0.0.2', '10.0.0.1']);
    const before = network.reached.length;
    clock.advance(5_000);
    expect(network.reached.length - before).toBeLessThanOrEqual(11);
  });

  it('begins with who is there, for whom, and how it can be reached', () => {
    const { clock, network } = linkTo(['zk3']);
    network.names.set('zk3', '10.0.0.3');
    network.listening.add('10.0.0.3');
    clock.advance(100);
    const [first = new Uint8Array(9)] = network.sent;
    const reader = new Reader(first.subarray(8));
    expect(reader.u8()).toBe(FrameType.hello);
    const { serverId, toServerId, purpose, line } = decodeHello(reader);
    expect([serverId, toServerId, purpose, line]).toEqual([
      1,
      3,
      Purpose.messages,
      'zk1:2888:3888',
    ]);
  });

  it('is none to another replica under the same id', () => {
    const { clock, network, link, said } = linkTo(['zk3']);
    network.names.set('zk3', '10.0.0.3');
    network.listening.add('10.0.0.3');
    clock.advance(100);
    network.welcome(new Uint8Array(16).fill(9));
    expect([said, link.frames]).toEqual([[], null]);
    expect(link.refusal).toContain('another replica');
  });

  it('is another one when the address, or whoever is there, has changed', () => {
    const { link } = linkTo(['zk3']);
    const same = [{ host: 'zk3', port: 2888 }];
    expect(link.leadsTo(same, IDENTITY)).toBe(true);
    expect(link.leadsTo(same, new Uint8Array(16).fill(9))).toBe(false);
    // Nobody says any more who it has to be, and this one would insist.
    expect(link.leadsTo(same, null)).toBe(false);
    expect(link.leadsTo([{ host: 'zk3', port: 2889 }], IDENTITY)).toBe(false);
    expect(link.leadsTo([...same, { host: 'zk4', port: 2888 }], IDENTITY)).toBe(false);
  });
});
