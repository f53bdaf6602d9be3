import { equalBytes } from '../base/bytes.ts';
import type { Checksums } from '../io/checksums.ts';
import { type Disk, isDiskError } from '../io/disk.ts';
import { StorageError } from './errors.ts';
import { createWhole, withFile, writeAll } from './files.ts';
import { readSuperblocks } from './superblock.ts';

const NAME = 'identity';
const ID_BYTES = 16;
/** The id, then the first half of its SHA-256. */
const FILE_BYTES = 2 * ID_BYTES;

/**
 * Who this replica is. Before it belongs to any ensemble a file of its own says so, which is on
 * disk before anyone hears of it: the founder of an ensemble counts on every identity that it was
 * told, so a replica that crashed in between must come back as the same one.
 *
 * From the first superblock on, that one counts: what was promised was promised by the replica that
 * it names. Were a new identity drawn when only the small file is lost, the members would turn away
 * one of their own, with its vote intact, as a stranger.
 */
export async function loadOrCreateIdentity(
  disk: Disk,
  checksums: Checksums,
  dataDir: string,
  fresh: Uint8Array,
): Promise<Uint8Array> {
  const directory = `${dataDir}/quoll`;
  await disk.makeDirectory(directory);
  const path = `${directory}/${NAME}`;
  const noted = await readIdentity(disk, checksums, path);
  const { newest, found } = await readSuperblocks(disk, checksums, directory);
  if (newest !== null) return agreed(newest.replicaId, noted, path);
  // With copies that can't be read nobody is drawn anew: the start is about to be refused.
  if (noted !== null || found) return noted ?? fresh;
  const bytes = new Uint8Array(FILE_BYTES);
  bytes.set(fresh);
  bytes.set(checksums.sha256(fresh, 0, ID_BYTES).subarray(0, ID_BYTES), ID_BYTES);
  await createWhole(disk, directory, NAME, (file) => writeAll(file, [bytes], 0));
  return fresh;
}

function agreed(formattedFor: Uint8Array, noted: Uint8Array | null, path: string): Uint8Array {
  if (noted === null || equalBytes(noted, 0, formattedFor, 0, ID_BYTES)) return formattedFor;
  const what = 'it names another replica than the superblock beside it';
  const advice =
    'Files of two servers are mixed here. If everything else in this directory is this ' +
    "server's own, remove this file; if not, empty the directory and run quoll replace.";
  throw new StorageError('foreign', path, -1, -1, what, advice);
}

/** Null if there is none, or none that can be read: then nobody has been told of it. */
async function readIdentity(
  disk: Disk,
  checksums: Checksums,
  path: string,
): Promise<Uint8Array | null> {
  try {
    return await withFile(disk, path, async (file) => {
      const bytes = new Uint8Array(FILE_BYTES);
      if ((await file.read(bytes, 0)) < FILE_BYTES) return null;
      const sum = checksums.sha256(bytes, 0, ID_BYTES);
      return equalBytes(sum, 0, bytes, ID_BYTES, ID_BYTES) ? bytes.slice(0, ID_BYTES) : null;
    });
  } catch (error) {
    if (isDiskError(error, 'ENOENT')) return null;
    throw error;
  }
}
