import { expect, it } from 'vitest';
import { NodeChecksums } from '../io/node/checksums.ts';
import { SimDisk } from '../sim/disk.ts';
import { loadIncarnation, saveIncarnation } from './incarnation.ts';

const checksums = new NodeChecksums();
const PATH = '/d/quoll/incarnation';

async function newDisk(): Promise<SimDisk> {
  const disk = new SimDisk();
  await disk.makeDirectory('/d/quoll');
  return disk;
}

it('an incarnation is 0 at first, and then the one that was saved last', async () => {
  const disk = await newDisk();
  expect(await loadIncarnation(disk, checksums, '/d')).toBe(0);
  await saveIncarnation(disk, checksums, '/d', 1);
  await saveIncarnation(disk, checksums, '/d', 2 ** 40);
  expect(await loadIncarnation(disk, checksums, '/d')).toBe(2 ** 40);
});

it('an incarnation that was saved outlives the power', async () => {
  const disk = await newDisk();
  await saveIncarnation(disk, checksums, '/d', 7);
  expect(
    await loadIncarnation(
      disk.reboot(() => 0),
      checksums,
      '/d',
    ),
  ).toBe(7);
});

it('an incarnation that can not be read is told from none', async () => {
  for (let bit = 0; bit < 96; bit++) {
    const disk = await newDisk();
    await saveIncarnation(disk, checksums, '/d', 7);
    disk.flipBit(PATH, bit);
    expect(await loadIncarnation(disk, checksums, '/d')).toBeNull();
  }
});
