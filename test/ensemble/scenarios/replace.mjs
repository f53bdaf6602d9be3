// A member whose disk is wiped must not vote: it refuses to start and says how to replace it;
// `quoll replace` gives its id to the blank one, which then catches up.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../interop/lib/servers.mjs';
import { withCrowd } from '../lib/scenario.mjs';

const execute = promisify(execFile);

/** The super user asks any server; whoever is on the machine of one needs no password there. */
const asSuperUser = (ensemble, id) => [
  '--server',
  `127.0.0.1:${ensemble.port(id)}`,
  '--auth',
  'digest:super:admin',
];
const onItsMachine = (ensemble, id) => ['--data-dir', ensemble.member(id).dataDirectory];

async function replace(ensemble, id, way) {
  const program = resolve(projectRoot, ensemble.binary);
  const args = [program, 'replace', String(id), ...way(ensemble, await ensemble.leader())];
  const { stdout } = await execute(process.execPath, args, { timeout: 30_000 });
  return stdout;
}

async function wipeAndReplace(scenario, victim, kind, way) {
  const { ensemble, report, crowd } = scenario;
  await scenario.fault(`${kind} ${victim} is wiped and replaced`, {
    strike: async () => {
      await ensemble.kill(victim);
      ensemble.wipe(victim);
      await ensemble.start(victim, { wait: false });
      const exit = await ensemble.ended(victim, 20_000);
      const isAdvised = ensemble.member(victim).log.includes(`quoll replace ${victim}`);
      report.check(`wiped ${kind} ${victim} refuses to start, and says what to do`, [
        exit === 'code 0' ? 'it ended with code 0' : null,
        isAdvised ? null : 'nothing about quoll replace in its log',
      ]);
    },
    mend: async () => {
      const text = await replace(ensemble, victim, way);
      report.check(`quoll replace ${victim} says that it is done`, [
        text.includes(`server.${victim} is replaced`) ? null : text,
      ]);
      await ensemble.start(victim);
    },
    untouched: ensemble.ids.filter((id) => id !== victim),
  });
  const tree = await crowd.tree('/load', victim);
  report.check(`replaced server ${victim} has everything`, [
    tree.size > 1 ? null : 'its tree is empty',
  ]);
}

export async function run(context) {
  await withCrowd(context, 'replace', {}, async (scenario) => {
    const { ensemble, random, report } = scenario;
    const follower = random.pick(await ensemble.followers());
    await wipeAndReplace(scenario, follower, 'follower', asSuperUser);
    await wipeAndReplace(scenario, await ensemble.leader(), 'leader', onItsMachine);
    // It takes part again: without its vote the ensemble would stand still here.
    const others = ensemble.ids.filter((id) => id !== 1);
    await scenario.fault('SIGKILL of server 1 afterwards', {
      strike: () => ensemble.kill(1),
      mend: () => ensemble.start(1),
      untouched: others,
    });
    report.note(`/zookeeper/config after it:\n${await configOf(scenario)}`);
  });
}

async function configOf({ crowd }) {
  const tree = await crowd.tree('/zookeeper/config', 1);
  return tree.get('/zookeeper/config').data;
}
