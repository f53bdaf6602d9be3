import type { GossipConfig, ServerConfig } from '../config/server-config.ts';
import { isPassingChange, type Meta } from '../gossip/member.ts';
import { TUNING } from '../gossip/options.ts';
import { isVoter } from '../paxos/configuration.ts';
import { SERVER_ID_MAX } from '../protocol/ensemble-text.ts';
import { addressText } from '../replica/gossip/address.ts';
import type { Replica } from '../replica/replica.ts';
import type { Membership } from '../state/membership.ts';
import { VERSION } from './build.ts';
import type { Standing } from './standing.ts';

/** Where gossip of this server is, here and for others. */
export interface GossipEndpoint {
  /** Undefined: all addresses. */
  readonly listenHost: string | undefined;
  readonly host: string;
  readonly port: number;
  /** Where others fetch log and snapshots; empty: nowhere. */
  readonly bulkAddress: string;
}

/** Null for a server alone. */
export type Surroundings = Pick<Standing, 'config' | 'isOutside'> | null;

/** A server alone has to be told where others would find it. */
export function takesPart({ gossip }: ServerConfig, place: Surroundings): boolean {
  return gossip !== null && (place !== null || (gossip.port > 0 && gossip.address !== null));
}

/**
 * `find` tells by which address of its own this server reaches another one: that is where the
 * others find an observer that joined, unless somebody knows better.
 */
export async function endpointOf(
  gossip: GossipConfig,
  place: Surroundings,
  find: () => Promise<string>,
): Promise<GossipEndpoint> {
  if (place === null || place.isOutside) {
    const { port, address, listensEverywhere } = gossip;
    const host = address ?? (await find());
    return { listenHost: listensEverywhere ? undefined : host, host, port, bulkAddress: '' };
  }
  const { config } = place;
  const own = config.servers.find(({ id }) => id === config.serverId)?.addresses[0];
  if (own === undefined) throw new Error(`no server line names server ${config.serverId}`);
  const { host, quorumPort, electionPort } = own;
  return {
    listenHost: config.quorumListenOnAllIPs ? undefined : host,
    host,
    port: electionPort,
    bulkAddress: addressText({ host, port: quorumPort }),
  };
}

/** Gossip addresses of the configured voters: from the log where it knows them. */
export function voterAddresses(place: Surroundings, membership: Membership | null): string[] {
  const servers = membership?.members ?? place?.config.servers ?? [];
  return servers
    .filter(({ role }) => role === 'participant')
    .flatMap(({ addresses }) => addresses[0] ?? [])
    .map(({ host, electionPort }) => addressText({ host, port: electionPort }));
}

export interface MetaOptions {
  readonly endpoint: GossipEndpoint;
  readonly replica: Replica;
  readonly serverId: number;
  readonly clientPort: number;
  readonly load: number;
}

/** What this server says of itself. */
export function metaOf(options: MetaOptions): Meta {
  const { endpoint, replica, serverId, clientPort, load } = options;
  const { paxos, state } = replica;
  const isMember = isVoter(paxos.configuration, serverId);
  return {
    role: isMember ? 'voter' : 'observer',
    // Whoever joined by itself has an id that no configuration knows, and reads by gossip.
    serverId: serverId > SERVER_ID_MAX ? 0 : serverId,
    address: addressText(endpoint),
    bulkAddress: endpoint.bulkAddress,
    clientPort,
    version: VERSION,
    leader: paxos.leaderId ?? 0,
    leaderRound: paxos.ballot.round,
    load,
    appliedSlot: state.slot,
    appliedZxid: state.zxid,
  };
}

export function isSameMeta(a: Meta, b: Meta): boolean {
  return (
    isPassingChange(a, b) &&
    a.load === b.load &&
    a.appliedSlot === b.appliedSlot &&
    a.appliedZxid === b.appliedZxid
  );
}

/** Nobody else is a root: all that read hang on this one. */
const LONE_FANOUT = 4;

/** How many this server pushes the log to: a leader's uplink is for the other voters. */
export function fanoutOf({ paxos }: Replica, serverId: number): number {
  const { configuration, role } = paxos;
  if (!isVoter(configuration, serverId)) return TUNING.degreeMax;
  if (configuration.quorums.voters.length === 1) return LONE_FANOUT;
  return role === 'leader' ? 0 : TUNING.degreeMax;
}
