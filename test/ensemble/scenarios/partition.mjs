// Ways between servers that fail: all of one server's, one direction, some pairs only; with resets,
// and in silence, as when a host vanishes.
import { withCrowd } from '../lib/scenario.mjs';
import { pauseMs } from '../lib/waiting.mjs';

/** Each breaks ways; answers the servers whose clients must keep their connections. */
const faults = {
  'the leader cut off, connections reset': ({ links, leader, others }) => {
    for (const id of others) links.cutBoth(leader, id);
    return others;
  },
  'the leader vanishes in silence': ({ links, leader, others }) => {
    for (const id of others) links.holdBoth(leader, id);
    return others;
  },
  'a follower vanishes in silence': ({ links, ids, follower }) => {
    const rest = ids.filter((id) => id !== follower);
    for (const id of rest) links.holdBoth(follower, id);
    return rest;
  },
  'nothing that the leader sends arrives': ({ links, leader, others }) => {
    for (const id of others) links.hold(leader, id);
    return others;
  },
  'nothing sent to the leader arrives': ({ links, leader, others }) => {
    for (const id of others) links.hold(id, leader);
    return others;
  },
  'a follower hears nobody': ({ links, ids, follower }) => {
    const rest = ids.filter((id) => id !== follower);
    for (const id of rest) links.hold(id, follower);
    return rest;
  },
  // Partial: everybody still reaches a majority, but for one that hears the leader no more.
  'the way between the leader and one follower': ({ links, leader, follower, ids }) => {
    links.holdBoth(leader, follower);
    return ids.filter((id) => id !== leader && id !== follower);
  },
  // Quorum loss (OmniPaxos, section 2): all that is left leads through one who does not lead.
  'all ways but those of one follower': ({ links, ids, follower }) => {
    for (const a of ids) {
      for (const b of ids) if (a < b && a !== follower && b !== follower) links.holdBoth(a, b);
    }
    return [follower];
  },
};

export async function run(context) {
  await withCrowd(context, 'partition', { proxied: true }, async (scenario) => {
    const { ensemble, random } = scenario;
    const { links, ids } = ensemble;
    for (let round = 1; round <= Math.ceil(context.rounds / 2); round += 1) {
      for (const [title, breakWays] of Object.entries(faults)) {
        const leader = await ensemble.leader();
        const others = ids.filter((id) => id !== leader);
        const parties = { links, ids, leader, others, follower: random.pick(others) };
        const untouched = breakWays({ ...parties, links: noLinks });
        await scenario.fault(`${title} (leader ${leader}), round ${round}`, {
          strike: async () => {
            breakWays(parties);
            await pauseMs(random.between(0, 1000));
          },
          mend: () => links.heal(),
          untouched,
        });
      }
    }
    scenario.reportGaps('broken ways');
  });
}

/** To learn beforehand who will be untouched. */
const noLinks = { hold() {}, holdBoth() {}, cut() {}, cutBoth() {} };
