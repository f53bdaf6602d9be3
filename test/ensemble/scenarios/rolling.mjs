// A rolling restart: SIGTERM one after the other. No write and no session is lost; the leader hands
// leadership over before it goes, so that the others' clients hardly notice.
import { withCrowd } from '../lib/scenario.mjs';

/**
 * The others are not told that the connections of the one that ends have closed. So without a
 * hand-over they would miss it only after the election time-out, 800 ms after its last heartbeat.
 */
const handOverGapMsMax = 600;

export async function run(context) {
  await withCrowd(context, 'rolling', { proxied: true }, async (scenario) => {
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
            ensemble.links.hidesEndings = true;
            exit = await ensemble.kill(id, 'SIGTERM');
          },
          mend: () => {
            ensemble.links.heal();
            return ensemble.start(id);
          },
          untouched: ensemble.ids.filter((other) => other !== id),
        });
        report.check(`server ${id} ends in order`, [
          exit === 'code 0' ? null : `it ended: ${exit}`,
        ]);
        if (!wasLeading) continue;
        const gapMs = scenario.gapsMs.at(-1);
        report.check(`leader ${id} hands over first`, [
          gapMs <= handOverGapMsMax ? null : `others' clients waited ${gapMs} ms for an answer`,
        ]);
      }
    }
    scenario.reportGaps('rolling restart');
  });
}
