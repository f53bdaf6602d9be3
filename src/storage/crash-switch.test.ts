import { describe, expect, test } from 'vitest';
import { SimDisk } from '../sim/disk.ts';
import { check } from './check.ts';
import { GENESIS_HASH } from './record.ts';
import type { Storage } from './storage.ts';
import {
  adopt,
  checksums,
  crashEach,
  DATA_DIR,
  entriesBehind,
  install,
  random,
  recover,
  runUntilCrash,
  snapshotAtTail,
} from './test-fixture.ts';
import type { Anchor, LogEntry, StorageOptions } from './types.ts';

/** Crash points per schedule; a long run sets 1 and more schedules. */
const STRIDE = Number(process.env.QUOLL_CRASH_STRIDE ?? 8);
const SCHEDULES = Number(process.env.QUOLL_CRASH_SCHEDULES ?? 3);
const SEEDS = Number(process.env.QUOLL_CRASH_SEEDS ?? 3);
const OPTIONS: Partial<StorageOptions> = { snapRetainCount: 2 };

const GENESIS: Anchor = { slot: 0, hash: GENESIS_HASH };

/** What an acceptor has to find again: its history behind some slot, and its state. */
interface Durable {
  /** What the first entry follows. */
  readonly base: Anchor;
  readonly entries: ReadonlyMap<number, LogEntry>;
  readonly tail: Anchor;
  readonly state: number;
}

/** The outcomes that a crash may leave: as before the operation under way, or as behind it. */
class Acceptor {
  before: Durable = { base: GENESIS, entries: new Map(), tail: GENESIS, state: 0 };
  after: Durable = this.before;
  snapshotSlot = 0;
  isAppend = false;

  begin(after: Partial<Durable>, isAppend = false): void {
    this.after = { ...this.before, ...after };
    this.isAppend = isAppend;
  }

  end(): void {
    this.before = this.after;
  }
}

function withTail(durable: Durable, fromSlot: number, entries: readonly LogEntry[]): Durable {
  const kept = new Map([...durable.entries].filter(([slot]) => slot < fromSlot));
  for (const entry of entries) kept.set(entry.slot, entry);
  const cut = fromSlot > durable.tail.slot ? durable.tail : durable.entries.get(fromSlot - 1);
  const tail = entries.at(-1) ?? cut ?? durable.base;
  return { ...durable, entries: kept, tail: { slot: tail.slot, hash: tail.hash } };
}

function bodies(choose: (below: number) => number, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const body = new Uint8Array([0, 5, 300, 1500, 2600][choose(5)] as number);
    const from = choose(body.length + 1);
    return body.fill(1 + choose(255), from, from + choose(body.length - from + 1));
  });
}

function stateBytes(state: number): Uint8Array {
  return new Uint8Array(20 + (state % 9)).fill(state);
}

/** One operation of an acceptor. */
async function act(
  storage: Storage,
  acceptor: Acceptor,
  choose: (below: number) => number,
): Promise<void> {
  const { before } = acceptor;
  const kind = choose(8);
  const tailSlot = before.tail.slot;
  if (kind < 2) {
    const entries = entriesBehind(before.tail, bodies(choose, 1 + choose(4)));
    acceptor.begin(withTail(before, tailSlot + 1, entries), true);
    await new Promise<void>((resolve, reject) => {
      const done = (error: Error | null): void => (error === null ? resolve() : reject(error));
      storage.log.append(entries, tailSlot, done);
    });
  } else if (kind < 6) {
    const state = before.state + 1;
    const cutMax = Math.min(6, tailSlot - acceptor.snapshotSlot);
    const fromSlot = tailSlot + 1 - (kind === 2 ? 0 : choose(cutMax + 1));
    const anchor = withTail(before, fromSlot, []).tail;
    const entries = kind === 3 ? [] : entriesBehind(anchor, bodies(choose, choose(6)));
    acceptor.begin({ ...withTail(before, fromSlot, entries), state });
    const decidedSlot = acceptor.snapshotSlot;
    await adopt(storage, { fromSlot, entries, state: stateBytes(state), decidedSlot });
  } else if (kind === 6 && tailSlot > acceptor.snapshotSlot) {
    acceptor.begin({});
    await snapshotAtTail(storage, new Uint8Array(900).fill(tailSlot));
    acceptor.snapshotSlot = tailSlot;
  } else if (kind === 7) {
    await installAhead(storage, acceptor, tailSlot + 1 + choose(5), choose);
  }
  acceptor.end();
}

async function installAhead(
  storage: Storage,
  acceptor: Acceptor,
  slot: number,
  choose: (below: number) => number,
): Promise<void> {
  const { storage: peer } = await recover(new SimDisk());
  const hash = new Uint8Array(32).fill(slot);
  await peer.writeSnapshot({ slot, hash, zxid: slot }, { next: () => null });
  acceptor.begin({ base: { slot, hash }, entries: new Map(), tail: { slot, hash } });
  await install(peer, storage, 1 + choose(200));
  acceptor.snapshotSlot = slot;
}

async function checkAfter(disk: SimDisk, acceptor: Acceptor): Promise<void> {
  const report = await check(disk.copy(), { checksums, dataDir: DATA_DIR });
  const fatal = report.problems.filter(({ isFatal }) => isFatal);
  if (report.identity !== null) expect(fatal).toEqual([]);
  const { storage, entries, snapshotSlot } = await recover(disk, OPTIONS);
  const { before, after } = acceptor;
  const { tail } = storage.log;
  const state = storage.state[0] ?? 0;
  const isAfter = state === after.state && Buffer.compare(tail.hash, after.tail.hash) === 0;
  const isBefore = state === before.state && Buffer.compare(tail.hash, before.tail.hash) === 0;
  const isBetween =
    acceptor.isAppend && tail.slot >= before.tail.slot && tail.slot <= after.tail.slot;
  expect({ isAfter, isBefore, isBetween, state, slot: tail.slot }).toSatisfy(
    () => isAfter || isBefore || isBetween,
  );
  expect(snapshotSlot).toBeGreaterThanOrEqual(acceptor.snapshotSlot);
  const known = isBefore && !isAfter ? before : after;
  expect(entries.map(({ slot }) => slot)).toEqual(
    Array.from({ length: tail.slot - snapshotSlot }, (_, i) => snapshotSlot + 1 + i),
  );
  for (const entry of entries) {
    expect(Buffer.compare(entry.hash, known.entries.get(entry.slot)?.hash as Uint8Array)).toBe(0);
  }
  expect(storage.decidedSlot).toBeLessThanOrEqual(tail.slot);
  expect(storage.isDamaged).toBe(false);
  // Life goes on, and nothing staged is left behind.
  const more = entriesBehind(tail, [new Uint8Array(900).fill(9)]);
  await adopt(storage, {
    fromSlot: tail.slot + 1,
    entries: more,
    state: stateBytes(77),
    decidedSlot: 0,
  });
  await storage.close();
  expect(disk.paths().filter((path) => path.endsWith('.adopt'))).toEqual([]);
  const again = await recover(disk, OPTIONS);
  expect(again.storage.log.tail.hash).toEqual(more[0]?.hash);
  expect(again.storage.report.warnings).toEqual([]);
}

async function crashOnce(seed: number, crashAt: number, schedule: number): Promise<boolean> {
  const acceptor = new Acceptor();
  let disk = new SimDisk();
  const choose = random(seed);
  const crashed = await runUntilCrash(disk, crashAt, async () => {
    const { storage } = await recover(disk, OPTIONS);
    for (let step = 0; step < 30; step++) await act(storage, acceptor, choose);
    await storage.close();
  });
  const survive = random(seed * 1_000_003 + crashAt * 17 + schedule);
  disk = disk.reboot(schedule === 0 ? () => 0 : schedule === 1 ? (below) => below - 1 : survive);
  // Recovery is interrupted as well, more than once.
  for (let i = schedule > 1 ? survive(3) : 0; i > 0; i--) {
    const interrupted = disk;
    const ended = await runUntilCrash(interrupted, 1 + survive(90), async () => {
      const { storage } = await recover(interrupted, OPTIONS);
      await storage.close();
    });
    disk = ended ? interrupted.reboot(survive) : interrupted.copy();
  }
  await checkAfter(disk, acceptor);
  return crashed;
}

describe('a crash after any disk operation of an acceptor', () => {
  for (const seed of Array.from({ length: SEEDS }, (_, i) => 1 + i)) {
    test(`leaves log and state together, as before or as behind it (scenario ${seed})`, async () => {
      for (let schedule = 0; schedule < SCHEDULES; schedule++) {
        expect(await crashEach(STRIDE, seed, schedule, crashOnce)).toBeGreaterThan(200);
      }
    });
  }
});
