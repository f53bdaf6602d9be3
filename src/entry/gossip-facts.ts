import type { MemberRow } from '../gossip/output.ts';
import type { GossipFacts, GossipMemberFacts } from '../server/facts.ts';
import type { GossipAgent } from './gossip-agent.ts';

/** What four-letter words and metrics tell of gossip. */
export function gossipFacts(agent: GossipAgent): GossipFacts {
  return {
    members: () => membersOf(agent),
    healthScore: () => agent.driver?.gossip?.healthScore ?? 0,
    packetsReceived: () => agent.driver?.packetsReceived ?? 0,
    packetsSent: () => agent.driver?.packetsSent ?? 0,
    streams: () => agent.driver?.streamCount ?? 0,
    droppedPackets: () => Object.entries(agent.driver?.frames?.dropped ?? {}),
    refutations: () => agent.driver?.gossip?.counters.refutations ?? 0,
    refusedMembers: () => agent.driver?.gossip?.counters.refusedMembers ?? 0,
    foreignEntries: () => agent.driver?.gossip?.counters.foreignEntries ?? 0,
  };
}

function membersOf(agent: GossipAgent): GossipMemberFacts[] {
  const [own, ...others] = agent.driver?.members() ?? [];
  if (own === undefined) return [];
  const self = { ...own, meta: agent.currentMeta };
  const rows = [self, ...others];
  const living = rows.filter(({ status }) => status === 'alive' || status === 'suspect');
  const newest = Math.max(...living.map(({ meta }) => meta?.appliedSlot ?? 0));
  const leader = leaderOf(living);
  return rows.map((row) => ({
    ...{ id: row.id, status: row.status, incarnation: row.incarnation, meta: row.meta },
    lagSlots: Math.max(0, newest - (row.meta?.appliedSlot ?? newest)),
    isSelf: row === self,
    isLeader: leader > 0 && row.meta?.serverId === leader && living.includes(row),
  }));
}

/** The newest hint; 0: nobody leads, as far as anybody has told. */
function leaderOf(rows: readonly MemberRow[]): number {
  let [leader, round] = [0, -1];
  for (const { meta } of rows) {
    if (meta === null || meta.leaderRound < round) continue;
    if (meta.leader === 0 && meta.leaderRound === round) continue;
    [leader, round] = [meta.leader, meta.leaderRound];
  }
  return leader;
}
