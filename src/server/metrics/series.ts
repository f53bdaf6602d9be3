import { Summary } from '../../base/summary.ts';
import { Event } from '../../protocol/constants.ts';
import type { ServerContext } from '../context.ts';
import type { ServerFacts } from '../facts.ts';
import { tellEnsemble } from './ensemble.ts';
import { ephemeralsCount, nodeCount, outstandingRequests } from './figures.ts';
import { tellGossip } from './gossip.ts';
import { tellQuotas } from './quotas.ts';
import type { MetricsSink } from './sink.ts';

/**
 * Tells every metric of a server, under ZooKeeper's names where it has one. A metric of ZooKeeper
 * whose part Quoll lacks is left out, unless dashboards commonly chart it: then it is 0.
 */
export function tellMetrics(facts: ServerFacts, context: ServerContext, sink: MetricsSink): void {
  tellGauges(facts, context, sink);
  tellTreeGauges(context, sink);
  tellQuotas(context.state.tree, sink);
  tellCounters(facts, context, sink);
  tellSummaries(facts, context, sink);
  tellOwn(facts, context, sink);
  tellEnsemble(facts, context, sink);
  tellGossip(facts, sink);
}

function tellGauges(facts: ServerFacts, context: ServerContext, sink: MetricsSink): void {
  const { traffic, counters, replica } = context;
  sink.fraction('avg_latency', traffic.latencyMsMean);
  sink.gauge('max_latency', traffic.latencyMsMax);
  sink.gauge('min_latency', traffic.latencyMsMin);
  sink.gauge('packets_received', traffic.packetsReceived);
  sink.gauge('packets_sent', traffic.packetsSent);
  sink.gauge('num_alive_connections', context.connections.size);
  sink.gauge('outstanding_requests', outstandingRequests(context));
  sink.gauge('uptime', replica.clock.monotonicMs() - facts.startedMs);
  // ZooKeeper's own answer where the figure can't be had.
  sink.gauge('open_file_descriptor_count', facts.openFileDescriptors());
  sink.gauge('max_file_descriptor_count', facts.maxFileDescriptors());
  sink.fraction('connection_drop_probability', context.throttle.dropProbability);
  const { count, last, max, min } = counters.responseBytes;
  sink.gauge('last_client_response_size', count === 0 ? -1 : last);
  sink.gauge('max_client_response_size', count === 0 ? -1 : max);
  sink.gauge('min_client_response_size', count === 0 ? -1 : min);
  sink.gauge('outstanding_tls_handshake', 0);
  sink.gauge('auth_failed_count', counters.authFailed);
  sink.gauge('non_mtls_remote_conn_count', 0);
  sink.gauge('non_mtls_local_conn_count', 0);
}

function tellTreeGauges(context: ServerContext, sink: MetricsSink): void {
  const { state, replica } = context;
  sink.gauge('znode_count', nodeCount(context));
  sink.gauge('watch_count', replica.watches.count);
  sink.gauge('ephemerals_count', ephemeralsCount(context));
  sink.gauge('approximate_data_size', state.tree.dataBytes);
  sink.gauge('global_sessions', state.sessions.size);
  sink.gauge('local_sessions', 0);
}

function tellCounters(facts: ServerFacts, context: ServerContext, sink: MetricsSink): void {
  const { counters } = context;
  const { stats } = context.replica;
  sink.counter('snapshot_error_count', facts.storage.snapshotsFailed());
  sink.counter('commit_count', stats.commandsApplied);
  sink.counter('proposal_count', stats.commandsProposed);
  sink.counter('connection_request_count', counters.connectRequests);
  sink.counter('connection_rejected', counters.connectionsRejected);
  sink.counter('connection_drop_count', counters.connectionsDropped);
  sink.counter('sessionless_connections_expired', counters.sessionlessExpired);
  sink.counter('stale_sessions_expired', stats.sessionsExpired);
  sink.counter('bytes_received_count', counters.bytesReceived);
  sink.counter('response_bytes', counters.responseBytes.sum);
  sink.counter('watch_bytes', counters.watchBytes);
  sink.counter('large_requests_rejected', counters.largeRequestsRejected);
  sink.counter('fsync_threshold_exceed_count', stats.slowAppends);
}

const NEVER = new Summary();

function tellSummaries(facts: ServerFacts, context: ServerContext, sink: MetricsSink): void {
  const { counters, replica } = context;
  const { storage } = facts;
  sink.summary('fsynctime', replica.stats.appendMs);
  sink.summary('snapshottime', storage.snapshotMs);
  sink.summary('dbinittime', storage.loadMs);
  sink.summary('startup_snap_load_time', storage.snapshotLoadMs);
  sink.summary('startup_txns_loaded', storage.replayedCommands);
  sink.summary('startup_txns_load_time', storage.replayMs);
  sink.summary('election_time', facts.ensemble?.electionMs ?? NEVER);
  sink.summary('connection_token_deficit', counters.tokenDeficit);
  const { told } = replica.watches;
  sink.summary('node_created_watch_count', told[Event.nodeCreated] ?? NEVER);
  sink.summary('node_deleted_watch_count', told[Event.nodeDeleted] ?? NEVER);
  sink.summary('node_changed_watch_count', told[Event.nodeDataChanged] ?? NEVER);
  sink.summary('node_children_watch_count', told[Event.nodeChildrenChanged] ?? NEVER);
  sink.histogram('readlatency', counters.readLatencyMs);
  sink.histogram('updatelatency', counters.updateLatencyMs);
}

const MICROS_PER_MS = 1_000;
const SHARES = [
  ['p50', 0.5],
  ['p99', 0.99],
  ['p999', 0.999],
] as const;

/** What has no counterpart in ZooKeeper. */
function tellOwn(facts: ServerFacts, context: ServerContext, sink: MetricsSink): void {
  const { counters, state, replica } = context;
  const { loopDelay, storage } = facts;
  for (const [name, share] of SHARES) {
    const [read, update] = [counters.readLatencyMs, counters.updateLatencyMs];
    sink.gauge(`quoll_read_latency_${name}_us`, read.quantile(share) * MICROS_PER_MS);
    sink.gauge(`quoll_update_latency_${name}_us`, update.quantile(share) * MICROS_PER_MS);
    if (loopDelay !== null) {
      sink.gauge(`quoll_loop_delay_${name}_us`, loopDelay.quantileUs(share));
    }
  }
  if (loopDelay !== null) sink.gauge('quoll_loop_delay_max_us', loopDelay.maxUs);
  sink.gauge('quoll_tree_bytes', state.tree.bytesUsed);
  sink.gauge('quoll_log_bytes_since_snapshot', storage.logBytes());
  sink.gauge('quoll_snapshot_count', storage.snapshotCount());
  sink.gauge('quoll_pending_bytes', replica.pendingBytes);
  sink.counter('quoll_connections_accepted', counters.connectionsAccepted);
  sink.counter('quoll_slow_consumers_dropped', counters.slowConsumersDropped);
  sink.counter('quoll_frames_refused', counters.framesRefused);
  sink.counter('quoll_requests_refused_no_space', counters.requestsRefusedNoSpace);
  sink.summary('quoll_batch_bytes', replica.stats.batchBytes);
}
