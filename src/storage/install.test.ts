import { describe, expect, test } from 'vitest';
import { SimDisk } from '../sim/disk.ts';
import { check } from './check.ts';
import type { Storage } from './storage.ts';
import {
  append,
  checksums,
  DATA_DIR,
  install,
  recover,
  settle,
  snapshotAtTail,
} from './test-fixture.ts';
import type { SnapshotHandle } from './types.ts';

const body = (length: number, fill = 5): Uint8Array => new Uint8Array(length).fill(fill);

/** A peer whose newest snapshot stands at the tenth slot of the one history. */
async function peerAhead(): Promise<{ peer: Storage; disk: SimDisk; handle: SnapshotHandle }> {
  const disk = new SimDisk();
  const { storage: peer } = await recover(disk);
  for (let i = 0; i < 10; i++) await append(peer, [body(300, i)]);
  await snapshotAtTail(peer, body(3000, 7));
  return { peer, disk, handle: (await peer.openNewestSnapshot()) as SnapshotHandle };
}

async function fileOf(handle: SnapshotHandle): Promise<Uint8Array> {
  const bytes = body(handle.bytes, 0);
  expect(await handle.read(bytes, 0)).toBe(handle.bytes);
  return bytes;
}

describe("a peer's snapshot", () => {
  test('takes the place of a log that ends before it', async () => {
    const { peer } = await peerAhead();
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    await append(storage, [body(300, 0), body(300, 1)]);
    await install(peer, storage);
    expect(storage.log.tail.slot).toBe(10);
    expect([...storage.log.tail.hash]).toEqual([...peer.log.tail.hash]);
    expect(storage.decidedSlot).toBe(10);
    expect(storage.bytesSinceSnapshot).toBe(0);
    await append(storage, [body(50)]);
    const found = await recover(disk.copy());
    expect([found.snapshotSlot, found.entries.length]).toEqual([10, 1]);
    expect(found.snapshotBytes).toEqual(body(3000, 7));
    const report = await check(disk.copy(), { checksums, dataDir: DATA_DIR });
    expect(report.problems).toEqual([]);
  });

  test('leaves a log that holds its slot alone: what is behind may have been acknowledged', async () => {
    const { peer } = await peerAhead();
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    for (let i = 0; i < 12; i++) await append(storage, [body(300, i)]);
    await install(peer, storage);
    expect(storage.log.tail.slot).toBe(12);
    const found = await recover(disk.copy());
    expect([found.snapshotSlot, found.entries.length]).toEqual([10, 2]);
  });

  test('replaces a log that went another way, however long that is', async () => {
    const { peer } = await peerAhead();
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    for (let i = 0; i < 12; i++) await append(storage, [body(300, i + 100)]);
    await install(peer, storage);
    expect(storage.log.tail.slot).toBe(10);
    expect([...storage.log.tail.hash]).toEqual([...peer.log.tail.hash]);
    expect((await recover(disk.copy())).entries).toEqual([]);
  });

  test('may come while the log is trimmed', async () => {
    const { peer } = await peerAhead();
    const { slot } = peer.log.tail;
    for (let delay = 0; delay < 30; delay++) {
      const disk = new SimDisk();
      const { storage } = await recover(disk);
      for (let i = 0; i < 9; i++) await append(storage, [body(2500, i + 100)]);
      const installing = install(peer, storage, 10_000);
      for (let i = 0; i < 3 * delay; i++) await Promise.resolve();
      await Promise.all([installing, storage.log.trim(7)]);
      const [more] = await append(storage, [body(9)]);
      expect(more?.slot).toBe(slot + 1);
      expect((await recover(disk.copy())).storage.log.tail.hash).toEqual(more?.hash);
    }
  });

  test('goes on behind a break, and is refused when it is not what was announced', async () => {
    const { handle } = await peerAhead();
    const file = await fileOf(handle);
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    const attempt = async (bytes: Uint8Array, announced = handle): Promise<void> => {
      const installing = await storage.beginInstall(announced);
      try {
        for (let at = 0; at < bytes.length; at = installing.receivedBytes) {
          await installing.write(bytes.subarray(at, at + 500));
        }
        await installing.finish();
      } finally {
        await installing.abort();
      }
    };
    const flipped = file.slice();
    flipped[2000] = 1;
    await expect(attempt(flipped)).rejects.toMatchObject({ kind: 'damage' });
    await expect(attempt(file.subarray(0, 3000))).rejects.toThrow(/ends short/);
    await expect(attempt(new Uint8Array([...file, 0]))).rejects.toThrow(/longer than announced/);
    await expect(attempt(file, { ...handle, slot: 11 })).rejects.toThrow(/not the one announced/);
    await expect(attempt(file, { ...handle, hash: body(32) })).rejects.toThrow(/not the one/);
    const identity = { clusterId: body(16), replicaId: body(16) };
    const other = await recover(new SimDisk(), { identityIfBlank: identity });
    await append(other.storage, [body(1)]);
    await snapshotAtTail(other.storage, body(1));
    await expect(install(other.storage, storage)).rejects.toMatchObject({ kind: 'foreign' });
    expect(storage.log.tail.slot).toBe(0);
    expect(storage.snapshots.list()).toEqual([]);
    await storage.close();
    expect(disk.paths().filter((path) => path.includes('snapshots'))).toEqual([]);
  });

  test('that finds the disk full may be written on once there is room, or given up', async () => {
    const { handle } = await peerAhead();
    const file = await fileOf(handle);
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    await settle();
    const installing = await storage.beginInstall(handle);
    await installing.write(file.subarray(0, 1000));
    disk.capacityBytes = disk.usedBytes() + 100;
    const rest = file.subarray(1000);
    await expect(installing.write(rest)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(installing.receivedBytes).toBe(1000);
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    await installing.write(rest);
    expect((await installing.finish()).slot).toBe(10);
  });

  test('is left to the next start when the crash comes before the log is new', async () => {
    const { peer } = await peerAhead();
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    for (let i = 0; i < 8; i++) await append(storage, [body(900, i + 100)]);
    disk.fault = (operation, path) => {
      if (operation === 'remove' && path.endsWith('.qlog')) disk.crashAt = disk.operations;
      return null;
    };
    void install(peer, storage);
    await settle();
    expect(disk.crashed).toBe(true);
    const report = await check(disk.copy(), { checksums, dataDir: DATA_DIR });
    expect(report.problems).toMatchObject([{ isFatal: false, what: /takes the place/ }]);
    const found = await recover(disk.copy());
    expect(found.storage.log.tail.slot).toBe(10);
    expect(found.storage.report.warnings).toEqual([]);
  });
});

describe('a snapshot that a peer reads', () => {
  test('outlives purges, and so does the log behind it, until it is closed', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk, { snapRetainCount: 2 });
    const write = async (fill: number): Promise<void> => {
      for (let i = 0; i < 6; i++) await append(storage, [body(900, fill)]);
      await snapshotAtTail(storage, body(2000, fill));
    };
    await write(1);
    const handle = (await storage.openNewestSnapshot()) as SnapshotHandle;
    for (const fill of [2, 3, 4]) await write(fill);
    expect(storage.snapshots.list().map(({ slot }) => slot)).toEqual([6, 18, 24]);
    expect(await storage.readLog(7, 100)).toMatchObject([{ slot: 7 }]);
    expect((await fileOf(handle)).subarray(150, 1500)).toEqual(body(1350, 1));
    await handle.close();
    await write(5);
    expect(storage.snapshots.list().map(({ slot }) => slot)).toEqual([24, 30]);
    expect(await storage.readLog(7, 100)).toBeNull();
  });

  test('is none where there is none', async () => {
    const { storage } = await recover(new SimDisk());
    expect(await storage.openNewestSnapshot()).toBeNull();
  });
});

describe('a log without entries', () => {
  test('is believed where it was made so, and missed where its segments are gone', async () => {
    const { peer } = await peerAhead();
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    await install(peer, storage);
    expect((await recover(disk.copy())).storage.log.tail.slot).toBe(10);
    await append(storage, [body(50)]);
    await settle();
    const lost = disk.copy();
    lost.loseEntry(lost.paths().find((path) => path.endsWith('.qlog')) as string);
    await expect(recover(lost.copy())).rejects.toThrow(/has no entries, and had some/);
    const report = await check(lost, { checksums, dataDir: DATA_DIR });
    expect(report.problems).toMatchObject([{ isFatal: true }]);
  });
});
