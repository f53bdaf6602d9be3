// A server that the files name as an observer: it serves clients, and votes nowhere.
import { withCrowd } from '../lib/scenario.mjs';

export async function run(context) {
  const size = context.size + 1;
  const observer = size;
  const options = { size, observers: [observer] };
  await withCrowd(context, 'observer', options, async (scenario) => {
    const { ensemble, random, report } = scenario;
    const role = await ensemble.roleOf(observer);
    report.check('srvr calls it an observer', [role === 'observer' ? null : `it says ${role}`]);
    const except = (id) => ensemble.ids.filter((other) => other !== id);
    await scenario.fault('SIGKILL of the observer', {
      strike: () => ensemble.kill(observer),
      mend: () => ensemble.start(observer),
      untouched: except(observer),
    });
    const leader = await ensemble.leader();
    await scenario.fault(`SIGKILL of leader ${leader}, the observer's clients ride through`, {
      strike: () => ensemble.kill(leader),
      mend: () => ensemble.start(leader),
      untouched: except(leader),
    });
    await withoutMajority(scenario, random, observer);
  });
}

/** With a majority of voters gone, an observer more is no help: nothing may be acknowledged. */
async function withoutMajority(scenario, random, observer) {
  const { ensemble, report, crowd } = scenario;
  const voters = ensemble.ids.filter((id) => id !== observer);
  const gone = voters.toSorted(() => random.next() - 0.5).slice(0, (voters.length >> 1) + 1);
  let rate = -1;
  await scenario.fault(`SIGKILL of ${gone.join(' and ')}: no majority of voters`, {
    strike: async () => {
      await Promise.all(gone.map((id) => ensemble.kill(id)));
      // What was decided before may still be answered.
      await crowd.rate(200);
      rate = await crowd.rate(1000);
    },
    mend: () => ensemble.startAll(gone),
    untouched: [],
    isAnsweredDuring: false,
  });
  report.check('nothing is acknowledged meanwhile', [
    rate === 0 ? null : `${rate} writes a second`,
  ]);
}
