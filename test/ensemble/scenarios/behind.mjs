// A follower that was away so long that the others have cut their logs: it comes back by a snapshot
// of theirs, and goes on.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '../../durability/lib/wire.mjs';
import { withCrowd } from '../lib/scenario.mjs';

const writesMax = 400;

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
        const last = Math.max(...segmentsOf(ensemble, victim));
        // One file more, because the leader also keeps the last 16 MB in memory.
        const isCut = () => others.every((id) => Math.min(...segmentsOf(ensemble, id)) > last + 1);
        await writeUntil(isCut, ensemble.port(others[0]));
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

/** Numbers of the files of a server's log. */
function segmentsOf(ensemble, id) {
  const names = readdirSync(join(ensemble.member(id).dataDirectory, 'quoll/log'));
  return names.filter((name) => name.endsWith('.qlog')).map((name) => Number.parseInt(name, 16));
}

/** Long writes, because a file of the log is cut off as a whole. */
async function writeUntil(isEnough, port) {
  const connection = await Connection.open(port);
  const path = '/bulk';
  await connection.write({ kind: 'create', path, data: '', flags: 0 });
  const write = { kind: 'set', path, data: 'bulk '.repeat(100_000), version: -1 };
  for (let count = 0; !isEnough(); count += 1) {
    if (count === writesMax) throw new Error(`no log is cut after ${count} writes of 500 kB`);
    await connection.write(write);
  }
  await connection.closeSession();
}

function textOf(tree) {
  const rows = [...tree].map(([path, { data, stat }]) => `${path} ${data} ${stat.mzxid}`);
  return rows.toSorted().join('\n');
}
