// Observers that no configuration names: they join by themselves, serve, and ride through what
// happens to voters; what happens to them concerns their own clients only.
import { Connection } from '../../durability/lib/wire.mjs';
import { withCrowd } from '../lib/scenario.mjs';

export async function run(context) {
  const joined = 2;
  await withCrowd(context, 'joined', { joined }, async (scenario) => {
    const { ensemble, report } = scenario;
    const [first, second] = ensemble.ids.slice(-joined);
    const except = (...ids) => ensemble.ids.filter((id) => !ids.includes(id));
    const role = await ensemble.roleOf(first);
    report.check('srvr calls it an observer', [role === 'observer' ? null : `it says ${role}`]);
    const killed = (id, title) =>
      scenario.fault(`SIGKILL of ${title} ${id}`, {
        strike: () => ensemble.kill(id),
        mend: () => ensemble.start(id),
        untouched: except(id),
      });
    for (let round = 1; round <= context.rounds; round += 1) {
      await killed(first, 'observer');
      await killed(await ensemble.leader(), 'leader');
      await killed(ensemble.voterOf(second), `the voter of observer ${second},`);
    }
    scenario.reportGaps('SIGKILL, with observers that joined');
    await silentVoter(scenario, first, except);
    await scenario.fault(`observer ${second} loses its disk, and comes back as another`, {
      strike: async () => {
        await ensemble.kill(second);
        ensemble.wipe(second);
      },
      mend: () => ensemble.start(second),
      untouched: except(second),
    });
    await scenario.fault(`SIGTERM of observer ${first}`, {
      strike: () => ensemble.kill(first, 'SIGTERM'),
      mend: () => ensemble.start(first),
      untouched: except(first),
    });
    report.check('nobody was configured', [await stranger(ensemble)]);
  });
}

/** Nothing says that the voter is gone: its observers have to find out. */
async function silentVoter(scenario, observer, except) {
  const { ensemble } = scenario;
  const voter = ensemble.voterOf(observer);
  await scenario.fault(`SIGSTOP of voter ${voter}, on which observer ${observer} hangs`, {
    strike: () => ensemble.signal(voter, 'SIGSTOP'),
    mend: () => ensemble.signal(voter, 'SIGCONT'),
    untouched: except(voter),
  });
}

async function stranger(ensemble) {
  const reader = await Connection.open(ensemble.port(1));
  const { data } = await reader.getData('/zookeeper/config');
  await reader.closeSession();
  const lines = String(data).match(/^server\./gm)?.length ?? 0;
  const known = ensemble.configuredIds.length;
  return lines === known ? null : `${lines} servers in the configuration, want ${known}`;
}
