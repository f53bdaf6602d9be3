import { expect, test } from 'vitest';
import { SimDisk } from '../sim/disk.ts';
import { append, cutTail, ManualClock, recover, settle, snapshotAtTail } from './test-fixture.ts';
import type { ScrubbedDamage } from './types.ts';

const body = (length: number, fill = 5): Uint8Array => new Uint8Array(length).fill(fill);

/** Segments that are closed, two snapshots, and a clock that a test owns. */
async function scrubbed(bytesPerSecond = 1_000_000): Promise<{
  disk: SimDisk;
  clock: SteppedClock;
  storage: Awaited<ReturnType<typeof recover>>['storage'];
  damages: ScrubbedDamage[];
}> {
  const disk = new SimDisk();
  const clock = new SteppedClock();
  const { storage } = await recover(disk, { clock });
  for (const fill of [1, 2]) {
    for (let i = 0; i < 8; i++) await append(storage, [body(900, 10 * fill + i)]);
    await snapshotAtTail(storage, body(5000, fill));
  }
  for (let i = 0; i < 8; i++) await append(storage, [body(900, 40 + i)]);
  await settle();
  const damages: ScrubbedDamage[] = [];
  storage.scrub((damage) => damages.push(damage), bytesPerSecond);
  return { disk, clock, storage, damages };
}

class SteppedClock extends ManualClock {
  nowMs = 0;

  override monotonicMs(): number {
    return this.nowMs;
  }

  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      this.nowMs += 1000;
      this.tick();
      await settle();
    }
  }
}

function closedSegments(disk: SimDisk): string[] {
  return disk.paths().filter((path) => path.endsWith('.qlog'));
}

test('what is whole is read in peace, once a day', async () => {
  const { disk, clock, storage, damages } = await scrubbed();
  await clock.pass(5);
  const operations = disk.operations;
  await clock.pass(20);
  expect(disk.operations).toBe(operations);
  clock.nowMs += 86_400_000;
  await clock.pass(1);
  expect(disk.operations).toBeGreaterThan(operations);
  expect(damages).toEqual([]);
  await storage.close();
});

test('damage in a closed segment is reported with its slot', async () => {
  const { disk, clock, storage, damages } = await scrubbed();
  disk.flipBit(closedSegments(disk)[0] as string, 8 * 700);
  await clock.pass(3);
  expect(damages).toMatchObject([{ kind: 'log', file: closedSegments(disk)[0], slot: 7 }]);
  expect(storage.log.tail.slot).toBe(24);
});

test('a damaged snapshot counts no more', async () => {
  const { disk, clock, storage, damages } = await scrubbed();
  const newest = storage.snapshots.list()[1]?.file as string;
  disk.flipBit(newest, 8 * 3000);
  await clock.pass(3);
  expect(damages).toMatchObject([{ kind: 'snapshot', file: newest }]);
  expect(storage.snapshots.list().map(({ slot }) => slot)).toEqual([8]);
  await snapshotAtTail(storage, body(10));
  expect((await recover(disk.copy())).snapshotSlot).toBe(24);
});

test('no more is read in a second than was asked for', async () => {
  const { disk, clock, damages } = await scrubbed(500);
  disk.flipBit(closedSegments(disk)[1] as string, 8 * 700);
  await clock.pass(1);
  expect(damages).toEqual([]);
  // A segment of four records of a thousand bytes stands before it.
  await clock.pass(4);
  expect(damages).toEqual([]);
  await clock.pass(30);
  expect(damages).toHaveLength(1);
});

test('a segment that is cut and written anew between two looks is not taken for damaged', async () => {
  const disk = new SimDisk();
  const clock = new SteppedClock();
  const size = { segmentBytesFirst: 2_000_000, segmentBytesMax: 2_000_000 };
  const { storage } = await recover(disk, { clock, ...size });
  const write = async (count: number, fill: number): Promise<void> => {
    for (let i = 0; i < count; i++) await append(storage, [body(90_000, fill + i)]);
  };
  await write(25, 1);
  const damages: ScrubbedDamage[] = [];
  storage.scrub((damage) => damages.push(damage), 300_000);
  await clock.pass(2);
  await cutTail(storage, 5);
  await write(25, 100);
  await clock.pass(20);
  expect(damages).toEqual([]);
  await storage.close();
});

test('trims, purges and cuts meanwhile are not in its way, nor taken for damage', async () => {
  for (let turns = 0; turns < 20; turns++) {
    const { disk, clock, storage, damages } = await scrubbed();
    clock.nowMs += 1000;
    clock.tick();
    for (let i = 0; i < turns; i++) await Promise.resolve();
    await cutTail(storage, 18);
    for (let i = 0; i < 4; i++) await append(storage, [body(900, 60 + i)]);
    const before = disk.paths().length;
    await storage.log.trim(17);
    expect(disk.paths().length).toBeLessThan(before);
    await clock.pass(4);
    expect(damages).toEqual([]);
    await storage.close();
  }
});
