import type { Connection } from '../connection.ts';
import type { ServerContext } from '../context.ts';
import { addressText, dateText, sessionHex } from './format.ts';
import { Lines } from './text.ts';

/** ZooKeeper's connection expirer looks every so often, whatever the time-outs are. */
const CONNECTION_BUCKET_MS = 10_000;

/** `dump`: who expires when, ephemerals by session, connections by the end of their time-out. */
export function dumpText(context: ServerContext): string {
  const lines = new Lines();
  const { clock } = context.replica;
  const shiftMs = clock.wallMs() - clock.monotonicMs();
  dumpSessions(context, shiftMs, lines);
  dumpEphemerals(context, lines);
  dumpConnections(context, shiftMs, lines);
  return lines.toString();
}

function dumpSessions(context: ServerContext, shiftMs: number, lines: Lines): void {
  if (!context.replica.isLeading) {
    listSessions(context, lines);
    return;
  }
  const { expiry } = context.replica;
  const sets = expiry.byDeadline();
  lines.add('SessionTracker dump:');
  lines.add(`Session Sets (${sets.size})/(${expiry.size}):`);
  for (const [deadlineMs, leases] of sets) {
    lines.add(`${leases.length} expire at ${dateText(deadlineMs + shiftMs)}:`);
    for (const lease of leases) lines.add(`\t${sessionHex(lease.high, lease.low)}`);
  }
}

/** When they expire only the leader knows. */
function listSessions({ state }: ServerContext, lines: Lines): void {
  lines.add(`Global Sessions(${state.sessions.size}):`);
  for (const { high, low, timeoutMs } of state.sessions.values()) {
    lines.add(`${sessionHex(high, low)}\t${timeoutMs}ms`);
  }
}

function dumpEphemerals(context: ServerContext, lines: Lines): void {
  const { tree, sessions } = context.state;
  const owners = [...sessions.values()].filter((session) => tree.listSize(session.list) > 0);
  lines.add('ephemeral nodes dump:');
  lines.add(`Sessions with Ephemerals (${owners.length}):`);
  for (const { high, low, list } of owners) {
    lines.add(`${sessionHex(high, low)}:`);
    for (let row = tree.listFirst(list); row !== 0; row = tree.listNext(row)) {
      lines.add(`\t${tree.pathString(row)}`);
    }
  }
}

function dumpConnections(context: ServerContext, shiftMs: number, lines: Lines): void {
  const sets = new Map<number, Connection[]>();
  for (const connection of context.connections) {
    const endMs = connection.nowMs + idleMsMax(connection);
    const bucketMs = (Math.floor(endMs / CONNECTION_BUCKET_MS) + 1) * CONNECTION_BUCKET_MS;
    const set = sets.get(bucketMs);
    if (set === undefined) sets.set(bucketMs, [connection]);
    else set.push(connection);
  }
  lines.add('Connections dump:');
  lines.add(`Connections Sets (${sets.size})/(${context.connections.size}):`);
  for (const [bucketMs, connections] of [...sets].sort(([a], [b]) => a - b)) {
    lines.add(`${connections.length} expire at ${dateText(bucketMs + shiftMs)}:`);
    for (const connection of connections) lines.add(`\t${connectionText(connection)}`);
  }
}

function idleMsMax(connection: Connection): number {
  return connection.attachment?.timeoutMs ?? connection.context.limits.handshakeTimeoutMs;
}

function connectionText({ stream, attachment }: Connection): string {
  const id = sessionHex(attachment?.high ?? 0, attachment?.low ?? 0);
  return `ip: ${addressText(stream.remoteAddress, stream.remotePort)} sessionId: ${id}`;
}
