// SIGKILL of whoever leads, over and over (`:long`), while a client at each server writes one after
// the other. A client whose server was killed moves to the next with its session.

import { Crowd } from '../lib/crowd.mjs';
import { withEnsemble } from '../lib/scenario.mjs';
import { eventually, pauseMs } from '../lib/waiting.mjs';

/** Kills between two comparisons of everything. */
const killsPerCheck = 50;

async function killLeader({ ensemble, crowd, random, gapsMs }) {
  const { probes } = crowd;
  const leader = await ensemble.leader();
  const witnesses = probes.filter(({ at, connection }) => at !== leader && !connection.isClosed);
  const connections = witnesses.map(({ connection }) => connection);
  for (const probe of witnesses) probe.takeGapMs();
  await ensemble.kill(leader);
  // At most one more answer of each was on its way: the third comes from the next leader.
  const acked = witnesses.map(({ ackedCount }) => ackedCount);
  const isServed = () =>
    probes.some(({ failure }) => failure !== null) ||
    witnesses.every(({ ackedCount }, i) => ackedCount > acked[i] + 2);
  await eventually('clients of the others are answered again', isServed, 20_000, 5);
  gapsMs.push(Math.max(...witnesses.map((probe) => probe.takeGapMs())));
  const moved = witnesses.filter(({ connection }, i) => connection !== connections[i]);
  if (moved.length > 0) throw new Error(`${moved[0].name} lost its connection`);
  await pauseMs(random.between(0, 200));
  await ensemble.start(leader);
  await crowd.goHome();
}

async function comparison(report, crowd, killsDone, gapsMs) {
  const problems = await crowd.verify();
  const isGood = report.check(`${killsDone} leaders killed, ${crowd.ackedCount} writes`, problems);
  const sorted = gapsMs.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.floor((sorted.length - 1) * part)];
  report.note(`gap of writes: median ${at(0.5)} ms, 99 % ${at(0.99)} ms, max ${at(1)} ms`);
  return isGood;
}

export async function run(context) {
  const { report, random, kills } = context;
  await withEnsemble(context, 'leader-kills', {}, async (ensemble) => {
    const crowd = new Crowd(ensemble, random);
    await crowd.openProbes();
    const { probes } = crowd;
    const gapsMs = [];
    for (let done = 0; done < kills; ) {
      for (const probe of probes) probe.start();
      const upTo = Math.min(kills, done + killsPerCheck);
      for (; done < upTo; done += 1) await killLeader({ ensemble, crowd, random, gapsMs });
      if (!(await comparison(report, crowd, done, gapsMs))) break;
    }
    await crowd.close();
  });
}
