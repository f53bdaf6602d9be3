import { Connection } from '../../durability/lib/wire.mjs';
import { pauseMs } from './waiting.mjs';

const answerMs = 3000;
const dialLimitMs = 40_000;

/**
 * As a client library: tries one server after the other, `first` first, until one lets it in with
 * its session. A session that is gone is an error. Answers the connection and its server's id.
 */
export async function dialAny(ensemble, first, { session, lastZxid, timeoutMs, isOver }) {
  const ids = [first, ...ensemble.ids.filter((id) => id !== first)];
  const deadline = performance.now() + dialLimitMs;
  for (let turn = 0; performance.now() < deadline && !isOver?.(); turn += 1) {
    const id = ids[turn % ids.length];
    const port = ensemble.port(id);
    const connection = await Connection.open(port, session, lastZxid, timeoutMs, answerMs).catch(
      () => null,
    );
    if (connection === null) {
      await pauseMs(20);
      continue;
    }
    if (session !== null && connection.sessionId !== session.sessionId) {
      throw new Error(`session ${session.sessionId.toString(16)} is gone, says server ${id}`);
    }
    return { connection, id };
  }
  throw new Error(`no server lets a client in within ${dialLimitMs} ms`);
}

/** A new session at that server, which may just be about to begin anew and close who comes. */
export async function dialOne(ensemble, id) {
  const one = { ids: [id], port: () => ensemble.port(id) };
  const { connection } = await dialAny(one, id, { session: null, lastZxid: 0 });
  return connection;
}
