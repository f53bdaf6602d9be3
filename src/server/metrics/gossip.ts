import type { ServerFacts } from '../facts.ts';
import type { MetricsSink } from './sink.ts';

/** Who is there, as this server has heard, and what it dropped of what it heard. */
export function tellGossip({ gossip }: ServerFacts, sink: MetricsSink): void {
  if (gossip === null) return;
  const members = gossip.members();
  for (const status of ['alive', 'suspect', 'dead', 'left']) {
    const count = members.filter((member) => member.status === status).length;
    sink.gauge(`gossip_members_${status}`, count);
  }
  sink.gauge('gossip_incarnation', members.find(({ isSelf }) => isSelf)?.incarnation ?? 0);
  sink.gauge('gossip_health_score', gossip.healthScore());
  sink.gauge('gossip_streams', gossip.streams());
  sink.counter('gossip_packets_received', gossip.packetsReceived());
  sink.counter('gossip_packets_sent', gossip.packetsSent());
  for (const [reason, count] of gossip.droppedPackets()) {
    sink.counter(`gossip_dropped_packets_${snakeCase(reason)}`, count);
  }
  sink.counter('gossip_refutations', gossip.refutations());
  sink.counter('gossip_refused_members', gossip.refusedMembers());
  sink.counter('gossip_foreign_entries', gossip.foreignEntries());
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
