/**
 * What an append costs above a bare synchronous write, and how fast data loads. Bundle and run:
 *   npx rolldown bench/micro/append.ts --platform node -o append.mjs && node append.mjs [DIR]
 */
import * as fs from 'node:fs';
import { silentLogger } from '../../src/io/logger.ts';
import { NodeChecksums } from '../../src/io/node/checksums.ts';
import { NodeClock } from '../../src/io/node/clock.ts';
import { NodeDisk } from '../../src/io/node/disk.ts';
import { chainHash } from '../../src/storage/record.ts';
import { openStorage, type Storage } from '../../src/storage/storage.ts';

const directory = fs.mkdtempSync(`${process.argv[2] ?? process.cwd()}/append-bench-`);
const checksums = new NodeChecksums();
const chain = chainHash(checksums);

function print(name: string, timesUs: number[], bytes: number): void {
  const sorted = [...timesUs].sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(0);
  const totalS = timesUs.reduce((sum, time) => sum + time, 0) / 1e6;
  const megabytes = ((bytes * timesUs.length) / 1e6 / totalS).toFixed(1);
  const rate = (timesUs.length / totalS).toFixed(0);
  console.log(
    `${name.padEnd(38)} p50 ${at(0.5)} us, p99 ${at(0.99)} us, max ${at(1)} us, ` +
      `${rate}/s, ${megabytes} MB/s`,
  );
}

/** Runs `step` `count` times, each begun when the one before has called back. */
function measure(count: number, step: (done: () => void) => void): Promise<number[]> {
  return new Promise((resolve) => {
    const times: number[] = [];
    let begun = performance.now();
    const done = (): void => {
      const now = performance.now();
      times.push((now - begun) * 1000);
      begun = now;
      if (times.length === count) resolve(times);
      else step(done);
    };
    step(done);
  });
}

/** The floor: the same bytes by a bare pwrite to a file that was written and synced before. */
async function bare(bytes: number, count: number): Promise<void> {
  const path = `${directory}/bare`;
  const size = Math.ceil(bytes / 8) * 8 * count;
  fs.writeFileSync(path, new Uint8Array(size));
  const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_DSYNC);
  fs.fsyncSync(fd);
  const buffer = new Uint8Array(bytes).fill(1);
  let at = 0;
  const times = await measure(count, (done) => {
    fs.write(fd, buffer, 0, bytes, at, (error) => {
      if (error !== null) throw error;
      done();
    });
    at += Math.ceil(bytes / 8) * 8;
  });
  fs.closeSync(fd);
  fs.rmSync(path);
  print(`bare O_DSYNC write of ${bytes} B`, times, bytes);
}

async function open(): Promise<Storage> {
  const storage = await openStorage(new NodeDisk(), {
    dataDir: `${directory}/data`,
    checksums,
    clock: new NodeClock(),
    logger: silentLogger,
    identityIfBlank: { clusterId: new Uint8Array(16), replicaId: new Uint8Array(16) },
  });
  const begun = performance.now();
  let bytes = 0;
  await storage.loadSnapshot(async (snapshot) => {
    for await (const slice of snapshot.slices) bytes += slice.length;
  });
  const loaded = performance.now();
  let entries = 0;
  for await (const batch of storage.entries()) entries += batch.length;
  console.log(
    `loaded ${(bytes / 1e6).toFixed(0)} MB in ${(loaded - begun).toFixed(0)} ms, then ` +
      `${entries} entries in ${(performance.now() - loaded).toFixed(0)} ms`,
  );
  return storage;
}

async function appends(storage: Storage, bytes: number, count: number): Promise<void> {
  const body = new Uint8Array(bytes).fill(1);
  const times = await measure(count, (done) => {
    const tail = storage.log.tail;
    const slot = tail.slot + 1;
    const hash = chain(tail.hash, slot, 1, 0, 1, body);
    const entry = { slot, round: 1, replica: 1, kind: 0, body, hash };
    storage.log.append([entry], slot - 1, (error) => {
      if (error !== null) throw error;
      done();
    });
  });
  print(`append of ${bytes} B`, times, bytes);
}

async function snapshot(storage: Storage, bytes: number): Promise<void> {
  const slice = new Uint8Array(262_144).fill(3);
  let left = Math.ceil(bytes / slice.length);
  const begun = performance.now();
  const { slot, hash } = storage.log.tail;
  const header = { slot, hash, zxid: 0 };
  await storage.writeSnapshot(header, { next: () => (left-- > 0 ? slice : null) });
  console.log(`snapshot of ${bytes / 1e6} MB in ${(performance.now() - begun).toFixed(0)} ms`);
}

try {
  const begun = performance.now();
  const storage = await open();
  console.log(`start on an empty directory: ${(performance.now() - begun).toFixed(0)} ms`);
  for (const [bytes, count] of [
    [200, 2000],
    [20_000, 1000],
    [1_000_000, 150],
  ] as const) {
    await bare(bytes + 104, count);
    await appends(storage, bytes, count);
  }
  await snapshot(storage, 250e6);
  const [times] = await Promise.all([appends(storage, 200, 4000), snapshot(storage, 100e6)]);
  void times;
  await storage.close();
  const again = performance.now();
  await (await open()).close();
  console.log(`start with it: ${(performance.now() - again).toFixed(0)} ms`);
} finally {
  fs.rmSync(directory, { recursive: true });
}
