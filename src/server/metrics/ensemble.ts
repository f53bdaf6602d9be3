import type { ServerContext } from '../context.ts';
import type { FollowerFacts, ServerFacts } from '../facts.ts';
import type { MetricsSink } from './sink.ts';

/** What a member of an ensemble tells, and what its leader tells of the others. */
export function tellEnsemble(facts: ServerFacts, context: ServerContext, sink: MetricsSink): void {
  const { ensemble } = facts;
  if (ensemble === null) return;
  const { state } = context;
  sink.gauge('quorum_size', ensemble.voters());
  sink.counter('looking_count', ensemble.elections);
  sink.gauge('quoll_ballot_round', ensemble.ballotRound());
  sink.gauge('quoll_leader_id', ensemble.leaderId());
  sink.gauge('quoll_decided_slot', ensemble.decidedSlot());
  sink.gauge('quoll_last_slot', ensemble.lastSlot());
  sink.gauge('quoll_applied_slot', state.slot);
  sink.gauge('quoll_epoch', Math.floor(state.zxid / 2 ** 32));
  sink.counter('quoll_digests_compared', ensemble.digestsCompared());
  const followers = ensemble.followers();
  if (followers === null) return;
  tellFollowers(followers, sink);
  sink.gauge('leader_uptime', ensemble.leaderUptimeMs());
  const { count, last, max, min } = context.replica.stats.batchBytes;
  sink.gauge('last_proposal_size', count === 0 ? -1 : last);
  sink.gauge('max_proposal_size', count === 0 ? -1 : max);
  sink.gauge('min_proposal_size', count === 0 ? -1 : min);
}

/** As in ZooKeeper, who is not connected follows nobody. */
function tellFollowers(all: readonly FollowerFacts[], sink: MetricsSink): void {
  const here = all.filter(({ isConnected }) => isConnected);
  const count = (role: FollowerFacts['role'], isSynced: boolean): number =>
    here.filter((one) => one.role === role && one.isSynced === isSynced).length;
  sink.gauge('learners', here.length);
  sink.gauge('followers', count('voter', true) + count('voter', false));
  sink.gauge('synced_followers', count('voter', true));
  sink.gauge('synced_non_voting_followers', count('learner', true));
  sink.gauge('synced_observers', count('observer', true));
  sink.gauge('pending_syncs', here.filter(({ isSynced }) => !isSynced).length);
  for (const { id, lagSlots } of all) sink.keyedGauge('quoll_lag_slots', `${id}`, lagSlots);
}
