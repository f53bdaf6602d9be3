import type { Connection } from '../connection.ts';
import { addressText, sessionHex, zxidHex } from './format.ts';
import { operationTag } from './last-operation.ts';
import { Lines } from './text.ts';

/**
 * One connection as `stat` and `cons` show it; `asker` is the one that the word came on, which no
 * selector watches any more.
 */
export function connectionLine(
  connection: Connection,
  asker: Connection | null,
  brief: boolean,
): string {
  const { stream, traffic } = connection;
  const ops = connection === asker ? 0 : connection.interestOps;
  const counts = `queued=${connection.outstanding},recved=${traffic.packetsReceived},sent=${traffic.packetsSent}`;
  const session = brief ? '' : sessionPart(connection);
  const address = addressText(stream.remoteAddress, stream.remotePort);
  return ` ${address}[${ops.toString(16)}](${counts}${session})`;
}

function sessionPart(connection: Connection): string {
  const { attachment, traffic } = connection;
  if (attachment === null) return '';
  const mean = traffic.latencyMsMean;
  return [
    `,sid=${sessionHex(attachment.high, attachment.low)}`,
    `lop=${operationTag(connection.lastOpcode)}`,
    `est=${connection.establishedMs}`,
    `to=${attachment.timeoutMs}`,
    ...(connection.lastXid >= 0 ? [`lcxid=0x${connection.lastXid.toString(16)}`] : []),
    `lzxid=${zxidHex(connection.lastZxid)}`,
    `lresp=${Math.floor(connection.lastReplyMs)}`,
    `llat=${Math.floor(connection.lastLatencyMs)}`,
    `minlat=${Math.floor(traffic.latencyMsMin)}`,
    `avglat=${Math.floor(mean)}`,
    `maxlat=${Math.floor(traffic.latencyMsMax)}`,
  ].join(',');
}

export function connectionLines(asker: Connection, brief: boolean): string {
  const lines = new Lines();
  for (const connection of asker.context.connections) {
    lines.add(connectionLine(connection, asker, brief));
  }
  return `${lines}\n`;
}

/** `crst`. */
export function resetConnections(asker: Connection): string {
  for (const connection of asker.context.connections) connection.resetStats();
  return 'Connection stats reset.\n';
}
