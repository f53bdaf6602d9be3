import type { Connection } from '../connection.ts';
import type { ServerContext } from '../context.ts';
import type { ServerFacts } from '../facts.ts';
import { nodeCount, outstandingRequests } from '../metrics/figures.ts';
import { connectionLines } from './connections.ts';
import { decimal, zxidHex } from './format.ts';

/** `srvr`. */
export function serverText(facts: ServerFacts, connection: Connection): string {
  return versionLines(facts) + serverLines(facts, connection.context);
}

/** `stat`. */
export function statusText(facts: ServerFacts, connection: Connection): string {
  const clients = `Clients:\n${connectionLines(connection, true)}`;
  return versionLines(facts) + clients + serverLines(facts, connection.context);
}

function versionLines(facts: ServerFacts): string {
  const version = `Zookeeper version: ${facts.version}\n`;
  if (facts.mode() !== 'read-only') return version;
  return `${version}READ-ONLY mode; serving only read-only clients\n`;
}

function serverLines(facts: ServerFacts, context: ServerContext): string {
  const { traffic, connections, state, replica } = context;
  const { latencyMsMin: min, latencyMsMax: max } = traffic;
  const mode = facts.mode();
  const lines = [
    `Latency min/avg/max: ${Math.floor(min)}/${decimal(traffic.latencyMsMean)}/${Math.floor(max)}`,
    `Received: ${traffic.packetsReceived}`,
    `Sent: ${traffic.packetsSent}`,
    `Connections: ${connections.size}`,
    `Outstanding: ${outstandingRequests(context)}`,
    `Zxid: ${zxidHex(state.zxid)}`,
    `Mode: ${mode}`,
    `Node count: ${nodeCount(context)}`,
  ];
  if (mode === 'leader') {
    const sizes = replica.stats.batchBytes;
    const told = sizes.count === 0 ? '-1/-1/-1' : `${sizes.last}/${sizes.min}/${sizes.max}`;
    lines.push(`Proposal sizes last/min/max: ${told}`);
  }
  return `${lines.join('\n')}\n`;
}

/** `srst`. */
export function resetServer(facts: ServerFacts, connection: Connection): string {
  const { traffic, counters, replica } = connection.context;
  traffic.reset();
  counters.reset();
  replica.stats.reset();
  for (const told of replica.watches.told) told.reset();
  const { snapshotMs, snapshotLoadMs, replayedCommands, replayMs, loadMs } = facts.storage;
  for (const summary of [snapshotMs, snapshotLoadMs, replayedCommands, replayMs, loadMs]) {
    summary.reset();
  }
  facts.loopDelay?.reset();
  return 'Server stats reset.\n';
}

export function readOnlyText(facts: ServerFacts): string {
  if (!facts.serving()) return 'null';
  return facts.mode() === 'read-only' ? 'ro' : 'rw';
}
