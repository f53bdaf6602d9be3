import { describe, expect, test } from 'vitest';
import { SimDisk } from '../sim/disk.ts';
import { append, ManualClock, recover, settle, snapshotAtTail } from './test-fixture.ts';
import type { LogEntry, StorageOptions } from './types.ts';

const body = (length: number): Uint8Array => new Uint8Array(length).fill(6);

async function fullDisk(extra: Partial<StorageOptions> = {}): Promise<{
  disk: SimDisk;
  clock: ManualClock;
  rooms: boolean[];
  opened: Awaited<ReturnType<typeof recover>>;
}> {
  const disk = new SimDisk();
  const clock = new ManualClock();
  const rooms: boolean[] = [];
  const opened = await recover(disk, { clock, onRoom: (hasRoom) => rooms.push(hasRoom), ...extra });
  await append(opened.storage, [body(2000)]);
  await settle();
  disk.capacityBytes = disk.usedBytes() + 1000;
  return { disk, clock, rooms, opened };
}

describe('a full disk', () => {
  test('is noticed before the log runs into it; appends wait, and go on once there is room', async () => {
    const { disk, clock, rooms, opened } = await fullDisk();
    const { storage } = opened;
    // Rolls into the segment that stood ready; the next one does not fit any more.
    await append(storage, [body(2500)]);
    await settle();
    expect(rooms).toEqual([false]);
    expect(storage.log.hasRoom).toBe(false);
    for (let i = 0; i < 2; i++) await append(storage, [body(300)]);
    let isDone = false;
    const waiting = append(storage, [body(3000)]).then(() => {
      isDone = true;
    });
    clock.tick();
    await settle();
    expect(isDone).toBe(false);
    expect(await storage.readLog(1, 100_000)).toMatchObject([{ slot: 1 }]);
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    clock.tick();
    await waiting;
    expect(rooms).toEqual([false, true]);
    await storage.close();
    expect((await recover(disk.copy())).entries).toHaveLength(5);
  });

  test('gives the reserve to appends that were accepted before anybody knew', async () => {
    const { disk, clock, rooms, opened } = await fullDisk({ reserveBytes: 16_384 });
    const { storage } = opened;
    // Rolls into the segment that stood ready while the disk is found full, then wants another.
    await append(storage, [body(2500)]);
    await append(storage, [body(3000)]);
    expect(rooms).toEqual([false]);
    expect(storage.log.hasRoom).toBe(false);
    for (let i = 0; i < 2; i++) await append(storage, [body(3000)]);
    expect(storage.log.isExhausted).toBe(false);
    const waiting = append(storage, [body(3000), body(3000), body(3000), body(3000)]);
    await settle();
    expect(storage.log.isExhausted).toBe(true);
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    clock.tick();
    await waiting;
    await settle();
    expect(rooms).toEqual([false, true]);
    expect(storage.log.isExhausted).toBe(false);
    expect((await recover(disk.copy())).entries).toHaveLength(9);
  });

  test('is left by a snapshot in the space of the reserve, which is then put by again', async () => {
    const { disk, rooms, opened } = await fullDisk();
    const { storage } = opened;
    const reserve = '/data/quoll/reserve';
    await append(storage, [body(2500)]);
    await settle();
    expect(rooms).toEqual([false]);
    expect(disk.paths()).toContain(reserve);
    // Two snapshots, so that the log behind the older one goes.
    await snapshotAtTail(storage, body(1100));
    expect(disk.paths()).not.toContain(reserve);
    await append(storage, [body(1)]);
    await snapshotAtTail(storage, body(1100));
    disk.capacityBytes += 6000;
    await storage.log.trim(storage.log.tail.slot);
    await settle();
    expect(rooms).toEqual([false, true]);
    expect(disk.paths()).toContain(reserve);
    expect(storage.log.hasRoom).toBe(true);
  });

  test('fails a snapshot without a trace', async () => {
    const { disk, opened } = await fullDisk();
    await expect(snapshotAtTail(opened.storage, body(100_000))).rejects.toThrow(/ENOSPC/);
    expect(disk.paths().filter((path) => path.includes('snapshots'))).toEqual([]);
    await append(opened.storage, [body(10)]);
  });

  test('during a write of the log holds the append until it succeeds', async () => {
    const { disk, clock, rooms, opened } = await fullDisk();
    disk.fault = (operation) => (operation === 'write' ? 'ENOSPC' : null);
    const waiting = append(opened.storage, [body(100), body(50)]);
    await settle();
    expect(rooms).toEqual([false]);
    disk.fault = () => null;
    clock.tick();
    const entries = await waiting;
    const found = await recover(disk.copy());
    expect(found.storage.log.tail.hash).toEqual((entries[1] as LogEntry).hash);
  });
});

describe('a failing disk', () => {
  test('ends the log with the first failed write, for good', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    await append(storage, [body(10)]);
    disk.fault = (operation) => (operation === 'write' ? 'EIO' : null);
    await expect(append(storage, [body(20)])).rejects.toThrow(/EIO/);
    disk.fault = () => null;
    const written = disk.contentOf('/data/quoll/log/0000000000000000.qlog');
    await expect(append(storage, [body(20)])).rejects.toThrow(/EIO/);
    expect(disk.contentOf('/data/quoll/log/0000000000000000.qlog')).toEqual(written);
  });

  test('ends the log when the next segment can not be synced', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    await settle();
    disk.fault = (operation) => (operation === 'sync' ? 'EIO' : null);
    await append(storage, [body(3000)]);
    await append(storage, [body(3000)]);
    await settle();
    await expect(append(storage, [body(3000)])).rejects.toThrow(/EIO/);
  });

  test('fails the saving of the state and leaves the old one readable', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    await new Promise((resolve) => storage.saveState(body(9), resolve));
    disk.fault = (operation) => (operation === 'write' ? 'EIO' : null);
    const error = await new Promise((resolve) => storage.saveState(body(30), resolve));
    expect(String(error)).toContain('EIO');
    disk.fault = () => null;
    expect((await recover(disk.copy())).storage.state).toEqual(body(9));
  });
});

test('the first copy of the superblock is durable before another is begun', async () => {
  const answers: (() => void)[] = [];
  let isManual = false;
  const disk = new SimDisk((task) => {
    if (isManual) answers.push(task);
    else queueMicrotask(task);
  });
  const { storage } = await recover(disk);
  await settle();
  const begun: string[] = [];
  disk.fault = (operation, path) => {
    if (operation === 'write') begun.push(path.slice(-1));
    return null;
  };
  isManual = true;
  const saved = new Promise((resolve) => storage.saveState(body(5), resolve));
  await settle();
  expect(begun).toEqual(['0']);
  answers.splice(0).forEach((answer) => {
    answer();
  });
  await settle();
  expect(begun).toEqual(['0', '1', '2']);
  answers.splice(0).forEach((answer) => {
    answer();
  });
  expect(await saved).toBeNull();
});

test('a state that could not be saved, and then another, never count as the same', async () => {
  const disk = new SimDisk();
  const { storage } = await recover(disk);
  const save = (fill: number): Promise<unknown> =>
    new Promise((resolve) => storage.saveState(new Uint8Array(9).fill(fill), resolve));
  await save(1);
  // Two copies are written, the third is not; then only one.
  disk.fault = (operation, path) =>
    operation === 'write' && path.endsWith('superblock.2') ? 'EIO' : null;
  expect(await save(2)).not.toBeNull();
  disk.fault = (operation, path) =>
    operation === 'write' && !path.endsWith('superblock.0') ? 'EIO' : null;
  expect(await save(3)).not.toBeNull();
  disk.fault = () => null;
  const found = await recover(disk.copy());
  expect(found.storage.state).toEqual(new Uint8Array(9).fill(3));
  const damaged = disk.copy();
  await (await recover(damaged)).storage.close();
  damaged.loseEntry('/data/quoll/superblock.0');
  expect((await recover(damaged)).storage.state).toEqual(new Uint8Array(9).fill(3));
});

test('short writes are completed, wherever they stop', async () => {
  const disk = new SimDisk();
  const { storage } = await recover(disk);
  let turn = 0;
  disk.shorten = (bytes) => Math.max(1, Math.min(bytes, [1, 103, 104, 105, 640][turn++ % 5] ?? 1));
  const bodies = [body(300), new Uint8Array(0), body(1), body(1200), body(77)];
  const written = await append(storage, bodies);
  await append(storage, [body(400)]);
  disk.shorten = (bytes) => bytes;
  const found = await recover(disk.copy());
  expect(found.entries).toHaveLength(6);
  expect(found.entries[4]?.hash).toEqual(written[4]?.hash);
  expect(found.entries.map((entry) => entry.body.length)).toEqual([300, 0, 1, 1200, 77, 400]);
});
