import type { EnsembleConfig } from '../config/server-config.ts';
import { isVoter } from '../paxos/configuration.ts';
import { printEnsemble } from '../protocol/ensemble-text.ts';
import type { Replica } from '../replica/replica.ts';
import type { EnsembleConf, EnsembleFacts, FollowerFacts } from '../server/facts.ts';
import { membershipText } from '../state/membership.ts';
import type { Role } from './role.ts';

export interface EnsembleFactsOptions {
  readonly ensemble: EnsembleConfig;
  readonly replica: Replica;
  readonly role: Role;
  readonly isConnected: (serverId: number) => boolean;
}

/** What four-letter words and metrics tell of the ensemble. */
export function ensembleFacts(options: EnsembleFactsOptions): EnsembleFacts {
  const { ensemble, replica, role } = options;
  const { paxos, stats, state, digests } = replica;
  return {
    conf: confOf(ensemble),
    isObserver: () => !isVoter(paxos.configuration, ensemble.serverId),
    membershipText: () => {
      const { membership } = state;
      return membership === null ? printEnsemble(ensemble, 0) : membershipText(membership);
    },
    peerState: () => role.peerState,
    voters: () => paxos.configuration.quorums.voters.length,
    followers: () => (paxos.role === 'leader' ? followersOf(options) : null),
    leaderUptimeMs: () => replica.clock.monotonicMs() - stats.ledSinceMs,
    get elections() {
      return stats.elections;
    },
    electionMs: stats.electionMs,
    ballotRound: () => paxos.ballot.round,
    leaderId: () => paxos.leaderId ?? 0,
    decidedSlot: () => paxos.decidedSlot,
    lastSlot: () => paxos.lastSlot,
    digestText: () => digests.newestText,
    digestsCompared: () => digests.compared,
  };
}

function confOf({
  serverId,
  servers,
  initLimitTicks,
  syncLimitTicks,
}: EnsembleConfig): EnsembleConf {
  const addresses = servers.find(({ id }) => id === serverId)?.addresses ?? [];
  return {
    initLimitTicks,
    syncLimitTicks,
    electionPort: addresses.map(({ electionPort }) => electionPort).join('|'),
    quorumPort: addresses.map(({ quorumPort }) => quorumPort).join('|'),
  };
}

function followersOf({ replica, isConnected }: EnsembleFactsOptions): FollowerFacts[] {
  const { paxos } = replica;
  const { configuration } = paxos;
  return [...paxos.progress].map(({ id, isSynced, match }) => ({
    id,
    role: isVoter(configuration, id)
      ? 'voter'
      : configuration.observers.includes(id)
        ? 'observer'
        : 'learner',
    isSynced: isSynced && match > 0,
    isConnected: isConnected(id),
    lagSlots: Math.max(0, paxos.lastSlot - match),
  }));
}
