// SIGSTOP and SIGCONT: a server that hangs, and wakes up believing what it believed before.
import { withCrowd } from '../lib/scenario.mjs';
import { pauseMs } from '../lib/waiting.mjs';

export async function run(context) {
  await withCrowd(context, 'stop', {}, async (scenario) => {
    const { ensemble, random } = scenario;
    for (const kind of ['follower', 'leader']) {
      for (let round = 1; round <= context.rounds; round += 1) {
        const leader = await ensemble.leader();
        const others = ensemble.ids.filter((id) => id !== leader);
        const victim = kind === 'leader' ? leader : random.pick(others);
        await scenario.fault(`SIGSTOP of ${kind} ${victim}, round ${round}`, {
          strike: async () => {
            ensemble.signal(victim, 'SIGSTOP');
            await pauseMs(random.between(0, 3000));
          },
          mend: () => ensemble.signal(victim, 'SIGCONT'),
          untouched: ensemble.ids.filter((id) => id !== victim),
        });
      }
      scenario.reportGaps(`SIGSTOP of ${kind}`);
    }
  });
}
