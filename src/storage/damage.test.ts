import { beforeAll, describe, expect, test } from 'vitest';
import { SimDisk } from '../sim/disk.ts';
import { check } from './check.ts';
import { StorageError } from './errors.ts';
import {
  append,
  checksums,
  DATA_DIR,
  entriesBehind,
  install,
  type Recovered,
  random,
  recover,
  snapshotAtTail,
} from './test-fixture.ts';
import type { LogEntry } from './types.ts';

const SAMPLES = Number(process.env.QUOLL_FUZZ_COUNT ?? 400);

let disk: SimDisk;
let entries: readonly LogEntry[];
let logFiles: string[];

beforeAll(async () => {
  disk = new SimDisk();
  const choose = random(5);
  const { storage } = await recover(disk);
  for (let i = 0; i < 12; i++) {
    const bodies = Array.from({ length: 1 + (i % 3) }, () => {
      const bytes = new Uint8Array(choose(900));
      for (let at = 0; at < bytes.length; at++) bytes[at] = choose(256);
      return bytes;
    });
    await append(storage, bodies);
  }
  await storage.close();
  disk = disk.copy();
  entries = (await recover(disk.copy())).entries;
  logFiles = disk.paths().filter((path) => path.endsWith('.qlog'));
  expect(logFiles.length).toBeGreaterThan(2);
  expect(entries).toHaveLength(24);
});

/** The newest segment with records; those behind it are empty. */
function lastUsed(on: SimDisk = disk): string {
  const isUsed = (path: string): boolean =>
    path.endsWith('.qlog') &&
    on
      .contentOf(path)
      .subarray(512)
      .some((byte) => byte > 0);
  return on.paths().filter(isUsed).at(-1) as string;
}

async function outcomeOf(damaged: SimDisk): Promise<Recovered | StorageError> {
  try {
    return await recover(damaged);
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
}

function expectSame(found: Recovered): void {
  expect(found.entries.map((entry) => entry.slot)).toEqual(entries.map((entry) => entry.slot));
  found.entries.forEach((entry, i) => {
    expect(Buffer.compare(entry.hash, (entries[i] as LogEntry).hash)).toBe(0);
    expect(Buffer.compare(entry.body, (entries[i] as LogEntry).body)).toBe(0);
  });
}

/** What stays after loss was accepted is a prefix, the rest is kept beside, and life goes on. */
async function expectCutHelps(damaged: SimDisk, fewest: number): Promise<void> {
  const cut = await recover(damaged, { acceptLoss: true });
  expect(cut.storage.report.lossFiles.length).toBeGreaterThan(0);
  for (const path of cut.storage.report.lossFiles) expect(damaged.paths()).toContain(path);
  expect(cut.entries.length).toBeGreaterThanOrEqual(fewest);
  cut.entries.forEach((entry, i) => {
    expect(Buffer.compare(entry.hash, (entries[i] as LogEntry).hash)).toBe(0);
  });
  const more = await append(cut.storage, [new Uint8Array(100).fill(1)]);
  await cut.storage.close();
  const again = await recover(damaged);
  expect(again.storage.log.tail.hash).toEqual(more[0]?.hash);
}

describe('a flipped bit in the log', () => {
  test('is reported as damage or changes nothing; no entry is lost or altered', async () => {
    const choose = random(77);
    let refused = 0;
    for (let i = 0; i < SAMPLES; i++) {
      const damaged = disk.copy();
      const file = logFiles[choose(logFiles.length)] as string;
      damaged.flipBit(file, choose(damaged.contentOf(file).length * 8));
      const report = await check(damaged.copy(), { checksums, dataDir: DATA_DIR });
      const outcome = await outcomeOf(damaged.copy());
      const isFatal = report.problems.some((problem) => problem.isFatal);
      expect(isFatal).toBe(outcome instanceof StorageError);
      if (!(outcome instanceof StorageError)) {
        expectSame(outcome);
        continue;
      }
      refused++;
      expect(outcome.file).toBe(file);
      expect(outcome.message).toContain(`quoll check --accept-loss ${DATA_DIR}`);
      if (i % 10 === 0) await expectCutHelps(damaged, 0);
    }
    expect(refused).toBeGreaterThan(SAMPLES / 4);
  });

  test('in the body of the very last record is damage, not a torn write', async () => {
    const damaged = disk.copy();
    const used = damaged.contentOf(lastUsed()).findLastIndex((byte) => byte !== 0);
    damaged.flipBit(lastUsed(), used * 8 - 40);
    const outcome = await outcomeOf(damaged.copy());
    expect(outcome).toBeInstanceOf(StorageError);
    expect((outcome as StorageError).kind).toBe('damage');
    expect((outcome as StorageError).slot).toBe(24);
    await expectCutHelps(damaged, 23);
  });
});

test('a flipped bit beside sectors that are rightly zero is damage, not a torn write', async () => {
  const damaged = new SimDisk();
  const { storage } = await recover(damaged);
  const zeros = new Uint8Array(2000);
  zeros[1990] = 1;
  await append(storage, [zeros]);
  const copy = damaged.copy();
  const file = '/data/quoll/log/0000000000000000.qlog';
  const at = copy.contentOf(file).lastIndexOf(1);
  copy.flipBit(file, at * 8 + 3);
  expect(await outcomeOf(copy)).toMatchObject({ kind: 'damage', slot: 1 });
});

test('the only bit of a sector of the very last record that flips is damage, not a torn write', async () => {
  // In the middle, and in the last sector, of which the body fills a few bytes only.
  for (const [length, at] of [
    [2_000, 1_000],
    [1_440, 1_439],
  ] as const) {
    const damaged = new SimDisk();
    const { storage } = await recover(damaged);
    const body = new Uint8Array(length);
    body[0] = 0xff;
    body[at] = 4;
    await append(storage, [body]);
    const file = '/data/quoll/log/0000000000000000.qlog';
    damaged.flipBit(file, damaged.contentOf(file).lastIndexOf(4) * 8 + 2);
    expect(await outcomeOf(damaged.copy())).toMatchObject({ kind: 'damage', slot: 1 });
  }
});

describe('zeros where records were', () => {
  test('are damage when later records stand behind them', async () => {
    for (const [from, to] of [
      [512, 1024],
      [512, 4096],
      [1024, 1536],
    ] as const) {
      const damaged = disk.copy();
      damaged.zeroRange(logFiles[0] as string, from, to);
      const outcome = await outcomeOf(damaged.copy());
      expect(outcome).toBeInstanceOf(StorageError);
      await expectCutHelps(damaged, 0);
    }
  });
});

describe('a file of the log', () => {
  test('that is missing between others is named', async () => {
    const damaged = disk.copy();
    damaged.loseEntry(logFiles[1] as string);
    const outcome = await outcomeOf(damaged.copy());
    expect((outcome as StorageError).message).toContain(`${logFiles[1]}, slot`);
    expect((outcome as StorageError).message).toContain('the segment is missing');
    await expectCutHelps(damaged, 3);
  });

  test('that was the first is missed by its slots', async () => {
    const damaged = disk.copy();
    damaged.loseEntry(logFiles[0] as string);
    const outcome = await outcomeOf(damaged);
    expect((outcome as StorageError).kind).toBe('stale');
    expect((outcome as StorageError).slot).toBe(1);
  });

  test('that is the last used is missed by the empty ones behind it', async () => {
    const damaged = disk.copy();
    damaged.loseEntry(lastUsed());
    const outcome = await outcomeOf(damaged.copy());
    expect((outcome as StorageError).message).toContain('the segment is missing');
    await expectCutHelps(damaged, 3);
  });

  test('that is used has an empty one behind it, else that was lost', async () => {
    const damaged = disk.copy();
    for (const file of logFiles) if (file > lastUsed()) damaged.loseEntry(file);
    const outcome = await outcomeOf(damaged.copy());
    expect((outcome as StorageError).message).toContain('the last segment is missing');
    const cut = await recover(damaged, { acceptLoss: true });
    expectSame(cut);
    await append(cut.storage, [new Uint8Array(10)]);
    await cut.storage.close();
    expect((await recover(damaged)).entries).toHaveLength(25);
  });

  test('that is empty or cut within its header is damage', async () => {
    for (const size of [0, 100, 511]) {
      const damaged = disk.copy();
      damaged.truncate(logFiles[1] as string, size);
      const outcome = await outcomeOf(damaged.copy());
      expect((outcome as StorageError).file).toBe(logFiles[1]);
      await expectCutHelps(damaged, 3);
    }
  });

  test('that ends short within the last record is a torn write', async () => {
    const damaged = disk.copy();
    const last = lastUsed();
    const used = damaged.contentOf(last).findLastIndex((byte) => byte !== 0);
    damaged.truncate(last, used - 3);
    const found = await recover(damaged);
    expect(found.entries).toHaveLength(23);
    expect(found.storage.report.warnings.join()).toContain('had not been acknowledged');
  });

  test('all of them missing is not taken for an empty log', async () => {
    const damaged = disk.copy();
    for (const file of logFiles) damaged.loseEntry(file);
    const outcome = await outcomeOf(damaged);
    expect((outcome as StorageError).message).toContain('is dataLogDir mounted?');
  });

  test('of another history than its predecessor breaks the chain', async () => {
    const damaged = disk.copy();
    const other = new SimDisk();
    const { storage } = await recover(other);
    const [first] = entriesBehind(storage.log.tail, [new Uint8Array(3).fill(1)]);
    await append(storage, [(first as LogEntry).body]);
    damaged.flipBit(logFiles[0] as string, 0);
    const content = other.contentOf(logFiles[0] as string);
    damaged.flipBit(logFiles[0] as string, 0);
    await replace(damaged, logFiles[0] as string, content);
    const outcome = await outcomeOf(damaged);
    expect(outcome).toBeInstanceOf(StorageError);
  });
});

async function replace(target: SimDisk, path: string, content: Uint8Array): Promise<void> {
  await target.remove(path);
  const file = await target.open(path, 'create');
  await new Promise<void>((resolve) => file.write([content], 0, () => resolve()));
  await file.sync();
}

describe('the superblock', () => {
  test('counts while one good copy is left, and the others are repaired', async () => {
    const damaged = disk.copy();
    damaged.flipBit('/data/quoll/superblock.0', 77);
    damaged.loseEntry('/data/quoll/superblock.2');
    const { storage } = await recover(damaged);
    expect(storage.report.warnings).toHaveLength(2);
    const copies = [0, 1, 2].map((copy) => damaged.contentOf(`/data/quoll/superblock.${copy}`));
    expect(copies[0]).toEqual(copies[1]);
    expect(copies[2]).toEqual(copies[1]);
  });

  test('that is lost in all copies is never made up again', async () => {
    const flipped = disk.copy();
    for (const copy of [0, 1, 2]) flipped.flipBit(`/data/quoll/superblock.${copy}`, 99);
    await expect(recover(flipped)).rejects.toThrow(/no copy of the superblock can be read/);
    const lost = disk.copy();
    for (const copy of [0, 1, 2]) lost.loseEntry(`/data/quoll/superblock.${copy}`);
    await expect(recover(lost)).rejects.toThrow(/there is data .* but no superblock/);
  });

  test('of another replica beside ours is refused', async () => {
    const other = new SimDisk();
    const identity = { clusterId: new Uint8Array(16).fill(1), replicaId: new Uint8Array(16) };
    await recover(other, { identityIfBlank: identity });
    const mixed = disk.copy();
    await replace(mixed, '/data/quoll/superblock.1', other.contentOf('/data/quoll/superblock.1'));
    await expect(recover(mixed)).rejects.toThrow(/different replicas/);
  });
});

describe('snapshots and the log', () => {
  async function withSnapshots(): Promise<SimDisk> {
    const fresh = disk.copy();
    const { storage } = await recover(fresh);
    for (const fill of [1, 2, 3]) {
      await snapshotAtTail(storage, new Uint8Array(1000).fill(fill));
      await append(storage, [new Uint8Array(2000).fill(fill)]);
    }
    await storage.close();
    return fresh.copy();
  }

  test('a damaged snapshot falls back to the one before, with a warning that names it', async () => {
    const whole = await withSnapshots();
    const newest = whole.paths().filter((path) => path.endsWith('.qsnap'))[2] as string;
    const choose = random(3);
    for (let i = 0; i < 60; i++) {
      const damaged = whole.copy();
      damaged.flipBit(newest, choose(damaged.contentOf(newest).length * 8));
      const report = await check(damaged.copy(), { checksums, dataDir: DATA_DIR });
      expect(report.problems.some((problem) => problem.file === newest)).toBe(true);
      const found = await recover(damaged);
      expect(found.snapshotSlot).toBe(25);
      expect(found.snapshotBytes).toEqual(new Uint8Array(1000).fill(2));
      expect(found.entries.map((entry) => entry.slot)).toEqual([26, 27]);
      expect(found.storage.report.warnings.join()).toContain(newest);
    }
  });

  test('with every snapshot damaged a log that was trimmed does not reach back', async () => {
    const damaged = await withSnapshots();
    for (const path of damaged.paths()) if (path.endsWith('.qsnap')) damaged.flipBit(path, 400);
    const outcome = await outcomeOf(damaged);
    expect((outcome as StorageError).kind).toBe('stale');
    expect((outcome as StorageError).message).toContain('a start without a snapshot');
  });

  test('a log that ends before its own snapshot has lost something', async () => {
    const damaged = disk.copy();
    const { storage } = await recover(damaged);
    await append(storage, [new Uint8Array(2500).fill(1)]);
    await snapshotAtTail(storage, new Uint8Array(100).fill(1));
    const holder = lastUsed(damaged);
    const lost = damaged.copy();
    lost.zeroRange(holder, 512, lost.contentOf(holder).length);
    const outcome = await outcomeOf(lost.copy());
    expect((outcome as StorageError).message).toMatch(/ends at slot \d+, before the snapshot/);
    const cut = await recover(lost, { acceptLoss: true });
    expect(cut.storage.log.tail.slot).toBe(25);
    await append(cut.storage, [new Uint8Array(1)]);
  });

  test('a snapshot from a peer may be ahead of the log, which then begins anew', async () => {
    const target = disk.copy();
    const { storage } = await recover(target);
    const hash = new Uint8Array(32).fill(4);
    const peer = await recover(new SimDisk());
    await peer.storage.writeSnapshot({ slot: 900, hash, zxid: 1 }, { next: () => null });
    await install(peer.storage, storage);
    const again = await recover(target.copy());
    expect(again.storage.log.tail).toMatchObject({ slot: 900, hash });
    expect(again.entries).toHaveLength(0);
    const more = await append(again.storage, [new Uint8Array(7)]);
    expect(more[0]?.slot).toBe(901);
  });

  test('a snapshot of another history than the log is refused', async () => {
    const target = disk.copy();
    const { storage } = await recover(target);
    const header = { slot: 20, hash: new Uint8Array(32), zxid: 1 };
    await storage.writeSnapshot(header, { next: () => null });
    await expect(recover(target.copy())).rejects.toThrow(/not the one that .*qsnap was taken at/);
  });
});
