import { describe, expect, it } from 'vitest';
import type { Meta } from '../gossip/member.ts';
import type { MemberRow } from '../gossip/output.ts';
import type { GossipAgent } from './gossip-agent.ts';
import { gossipFacts } from './gossip-facts.ts';

function metaOf(serverId: number, some: Partial<Meta> = {}): Meta {
  return {
    ...{ role: 'voter', serverId, address: `zk${serverId}:3888`, bulkAddress: '', clientPort: 1 },
    ...{ version: '0.1.0', leader: 0, leaderRound: 0, load: 0, appliedSlot: 0, appliedZxid: 0 },
    ...some,
  };
}

function row(serverId: number, some: Partial<Meta>, status: MemberRow['status'] = 'alive') {
  return { id: `${serverId}`, status, incarnation: 1, meta: metaOf(serverId, some) };
}

function factsOf(rows: MemberRow[], currentMeta = rows[0]?.meta) {
  const agent = { driver: { members: () => rows }, currentMeta };
  return gossipFacts(agent as unknown as GossipAgent).members();
}

describe('facts of gossip', () => {
  it('compare everyone with the furthest that lives, and this server as it is now', () => {
    const rows = [row(1, { appliedSlot: 5 }), row(2, { appliedSlot: 7 }), row(3, {}, 'suspect')];
    const gone = [row(4, { appliedSlot: 99 }, 'dead'), { ...row(5, {}, 'left'), meta: null }];
    const facts = factsOf([...rows, ...gone], metaOf(1, { appliedSlot: 10 }));
    expect(facts.map(({ lagSlots }) => lagSlots)).toEqual([0, 3, 10, 0, 0]);
    expect(facts.map(({ isSelf }) => isSelf)).toEqual([true, false, false, false, false]);
    expect(facts[0]?.meta?.appliedSlot).toBe(10);
  });

  it('name the leader by the newest hint, if it lives', () => {
    const leadersOf = (...rows: MemberRow[]) =>
      factsOf(rows)
        .filter(({ isLeader }) => isLeader)
        .map(({ id }) => id);
    const old = { leader: 1, leaderRound: 3 };
    expect(leadersOf(row(1, old), row(2, old))).toEqual(['1']);
    expect(leadersOf(row(1, old), row(2, { leader: 2, leaderRound: 4 }))).toEqual(['2']);
    // Who does not know any more who leads takes back nothing that others know.
    expect(leadersOf(row(1, old), row(2, { leader: 0, leaderRound: 3 }))).toEqual(['1']);
    expect(leadersOf(row(1, old), row(2, { leader: 0, leaderRound: 4 }))).toEqual([]);
    expect(leadersOf(row(2, { leader: 1, leaderRound: 3 }), row(1, {}, 'dead'))).toEqual([]);
  });

  it('are none before gossip has begun', () => {
    const agent = { driver: null } as unknown as GossipAgent;
    const facts = gossipFacts(agent);
    expect(facts.members()).toEqual([]);
    expect([facts.healthScore(), facts.streams(), facts.droppedPackets()]).toEqual([0, 0, []]);
  });
});
