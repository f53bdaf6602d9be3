import { describe, expect, test } from 'vitest';
import { SimDisk } from '../sim/disk.ts';
import { check } from './check.ts';
import type { Storage } from './storage.ts';
import {
  adopt,
  append,
  checksums,
  cutTail,
  DATA_DIR,
  entriesBehind,
  recover,
  settle,
  snapshotAtTail,
} from './test-fixture.ts';
import type { LogEntry } from './types.ts';

const body = (length: number, fill = 5): Uint8Array => new Uint8Array(length).fill(fill);
const STATE = body(30, 8);

async function withEntries(count: number, bytes = 900): Promise<[SimDisk, Storage, LogEntry[]]> {
  const disk = new SimDisk();
  const { storage } = await recover(disk);
  const entries: LogEntry[] = [];
  for (let i = 0; i < count; i++) entries.push(...(await append(storage, [body(bytes, 1 + i)])));
  return [disk, storage, entries];
}

/** Another history from `fromSlot` on. */
function suffix(entries: readonly LogEntry[], fromSlot: number, count: number): LogEntry[] {
  const before = entries[fromSlot - 2] ?? { slot: 0, hash: body(32, 0) };
  return entriesBehind(
    before,
    Array.from({ length: count }, (_, i) => body(700, 100 + i)),
  );
}

describe('an adoption', () => {
  test('replaces the tail of the log and the state, across segments', async () => {
    for (const fromSlot of [1, 2, 9, 14, 15, 16]) {
      for (const count of [0, 1, 20]) {
        const [disk, storage, entries] = await withEntries(15);
        const adopted = suffix(entries, fromSlot, count);
        await adopt(storage, { fromSlot, entries: adopted, state: STATE, decidedSlot: 0 });
        const tail = adopted.at(-1) ?? entries[fromSlot - 2];
        expect([...storage.log.tail.hash]).toEqual([...(tail?.hash ?? body(32, 0))]);
        const [more] = await append(storage, [body(2000)]);
        const found = await recover(disk.copy());
        expect(found.storage.state).toEqual(STATE);
        const expected = [...entries.slice(0, fromSlot - 1), ...adopted, more as LogEntry];
        expect(found.entries.map(({ hash }) => hash)).toEqual(expected.map(({ hash }) => hash));
        expect(disk.paths().filter((path) => path.endsWith('.adopt'))).toEqual([]);
      }
    }
  });

  test('of much more than a segment holds is written in slices', async () => {
    const [disk, storage, entries] = await withEntries(3);
    const large = [3_000_000, 20, 3_000_000, 100_000].map((bytes) => body(bytes));
    const adopted = entriesBehind(entries[1] as LogEntry, large);
    let longest = 0;
    disk.shorten = (bytes) => {
      longest = Math.max(longest, bytes);
      return bytes;
    };
    await adopt(storage, { fromSlot: 3, entries: adopted, state: STATE, decidedSlot: 2 });
    expect(longest).toBeLessThan(8_000_000);
    const found = await recover(disk.copy());
    expect(found.storage.log.tail.hash).toEqual(adopted[3]?.hash);
    expect(found.storage.decidedSlot).toBe(2);
  });

  test('that changes nothing in the log saves the state, and no more', async () => {
    const [disk, storage] = await withEntries(3);
    await settle();
    const operations = disk.operations;
    await adopt(storage, { fromSlot: 4, entries: [], state: STATE, decidedSlot: 3 });
    expect(disk.operations - operations).toBe(3);
    expect((await recover(disk.copy())).storage.state).toEqual(STATE);
  });

  test('is durable without forceSync too', async () => {
    const disk = new SimDisk();
    const { storage } = await recover(disk, { forceSync: false });
    await append(storage, [body(50)]);
    const adopted = entriesBehind(storage.log.tail, [body(900, 1), body(900, 2)]);
    await adopt(storage, { fromSlot: 2, entries: adopted, state: STATE, decidedSlot: 1 });
    const found = await recover(disk.reboot(() => 0));
    expect(found.storage.state).toEqual(STATE);
    expect(found.storage.log.tail.hash).toEqual(adopted[1]?.hash);
  });

  test('goes on without the reserve, and leaves all as it was when that is too little', async () => {
    for (const [room, isEnough] of [
      [2500, true],
      [0, false],
    ] as const) {
      const [disk, storage, entries] = await withEntries(3, 200);
      await settle();
      disk.capacityBytes = disk.usedBytes() + room;
      const adopted = suffix(entries, 3, 4);
      const done = adopt(storage, { fromSlot: 3, entries: adopted, state: STATE, decidedSlot: 0 });
      if (isEnough) {
        await done;
        expect(storage.log.tail.slot).toBe(6);
        continue;
      }
      await expect(done).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(storage.state).toHaveLength(0);
      expect(storage.log.tail.slot).toBe(3);
      await append(storage, [body(10)]);
      expect((await recover(disk.copy())).entries).toHaveLength(4);
    }
  });

  test('is refused where it can not be right', async () => {
    const [, storage, entries] = await withEntries(3);
    const one = suffix(entries, 4, 1);
    const refused = (fromSlot: number, wrong: LogEntry[], why: RegExp): void => {
      const adoption = { fromSlot, entries: wrong, state: STATE, decidedSlot: 0 };
      expect(() => storage.adopt(adoption, () => {})).toThrow(why);
    };
    refused(5, suffix(entries, 4, 2).slice(1), /does not follow/);
    refused(4, [...one, ...one], /gap/);
    const writing = append(storage, [body(9)]);
    refused(4, one, /being written/);
    await writing;
    await snapshotAtTail(storage, body(100));
    refused(4, one, /snapshot/);
    const saving = new Promise((resolve) => storage.saveState(STATE, resolve));
    refused(5, [], /being written/);
    await saving;
    const cutting = adopt(storage, { fromSlot: 5, entries: [], state: STATE, decidedSlot: 0 });
    refused(5, [], /being written/);
    await cutting;
  });

  test('under way is told by a check, and entries of it that are damaged are', async () => {
    const [disk, storage, entries] = await withEntries(5);
    const adopted = suffix(entries, 3, 4);
    const sought = (path: string): boolean => path.endsWith('.adopt');
    // The crash comes as the tail is erased: committed, and not carried out.
    disk.fault = (operation, path) => {
      const isErasing = operation === 'write' && path.endsWith('.qlog');
      if (isErasing) disk.crashAt = disk.operations;
      return null;
    };
    void adopt(storage, { fromSlot: 3, entries: adopted, state: STATE, decidedSlot: 0 });
    await settle();
    const pending = disk.copy();
    expect(pending.paths().filter(sought)).toHaveLength(1);
    const report = await check(pending.copy(), { checksums, dataDir: DATA_DIR });
    expect(report.problems).toMatchObject([{ isFatal: false, what: /from slot 3 on/ }]);
    const damaged = pending.copy();
    damaged.flipBit(damaged.paths().find(sought) as string, 12_000);
    const second = await check(damaged.copy(), { checksums, dataDir: DATA_DIR });
    expect(second.problems.some(({ isFatal }) => isFatal)).toBe(true);
    await expect(recover(damaged.copy())).rejects.toMatchObject({ kind: 'damage' });
    const repaired = await recover(damaged.copy(), { repair: true });
    expect(repaired.storage.isDamaged).toBe(true);
    expect(repaired.storage.log.tail.slot).toBeGreaterThanOrEqual(2);
    expect((await recover(pending)).storage.log.tail.hash).toEqual(adopted[3]?.hash);
  });
});

describe('readers of the log', () => {
  test('get what fits, go on where they were, and learn that the rest is gone', async () => {
    const [disk, storage] = await withEntries(12);
    const first = (await storage.readLog(1, 2500)) as LogEntry[];
    expect(first.map(({ slot }) => slot)).toEqual([1, 2]);
    await settle();
    const before = disk.operations;
    expect((await storage.readLog(3, 100))?.map(({ slot }) => slot)).toEqual([3]);
    // One read by the open file.
    expect(disk.operations - before).toBe(1);
    expect(await storage.readLog(13, 100)).toEqual([]);
    await append(storage, [body(3)]);
    expect(await storage.readLog(13, 100)).toMatchObject([{ slot: 13 }]);
    await storage.log.trim(8);
    expect(await storage.readLog(1, 100)).toBeNull();
    expect(await storage.readLog(9, 100)).toMatchObject([{ slot: 9 }]);
  });

  test('never see an entry half erased, whenever the log is cut', async () => {
    for (let delay = 0; delay < 25; delay++) {
      const [, storage, entries] = await withEntries(9);
      const adopted = suffix(entries, 4, 5);
      const changing = adopt(storage, {
        fromSlot: 4,
        entries: adopted,
        state: STATE,
        decidedSlot: 0,
      });
      for (let i = 0; i < delay; i++) await Promise.resolve();
      const reads = [storage.readLog(2, 5000), storage.readLog(4, 5000), storage.readLog(7, 5000)];
      for (const found of await Promise.all(reads)) {
        for (const { slot, hash } of found ?? []) {
          const possible = [entries[slot - 1]?.hash, adopted[slot - 4]?.hash];
          expect(possible).toContainEqual(hash);
        }
      }
      await changing;
      expect((await storage.readLog(8, 5000))?.[0]?.hash).toEqual(adopted[4]?.hash);
    }
  });

  test('are not told what was cut while the disk took its time to read it', async () => {
    let held: (() => void) | null = null;
    let holdsNext = false;
    const disk = new SimDisk((task) => {
      if (holdsNext) held = task;
      else queueMicrotask(task);
      holdsNext = false;
    });
    const { storage } = await recover(disk);
    const entries = await append(storage, [body(300, 1), body(300, 2), body(300, 3)]);
    disk.fault = (operation) => {
      holdsNext = operation === 'read' && held === null;
      return null;
    };
    const reading = storage.readLog(2, 5000);
    await settle();
    const adopted = suffix(entries, 2, 1);
    await adopt(storage, { fromSlot: 2, entries: adopted, state: STATE, decidedSlot: 0 });
    (held as unknown as () => void)();
    expect((await reading)?.map(({ hash }) => hash)).toEqual([adopted[0]?.hash]);
  });

  test('find a log that was trimmed and cut at once as it should be', async () => {
    for (let delay = 0; delay < 12; delay++) {
      const [disk, storage, entries] = await withEntries(15);
      const trimming = storage.log.trim(8);
      for (let i = 0; i < delay; i++) await Promise.resolve();
      const adopted = suffix(entries, 12, 3);
      await adopt(storage, { fromSlot: 12, entries: adopted, state: STATE, decidedSlot: 0 });
      await trimming;
      expect(storage.log.segments.map(({ path }) => path)).toEqual(
        disk.paths().filter((path) => storage.log.segments.some((known) => known.path === path)),
      );
      expect((await storage.readLog(10, 100))?.[0]?.hash).toEqual(entries[9]?.hash);
      expect((await storage.readLog(14, 100))?.[0]?.hash).toEqual(adopted[2]?.hash);
    }
  });

  test('go on while the log is trimmed', async () => {
    for (let delay = 0; delay < 12; delay++) {
      const [, storage] = await withEntries(12);
      const trimming = storage.log.trim(9);
      for (let i = 0; i < delay; i++) await Promise.resolve();
      const found = await storage.readLog(2, 100);
      if (found !== null) expect(found).toMatchObject([{ slot: 2 }]);
      await trimming;
    }
  });
});

test('segments that a cut emptied are used again', async () => {
  const [disk, storage] = await withEntries(15);
  const before = disk.paths().length;
  for (let i = 0; i < 6; i++) {
    await cutTail(storage, 2);
    for (let j = 0; j < 14; j++) await append(storage, [body(900, j)]);
  }
  await settle();
  expect(disk.paths().length).toBeLessThanOrEqual(before + 1);
});
