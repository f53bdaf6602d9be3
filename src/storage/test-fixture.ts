import type { Clock } from '../io/clock.ts';
import type { Disk } from '../io/disk.ts';
import { silentLogger } from '../io/logger.ts';
import { NodeChecksums } from '../io/node/checksums.ts';
import type { SimDisk } from '../sim/disk.ts';
import { chainHash } from './record.ts';
import { openStorage, type Storage } from './storage.ts';
import type { Adoption, LogEntry, SliceSource, StorageOptions } from './types.ts';

/** What the tests of this folder share. */
export const checksums: NodeChecksums = new NodeChecksums();
export const chain: ReturnType<typeof chainHash> = chainHash(checksums);
export const DATA_DIR = '/data';

/** Time passes only when a test says so. */
export class ManualClock implements Clock {
  private readonly tasks = new Set<() => void>();

  wallMs(): number {
    return 0;
  }

  monotonicMs(): number {
    return 0;
  }

  afterTurn(task: () => void): void {
    queueMicrotask(task);
  }

  every(_periodMs: number, task: () => void): () => void {
    this.tasks.add(task);
    return () => this.tasks.delete(task);
  }

  after(_delayMs: number, task: () => void): () => void {
    const once = (): void => {
      this.tasks.delete(once);
      task();
    };
    return this.every(0, once);
  }

  tick(): void {
    for (const task of [...this.tasks]) task();
  }
}

/** A small seeded generator: whole numbers from 0 to `below` - 1. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export function storageOptions(extra: Partial<StorageOptions> = {}): StorageOptions {
  return {
    dataDir: DATA_DIR,
    checksums,
    clock: new ManualClock(),
    logger: silentLogger,
    identityIfBlank: {
      clusterId: new Uint8Array(16).fill(0xc1),
      replicaId: new Uint8Array(16).fill(0x1d),
    },
    segmentBytesFirst: 4096,
    segmentBytesMax: 8192,
    reserveBytes: 2048,
    ...extra,
  };
}

export interface Recovered {
  readonly storage: Storage;
  /** The loaded snapshot, 0 if none, and its bytes. */
  readonly snapshotSlot: number;
  readonly snapshotBytes: Uint8Array;
  readonly entries: readonly LogEntry[];
}

export async function recover(disk: Disk, extra: Partial<StorageOptions> = {}): Promise<Recovered> {
  const storage = await openStorage(disk, storageOptions(extra));
  try {
    const loaded = await storage.loadSnapshot(async (snapshot) => {
      const slices: Uint8Array[] = [];
      for await (const slice of snapshot.slices) slices.push(slice.slice());
      return { slot: snapshot.slot, bytes: joined(slices) };
    });
    const entries: LogEntry[] = [];
    for await (const batch of storage.entries()) entries.push(...batch);
    const snapshotBytes = loaded?.bytes ?? new Uint8Array(0);
    return { storage, snapshotSlot: loaded?.slot ?? 0, snapshotBytes, entries };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Entries behind `tail`, one for each body. */
export function entriesBehind(
  tail: { readonly slot: number; readonly hash: Uint8Array },
  bodies: readonly Uint8Array[],
): LogEntry[] {
  let { slot, hash } = tail;
  return bodies.map((body) => {
    slot++;
    hash = chain(hash, slot, 3, 2, 1, body);
    return { slot, round: 3, replica: 1, kind: 2, body, hash };
  });
}

export function append(storage: Storage, bodies: readonly Uint8Array[]): Promise<LogEntry[]> {
  const entries = entriesBehind(storage.log.tail, bodies);
  return new Promise((resolve, reject) => {
    const decidedSlot = storage.log.tail.slot;
    storage.log.append(entries, decidedSlot, (error) =>
      error === null ? resolve(entries) : reject(error),
    );
  });
}

export function adopt(storage: Storage, adoption: Adoption): Promise<void> {
  return new Promise((resolve, reject) => {
    storage.adopt(adoption, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** Cuts the log before `fromSlot`. */
export function cutTail(storage: Storage, fromSlot: number): Promise<void> {
  const { state } = storage;
  return adopt(storage, { fromSlot, entries: [], state, decidedSlot: 0 });
}

/** Copies the newest snapshot of one to another, in pieces. */
export async function install(from: Storage, to: Storage, pieceBytes = 700): Promise<void> {
  const handle = await from.openNewestSnapshot();
  if (handle === null) throw new Error('there is no snapshot');
  const installing = await to.beginInstall(handle);
  const piece = new Uint8Array(pieceBytes);
  for (;;) {
    const read = await handle.read(piece, installing.receivedBytes);
    if (read === 0) break;
    await installing.write(piece.subarray(0, read));
  }
  await handle.close();
  await installing.finish();
}

export function sourceOf(bytes: Uint8Array): SliceSource {
  let at = 0;
  return {
    next: (maxBytes) => {
      if (at === bytes.length) return null;
      const from = at;
      at = Math.min(at + maxBytes, bytes.length);
      return bytes.subarray(from, at);
    },
  };
}

export function snapshotAtTail(storage: Storage, bytes: Uint8Array): Promise<unknown> {
  const { slot, hash } = storage.log.tail;
  return storage.writeSnapshot({ slot, hash, zxid: slot }, sourceOf(bytes));
}

/** Lets everything that is ready run; the simulated disk answers by microtasks. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Runs the scenario until it ends or the crash comes; true if it came. */
export async function runUntilCrash(
  disk: SimDisk,
  crashAt: number,
  run: () => Promise<unknown>,
): Promise<boolean> {
  disk.crashAt = crashAt;
  const crash = new Promise<void>((resolve) => {
    disk.onCrash = resolve;
  });
  await Promise.race([run(), crash]);
  disk.crashAt = Number.POSITIVE_INFINITY;
  return disk.crashed;
}

/**
 * Crashes at every `stride`th operation, until the scenario ends before the crash comes: returns
 * how many operations that took.
 */
export async function crashEach(
  stride: number,
  seed: number,
  schedule: number,
  crashOnce: (seed: number, crashAt: number, schedule: number) => Promise<boolean>,
): Promise<number> {
  for (let crashAt = 1 + (schedule % stride); ; crashAt += stride) {
    try {
      if (!(await crashOnce(seed, crashAt, schedule))) return crashAt;
    } catch (cause) {
      throw new Error(`seed ${seed}, crash at ${crashAt}, schedule ${schedule}`, { cause });
    }
  }
}
