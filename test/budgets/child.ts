import { WORKLOADS, Workload } from './workload.ts';

declare const copied: { bytes: number };

/** Long enough for every function on the way to be optimised. */
const WARM_UP = 200_000;
const OPERATIONS = 10_000;

const collect = globalThis.gc;
if (collect === undefined) throw new Error('run with --expose-gc');

for (const name of WORKLOADS) {
  const workload = new Workload();
  workload.run(name, WARM_UP);
  collect();
  const before = process.memoryUsage();
  const copiedBefore = copied.bytes;
  const sentBefore = workload.bytesSent;
  workload.run(name, OPERATIONS);
  const after = process.memoryUsage();
  const figures = {
    heapBytes: after.heapUsed - before.heapUsed,
    bufferBytes: after.arrayBuffers - before.arrayBuffers,
    copiedBytes: copied.bytes - copiedBefore,
    sentBytes: workload.bytesSent - sentBefore,
  };
  process.stdout.write(`${JSON.stringify({ name, ...figures })}\n`);
}
