import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  DirectorySize,
  environmentEntries,
  maxFileDescriptors,
  NodeLoopDelay,
  openFileDescriptors,
} from './process-facts.ts';

describe('file descriptors', () => {
  it('are counted: a listening socket takes one', async () => {
    const before = openFileDescriptors();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const during = openFileDescriptors();
    await new Promise((resolve) => server.close(resolve));
    if (process.platform === 'linux') {
      expect(during).toBe(before + 1);
      expect(maxFileDescriptors()).toBeGreaterThan(during);
    } else expect([before, during, maxFileDescriptors()]).toEqual([-1, -1, -1]);
  });
});

describe('the environment', () => {
  it('has the keys of ZooKeeper in its order, and memory in whole megabytes', () => {
    const entries = environmentEntries();
    expect(entries.map(([key]) => key)).toEqual([
      'host.name',
      'java.version',
      'java.vendor',
      'java.home',
      'java.class.path',
      'java.library.path',
      'java.io.tmpdir',
      'java.compiler',
      'os.name',
      'os.arch',
      'os.version',
      'user.name',
      'user.home',
      'user.dir',
      'os.memory.free',
      'os.memory.max',
      'os.memory.total',
    ]);
    for (const [, value] of entries.slice(-3)) expect(value).toMatch(/^[1-9]\d*MB$/);
  });
});

describe('the size of a directory', () => {
  it('is the sum of its files, those in directories below included', async () => {
    const directory = await mkdtemp(`${tmpdir()}/quoll-size-`);
    const size = new DirectorySize(directory);
    expect(size.bytes).toBe(0);
    await mkdir(`${directory}/a/b`, { recursive: true });
    await writeFile(`${directory}/one`, new Uint8Array(100));
    await writeFile(`${directory}/a/b/two`, new Uint8Array(23));
    await size.sample();
    expect(size.bytes).toBe(123);
    await rm(directory, { recursive: true });
    await size.sample();
    expect(size.bytes).toBe(123);
  });
});

describe('the delay of the loop', () => {
  it('shows that the loop was held up, until it is reset', async () => {
    const delay = new NodeLoopDelay();
    await ticks(3);
    const startedMs = performance.now();
    while (performance.now() - startedMs < 80);
    await ticks(2);
    expect(delay.maxUs).toBeGreaterThan(60_000);
    expect(delay.quantileUs(1)).toBeGreaterThan(60_000);
    delay.reset();
    expect([delay.maxUs, delay.quantileUs(0.5)]).toEqual([0, 0]);
    delay.stop();
  });
});

/** Waits until timers of 20 ms have run so often. */
async function ticks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve, 20));
}
