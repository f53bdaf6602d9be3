import type { Prng } from '../base/prng.ts';
import type { Operation, Schedule } from './disk.ts';
import type { SimProcess } from './process.ts';

/** Microseconds that an operation takes on a good disk, besides its bytes. */
const BASE_US: Readonly<Record<Operation, number>> = {
  open: 20,
  list: 20,
  makeDirectory: 20,
  rename: 20,
  remove: 20,
  syncDirectory: 150,
  write: 100,
  read: 30,
  sync: 150,
  size: 5,
  close: 5,
};
const BYTES_PER_US = 1_000;

/** How fast a machine's disk is at the moment. */
export interface DiskSpeed {
  /** 1 is a good disk; 100 is one about to fail. */
  slowness: number;
}

/** Outcomes come to `process` after the time that the operation takes. */
export function timedBy(process: SimProcess, prng: Prng, speed: DiskSpeed): Schedule {
  return (task, operation, bytes) => {
    const meanUs = (BASE_US[operation] + bytes / BYTES_PER_US) * speed.slowness;
    process.schedule(meanUs / 2 + prng.exponential(meanUs / 2), task);
  };
}
