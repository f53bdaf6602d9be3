import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { SimDisk } from '../sim/disk.ts';
import { type Disk, type DiskFile, isDiskError } from './disk.ts';
import { NodeDisk } from './node/disk.ts';

const made: string[] = [];

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

async function newNodeDisk(): Promise<[Disk, string]> {
  const directory = mkdtempSync(join(tmpdir(), 'quoll-disk-'));
  made.push(directory);
  return [new NodeDisk(), directory];
}

async function newSimDisk(): Promise<[Disk, string]> {
  const disk = new SimDisk();
  await disk.makeDirectory('/d');
  return [disk, '/d'];
}

function write(file: DiskFile, parts: number[][], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let returned = false;
    file.write(
      parts.map((part) => new Uint8Array(part)),
      position,
      (error, written) => {
        expect(returned).toBe(true);
        if (error === null) resolve(written);
        else reject(error);
      },
    );
    returned = true;
  });
}

async function contentOf(disk: Disk, path: string): Promise<number[]> {
  const file = await disk.open(path, 'read');
  const bytes = new Uint8Array(await file.size());
  expect(await file.read(bytes, 0)).toBe(bytes.length);
  await file.close();
  return [...bytes];
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  return (['ENOENT', 'EEXIST', 'ELOCKED'] as const).find((code) => isDiskError(error, code)) ?? '';
}

describe.each([
  ['the disk of Node.js', newNodeDisk],
  ['the simulated disk', newSimDisk],
])('%s', (_name, newDisk) => {
  test('writes buffers one behind the other and reads them back', async () => {
    const [disk, dir] = await newDisk();
    const file = await disk.open(`${dir}/a`, 'create');
    expect(await write(file, [[1, 2], [], [3]], 0)).toBe(3);
    expect(await write(file, [[9]], 1)).toBe(1);
    await file.sync();
    await file.close();
    expect(await contentOf(disk, `${dir}/a`)).toEqual([1, 9, 3]);
  });

  test('fills what lies between the end and a later write with zeros', async () => {
    const [disk, dir] = await newDisk();
    const file = await disk.open(`${dir}/a`, 'create');
    await write(file, [[7]], 3);
    await file.close();
    expect(await contentOf(disk, `${dir}/a`)).toEqual([0, 0, 0, 7]);
  });

  test('reads fewer bytes only at the end of the file', async () => {
    const [disk, dir] = await newDisk();
    const file = await disk.open(`${dir}/a`, 'create');
    await write(file, [[1, 2, 3]], 0);
    const target = new Uint8Array(8);
    expect(await file.read(target, 1)).toBe(2);
    expect([...target.subarray(0, 3)]).toEqual([2, 3, 0]);
    expect(await file.read(target, 100)).toBe(0);
    await file.close();
  });

  test('writes durably to a file that exists', async () => {
    const [disk, dir] = await newDisk();
    await (await disk.open(`${dir}/a`, 'create')).close();
    const file = await disk.open(`${dir}/a`, 'writeDurable');
    await write(file, [[4, 5]], 0);
    await write(file, [[6]], 2);
    await file.close();
    expect(await contentOf(disk, `${dir}/a`)).toEqual([4, 5, 6]);
  });

  test('creates only what is not there and opens only what is', async () => {
    const [disk, dir] = await newDisk();
    await (await disk.open(`${dir}/a`, 'create')).close();
    expect(await codeOf(disk.open(`${dir}/a`, 'create'))).toBe('EEXIST');
    for (const mode of ['read', 'write', 'writeDurable'] as const) {
      expect(await codeOf(disk.open(`${dir}/b`, mode))).toBe('ENOENT');
    }
    expect(await codeOf(disk.open(`${dir}/no/b`, 'create'))).toBe('ENOENT');
    expect(await codeOf(disk.remove(`${dir}/b`))).toBe('ENOENT');
    expect(await codeOf(disk.rename(`${dir}/b`, `${dir}/c`))).toBe('ENOENT');
    expect(await codeOf(disk.list(`${dir}/no`))).toBe('ENOENT');
  });

  test('renames over a file, which those who have it open still see', async () => {
    const [disk, dir] = await newDisk();
    const old = await disk.open(`${dir}/a`, 'create');
    await write(old, [[1]], 0);
    const fresh = await disk.open(`${dir}/b`, 'create');
    await write(fresh, [[2]], 0);
    await fresh.close();
    await disk.rename(`${dir}/b`, `${dir}/a`);
    await disk.syncDirectory(dir);
    expect(await contentOf(disk, `${dir}/a`)).toEqual([2]);
    const target = new Uint8Array(1);
    await old.read(target, 0);
    expect([...target]).toEqual([1]);
    await old.close();
    expect(await disk.list(dir)).toEqual(['a']);
  });

  test('makes directories with their parents, and lists files and directories', async () => {
    const [disk, dir] = await newDisk();
    await disk.makeDirectory(`${dir}/x/y`);
    await disk.makeDirectory(`${dir}/x/y`);
    await (await disk.open(`${dir}/x/f`, 'create')).close();
    expect((await disk.list(`${dir}/x`)).sort()).toEqual(['f', 'y']);
    await disk.remove(`${dir}/x/f`);
    expect(await disk.list(`${dir}/x`)).toEqual(['y']);
  });

  test('lets one holder have a directory', async () => {
    const [disk, dir] = await newDisk();
    const lock = await disk.lock(dir);
    expect(await codeOf(disk.lock(dir))).toBe('ELOCKED');
    await lock.release();
    await (await disk.lock(dir)).release();
  });
});

test('directories on Node.js are closed to others, also when they were open before', async () => {
  const [disk, dir] = await newNodeDisk();
  await disk.makeDirectory(`${dir}/x`);
  expect(statSync(`${dir}/x`).mode & 0o777).toBe(0o700);
  const { chmodSync } = await import('node:fs');
  chmodSync(`${dir}/x`, 0o755);
  await disk.makeDirectory(`${dir}/x`);
  expect(statSync(`${dir}/x`).mode & 0o777).toBe(0o700);
});
