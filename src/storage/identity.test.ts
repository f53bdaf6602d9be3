import { expect, test } from 'vitest';
import { SimDisk } from '../sim/disk.ts';
import { loadOrCreateIdentity } from './identity.ts';
import { checksums, DATA_DIR, recover } from './test-fixture.ts';

const PATH = `${DATA_DIR}/quoll/identity`;
const ONE = new Uint8Array(16).fill(1);
const TWO = new Uint8Array(16).fill(2);

function identityOn(disk: SimDisk, fresh: Uint8Array): Promise<Uint8Array> {
  return loadOrCreateIdentity(disk, checksums, DATA_DIR, fresh);
}

/** A directory that was formatted for replica `ONE`. */
async function formatted(): Promise<SimDisk> {
  const disk = new SimDisk();
  const replicaId = await identityOn(disk, ONE);
  const identityIfBlank = { clusterId: new Uint8Array(16).fill(0xc1), replicaId };
  await (await recover(disk, { identityIfBlank })).storage.close();
  return disk;
}

test('a blank replica stays who it said it is, over a crash', async () => {
  const disk = new SimDisk();
  expect(await identityOn(disk, ONE)).toEqual(ONE);
  expect(
    await identityOn(
      disk.reboot(() => 0),
      TWO,
    ),
  ).toEqual(ONE);
});

test('a file that is not whole names nobody: nobody can have been told of it', async () => {
  const disk = new SimDisk();
  await identityOn(disk, ONE);
  disk.flipBit(PATH, 9);
  expect(await identityOn(disk, TWO)).toEqual(TWO);
});

test('a replica whose identity file is lost or damaged is who its superblock says', async () => {
  const lost = await formatted();
  await lost.remove(PATH);
  expect(await identityOn(lost, TWO)).toEqual(ONE);
  const damaged = await formatted();
  damaged.flipBit(PATH, 9);
  expect(await identityOn(damaged, TWO)).toEqual(ONE);
});

test('a file that names another replica than the superblock is refused, with the way out', async () => {
  const disk = await formatted();
  await disk.remove(PATH);
  const other = new SimDisk();
  await identityOn(other, TWO);
  const file = await disk.open(PATH, 'create');
  const bytes = other.contentOf(PATH);
  await new Promise<void>((resolve) => file.write([bytes], 0, () => resolve()));
  const refused = identityOn(disk, ONE);
  await expect(refused).rejects.toMatchObject({ kind: 'foreign', file: PATH });
  await expect(refused).rejects.toThrow(/another replica .* remove this file/);
});

test('nobody is drawn anew beside superblocks that cannot be read', async () => {
  const disk = await formatted();
  await disk.remove(PATH);
  for (const copy of [0, 1, 2]) disk.flipBit(`${DATA_DIR}/quoll/superblock.${copy}`, 99);
  await identityOn(disk, TWO);
  expect(disk.paths()).not.toContain(PATH);
});
