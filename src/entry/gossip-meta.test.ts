import { describe, expect, it } from 'vitest';
import { load } from '../config/load.test-helper.ts';
import type { GossipConfig, ServerConfig } from '../config/server-config.ts';
import type { Meta } from '../gossip/member.ts';
import type { Replica } from '../replica/replica.ts';
import {
  endpointOf,
  fanoutOf,
  isSameMeta,
  metaOf,
  takesPart,
  voterAddresses,
} from './gossip-meta.ts';

const SERVERS = [
  'server.1=zk1:2888:3888|other:2889:3889;2181',
  'server.2=[::2]:2888:3888;2181',
  'server.3=zk3:2888:3888:observer;2181',
  'server.4=zk4:2888:3888;2181',
];

function configOf(...lines: string[]): ServerConfig {
  const file = ['dataDir=/d', ...lines].join('\n');
  const { config } = load({ file, files: { '/d/myid': '2\n' } });
  if (config === null) throw new Error('no configuration');
  return config;
}

/** As far as gossip looks at a replica. */
function replicaOf(voters: readonly number[], role: 'leader' | 'follower' = 'follower'): Replica {
  const quorums = { voters: voters.map((id) => ({ id, weight: 1, group: 0 })) };
  const paxos = {
    ...{ role, leaderId: 1, ballot: { round: 7, replica: 1 } },
    configuration: { id: 1, quorums, observers: [] },
  };
  return { paxos, state: { slot: 9, zxid: 5 } } as unknown as Replica;
}

/** What `endpointOf` and the others look at: the place, and what the files say of gossip. */
function located(...lines: string[]) {
  const config = configOf(...lines);
  const place = config.ensemble === null ? null : { config: config.ensemble, isOutside: false };
  return { config, place, gossip: config.gossip as GossipConfig };
}

const found = (): Promise<string> => Promise.resolve('10.0.0.9');

describe('where gossip is', () => {
  it('comes from the second port of the own line', async () => {
    const { gossip, place } = located(...SERVERS);
    expect(await endpointOf(gossip, place, found)).toEqual({
      ...{ listenHost: '::2', host: '::2', port: 3888, bulkAddress: '[::2]:2888' },
    });
    const everywhere = located(...SERVERS, 'quorumListenOnAllIPs=true');
    expect(await endpointOf(everywhere.gossip, everywhere.place, found)).toMatchObject({
      ...{ listenHost: undefined, host: '::2' },
    });
  });

  it('comes from gossip.port and gossip.address for a server alone', async () => {
    const { gossip } = located('gossip.port=7', 'gossip.address=localhost');
    expect(await endpointOf(gossip, null, found)).toEqual({
      ...{ listenHost: 'localhost', host: 'localhost', port: 7, bulkAddress: '' },
    });
  });

  it('is found out by one that joins, unless it is told', async () => {
    const { place } = located(...SERVERS);
    if (place === null) throw new Error('no place');
    const outside = { config: { ...place.config, serverId: 999 }, isOutside: true };
    const { gossip } = located('gossip.join=127.0.0.1');
    expect(await endpointOf(gossip, outside, found)).toEqual({
      ...{ listenHost: '10.0.0.9', host: '10.0.0.9', port: 0, bulkAddress: '' },
    });
    const told = { ...gossip, port: 5, address: 'o1', listensEverywhere: true };
    expect(await endpointOf(told, outside, found)).toMatchObject({
      ...{ listenHost: undefined, host: 'o1', port: 5 },
    });
  });

  it('is nowhere for a server alone that has no port, and where it is switched off', () => {
    const part = (...lines: string[]): boolean => {
      const { config, place } = located(...lines);
      return takesPart(config, place);
    };
    expect(part()).toBe(false);
    expect(part('gossip.port=7', 'gossip.address=localhost')).toBe(true);
    expect(part(...SERVERS)).toBe(true);
    expect(part(...SERVERS, 'gossip.enabled=false')).toBe(false);
  });

  it('is known of all voters: from the files, until the log knows better', () => {
    const { place } = located(...SERVERS);
    expect(voterAddresses(place, null)).toEqual(['zk1:3888', '[::2]:3888', 'zk4:3888']);
    const members = (place?.config.servers ?? [])
      .slice(3)
      .map((server) => ({ ...server, identity: new Uint8Array(16) }));
    const membership = {
      ...{ number: 2, version: 1, members, hierarchical: false },
      ...{ electionSize: 0, writeSize: 0 },
    };
    expect(voterAddresses(place, membership)).toEqual(['zk4:3888']);
    expect(voterAddresses(null, null)).toEqual([]);
  });
});

describe('what a server says of itself', () => {
  const endpoint = { listenHost: 'a', host: 'a', port: 1, bulkAddress: 'a:2' };
  const say = (serverId: number): Meta =>
    metaOf({
      endpoint,
      replica: replicaOf([1, 2]),
      clientPort: 2181,
      load: 3,
      serverId,
    });

  it('is its role, where it is, how far it is, and who leads', () => {
    expect(say(2)).toMatchObject({
      ...{ role: 'voter', serverId: 2, address: 'a:1', bulkAddress: 'a:2', clientPort: 2181 },
      ...{ leader: 1, leaderRound: 7, load: 3, appliedSlot: 9, appliedZxid: 5 },
    });
    expect(say(3)).toMatchObject({ role: 'observer', serverId: 3 });
  });

  it('names no server for one that no configuration can name', () => {
    expect(say(255)).toMatchObject({ role: 'observer', serverId: 0 });
  });

  it('is told again when anything of it has changed', () => {
    const meta = say(2);
    expect(isSameMeta(meta, { ...meta })).toBe(true);
    for (const name of Object.keys(meta) as (keyof Meta)[]) {
      const other = typeof meta[name] === 'number' ? 99 : 'other';
      expect([name, isSameMeta(meta, { ...meta, [name]: other })]).toEqual([name, false]);
    }
  });

  it('goes to nobody in bulk from a leader that has other voters', () => {
    expect(fanoutOf(replicaOf([1, 2, 3], 'leader'), 1)).toBe(0);
    expect(fanoutOf(replicaOf([1, 2, 3]), 1)).toBe(8);
    expect(fanoutOf(replicaOf([1], 'leader'), 1)).toBe(4);
    expect(fanoutOf(replicaOf([1]), 2)).toBe(8);
  });
});
