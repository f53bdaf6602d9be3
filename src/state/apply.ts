import { AssertionError } from '../base/assert.ts';
import { DecodeError, type Reader } from '../base/reader.ts';
import { Err, Op } from '../protocol/constants.ts';
import { CommandKind } from './command.ts';
import type { Context } from './context.ts';
import { genesis, leaderCommand, openEpoch, reconfig, sessionAges } from './ensemble-commands.ts';
import { multi } from './multi.ts';
import { execute } from './operations.ts';
import { type Outcome, Verdict } from './outcome.ts';
import { reapNode } from './reap.ts';
import { attachSession, closeSession, openSession } from './session-commands.ts';
import type { Session } from './sessions.ts';

/**
 * Applies one command: reads the state and the command, nothing else, so that all replicas agree.
 * A body that does not decode is the client's fault and answered; a header that does not decode,
 * or a kind unknown here, means that this replica can't follow the log, and stops it.
 */
export function applyCommand(c: Context, command: Reader): Outcome {
  c.begin(command);
  switch (c.header.kind) {
    case CommandKind.write:
    case CommandKind.reject:
      applyWrite(c, command);
      break;
    case CommandKind.openSession:
      openSession(c, command);
      break;
    case CommandKind.attachSession:
      attachSession(c, command);
      break;
    case CommandKind.expireSession:
      expireSession(c);
      break;
    case CommandKind.reapNode:
      c.outcome.verdict = Verdict.applied;
      c.takeZxid();
      c.outcome.error = reapNode(c, command);
      break;
    case CommandKind.genesis:
      leaderCommand(c, command, genesis);
      break;
    case CommandKind.openEpoch:
      leaderCommand(c, command, openEpoch);
      break;
    case CommandKind.sessionAges:
      leaderCommand(c, command, sessionAges);
      break;
    case CommandKind.mark:
      c.outcome.verdict = Verdict.applied;
      break;
    default:
      throw new AssertionError(`a command of unknown kind ${c.header.kind}`);
  }
  c.tree.settle();
  return c.outcome;
}

/** Exactly once: repeats have no effect, and what follows a gap is not run before the gap is. */
function applyWrite(c: Context, body: Reader): void {
  const { header, outcome, sessions } = c;
  const session = sessions.get(header.sessionHigh, header.sessionLow);
  if (session === undefined || session.generation !== header.generation) {
    outcome.verdict = Verdict.refused;
    outcome.error = session === undefined ? Err.sessionExpired : Err.sessionMoved;
    return;
  }
  if (header.sequence !== session.sequence + 1) {
    const repeat = header.sequence <= session.sequence;
    outcome.verdict = repeat ? Verdict.repeat : Verdict.refused;
    return;
  }
  outcome.verdict = Verdict.applied;
  sessions.advance(session);
  c.takeZxid();
  try {
    outcome.error = executeWrite(c, session, body);
  } catch (error) {
    // Every operation decodes its request as a whole before it changes anything.
    if (!(error instanceof DecodeError)) throw error;
    outcome.error = Err.marshallingError;
  }
}

function executeWrite(c: Context, session: Session, body: Reader): number {
  const { opcode, kind } = c.header;
  if (kind === CommandKind.reject) return body.i32() || Err.systemError;
  switch (opcode) {
    case Op.multi:
      return multi(c, body);
    case Op.closeSession:
      closeSession(c, session);
      return Err.ok;
    case Op.reconfig:
      return reconfig(c, body);
    case Op.check:
      return Err.unimplemented;
    default:
      c.request.decode(opcode, body);
      return execute(c);
  }
}

/** The leader names the generation that was silent; whoever has attached since lives on. */
function expireSession(c: Context): void {
  const { header, outcome } = c;
  const session = c.sessions.get(header.sessionHigh, header.sessionLow);
  if (session === undefined || session.generation !== header.generation) {
    outcome.verdict = Verdict.refused;
    return;
  }
  outcome.verdict = Verdict.applied;
  c.takeZxid();
  closeSession(c, session);
}
