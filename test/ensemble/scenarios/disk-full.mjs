// The disk of one server is full, of a follower or of the leader. The clients of the others go on,
// what is on the full server can be read, and with space it takes part again.
import { SmallDisk } from '../../disk/lib/small-disk.mjs';
import { Connection } from '../../durability/lib/wire.mjs';
import { withCrowd } from '../lib/scenario.mjs';
import { eventually } from '../lib/waiting.mjs';

/** By then all that was laid out ahead has been written full, too. */
const megabytesOnFull = 24;

/** Large enough for everything that a scenario writes: only the ballast fills it. */
const diskMegabytes = 400;

class Disks {
  #disks = new Map();

  /** A disk for each server of `ensemble`; throws if there can be none. */
  mount(ensemble) {
    for (const member of ensemble.members.values()) {
      const disk = new SmallDisk(member.dataDirectory, diskMegabytes);
      const why = disk.mount();
      if (why !== null) throw new Error(`mount of a tmpfs: ${why}`);
      this.#disks.set(member.id, disk);
      ensemble.configure(member);
    }
  }

  of(id) {
    return this.#disks.get(id);
  }

  unmount() {
    for (const disk of this.#disks.values()) disk.unmount();
  }
}

async function fill({ ensemble, crowd, report }, disk, id) {
  const reader = await Connection.open(ensemble.port(id));
  disk.fill();
  await eventually('its log says so', () => /no space/.test(ensemble.member(id).log), 30_000);
  const before = crowd.sentBytes;
  const isWritten = () => crowd.sentBytes - before > megabytesOnFull * 1_048_576;
  await eventually(`clients write ${megabytesOnFull} MB more`, isWritten, 30_000);
  const node = await reader.getData('/load').catch(() => null);
  reader.drop();
  report.check(`server ${id} can be read meanwhile`, [node ? null : 'no answer']);
}

async function runFor(context, kind) {
  const disks = new Disks();
  let victim = 0;
  const options = {
    settings: { preAllocSize: 1024 },
    cleanUp: () => disks.unmount(),
    prepare: (ensemble) => disks.mount(ensemble),
    homes: async (ensemble) => {
      const leader = await ensemble.leader();
      const others = ensemble.ids.filter((id) => id !== leader);
      victim = kind === 'leader' ? leader : context.random.pick(others);
      return ensemble.ids.filter((id) => id !== victim);
    },
  };
  await withCrowd(context, `disk-full-${kind}`, options, async (scenario) => {
    const { ensemble } = scenario;
    const untouched = ensemble.ids.filter((id) => id !== victim);
    await scenario.fault(`the disk of ${kind} ${victim} is full`, {
      strike: () => fill(scenario, disks.of(victim), victim),
      mend: () => disks.of(victim).makeSpace(),
      untouched,
    });
    scenario.reportGaps(`full disk of ${kind}`);
    const [other] = untouched;
    await scenario.fault(`SIGKILL of ${other}: ${victim} is needed again`, {
      strike: () => ensemble.kill(other),
      mend: () => ensemble.start(other),
      untouched: untouched.filter((id) => id !== other),
    });
  });
}

export async function run(context) {
  await runFor(context, 'follower');
  await runFor(context, 'leader');
}
