// A rolling restart: SIGTERM one after the other. No write and no session is lost; the leader hands
// leadership over before it goes, so that the others' clients hardly notice.
import { withCrowd } from '../lib/scenario.mjs';

/** An election would take the whole time-out of 800 ms; a hand-over takes a few round trips. */
const handOverGapMsMax = 700;

export async function run(context) {
  await withCrowd(context, 'rolling', {}, async (scenario) => {
    const { ensemble, report } = scenario;
    for (let round = 1; round <= Math.ceil(context.rounds / 2); round += 1) {
      const first = await ensemble.leader();
      // The leader last, as an operator should do it, and then whoever leads by then: once first.
      const order = [first, ...ensemble.ids.filter((id) => id !== first)];
      for (const id of order) {
        const wasLeading = (await ensemble.leader()) === id;
        let exit = '';
        await scenario.fault(`SIGTERM of ${wasLeading ? 'leader' : 'follower'} ${id}`, {
          strike: async () => {
            exit = await ensemble.kill(id, 'SIGTERM');
          },
          mend: () => ensemble.start(id),
          untouched: ensemble.ids.filter((other) => other !== id),
        });
        const gapMs = scenario.gapsMs.at(-1);
        report.check(`server ${id} ends in order`, [
          exit === 'code 0' ? null : `it ended: ${exit}`,
        ]);
        if (!wasLeading) continue;
        report.check(`leader ${id} hands over first`, [
          gapMs <= handOverGapMsMax ? null : `others' clients waited ${gapMs} ms for an answer`,
        ]);
      }
    }
    scenario.reportGaps('rolling restart');
  });
}
