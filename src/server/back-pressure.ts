import {
  COMMANDS_PENDING_BYTES_MAX,
  OUTPUT_HIGH_WATER_BYTES,
  OUTSTANDING_BYTES_MAX,
  OUTSTANDING_REQUESTS_MAX,
  REQUESTS_DEFERRED_MAX,
} from '../base/limits.ts';
import type { Connection } from './connection.ts';
import type { ServerContext } from './context.ts';
import { isWrite } from './opcodes.ts';

/**
 * True while no further request of the connection may be executed: too much waits, here or in the
 * kernel. The limits that all connections share stop only those that have something outstanding:
 * an answer will come for them, and with it the occasion to look again.
 */
export function isStalled(connection: Connection): boolean {
  if (connection.phase === 'opening') return true;
  if (connection.bufferedBytes > OUTPUT_HIGH_WATER_BYTES) return true;
  const { pending, context, attachment } = connection;
  if (attachment !== null && !context.replica.freshness.mayAnswer(attachment, connection.nowMs)) {
    return true;
  }
  if (pending.count === 0) return false;
  return (
    pending.count >= OUTSTANDING_REQUESTS_MAX ||
    pending.requests >= REQUESTS_DEFERRED_MAX ||
    pending.byteCount >= OUTSTANDING_BYTES_MAX ||
    context.inFlight.requests >= context.limits.outstandingMax ||
    context.replica.pendingBytes >= COMMANDS_PENDING_BYTES_MAX
  );
}

const OPCODE_AT = 4;

/**
 * A write behind a request that waits for a barrier may not be submitted yet. Its outcome could
 * come before the leader has named the slot that the barrier waits for: then the reply would take
 * the place of the one ahead, and reads in between would see what the session wrote after them.
 */
export function waitsForBarrier(
  { pending }: Connection,
  view: DataView,
  at: number,
  length: number,
): boolean {
  return pending.barriers > 0 && length >= 8 && isWrite(view.getInt32(at + OPCODE_AT));
}

/**
 * Whether a frame of this length ends its connection. Asked before the frame is kept and again when
 * it is whole, so that large requests never hold more than they may, whoever was faster.
 */
export function exceedsLimits({ limits, inFlight }: ServerContext, length: number): boolean {
  if (length < 0 || length > limits.frameBytesMax) return true;
  if (length <= limits.largeRequestBytes) return false;
  return inFlight.largeBytes + length > limits.largeRequestsBytesMax;
}
