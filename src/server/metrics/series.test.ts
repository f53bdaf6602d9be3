import { describe, expect, it } from 'vitest';
import { Summary } from '../../base/summary.ts';
import { Op } from '../../protocol/constants.ts';
import type { ServerFacts } from '../facts.ts';
import { ask, FACTS, wordServer } from '../four-letter/words.test-helper.ts';
import { createBody, pathBody, rawFrames, request } from '../server.test-helper.ts';
import type { TestServer } from '../test-server.test-helper.ts';

/** The lines of mntr, by key. */
function monitor(server: TestServer): ReadonlyMap<string, string> {
  const lines = ask(server, 'mntr').split('\n');
  expect(lines.pop()).toBe('');
  const entries = lines.map((line) => line.split('\t') as [string, string]);
  const byKey = new Map(entries);
  expect(byKey.size).toBe(lines.length);
  return byKey;
}

/** The values of some keys, in the order asked. */
function values(server: TestServer, ...keys: string[]): (string | undefined)[] {
  const lines = monitor(server);
  return keys.map((key) => lines.get(`zk_${key}`));
}

describe('mntr', () => {
  it('begins with the version and the state of the server', () => {
    const [version, state] = ask(wordServer(), 'mntr').split('\n');
    expect(version).toBe(`zk_version\t${FACTS.version}`);
    expect(state).toBe('zk_server_state\tstandalone');
  });

  it('writes whole numbers as such, means and shares with at least one place', () => {
    for (const [key, value] of monitor(wordServer())) {
      if (key === 'zk_version' || key === 'zk_server_state') continue;
      const decimal = key.startsWith('zk_avg_') || key === 'zk_connection_drop_probability';
      expect([key, value]).toEqual([
        key,
        expect.stringMatching(decimal ? /^\d+\.\d+$/ : /^-?\d+$/),
      ]);
    }
  });

  it('has every gauge of a standalone ZooKeeper, and what dashboards chart', () => {
    const lines = monitor(wordServer());
    const missing = [...GAUGES, ...CHARTED].filter((name) => !lines.has(`zk_${name}`));
    expect(missing).toEqual([]);
  });

  it('describes a tree as ZooKeeper does: an empty one has five nodes', () => {
    const server = wordServer();
    const names = ['znode_count', 'approximate_data_size', 'ephemerals_count', 'global_sessions'];
    expect(values(server, ...names)).toEqual(['5', '44', '0', '0']);
    const client = server.client();
    server.exchange(
      client,
      request(1, Op.create, createBody('/a', 'x')),
      request(2, Op.create, createBody('/a/e', 'yy', 1)),
    );
    expect(values(server, ...names)).toEqual(['7', '53', '1', '1']);
  });

  it('measures what went in and out', () => {
    const server = wordServer();
    const client = server.client();
    server.exchange(client, request(1, Op.getChildren, pathBody('/', true)));
    const before = client.received.length;
    server.exchange(client, request(2, Op.create, createBody('/a', 'x')));
    const frames = rawFrames(client).map((frame) => frame.length);
    expect(client.received.length - before).toBe((frames[2] ?? 0) + (frames[3] ?? 0) + 8);
    const sizes = ['response_bytes', 'watch_bytes', 'last_client_response_size'];
    expect(values(server, ...sizes)).toEqual([
      `${(frames[1] ?? 0) + (frames[3] ?? 0)}`,
      `${frames[2]}`,
      `${frames[3]}`,
    ]);
    const told = ['cnt_node_children_watch_count', 'sum_node_children_watch_count', 'watch_count'];
    expect(values(server, ...told)).toEqual(['1', '1', '0']);
    expect(values(server, 'commit_count', 'proposal_count')).toEqual(['2', '2']);
  });

  it('measures how long the log takes', () => {
    const server = wordServer();
    server.clock.advance(100);
    const client = server.client();
    server.log.automatic = false;
    client.send(request(1, Op.create, createBody('/a', 'x')));
    server.clock.advance(6);
    server.log.finish();
    server.clock.settle();
    server.log.automatic = true;
    const names = ['avg_fsynctime', 'max_fsynctime', 'cnt_fsynctime', 'max_updatelatency'];
    // One for the leader's first entry, one for the session, one for the node.
    expect(values(server, ...names)).toEqual(['2.0', '6', '3', '6']);
    expect(values(server, 'p99_updatelatency', 'quoll_update_latency_p99_us')).toEqual([
      '6',
      '6000',
    ]);
  });

  it('counts every answer into one of the latencies', () => {
    const server = wordServer();
    const client = server.client();
    const reads = [1, 2, 3].map((xid) => request(xid, Op.exists, pathBody('/', false)));
    server.exchange(
      client,
      ...reads,
      request(4, Op.create, createBody('/a', 'x')),
      request(-2, Op.ping),
    );
    expect(values(server, 'cnt_readlatency', 'cnt_updatelatency')).toEqual(['4', '2']);
  });

  it('tells who was turned away, who left, and who fell silent', () => {
    const server = wordServer();
    server.client().hangUp();
    server.network.dial();
    server.clock.advance(30_000);
    const names = ['connection_request_count', 'connection_drop_count', 'stale_sessions_expired'];
    expect(values(server, ...names)).toEqual(['1', '1', '1']);
    expect(values(server, 'sessionless_connections_expired', 'uptime')).toEqual(['1', '30000']);
  });

  it('tells what the process and the storage measured', () => {
    const snapshotMs = new Summary();
    for (const ms of [10.4, 21]) snapshotMs.record(ms);
    const loopDelay = { quantileUs: (share: number) => share * 1_000, maxUs: 5_000, reset() {} };
    const facts: Partial<ServerFacts> = { storage: { ...FACTS.storage, snapshotMs }, loopDelay };
    const server = wordServer(facts);
    const names = ['avg_snapshottime', 'min_snapshottime', 'snapshot_error_count'];
    expect(values(server, ...names)).toEqual(['15.7', '10', '1']);
    const own = [
      'loop_delay_p50_us',
      'loop_delay_max_us',
      'snapshot_count',
      'log_bytes_since_snapshot',
    ];
    expect(values(server, ...own.map((name) => `quoll_${name}`))).toEqual([
      '500',
      '5000',
      '3',
      '4096',
    ]);
  });

  it('forgets at srst what counts, and keeps what is', () => {
    const server = wordServer();
    const client = server.client();
    server.exchange(client, request(1, Op.create, createBody('/a', 'x', 1)));
    ask(server, 'srst');
    const counted = ['cnt_fsynctime', 'commit_count', 'response_bytes', 'cnt_updatelatency'];
    expect(values(server, ...counted)).toEqual(['0', '0', '0', '0']);
    expect(values(server, 'ephemerals_count', 'global_sessions')).toEqual(['1', '1']);
    expect(values(server, 'last_client_response_size')).toEqual(['-1']);
  });
});

describe('quotas', () => {
  it('are added up by the first part of their path; a hard limit counts before a soft one', () => {
    const server = wordServer();
    const client = server.client();
    const nodes: [string, string][] = [
      ['/app', ''],
      ['/app/x', 'data'],
      ['/zookeeper/quota/app', ''],
      [
        '/zookeeper/quota/app/zookeeper_limits',
        'count=5,bytes=9=;byteHardLimit=70;countHardLimit=-1',
      ],
      ['/zookeeper/quota/app/zookeeper_stats', ''],
      ['/zookeeper/quota/app/x', ''],
      ['/zookeeper/quota/app/x/zookeeper_limits', 'count=2,bytes=30=;countHardLimit=3'],
      ['/zookeeper/quota/other', ''],
    ];
    nodes.forEach(([path, data], i) => {
      server.exchange(client, request(i, Op.create, createBody(path, data)));
    });
    const names = ['count_limit', 'bytes_limit', 'count_usage', 'bytes_usage'];
    const keys = names.map((name) => `app_quota_${name}_per_namespace`);
    expect(values(server, ...keys)).toEqual(['8', '100', '2', '4']);
    expect(ask(server, 'mntr')).not.toContain('other');
  });
});

const GAUGES = `avg_latency max_latency min_latency packets_received packets_sent
  num_alive_connections outstanding_requests uptime znode_count watch_count ephemerals_count
  approximate_data_size global_sessions local_sessions open_file_descriptor_count
  max_file_descriptor_count connection_drop_probability last_client_response_size
  max_client_response_size min_client_response_size outstanding_tls_handshake auth_failed_count
  non_mtls_remote_conn_count non_mtls_local_conn_count`.split(/\s+/);

const CHARTED = `p99_readlatency p999_updatelatency avg_fsynctime sum_snapshottime cnt_election_time
  connection_drop_count stale_sessions_expired commit_count proposal_count
  avg_node_created_watch_count avg_node_deleted_watch_count avg_node_changed_watch_count
  avg_node_children_watch_count`.split(/\s+/);
