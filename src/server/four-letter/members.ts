import type { GossipMemberFacts, ServerFacts } from '../facts.ts';
import { zxidHex } from './format.ts';
import { Lines } from './text.ts';

/** Columns of `mbrs`, by which its readers find them: new ones come last. */
const COLUMNS: readonly (readonly [name: string, value: (member: GossipMemberFacts) => string])[] =
  [
    ['status', ({ status }) => status],
    ['role', ({ meta, isLeader }) => (isLeader ? 'leader' : (meta?.role ?? '-'))],
    ['server', ({ meta }) => `${meta?.serverId || '-'}`],
    ['gossip', ({ meta }) => meta?.address ?? '-'],
    ['peers', ({ meta }) => meta?.bulkAddress || '-'],
    ['client', clientAddress],
    ['incarnation', ({ incarnation }) => `${incarnation}`],
    ['zxid', ({ meta }) => (meta === null ? '-' : zxidHex(meta.appliedZxid))],
    ['slot', ({ meta }) => `${meta?.appliedSlot ?? '-'}`],
    ['lag', ({ meta, lagSlots }) => (meta === null ? '-' : `${lagSlots}`)],
    ['load', ({ meta }) => (meta === null ? '-' : `${meta.load}`)],
    ['version', ({ meta }) => meta?.version ?? '-'],
    ['id', ({ id }) => id],
    ['here', ({ isSelf }) => (isSelf ? 'here' : '-')],
  ];

const ORDER = ['alive', 'suspect', 'dead', 'left'];

/** `mbrs`: names of columns, then a line for each member that is known, all between tabs. */
export function membersText({ gossip }: ServerFacts): string {
  if (gossip === null) return 'This server takes no part in gossip.\n';
  const members = gossip.members().toSorted(compare);
  if (members.length === 0) return 'Gossip has not begun.\n';
  const lines = new Lines();
  lines.add(COLUMNS.map(([name]) => name).join('\t'));
  for (const member of members) lines.add(COLUMNS.map(([, value]) => value(member)).join('\t'));
  return `${lines}`;
}

/** Gossip tells the port only: the host is the one that gossip reaches. */
function clientAddress({ meta }: GossipMemberFacts): string {
  if (meta === null || meta.clientPort === 0) return '-';
  return `${meta.address.slice(0, meta.address.lastIndexOf(':'))}:${meta.clientPort}`;
}

function compare(a: GossipMemberFacts, b: GossipMemberFacts): number {
  const byStatus = ORDER.indexOf(a.status) - ORDER.indexOf(b.status);
  if (byStatus !== 0) return byStatus;
  const last = Number.POSITIVE_INFINITY;
  const [serverA, serverB] = [a.meta?.serverId || last, b.meta?.serverId || last];
  if (serverA !== serverB) return serverA - serverB;
  return a.id < b.id ? -1 : 1;
}
