import { beforeEach, describe, expect, it } from 'vitest';
import { utf8Encode } from '../base/utf8.ts';
import { silentLogger } from '../io/logger.ts';
import { SimClock } from '../sim/clock.ts';
import { SimDisk } from '../sim/disk.ts';
import { writeAll } from '../storage/files.ts';
import { KeyFile } from './gossip-keys.ts';

const PATH = '/d/keys';
const line = (byte: number): string => `${Buffer.alloc(32, byte).toString('base64')}\n`;

let disk: SimDisk;
let clock: SimClock;
let told: number[][];
let errors: string[];
let file: KeyFile;

async function write(text: string): Promise<void> {
  await disk.remove(PATH).catch(() => undefined);
  const made = await disk.open(PATH, 'create');
  await writeAll(made, [utf8Encode(text)], 0);
  await made.close();
}

const firstBytes = (keys: readonly Uint8Array[]): number[] => keys.map((key) => key[0] ?? 0);

beforeEach(async () => {
  disk = new SimDisk();
  await disk.makeDirectory('/d');
  clock = new SimClock();
  told = [];
  errors = [];
  file = new KeyFile({
    ...{ disk, clock, path: PATH },
    logger: { ...silentLogger, error: ({ trouble }) => errors.push(String(trouble)) },
    onKeys: (keys) => told.push(firstBytes(keys)),
  });
});

describe('the file of keys', () => {
  it('is read at the start, and again when it has changed', async () => {
    await write(line(1));
    expect(firstBytes(await file.begin())).toEqual([1]);
    await file.look();
    expect(told).toEqual([]);
    await write(line(2) + line(1));
    await file.look();
    expect(told).toEqual([[2, 1]]);
  });

  it('is looked at now and then without being asked, until the end', async () => {
    await write(line(1));
    await file.begin();
    await write(line(2));
    clock.advance(5_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([[2]]);
    file.stop();
    await write(line(3));
    clock.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([[2]]);
  });

  it('that is bad changes nothing, and is complained of once', async () => {
    await write(line(1));
    await file.begin();
    await write('nonsense');
    await file.look();
    await file.look();
    expect(errors).toEqual([expect.stringContaining('line 1 is no key')]);
    await disk.remove(PATH);
    await file.look();
    expect(errors).toHaveLength(2);
    await write(line(4));
    await file.look();
    expect(told).toEqual([[4]]);
  });

  it('that is bad from the beginning is an error: nothing leaves unsealed', async () => {
    await write('');
    await expect(file.begin()).rejects.toThrow('it holds no key');
    await disk.remove(PATH);
    await expect(file.begin()).rejects.toThrow();
  });
});
