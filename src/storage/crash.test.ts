import { describe, expect, test } from 'vitest';
import { SimDisk } from '../sim/disk.ts';
import type { Storage } from './storage.ts';
import {
  crashEach,
  cutTail,
  entriesBehind,
  random,
  recover,
  runUntilCrash,
  sourceOf,
} from './test-fixture.ts';
import type { LogEntry, StorageOptions } from './types.ts';

/** Crash points per schedule; a long run sets 1 and more schedules. */
const STRIDE = Number(process.env.QUOLL_CRASH_STRIDE ?? 5);
const SCHEDULES = Number(process.env.QUOLL_CRASH_SCHEDULES ?? 3);

/** What was asked of the disk, and what was reported durable. */
class Witness {
  readonly offered: LogEntry[] = [];
  ackedSlot = 0;
  snapshotSlot = 0;
  stateOffered = 0;
  stateAcked = 0;
  truncatedFrom = Number.POSITIVE_INFINITY;
}

function snapshotBytes(slot: number): Uint8Array {
  return new Uint8Array(700 + (slot % 7) * 300).fill(slot);
}

function bodyOf(choose: (below: number) => number): Uint8Array {
  const body = new Uint8Array([0, 5, 100, 700, 1500, 2600][choose(6)] as number);
  // Stretches of zeros are what makes torn writes hard to tell from damage.
  const from = choose(body.length + 1);
  const to = from + choose(body.length - from + 1);
  for (let i = 0; i < body.length; i++) body[i] = i >= from && i < to ? 0 : 1 + ((i * 7) % 255);
  return body;
}

function appendNoted(storage: Storage, witness: Witness, bodies: Uint8Array[]): Promise<void> {
  const entries = entriesBehind(storage.log.tail, bodies);
  witness.offered.length = storage.log.tail.slot;
  witness.offered.push(...entries);
  return new Promise((resolve, reject) => {
    storage.log.append(entries, storage.log.tail.slot, (error) => {
      if (error !== null) {
        reject(error);
        return;
      }
      witness.ackedSlot = (entries[entries.length - 1] as LogEntry).slot;
      resolve();
    });
  });
}

function saveNoted(storage: Storage, witness: Witness): Promise<void> {
  witness.stateOffered++;
  const state = new Uint8Array(50 + 9 * witness.stateOffered).fill(witness.stateOffered);
  return new Promise((resolve, reject) => {
    storage.saveState(state, (error) => {
      if (error !== null) {
        reject(error);
        return;
      }
      witness.stateAcked = witness.stateOffered;
      resolve();
    });
  });
}

async function snapshotNoted(storage: Storage, witness: Witness): Promise<void> {
  const { slot, hash } = storage.log.tail;
  const header = { slot, hash, zxid: slot };
  await storage.writeSnapshot(header, sourceOf(snapshotBytes(slot)));
  witness.snapshotSlot = slot;
}

const OPTIONS: Partial<StorageOptions> = { snapRetainCount: 2 };

/** Append, roll, snapshot, purge, superblock, truncate: everything that changes files. */
async function scenario(disk: SimDisk, witness: Witness, seed: number): Promise<void> {
  const choose = random(seed);
  const { storage } = await recover(disk, OPTIONS);
  for (let step = 0; step < 24; step++) {
    const bodies = Array.from({ length: 1 + (choose(3) === 0 ? choose(5) : 0) }, () =>
      bodyOf(choose),
    );
    const writing = appendNoted(storage, witness, bodies);
    if (step % 7 === 3) await Promise.all([writing, saveNoted(storage, witness)]);
    await writing;
    // A snapshot is written while appends go on.
    if (step % 6 === 5) {
      const snapshot = snapshotNoted(storage, witness);
      await appendNoted(storage, witness, [bodyOf(choose)]);
      await snapshot;
    }
    if (step === 14) {
      const cut = storage.log.tail.slot - 3;
      witness.truncatedFrom = cut;
      witness.ackedSlot = cut - 1;
      await cutTail(storage, cut);
      witness.truncatedFrom = Number.POSITIVE_INFINITY;
    }
  }
  await storage.close();
}

async function checkAfter(disk: SimDisk, witness: Witness): Promise<void> {
  const found = await recover(disk, OPTIONS);
  const { storage, entries, snapshotSlot } = found;
  const last = storage.log.tail.slot;
  expect(snapshotSlot).toBeGreaterThanOrEqual(witness.snapshotSlot);
  expect(last).toBeGreaterThanOrEqual(witness.ackedSlot);
  expect(last).toBeLessThanOrEqual(witness.offered.length);
  if (snapshotSlot > 0) expect(found.snapshotBytes).toEqual(snapshotBytes(snapshotSlot));
  expect(entries.map((entry) => entry.slot)).toEqual(
    Array.from({ length: last - snapshotSlot }, (_, i) => snapshotSlot + 1 + i),
  );
  for (const entry of entries) {
    const offered = witness.offered[entry.slot - 1] as LogEntry;
    expect(Buffer.compare(entry.hash, offered.hash)).toBe(0);
    expect(Buffer.compare(entry.body, offered.body)).toBe(0);
  }
  const state = storage.state[0] ?? 0;
  expect(state).toBeGreaterThanOrEqual(witness.stateAcked);
  expect(state).toBeLessThanOrEqual(witness.stateOffered);
  await appendNoted(storage, witness, [new Uint8Array(900).fill(9)]);
  await storage.close();
}

async function crashOnce(seed: number, crashAt: number, schedule: number): Promise<boolean> {
  const witness = new Witness();
  let disk = new SimDisk();
  const crashed = await runUntilCrash(disk, crashAt, () => scenario(disk, witness, seed));
  const choose = random(seed * 1_000_003 + crashAt * 17 + schedule);
  // Schedule 0 loses all that was not synced, schedule 1 loses nothing, the others any subset.
  disk = disk.reboot(schedule === 0 ? () => 0 : schedule === 1 ? (below) => below - 1 : choose);
  if (schedule > 1 && choose(2) === 0) {
    // Recovery is interrupted as well.
    const interrupted = disk;
    const ended = await runUntilCrash(interrupted, 1 + choose(60), async () => {
      const { storage } = await recover(interrupted, OPTIONS);
      await storage.close();
    });
    if (ended) disk = interrupted.reboot(choose);
  }
  await checkAfter(disk, witness);
  const again = await recover(disk, OPTIONS);
  expect(again.storage.log.tail.slot).toBe(witness.offered.length);
  expect(again.storage.report.tornBytes).toBe(0);
  return crashed;
}

describe('a crash after any disk operation', () => {
  for (const seed of [1, 2]) {
    test(`loses nothing that was acknowledged and needs no help (scenario ${seed})`, async () => {
      for (let schedule = 0; schedule < SCHEDULES; schedule++) {
        expect(await crashEach(STRIDE, seed, schedule, crashOnce)).toBeGreaterThan(200);
      }
    });
  }
});
