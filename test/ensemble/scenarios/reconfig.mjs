// ZooKeeper's own reconfiguration: members join, leave and change their role, by kazoo and by
// Apache's Java client, while clients write.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../interop/lib/servers.mjs';
import { java } from '../lib/riders.mjs';
import { withCrowd } from '../lib/scenario.mjs';
import { eventually } from '../lib/waiting.mjs';

const execute = promisify(execFile);
const kazoo = ['/usr/bin/python3', join(projectRoot, 'test/ensemble/clients/reconfigure.py')];

async function reconfigure([program, ...args], ensemble, joining, leaving) {
  const texts = [ensemble.connectString, joining ?? '-', leaving ?? '-'];
  const { stdout } = await execute(program, [...args, ...texts], { timeout: 40_000 });
  return stdout;
}

function idsIn(text) {
  return [...text.matchAll(/^server\.(\d+)=/gm)].map(([, id]) => Number(id)).toSorted();
}

/** One change under load; everybody's connections stay but those of `leaver`. */
async function change(scenario, title, { command, joining, leaving, wanted }) {
  const { ensemble, report } = scenario;
  let text = '';
  await scenario.fault(title, {
    strike: async () => {
      text = await reconfigure(command, ensemble, joining, leaving);
    },
    untouched: ensemble.ids.filter((id) => String(id) !== leaving),
  });
  report.check(`${title}: the configuration names ${wanted}`, [
    String(idsIn(text)) === String(wanted) ? null : `it is:\n${text}`,
  ]);
}

async function roleBecomes(scenario, id, wanted) {
  const { ensemble, report } = scenario;
  const isSo = async () => (await ensemble.roleOf(id)) === wanted;
  await eventually(`server ${id} is ${wanted}`, isSo, 10_000).then(
    () => report.check(`server ${id} is ${wanted}`, []),
    (error) => report.check(`server ${id} is ${wanted}`, [error.message]),
  );
}

async function killedLeader(scenario) {
  const { ensemble } = scenario;
  const leader = await ensemble.leader();
  await scenario.fault(`SIGKILL of leader ${leader} afterwards`, {
    strike: () => ensemble.kill(leader),
    mend: () => ensemble.start(leader),
    untouched: ensemble.ids.filter((id) => id !== leader),
  });
}

export async function run(context) {
  const options = { settings: { reconfigEnabled: true } };
  await withCrowd(context, 'reconfig', options, async (scenario) => {
    const { ensemble } = scenario;
    const apache = java(ensemble.directory, 'Reconfigure');
    const first = [...ensemble.ids];
    const joiner = first.length + 1;
    ensemble.configure(await ensemble.addMember(joiner));
    await ensemble.start(joiner);
    const line = `server.${joiner}=${ensemble.lineOf(joiner)}`;
    const all = [...first, joiner];
    await change(scenario, `kazoo adds server ${joiner}`, {
      ...{ command: kazoo, joining: line, wanted: all },
    });
    await roleBecomes(scenario, joiner, 'follower');
    await killedLeader(scenario);
    const leaver = await ensemble.leader();
    await change(scenario, `Java removes leader ${leaver}`, {
      ...{ command: apache, leaving: String(leaver) },
      wanted: all.filter((id) => id !== leaver),
    });
    await ensemble.kill(leaver, 'SIGTERM');
    ensemble.wipe(leaver);
    await ensemble.start(leaver);
    await change(scenario, `Java adds server ${leaver}, wiped`, {
      ...{ command: apache, joining: `server.${leaver}=${ensemble.lineOf(leaver)}`, wanted: all },
    });
    const watcher = await ensemble.followers().then(([id]) => id);
    const observer = ensemble.lineOf(watcher).replace('participant', 'observer');
    await change(scenario, `kazoo makes server ${watcher} an observer`, {
      ...{ command: kazoo, joining: `server.${watcher}=${observer}`, wanted: all },
    });
    await roleBecomes(scenario, watcher, 'observer');
    await killedLeader(scenario);
  });
}
