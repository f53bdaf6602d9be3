import { expect, test } from 'vitest';
import { Reader } from '../../base/reader.ts';
import { silentLogger } from '../../io/logger.ts';
import { SimClock } from '../../sim/clock.ts';
import { Turn } from '../turn.ts';
import { Fetcher } from './fetcher.ts';
import { FrameType } from './frames.ts';
import { decodeHello, Purpose } from './hello.ts';
import { joined, NamedNetwork, NO_CHECKSUMS } from './named-network.test-helper.ts';

const IDENTITY = new Uint8Array(16).fill(3);

/** Fetches from servers 2, 3, … whose hosts are given; nothing listens anywhere yet. */
function fetcherOf(...hosts: readonly (readonly string[])[]) {
  const clock = new SimClock();
  const network = new NamedNetwork(clock);
  for (const host of hosts.flat()) network.names.set(host, host);
  const fetcher = new Fetcher({
    io: {
      network,
      checksums: NO_CHECKSUMS,
      turn: new Turn(clock),
      logger: silentLogger,
      nowMs: () => clock.monotonicMs(),
    },
    clock,
    hello: { clusterId: IDENTITY, serverId: 1, identity: IDENTITY, line: '' },
    peers: () =>
      hosts.map((names, i) => ({
        serverId: i + 2,
        addresses: names.map((host) => ({ host, port: 2888 })),
        identity: null,
      })),
    target: {
      learnFrom: { slot: 41, hash: new Uint8Array(32) },
      learn: () => false,
      isBehindDisk: false,
      beginInstall: async () => null,
    },
  });
  return { clock, network, fetcher };
}

test('a peer is tried at each of its addresses, and asked for what is missing', () => {
  const { clock, network, fetcher } = fetcherOf(['a', 'b', 'c']);
  network.listening.add('c');
  fetcher.start(2);
  clock.settle();
  expect(network.reached).toEqual(['a', 'b', 'c']);
  const reader = new Reader(joined(network.sent));
  reader.skip(8);
  expect(reader.u8()).toBe(FrameType.hello);
  expect(decodeHello(reader)).toMatchObject({ purpose: Purpose.fetch, toServerId: 2 });
  reader.skip(8);
  expect([reader.u8(), reader.f64()]).toEqual([FrameType.fetch, 42]);
});

test('an address that swallows everything holds the others up for two seconds', () => {
  const { clock, network, fetcher } = fetcherOf(['a', 'b']);
  network.silent.add('a');
  network.listening.add('b');
  fetcher.start(2);
  clock.advance(1_900);
  expect(network.reached).toEqual(['a']);
  clock.advance(200);
  expect(network.reached).toEqual(['a', 'b']);
});

test('when no address answers, the next peer is asked, then the first again with names anew', () => {
  const { clock, network, fetcher } = fetcherOf(['a', 'b'], ['c']);
  fetcher.start(2);
  clock.settle();
  fetcher.start(2);
  clock.settle();
  network.names.set('a', '10.0.0.9');
  fetcher.start(2);
  clock.settle();
  expect(network.reached).toEqual(['a', 'b', 'c', '10.0.0.9', 'b']);
});

test('who is told to stop dials no further', () => {
  const { clock, network, fetcher } = fetcherOf(['a', 'b']);
  fetcher.start(2);
  fetcher.stop();
  clock.advance(10_000);
  expect(network.reached).toEqual([]);
});
