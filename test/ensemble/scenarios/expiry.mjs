// Sessions that fall silent expire, though leaders change meanwhile; not before their time-out, and
// not those that move or go on pinging. Their ephemerals go with them.
import { Connection, Flag } from '../../durability/lib/wire.mjs';
import { withCrowd } from '../lib/scenario.mjs';
import { eventually, pauseMs } from '../lib/waiting.mjs';

const timeoutMs = 4000;
/** A quarter of slack where replicas report for each other, a sweep every tick, and an election. */
const expiryMsMax = 2.5 * timeoutMs + 4000;

async function openWithEphemeral(port, path) {
  const connection = await Connection.open(port, null, 0, timeoutMs);
  const reply = await connection.write({ kind: 'create', path, data: '', flags: Flag.ephemeral });
  if (reply.err !== 0) throw new Error(`create ${path}: code ${reply.err}`);
  return connection;
}

function sessionOf({ sessionId, password }) {
  return { sessionId, password };
}

async function isThere(ensemble, id, path) {
  const reader = await Connection.open(ensemble.port(id)).catch(() => null);
  if (reader === null) return null;
  try {
    await reader.sync();
    return (await reader.getData(path)) !== null;
  } catch {
    return null;
  } finally {
    reader.drop();
  }
}

/** A session of `home` falls silent, and `meddle` happens right after. */
async function silent(scenario, title, home, meddle) {
  const { ensemble, report } = scenario;
  const path = `/probes/silent-${title.replaceAll(' ', '-')}`;
  const connection = await openWithEphemeral(ensemble.port(home), path);
  const heardMs = performance.now();
  connection.drop();
  await meddle();
  const gone = async () => (await isThere(ensemble, ensemble.runningIds[0], path)) === false;
  await eventually(`${path} goes`, gone, expiryMsMax + 20_000, 50);
  const tookMs = Math.round(performance.now() - heardMs);
  report.check(`a silent session expires: ${title}`, [
    tookMs >= timeoutMs ? null : `after ${tookMs} ms, its time-out is ${timeoutMs} ms`,
    tookMs <= expiryMsMax ? null : `after ${tookMs} ms, want ${expiryMsMax} ms at most`,
  ]);
  report.progress(`${title}: expired after ${tookMs} ms`);
  const again = await Connection.open(ensemble.port(home), sessionOf(connection), 0, timeoutMs);
  report.check(`it can't be attached again: ${title}`, [
    again.sessionId === connection.sessionId ? 'it could' : null,
  ]);
  again.drop();
}

/** From server to server, each time after half of its time-out. */
async function moving({ ensemble, report }, leader) {
  const path = '/probes/moving';
  let connection = await openWithEphemeral(ensemble.port(leader), path);
  const session = sessionOf(connection);
  for (let move = 0; move < ensemble.ids.length; move += 1) {
    connection.drop();
    await pauseMs(timeoutMs / 2);
    const id = ensemble.ids[move % ensemble.ids.length];
    connection = await Connection.open(ensemble.port(id), session, 0, timeoutMs);
    if (connection.sessionId !== session.sessionId) break;
  }
  const isAlive = connection.sessionId === session.sessionId;
  report.check('a session that moves every half of its time-out lives', [
    isAlive ? null : 'it is gone',
    !isAlive || (await connection.getData(path)) !== null ? null : 'its ephemeral is gone',
  ]);
  await connection.closeSession();
  const ids = ensemble.runningIds;
  const seen = await Promise.all(ids.map((id) => isThere(ensemble, id, path)));
  report.check('its ephemeral is gone everywhere once it is closed', [
    seen.every((there) => there === false) ? null : `seen: ${seen}`,
  ]);
}

export async function run(context) {
  await withCrowd(context, 'expiry', {}, async (scenario) => {
    const { ensemble, random, crowd } = scenario;
    const follower = async () => random.pick(await ensemble.followers());
    await silent(scenario, 'of a follower', await follower(), () => {});
    await silent(scenario, 'while the leader changes', await follower(), async () => {
      await pauseMs(timeoutMs / 2);
      const leader = await ensemble.leader();
      await ensemble.kill(leader);
      await ensemble.start(leader);
    });
    await silent(scenario, 'while leaders follow each other', await follower(), async () => {
      for (let change = 0; change < 3; change += 1) {
        const leader = await ensemble.leader();
        await ensemble.kill(leader, 'SIGTERM');
        await ensemble.start(leader);
      }
    });
    await moving(scenario, await ensemble.leader());
    crowd.start();
    const problems = [...(await crowd.verify())];
    scenario.report.check('sessions that went on pinging live', problems);
  });
}
