import { describe, expect, it } from 'vitest';
import type { GossipFacts, GossipMemberFacts } from '../facts.ts';
import { ask, wordServer } from './words.test-helper.ts';

function member(serverId: number, some: Partial<GossipMemberFacts> = {}): GossipMemberFacts {
  return {
    id: `${serverId}`.repeat(4),
    status: 'alive',
    incarnation: 1,
    meta: {
      role: 'voter',
      serverId,
      address: `zk${serverId}:3888`,
      bulkAddress: `zk${serverId}:2888`,
      clientPort: 2181,
      version: '0.1.0',
      ...{ load: 3, appliedSlot: 9, appliedZxid: 0x100000005 },
    },
    lagSlots: 0,
    ...{ isSelf: false, isLeader: false },
    ...some,
  };
}

function gossipOf(...members: GossipMemberFacts[]): GossipFacts {
  return {
    members: () => members,
    healthScore: () => 1,
    packetsReceived: () => 20,
    packetsSent: () => 30,
    streams: () => 2,
    droppedPackets: () => [
      ['wrongKey', 4],
      ['oversized', 0],
    ],
    refutations: () => 5,
    refusedMembers: () => 6,
    foreignEntries: () => 7,
  };
}

const observer = member(0, {
  id: 'ffff',
  meta: {
    role: 'observer',
    serverId: 0,
    address: '[::1]:3999',
    bulkAddress: '',
    clientPort: 0,
    version: '0.1.0',
    ...{ load: 0, appliedSlot: 7, appliedZxid: 3 },
  },
  lagSlots: 2,
});

describe('mbrs', () => {
  it('lists everyone, the living first, by server', () => {
    const gossip = gossipOf(
      observer,
      member(3, { status: 'dead', meta: null, id: 'dddd' }),
      member(2, { status: 'suspect', incarnation: 4 }),
      member(1, { isSelf: true, isLeader: true }),
    );
    expect(ask(wordServer({ gossip }), 'mbrs').split('\n')).toEqual([
      'status\trole\tserver\tgossip\tpeers\tclient\tincarnation\tzxid\tslot\tlag\tload\tversion\tid\there',
      'alive\tleader\t1\tzk1:3888\tzk1:2888\tzk1:2181\t1\t0x100000005\t9\t0\t3\t0.1.0\t1111\there',
      'alive\tobserver\t-\t[::1]:3999\t-\t-\t1\t0x3\t7\t2\t0\t0.1.0\tffff\t-',
      'suspect\tvoter\t2\tzk2:3888\tzk2:2888\tzk2:2181\t4\t0x100000005\t9\t0\t3\t0.1.0\t2222\t-',
      'dead\t-\t-\t-\t-\t-\t1\t-\t-\t-\t-\t-\tdddd\t-',
      '',
    ]);
  });

  it('says why there is nobody', () => {
    expect(ask(wordServer(), 'mbrs')).toBe('This server takes no part in gossip.\n');
    expect(ask(wordServer({ gossip: gossipOf() }), 'mbrs')).toBe('Gossip has not begun.\n');
  });

  it('answers without a leader, too', () => {
    const server = wordServer({ gossip: gossipOf(member(1)), serving: () => false });
    expect(ask(server, 'mbrs')).toContain('alive\tvoter\t1');
  });
});

describe('mntr', () => {
  it('counts members by state and dropped packets by reason', () => {
    const gossip = gossipOf(
      member(1, { isSelf: true, incarnation: 8 }),
      member(2),
      member(3, { status: 'suspect' }),
      member(4, { status: 'left' }),
    );
    const lines = ask(wordServer({ gossip }), 'mntr').split('\n');
    expect(lines.filter((line) => line.includes('gossip'))).toEqual([
      'zk_gossip_members_alive\t2',
      'zk_gossip_members_suspect\t1',
      'zk_gossip_members_dead\t0',
      'zk_gossip_members_left\t1',
      'zk_gossip_incarnation\t8',
      'zk_gossip_health_score\t1',
      'zk_gossip_streams\t2',
      'zk_gossip_packets_received\t20',
      'zk_gossip_packets_sent\t30',
      'zk_gossip_dropped_packets_wrong_key\t4',
      'zk_gossip_dropped_packets_oversized\t0',
      'zk_gossip_refutations\t5',
      'zk_gossip_refused_members\t6',
      'zk_gossip_foreign_entries\t7',
    ]);
  });

  it('says nothing of gossip on a server that takes no part', () => {
    expect(ask(wordServer(), 'mntr')).not.toContain('gossip');
  });
});
