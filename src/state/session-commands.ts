import { DecodeError, type Reader } from '../base/reader.ts';
import { Err } from '../protocol/constants.ts';
import type { Context } from './context.ts';
import { kindOf, NodeKind } from './node-kind.ts';
import { removeNode } from './nodes.ts';
import { Verdict } from './outcome.ts';
import type { Session } from './sessions.ts';
import type { Row } from './tree/layout.ts';

/** The body of openSession and attachSession. */
interface Opening {
  readonly timeoutMs: number;
  readonly passwordHash: Uint8Array;
}

function decodeOpening(body: Reader): Opening | null {
  try {
    const timeoutMs = body.i32();
    const passwordHash = body.buffer();
    return passwordHash === null ? null : { timeoutMs, passwordHash };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return null;
  }
}

/**
 * A second opening of the same session is the first one sent again to a new leader: it has no
 * effect. One with another password is a collision of ids, and refused.
 */
export function openSession(c: Context, body: Reader): void {
  const { sessionHigh: high, sessionLow: low } = c.header;
  const opening = decodeOpening(body);
  const known = c.sessions.get(high, low);
  // The owner of a znode has to tell a session from a container or a TTL.
  const usable = kindOf(high, low) === NodeKind.ephemeral;
  if (opening === null || !usable || known !== undefined) {
    const repeat =
      known !== undefined &&
      opening !== null &&
      equalConstantTime(known.passwordHash, opening.passwordHash);
    c.outcome.verdict = repeat ? Verdict.repeat : Verdict.refused;
    c.outcome.error = repeat ? Err.ok : Err.sessionExpired;
    return;
  }
  c.takeZxid();
  const list = c.tree.newList();
  attached(c, c.sessions.open(high, low, opening.timeoutMs, opening.passwordHash, list));
}

/**
 * Compares and sets: the sender names the generation that it knows. A new leader may get an attach
 * that the old one has proposed already; were it to open a second generation, the connection that
 * asked would be told the first and have all its writes refused.
 */
export function attachSession(c: Context, body: Reader): void {
  const opening = decodeOpening(body);
  const session = c.sessions.get(c.header.sessionHigh, c.header.sessionLow);
  if (
    opening === null ||
    session === undefined ||
    !equalConstantTime(session.passwordHash, opening.passwordHash)
  ) {
    c.outcome.verdict = Verdict.refused;
    c.outcome.error = Err.sessionExpired;
    return;
  }
  if (session.generation !== c.header.generation) {
    c.outcome.verdict = Verdict.refused;
    c.outcome.error = Err.sessionMoved;
    c.outcome.generation = session.generation;
    return;
  }
  c.sessions.attach(session, opening.timeoutMs);
  attached(c, session);
}

function attached(c: Context, session: Session): void {
  c.outcome.verdict = Verdict.applied;
  c.outcome.generation = session.generation;
  c.outcome.timeoutMs = session.timeoutMs;
}

/** Ends a session and deletes its ephemerals, each with its events, in the order of creation. */
export function closeSession(c: Context, session: Session): void {
  const { tree, path } = c;
  for (let row: Row = tree.listFirst(session.list); row !== 0; ) {
    const next = tree.listNext(row);
    path.clear();
    tree.writePath(row, path);
    removeNode(c, row, path.bytes, 0, path.at);
    row = next;
  }
  tree.dropList(session.list);
  c.sessions.close(session);
  c.outcome.closedSession = true;
}

/** Takes as long for a near miss as for a far one. */
function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] ?? 0);
  return difference === 0;
}
