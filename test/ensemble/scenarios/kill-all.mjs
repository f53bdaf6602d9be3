// SIGKILL of all servers at once: what was acknowledged is on a majority of disks.
import { withCrowd } from '../lib/scenario.mjs';
import { pauseMs } from '../lib/waiting.mjs';

export async function run(context) {
  await withCrowd(context, 'kill-all', {}, async (scenario) => {
    const { ensemble, random } = scenario;
    for (let round = 1; round <= context.rounds; round += 1) {
      await scenario.fault(`SIGKILL of all, round ${round}`, {
        strike: async () => {
          await Promise.all(ensemble.ids.map((id) => ensemble.kill(id)));
          await pauseMs(random.between(0, 300));
        },
        mend: () => ensemble.startAll(),
        untouched: [],
        isAnsweredDuring: false,
      });
    }
  });
}
