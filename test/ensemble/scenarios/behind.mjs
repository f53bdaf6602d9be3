// A follower that was away so long that the others have cut their logs: it comes back by a snapshot
// of theirs, and goes on.
import { withCrowd } from '../lib/scenario.mjs';
import { eventually } from '../lib/waiting.mjs';

/** Small, so that snapshots are written and logs are cut while the follower is away. */
const settings = { snapCount: 1000, snapSizeLimitInKb: 512, preAllocSize: 256 };

export async function run(context) {
  const options = { settings: { ...settings, 'autopurge.snapRetainCount': 3 } };
  await withCrowd(context, 'behind', options, async (scenario) => {
    const { ensemble, random, crowd, report } = scenario;
    const [victim] = [random.pick(await ensemble.followers())];
    await scenario.fault(`follower ${victim} is away while logs are cut`, {
      strike: async () => {
        await ensemble.kill(victim);
        const others = ensemble.ids.filter((id) => id !== victim);
        const written = () => others.every((id) => snapshotsOf(ensemble, id) >= 6);
        await eventually('the others write six snapshots each', written, 60_000, 100);
      },
      mend: () => ensemble.start(victim),
      untouched: ensemble.ids.filter((id) => id !== victim),
    });
    const trees = await Promise.all(ensemble.ids.map((id) => crowd.tree('/load', id)));
    const texts = trees.map((tree) => textOf(tree));
    report.check('all servers show the same tree', [
      texts.every((text) => text === texts[0]) ? null : 'they do not',
    ]);
    // Its first start, its second from its own disk, and a life that begins with the snapshot.
    const lives = ensemble.member(victim).log.split('"msg":"recovered"').length - 1;
    report.check('it took a snapshot over', [
      lives >= 3 ? null : `it has recovered ${lives} times, should be 3`,
    ]);
  });
}

function snapshotsOf(ensemble, id) {
  return ensemble.member(id).log.split('"snapshot written"').length - 1;
}

function textOf(tree) {
  const rows = [...tree].map(([path, { data, stat }]) => `${path} ${data} ${stat.mzxid}`);
  return rows.toSorted().join('\n');
}
