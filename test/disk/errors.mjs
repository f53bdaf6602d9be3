// The disk fails once: the process must stop with words that help, nothing may be acknowledged
// after the failure, and a new start must bring everything back.
import { compileShim, Device } from './lib/device.mjs';
import { Ledger } from './lib/ledger.mjs';
import { eventually, Place } from './lib/place.mjs';

const settings = { snapSizeLimitInKb: 1024 };
const faults = [
  { name: 'a write of the log', operation: 'dsync', part: '.qlog', count: 20 },
  { name: 'the sync of a new segment', operation: 'fsync', part: '.qlog.tmp', count: 1 },
  { name: 'a write to a new segment', operation: 'write', part: '.qlog.tmp', count: 3 },
  { name: 'the sync of a snapshot', operation: 'fsync', part: '.qsnap.tmp', count: 1 },
  { name: 'the rename of a snapshot', operation: 'rename', part: '.qsnap', count: 1 },
  { name: 'the sync of a directory', operation: 'dirsync', part: 'quoll/', count: 1 },
  {
    name: 'the sync of the log that a snapshot must not outlive',
    operation: 'fsync',
    part: '.qlog',
    count: 2,
    more: { forceSync: 'no' },
  },
];
/** It names what failed, and where, and the way on. */
const advice = /check the (disk|device)|quoll check|start (it|the server) again|restart/i;

async function failOnce(report, shim, binary, fault) {
  const slug = `${fault.operation}-${fault.part.replaceAll(/\W/g, '')}`;
  const place = await Place.create(`errors-${slug}`, binary, { ...settings, ...fault.more });
  const device = new Device(shim, place.dataDirectory, 1);
  const failedBefore = report.failed;
  try {
    device.prime();
    await place.start({ wrapper: device.wrapper });
    const ledger = new Ledger(place.port, { writers: 3, depth: 4, dataBytes: 5000 });
    await ledger.prepare();
    await ledger.start();
    device.order('EIO', fault.operation, fault.part, fault.count);
    const isInjected = await eventually(() => !device.isOrderOpen, 20_000);
    const exit = await place.ended(10_000);
    const said = place.log.split('\n').filter((line) => line.includes('EIO'));
    report.check(`EIO at ${fault.name} ends the process`, [
      isInjected ? null : 'the fault never came',
      /^code [1-9]/.test(exit ?? '') ? null : `it ended with ${exit}`,
      said.some((line) => /\.(qlog|qsnap)|quoll\//.test(line)) ? null : 'no line names the file',
      said.some((line) => advice.test(line)) ? null : `no advice in: ${said.at(-1)}`,
    ]);
    if (exit === null) await place.kill();
    await ledger.stop(5000);
    if (fault.more === undefined) device.cutPower();
    await place.start();
    const problems = await ledger.problems();
    report.check(`nothing acknowledged is lost after EIO at ${fault.name}`, problems);
    report.progress(`${ledger.ackedCount} acknowledged, ended with ${exit}`);
  } finally {
    await place.dispose(report.failed > failedBefore);
  }
}

export async function run(report, { binary }) {
  const place = await Place.create('shim', binary);
  const shim = compileShim(place.directory);
  if (shim === null) {
    report.miss('errors of the disk', 'cc, to compile the shim');
    return;
  }
  for (const fault of faults) await failOnce(report, shim, binary, fault);
  await place.dispose();
}
