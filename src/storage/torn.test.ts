import { expect, test } from 'vitest';
import { SimDisk } from '../sim/disk.ts';
import { check } from './check.ts';
import {
  append,
  checksums,
  DATA_DIR,
  entriesBehind,
  random,
  recover,
  snapshotAtTail,
} from './test-fixture.ts';

const BIG = { segmentBytesFirst: 32_768, segmentBytesMax: 32_768 };
const LENGTHS = [0, 1, 30, 90, 200, 408, 511, 700, 1300, 2600];

/** Bodies with stretches of zeros, so that some of their sectors are rightly zero. */
function body(choose: (below: number) => number): Uint8Array {
  const bytes = new Uint8Array(LENGTHS[choose(LENGTHS.length)] as number);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i >> 9) % 2 === 0 ? 0 : 1 + choose(255);
  return bytes;
}

test('an append that a crash tears in any way is cut as a whole from its first gap', async () => {
  let torn = 0;
  for (let seed = 0; seed < 400; seed++) {
    const choose = random(seed);
    const disk = new SimDisk();
    const { storage } = await recover(disk, BIG);
    for (let i = choose(3); i >= 0; i--) await append(storage, [body(choose)]);
    const acked = storage.log.tail.slot;
    const bodies = Array.from({ length: 1 + choose(6) }, () => body(choose));
    const offered = entriesBehind(storage.log.tail, bodies);
    // The write itself is the crash: it reaches memory, and the device as `choose` says.
    disk.crashAt = disk.operations + 1;
    storage.log.append(offered, acked, () => expect.unreachable());
    const rebooted = disk.reboot(choose);
    const report = await check(rebooted.copy(), { checksums, dataDir: DATA_DIR });
    expect(report.problems.filter((problem) => problem.isFatal)).toEqual([]);
    const found = await recover(rebooted, BIG);
    const last = found.storage.log.tail.slot;
    expect(last).toBeGreaterThanOrEqual(acked);
    for (const entry of found.entries.slice(acked)) {
      expect(entry.hash).toEqual(offered[entry.slot - acked - 1]?.hash);
    }
    if (found.storage.report.tornBytes > 0) torn++;
    // What was cut leaves nothing behind that a later record could be confused with.
    const more = await append(found.storage, [new Uint8Array(5), new Uint8Array(3000).fill(8)]);
    const again = await recover(rebooted.copy(), BIG);
    expect(again.storage.log.tail.hash).toEqual(more[1]?.hash);
    expect(again.storage.report.tornBytes).toBe(0);
  }
  expect(torn).toBeGreaterThan(150);
});

test('the first record of a segment, torn behind a snapshot, sends nobody to the segment before', async () => {
  const disk = new SimDisk();
  const { storage } = await recover(disk);
  for (let i = 0; i < 3; i++) await append(storage, [new Uint8Array(900).fill(i + 1)]);
  await snapshotAtTail(storage, new Uint8Array(9));
  // It does not fit the first segment; its header gets to the device, the end of its body not.
  await append(storage, [new Uint8Array(3000).fill(7)]);
  const torn = disk.copy();
  torn.zeroRange('/data/quoll/log/0000000000000001.qlog', 2048, 4096);
  const found = await recover(torn);
  expect([found.storage.log.tail.slot, found.storage.report.tornBytes > 0]).toEqual([3, true]);
  const [more] = await append(found.storage, [new Uint8Array(100).fill(8)]);
  await found.storage.close();
  const again = await recover(torn);
  expect(again.storage.log.tail.hash).toEqual(more?.hash);
  expect(await again.storage.readLog(1, 10)).toMatchObject([{ slot: 1 }]);
});
