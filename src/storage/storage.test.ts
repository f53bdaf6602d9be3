import { describe, expect, test } from 'vitest';
import { AssertionError } from '../base/assert.ts';
import { LOG_BODY_BYTES_MAX } from '../base/limits.ts';
import { SimDisk } from '../sim/disk.ts';
import { check } from './check.ts';
import { openStorage } from './storage.ts';
import {
  append,
  chain,
  checksums,
  cutTail,
  DATA_DIR,
  entriesBehind,
  recover,
  settle,
  snapshotAtTail,
  storageOptions,
} from './test-fixture.ts';
import type { LogEntry } from './types.ts';

const body = (length: number, fill = 5): Uint8Array => new Uint8Array(length).fill(fill);

async function slotsFrom(
  storage: Awaited<ReturnType<typeof recover>>['storage'],
  fromSlot: number,
): Promise<number[]> {
  const slots: number[] = [];
  for (;;) {
    const entries = (await storage.readLog(fromSlot + slots.length, 2000)) as LogEntry[];
    if (entries.length === 0) return slots;
    slots.push(...entries.map((entry) => entry.slot));
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe('a blank directory', () => {
  test('becomes that of the identity it is given, for good', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    expect(storage.log.tail).toMatchObject({ slot: 0, hash: new Uint8Array(32) });
    await storage.close();
    const other = { clusterId: body(16), replicaId: body(16) };
    const again = await recover(disk, { identityIfBlank: other });
    expect(again.storage.identity.clusterId).toEqual(body(16, 0xc1));
  });

  test('is refused where data is expected', async () => {
    const refusal = recover(new SimDisk(), { identityIfBlank: null });
    await expect(refusal).rejects.toMatchObject({ kind: 'blank' });
  });

  test('with data of ZooKeeper is left alone and the import is named', async () => {
    for (const name of ['log.1', 'snapshot.0']) {
      const disk = new SimDisk();
      await disk.makeDirectory(`${DATA_DIR}/version-2`);
      await disk.open(`${DATA_DIR}/version-2/${name}`, 'create');
      await expect(recover(disk)).rejects.toThrow(/quoll import \/data/);
      expect(disk.paths()).toEqual([`${DATA_DIR}/version-2/${name}`]);
    }
  });

  test('may keep the log elsewhere, and then looks for it there', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk, { dataLogDir: '/fast' });
    await append(storage, [body(10)]);
    await storage.close();
    expect(disk.paths().filter((path) => path.startsWith('/fast/quoll/log/'))).not.toEqual([]);
    expect((await recover(disk, { dataLogDir: '/fast' })).entries).toHaveLength(1);
    await expect(recover(disk.copy())).rejects.toThrow(/is dataLogDir mounted/);
  });
});

describe('a directory', () => {
  test('is served by one process at a time', async () => {
    const disk = new SimDisk();
    const first = await recover(disk);
    await expect(recover(disk)).rejects.toMatchObject({ code: 'ELOCKED' });
    await first.storage.close();
    await (await recover(disk)).storage.close();
  });

  test('frees its lock when it can not be opened', async () => {
    const disk = new SimDisk();
    await expect(recover(disk, { identityIfBlank: null })).rejects.toThrow();
    await recover(disk);
  });

  test('has a state of the consensus protocol, which the last saving wins', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    expect(storage.state).toHaveLength(0);
    for (const length of [100, 30]) {
      await new Promise((resolve) => storage.saveState(body(length), resolve));
    }
    // Any one of the three copies is enough.
    for (const kept of [0, 1, 2]) {
      const damaged = disk.copy();
      for (const copy of [0, 1, 2]) {
        if (copy !== kept) damaged.loseEntry(`${DATA_DIR}/quoll/superblock.${copy}`);
      }
      expect((await recover(damaged)).storage.state).toEqual(body(30));
    }
  });
});

describe('the log', () => {
  test('gives back what was appended, across segments and restarts', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    for (let i = 0; i < 30; i++) await append(storage, [body(i * 90, i), body(3, i)]);
    for (const from of [1, 2, 31, 60])
      expect(await slotsFrom(storage, from)).toEqual(range(from, 60));
    expect(await slotsFrom(storage, 61)).toEqual([]);
    await storage.close();
    const again = await recover(disk);
    expect(again.entries.map((entry) => entry.slot)).toEqual(range(1, 60));
    expect(again.entries[40]?.body).toEqual(body(20 * 90, 20));
    expect(await slotsFrom(again.storage, 55)).toEqual(range(55, 60));
    const report = await check(disk, { checksums, dataDir: DATA_DIR });
    expect(report).toMatchObject({ problems: [], entries: 60, firstSlot: 1, lastSlot: 60 });
  });

  test('keeps the kind of an entry and hashes it', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    const hashes = [0, 1, 0xffffffff].map((kind) => {
      const hash = chain(storage.log.tail.hash, 1, 3, kind, 7, body(4));
      return { slot: 1, round: 3, replica: 7, kind, body: body(4), hash };
    });
    expect(new Set(hashes.map(({ hash }) => hash.join())).size).toBe(3);
    await new Promise((resolve) => storage.log.append(hashes.slice(2), 0, resolve));
    const { entries } = await recover(disk.copy());
    expect(entries[0]).toMatchObject(hashes[2] as LogEntry);
  });

  test('knows after a restart what its records vouch for as decided', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    const first = entriesBehind(storage.log.tail, [body(1), body(2), body(3)]);
    await new Promise((resolve) => storage.log.append(first, 0, resolve));
    const second = entriesBehind(storage.log.tail, [body(4), body(5)]);
    await new Promise((resolve) => storage.log.append(second, 2, resolve));
    const decided = async (): Promise<number> => (await recover(disk.copy())).storage.decidedSlot;
    expect(await decided()).toBe(2);
    // Late news of slots that lie ahead vouch for no more than what stands before the record.
    const third = entriesBehind(storage.log.tail, [body(6)]);
    await new Promise((resolve) => storage.log.append(third, 1000, resolve));
    expect(await decided()).toBe(5);
    await snapshotAtTail(storage, body(10));
    expect(await decided()).toBe(6);
  });

  test('takes a record larger than the segments that stand ready', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    await append(storage, [body(10), body(30_000), body(20)]);
    await append(storage, [body(40_000)]);
    await storage.close();
    const { entries } = await recover(disk);
    expect(entries.map((entry) => entry.body.length)).toEqual([10, 30_000, 20, 40_000]);
  });

  test('refuses what can not be right', async () => {
    const { storage } = await recover(new SimDisk());
    const skipped = entriesBehind({ slot: 1, hash: body(32) }, [body(1)]);
    expect(() => storage.log.append(skipped, 0, () => {})).toThrow(AssertionError);
    expect(() => storage.log.append([], 0, () => {})).toThrow(AssertionError);
    const running = append(storage, [body(1)]);
    const next = entriesBehind(storage.log.tail, [body(1)]);
    expect(() => storage.log.append(next, 0, () => {})).toThrow(/under way/);
    await running;
    const huge = { ...next[0], slot: 2, body: { length: LOG_BODY_BYTES_MAX + 1 } };
    expect(() => storage.log.append([huge as never], 0, () => {})).toThrow(AssertionError);
  });

  test('forgets a tail for good and takes another in its place', async () => {
    for (const from of [1, 2, 9, 14, 15]) {
      const disk = new SimDisk();
      const { storage } = await recover(disk);
      for (let i = 0; i < 15; i++) await append(storage, [body(900, i)]);
      await cutTail(storage, from);
      expect(storage.log.tail.slot).toBe(from - 1);
      const [entry] = await append(storage, [body(50, 77)]);
      expect(await slotsFrom(storage, 1)).toEqual(range(1, from));
      await storage.close();
      const again = await recover(disk);
      expect(again.entries).toHaveLength(from);
      expect(again.storage.log.tail.hash).toEqual(entry?.hash);
    }
  });

  test('without forceSync is durable with the next snapshot', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk, { forceSync: false });
    for (let i = 0; i < 12; i++) await append(storage, [body(900, i)]);
    expect((await recover(disk.reboot(() => 0))).entries.length).toBeLessThan(12);
    await snapshotAtTail(storage, body(10));
    const after = await recover(disk.reboot(() => 0));
    expect(after.storage.log.tail.slot).toBe(12);
  });
});

describe('snapshots', () => {
  test('are loaded newest first, with the log behind them', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk);
    await append(storage, [body(10), body(20)]);
    await snapshotAtTail(storage, body(700_000, 9));
    await append(storage, [body(30)]);
    await storage.close();
    const again = await recover(disk);
    expect(again.snapshotSlot).toBe(2);
    expect(Buffer.compare(again.snapshotBytes, body(700_000, 9))).toBe(0);
    expect(again.entries.map((entry) => entry.slot)).toEqual([3]);
    expect(again.storage.bytesSinceSnapshot).toBeGreaterThanOrEqual(30);
    expect(again.storage.bytesSinceSnapshot).toBeLessThan(1000);
  });

  test('are purged beyond the number to keep, and the log behind the oldest kept', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk, { snapRetainCount: 2 });
    for (let i = 0; i < 12; i++) {
      await append(storage, [body(900, i), body(900, i)]);
      await snapshotAtTail(storage, body(10));
      await settle();
      // Any snapshot that is kept must do: the log reaches back to the oldest of them.
      const kept = storage.snapshots.list().map((info) => info.slot);
      expect(kept).toEqual(i === 0 ? [2] : [2 * i, 2 * i + 2]);
      if (i > 0) expect(storage.log.firstSlot).toBeLessThanOrEqual(2 * i + 1);
      if (i === 0) expect(storage.log.firstSlot).toBe(1);
    }
    expect(storage.log.firstSlot).toBeGreaterThan(15);
    expect(storage.bytesSinceSnapshot).toBe(0);
    await storage.close();
    expect(await check(disk, { checksums, dataDir: DATA_DIR })).toMatchObject({ problems: [] });
  });

  test('may have been removed by hand when their time comes', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk, { snapRetainCount: 2 });
    for (let i = 0; i < 3; i++) {
      await append(storage, [body(900, i)]);
      if (i === 2) await disk.remove(storage.snapshots.list()[0]?.file ?? '');
      await snapshotAtTail(storage, body(10));
    }
    expect(storage.snapshots.list().map((info) => info.slot)).toEqual([2, 3]);
  });

  test('are purged although a segment of the log behind them is gone already', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk, { snapRetainCount: 2 });
    const oldest = disk.paths().find((path) => path.endsWith('.qlog')) ?? '';
    for (let i = 0; i < 12; i++) {
      await append(storage, [body(900, i), body(900, i)]);
      if (i === 1) await disk.remove(oldest);
      await snapshotAtTail(storage, body(10));
      await settle();
    }
    expect(storage.log.firstSlot).toBeGreaterThan(1);
  });

  test('stay for ever, and all of the log with them, where nothing may be purged', async () => {
    const { storage } = await recover(new SimDisk(), { snapRetainCount: Number.POSITIVE_INFINITY });
    for (let i = 0; i < 12; i++) {
      await append(storage, [body(900, i), body(900, i)]);
      await snapshotAtTail(storage, body(10));
      await settle();
    }
    expect([storage.snapshots.list().length, storage.log.firstSlot]).toEqual([12, 1]);
  });

  test('must be loaded before the log is read, and once', async () => {
    const storage = await openStorage(new SimDisk(), storageOptions());
    await expect(storage.entries().next()).rejects.toThrow(/load the snapshot first/);
    expect(await storage.loadSnapshot(async () => 1)).toBeNull();
    await expect(storage.loadSnapshot(async () => 1)).rejects.toThrow(AssertionError);
    expect(() => storage.log).toThrow(AssertionError);
  });
});
