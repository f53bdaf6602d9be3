import { beforeAll, describe, expect, test } from 'vitest';
import { SimDisk } from '../sim/disk.ts';
import { check } from './check.ts';
import {
  adopt,
  append,
  checksums,
  DATA_DIR,
  entriesBehind,
  install,
  type Recovered,
  random,
  recover,
  runUntilCrash,
  snapshotAtTail,
} from './test-fixture.ts';
import type { LogEntry } from './types.ts';

const SAMPLES = Number(process.env.QUOLL_FUZZ_COUNT ?? 200);
const STRIDE = Number(process.env.QUOLL_CRASH_STRIDE ?? 3);
const REPAIR = { repair: true };
const STATE = new Uint8Array(9);

let disk: SimDisk;
let entries: readonly LogEntry[];

function noise(choose: (below: number) => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => 1 + choose(255));
}

beforeAll(async () => {
  disk = new SimDisk();
  const choose = random(5);
  const { storage } = await recover(disk);
  const written: LogEntry[] = [];
  for (let i = 0; i < 16; i++) {
    written.push(...(await append(storage, [noise(choose, choose(900))])));
  }
  await storage.close();
  disk = disk.copy();
  entries = written;
});

/** The same log, and a snapshot at the slot. */
async function withSnapshot(slot: number): Promise<SimDisk> {
  const fresh = new SimDisk();
  const { storage } = await recover(fresh);
  for (const entry of entries) {
    await append(storage, [entry.body]);
    if (entry.slot === slot) await snapshotAtTail(storage, new Uint8Array(500).fill(1));
  }
  await storage.close();
  return fresh.copy();
}

function logFiles(on: SimDisk): string[] {
  return on.paths().filter((path) => path.endsWith('.qlog'));
}

/** A prefix of what was there, and whoever lost some knows it. */
function expectKnown(found: Recovered): void {
  const { storage } = found;
  if (storage.log.tail.slot < entries.length) expect(storage.isDamaged).toBe(true);
  for (const { slot, hash } of found.entries) {
    expect(Buffer.compare(hash, entries[slot - 1]?.hash as Uint8Array)).toBe(0);
  }
}

/** A leader brings the entries back, which ends it. */
async function expectRepairable(damaged: SimDisk): Promise<void> {
  const { storage } = await recover(damaged, REPAIR);
  const { slot } = storage.log.tail;
  const missing = entries.slice(slot);
  const adoption = { fromSlot: slot + 1, entries: missing, state: STATE, decidedSlot: slot };
  await adopt(storage, { ...adoption, entries: [], fromSlot: slot + 1 });
  expect(storage.isDamaged).toBe(true);
  await adopt(storage, { ...adoption, clearsDamage: true });
  expect(storage.isDamaged).toBe(false);
  await storage.close();
  const again = await recover(damaged);
  expect(again.storage.log.tail.slot).toBe(entries.length);
  expect([again.storage.isDamaged, again.storage.report.damage]).toEqual([false, null]);
}

describe('a member with peers', () => {
  test('starts in spite of a flipped bit, and knows what it lost', async () => {
    const choose = random(9);
    let damages = 0;
    for (let i = 0; i < SAMPLES; i++) {
      const damaged = disk.copy();
      const file = logFiles(damaged)[choose(4)] as string;
      damaged.flipBit(file, choose(damaged.contentOf(file).length * 8));
      const found = await recover(damaged, REPAIR);
      expectKnown(found);
      expect(found.storage.report.damage !== null).toBe(found.storage.isDamaged);
      await found.storage.close();
      if (!found.storage.isDamaged) continue;
      damages++;
      expect(found.storage.report.damage?.slot).toBe(found.storage.log.tail.slot + 1);
      expect(found.storage.report.lossFiles).not.toEqual([]);
      for (const path of found.storage.report.lossFiles) expect(damaged.paths()).toContain(path);
      const report = await check(damaged.copy(), { checksums, dataDir: DATA_DIR });
      expect(report).toMatchObject({ isDamaged: true });
      expect(report.problems).toMatchObject([{ isFatal: false, what: /may be missing/ }]);
      if (i % 8 === 0) await expectRepairable(damaged);
    }
    expect(damages).toBeGreaterThan(SAMPLES / 8);
  });

  test('does not forget what it lost, whenever it crashes while it starts', async () => {
    const choose = random(10);
    const bases = [disk, await withSnapshot(10)];
    for (let kind = 0; kind < 12; kind++) {
      const broken = (bases[kind % 2] as SimDisk).copy();
      const files = logFiles(broken);
      const file = files[(kind >> 2) % 3] as string;
      if (kind % 4 < 2) broken.flipBit(file, 8 * 520 + choose(600));
      else if (kind < 8) broken.loseEntry(file);
      else for (const each of files) broken.loseEntry(each);
      const { isDamaged } = (await recover(broken.copy(), REPAIR)).storage;
      for (let crashAt = 1 + (kind % STRIDE); ; crashAt += STRIDE) {
        const damaged = broken.copy();
        const crashed = await runUntilCrash(damaged, crashAt, async () => {
          await (await recover(damaged, REPAIR)).storage.close();
        });
        const after = crashed ? damaged.reboot(choose) : damaged.copy();
        const found = await recover(after, REPAIR);
        expectKnown(found);
        expect(found.storage.isDamaged).toBe(isDamaged);
        await found.storage.close();
        if (isDamaged && crashAt % 4 === 0) await expectRepairable(after);
        if (!crashed) break;
      }
    }
  });

  test('starts without files of the log, and without all of them', async () => {
    for (const lost of [[0], [1], [2], [3], [4], [0, 1, 2, 3, 4, 5, 6, 7]]) {
      const damaged = disk.copy();
      const files = logFiles(damaged);
      for (const index of lost) if (files[index] !== undefined) damaged.loseEntry(files[index]);
      const found = await recover(damaged, REPAIR);
      expectKnown(found);
      await found.storage.close();
      expectKnown(await recover(damaged.copy(), REPAIR));
    }
  });

  test('is refused the damage of what is not its own', async () => {
    const other = { clusterId: new Uint8Array(16), replicaId: new Uint8Array(16) };
    const foreign = new SimDisk();
    const { storage } = await recover(foreign, { identityIfBlank: other });
    await storage.close();
    const mixed = disk.copy();
    const file = logFiles(mixed)[1] as string;
    await mixed.remove(file);
    const target = await mixed.open(file, 'create');
    const content = foreign.contentOf(logFiles(foreign)[1] as string);
    await new Promise<void>((resolve) => target.write([content], 0, () => resolve()));
    await expect(recover(mixed, REPAIR)).rejects.toMatchObject({ kind: 'foreign' });
  });

  test('may vote again when its operator accepts the loss', async () => {
    const damaged = disk.copy();
    damaged.flipBit(logFiles(damaged)[0] as string, 8 * 700);
    await (await recover(damaged, REPAIR)).storage.close();
    const { storage } = await recover(damaged, { acceptLoss: true });
    expect(storage.isDamaged).toBe(false);
    await storage.close();
    expect((await recover(damaged)).storage.isDamaged).toBe(false);
  });
});

describe('with snapshots', () => {
  test('damage in entries that one covers costs nothing', async () => {
    const whole = await withSnapshot(10);
    const choose = random(12);
    let resumed = 0;
    for (let i = 0; i < 60; i++) {
      const damaged = whole.copy();
      const file = logFiles(damaged)[choose(3)] as string;
      const at = 512 + choose(3000);
      for (let byte = choose(400); byte >= 0; byte--) damaged.flipBit(file, 8 * (at + byte));
      const found = await recover(damaged, REPAIR);
      expectKnown(found);
      if (found.storage.report.warnings.some((warning) => warning.includes('covers'))) resumed++;
      if (found.storage.isDamaged) continue;
      expect(found.entries.map(({ slot }) => slot)).toEqual([11, 12, 13, 14, 15, 16]);
      expect(await found.storage.readLog(11, 100)).toMatchObject([{ slot: 11 }]);
      const [more] = await append(found.storage, [new Uint8Array(70)]);
      await found.storage.close();
      const again = await recover(damaged, REPAIR);
      expect(again.storage.log.tail.hash).toEqual(more?.hash);
    }
    expect(resumed).toBeGreaterThan(5);
  });

  test('all of them damaged, what peers have is needed', async () => {
    const fresh = disk.copy();
    const { storage } = await recover(fresh);
    for (let i = 0; i < 3; i++) {
      await append(storage, [new Uint8Array(2500), new Uint8Array(2500)]);
      await snapshotAtTail(storage, new Uint8Array(900).fill(1));
    }
    expect(storage.log.firstSlot).toBeGreaterThan(1);
    await storage.close();
    const damaged = fresh.copy();
    for (const path of damaged.paths()) if (path.endsWith('.qsnap')) damaged.flipBit(path, 4000);
    const found = await recover(damaged, REPAIR);
    expect([found.storage.isDamaged, found.storage.log.tail.slot]).toEqual([true, 0]);
    // A snapshot alone does not end it: acknowledged entries may lie behind.
    const peer = await recover(fresh);
    await install(peer.storage, found.storage);
    expect(found.storage.log.tail.slot).toBe(22);
    expect(found.storage.isDamaged).toBe(true);
    const { hash } = found.storage.log.tail;
    const next = entriesBehind({ slot: 22, hash }, [new Uint8Array(5)]);
    const adoption = { fromSlot: 23, entries: next, state: STATE, decidedSlot: 22 };
    await adopt(found.storage, { ...adoption, clearsDamage: true });
    await found.storage.close();
    const again = await recover(damaged);
    expect([again.storage.isDamaged, again.storage.log.tail.slot]).toEqual([false, 23]);
  });

  test('a log of another history is set aside as a whole', async () => {
    const fresh = await withSnapshot(10);
    const { storage } = await recover(fresh);
    const header = { slot: 12, hash: new Uint8Array(32).fill(3), zxid: 1 };
    await storage.writeSnapshot(header, { next: () => null });
    await storage.close();
    const found = await recover(fresh, REPAIR);
    expect(found.storage.log.tail).toEqual({ slot: 12, hash: header.hash });
    expect(found.storage.isDamaged).toBe(true);
    await append(found.storage, [new Uint8Array(3)]);
    await found.storage.close();
    expect((await recover(fresh)).storage.log.tail.slot).toBe(13);
  });
});
