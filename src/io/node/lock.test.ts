import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { DiskError } from '../disk.ts';
import { lockDirectory } from './lock.ts';

const made: string[] = [];

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

function newDirectory(name = 'quoll-lock-'): string {
  const directory = mkdtempSync(join(tmpdir(), name));
  made.push(directory);
  return directory;
}

/** A process that claims the directory with a socket, as another server would. */
async function otherServer(directory: string): Promise<{ pid: number; kill: () => Promise<void> }> {
  const code =
    'const s = require("node:net").createServer();' +
    's.listen(process.argv[1] + "/lock-" + process.pid + "-5-abc", () => console.log("up"));';
  const child = spawn(process.execPath, ['-e', code, directory]);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const kill = (): Promise<void> =>
    new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  return { pid: child.pid ?? 0, kill };
}

test('a live server keeps others out by name, and a killed one does not', async () => {
  const directory = newDirectory();
  const other = await otherServer(directory);
  const refusal = await lockDirectory(directory).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(DiskError);
  expect((refusal as DiskError).code).toBe('ELOCKED');
  expect((refusal as DiskError).message).toContain(`process ${other.pid}`);
  await other.kill();
  const lock = await lockDirectory(directory);
  expect(readdirSync(directory)).toHaveLength(1);
  await lock.release();
  expect(readdirSync(directory)).toHaveLength(0);
});

test('a claim without a socket counts while its process lives in this boot', async () => {
  const directory = newDirectory();
  const lock = await lockDirectory(directory);
  const own = readdirSync(directory)[0] as string;
  await lock.release();
  const boot = own.slice(own.lastIndexOf('-'));
  const other = await otherServer(newDirectory());
  const start = await import('node:fs/promises').then((fs) =>
    fs.readFile(`/proc/${other.pid}/stat`, 'utf8'),
  );
  const ticks = start.slice(start.lastIndexOf(')') + 2).split(' ')[19];
  writeFileSync(`${directory}/lock-${other.pid}-${ticks}${boot}`, '');
  await expect(lockDirectory(directory)).rejects.toThrow(/being served/);
  for (const stale of [`lock-${other.pid}-7${boot}`, `lock-${other.pid}-${ticks}-0b00`]) {
    rmSync(`${directory}/lock-${other.pid}-${ticks}${boot}`, { force: true });
    writeFileSync(`${directory}/${stale}`, '');
    await (await lockDirectory(directory)).release();
    expect(readdirSync(directory)).toHaveLength(0);
  }
  await other.kill();
});

test('of many that start at once at most one gets the directory', async () => {
  const directory = newDirectory();
  const results = await Promise.allSettled(
    Array.from({ length: 5 }, () => lockDirectory(directory)),
  );
  const held = results.filter((result) => result.status === 'fulfilled');
  expect(held.length).toBeLessThanOrEqual(1);
  for (const result of held) await result.value.release();
  await (await lockDirectory(directory)).release();
});

test('a path longer than a socket address can be locked', async () => {
  const directory = newDirectory(`quoll-${'x'.repeat(150)}-`);
  const lock = await lockDirectory(directory);
  await expect(lockDirectory(directory)).rejects.toThrow(/being served/);
  await lock.release();
});

test('a foreign file or socket of another name is left alone', async () => {
  const directory = newDirectory();
  const server = createServer().listen(`${directory}/other`);
  await new Promise((resolve) => server.once('listening', resolve));
  await (await lockDirectory(directory)).release();
  expect(readdirSync(directory)).toEqual(['other']);
  await new Promise((resolve) => server.close(resolve));
});
