// Kazoo, Apache's Java client and the C client, as they are, ride through failovers. Their events
// of the connection are counted: none may lose its session.
import { Connection } from '../../durability/lib/wire.mjs';
import { Ensemble } from '../lib/ensemble.mjs';
import { Rider } from '../lib/riders.mjs';
import { pauseMs } from '../lib/waiting.mjs';

const kinds = ['kazoo', 'java', 'c'];
const ackedMin = 100;

const faults = {
  SIGKILL: async (ensemble, leader) => {
    await ensemble.kill(leader);
    await pauseMs(1500);
    await ensemble.start(leader);
  },
  SIGTERM: async (ensemble, leader) => {
    await ensemble.kill(leader, 'SIGTERM');
    await pauseMs(500);
    await ensemble.start(leader);
  },
  SIGSTOP: async (ensemble, leader) => {
    ensemble.signal(leader, 'SIGSTOP');
    await pauseMs(3000);
    ensemble.signal(leader, 'SIGCONT');
  },
};

async function ride(context, ensemble, riders) {
  for (const rider of riders) await rider.line();
  for (let round = 0; round < context.rounds; round += 1) {
    for (const strike of Object.values(faults)) {
      await strike(ensemble, await ensemble.leader());
      await pauseMs(500);
    }
  }
}

function check(report, kind, books) {
  const { suspended, lost, acked, unknown, version, alive } = books;
  report.check(`${kind} keeps its session`, [
    lost === 0 ? null : `LOST ${lost} times`,
    alive === 1 ? null : 'its ephemeral is gone',
    acked >= ackedMin ? null : `only ${acked} writes acknowledged`,
    version >= acked ? null : `version ${version} after ${acked} acknowledged writes`,
    version <= acked + unknown ? null : `version ${version}, it has sent ${acked + unknown}`,
  ]);
  report.note(
    `${kind}: SUSPENDED ${suspended} times, LOST ${lost}; ${acked} writes acknowledged, ` +
      `${unknown} without answer, ${version} executed`,
  );
}

export async function run(context) {
  const { report, binary, size } = context;
  const ensemble = await Ensemble.create('riders', { size, binary });
  const riders = [];
  const failedBefore = report.failed;
  try {
    await ensemble.startAll();
    const setup = await Connection.open(ensemble.port(1));
    await setup.write({ kind: 'create', path: '/riders', data: '', flags: 0 });
    await setup.closeSession();
    for (const kind of kinds) {
      riders.push(new Rider(kind, ensemble.directory, ensemble.connectString));
    }
    await ride(context, ensemble, riders);
    for (const rider of riders) check(report, rider.kind, await rider.end());
  } finally {
    for (const rider of riders) rider.kill();
    await ensemble.stopAll();
    if (report.failed === failedBefore) ensemble.removeFiles();
  }
}
