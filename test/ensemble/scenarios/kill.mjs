// SIGKILL of the leader, of a follower, of anyone, again and again.
import { withCrowd } from '../lib/scenario.mjs';

async function victimOf(kind, ensemble, random) {
  const leader = await ensemble.leader();
  if (kind === 'leader') return leader;
  const others = ensemble.ids.filter((id) => id !== leader);
  return random.pick(kind === 'follower' ? others : ensemble.ids);
}

export async function run(context) {
  await withCrowd(context, 'kill', {}, async (scenario) => {
    const { ensemble, random } = scenario;
    for (const kind of ['follower', 'leader', 'anyone']) {
      for (let round = 1; round <= context.rounds; round += 1) {
        const victim = await victimOf(kind, ensemble, random);
        await scenario.fault(`SIGKILL of ${kind} ${victim}, round ${round}`, {
          strike: () => ensemble.kill(victim),
          mend: () => ensemble.start(victim),
          untouched: ensemble.ids.filter((id) => id !== victim),
        });
      }
      scenario.reportGaps(`SIGKILL of ${kind}`);
    }
  });
}
