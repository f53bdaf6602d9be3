import type { EnsembleConfig } from '../config/server-config.ts';
import type { Configuration } from '../paxos/configuration.ts';
import { isVoter, type NamedServer, printEnsemble } from '../protocol/ensemble-text.ts';
import { printServerLine } from '../protocol/server-line.ts';
import type { PeerAddress } from '../replica/peers/peers.ts';
import { type Membership, membershipToQuorumSpec } from '../state/membership.ts';

/** The id of a server that no configuration names. */
export const LONE_SERVER_ID = 1;

export const LONE_CONFIGURATION: Configuration = {
  id: 1,
  quorums: {
    voters: [{ id: LONE_SERVER_ID, weight: 1, group: 0 }],
    electionSize: 0,
    writeSize: 0,
    hierarchical: false,
  },
  observers: [],
};

/** The first configuration of an ensemble, from the files of one of its servers. */
export function configurationOf(ensemble: EnsembleConfig): Configuration {
  const { servers, hierarchical, electionQuorumSize, writeQuorumSize } = ensemble;
  const voters = servers.filter(isVoter).map(({ id, weight, group }) => ({ id, weight, group }));
  return {
    id: 1,
    quorums: {
      voters,
      electionSize: electionQuorumSize,
      writeSize: writeQuorumSize,
      hierarchical,
    },
    observers: servers.filter((server) => !isVoter(server)).map(({ id }) => id),
  };
}

/** The configuration that the log has made. */
export function configurationIn(membership: Membership): Configuration {
  return {
    id: membership.number,
    quorums: membershipToQuorumSpec(membership),
    observers: membership.members.filter((member) => !isVoter(member)).map(({ id }) => id),
  };
}

/** What the founders of an ensemble have to agree on, as one text. */
export function foundingText(ensemble: EnsembleConfig): string {
  const { servers, hierarchical, electionQuorumSize, writeQuorumSize } = ensemble;
  const sizes = `${electionQuorumSize}/${writeQuorumSize}`;
  return `${printEnsemble({ servers, hierarchical }, 0)}\nsizes=${sizes}`;
}

/** Addresses of the others, from the log where it knows them, else from the files. */
export function peerAddresses(
  servers: readonly NamedServer[],
  membership: Membership | null,
): PeerAddress[] {
  return (membership?.members ?? servers).map((server) => ({
    serverId: server.id,
    addresses: server.addresses.map(({ host, quorumPort: port }) => ({ host, port })),
    identity: membership === null || !isVoter(server) ? null : identityIn(membership, server.id),
  }));
}

function identityIn(membership: Membership, id: number): Uint8Array | null {
  return membership.members.find((member) => member.id === id)?.identity ?? null;
}

/** The server line of one server, as `Hello` carries it; empty if the files do not name it. */
export function lineOf(servers: readonly NamedServer[], id: number): string {
  const server = servers.find((other) => other.id === id);
  return server === undefined ? '' : printServerLine(server);
}
