import { equalBytes } from '../base/bytes.ts';
import type { Checksums } from '../io/checksums.ts';
import { type Disk, isDiskError } from '../io/disk.ts';
import { createWhole, withFile, writeAll } from './files.ts';

const NAME = 'identity';
const ID_BYTES = 16;
/** The id, then the first half of its SHA-256. */
const FILE_BYTES = 2 * ID_BYTES;

/**
 * Who this replica is, before it belongs to any ensemble. It is on disk before anyone hears of it:
 * the founder of an ensemble counts on every identity that it was told, so a replica that crashed
 * in between must come back as the same one.
 */
export async function loadOrCreateIdentity(
  disk: Disk,
  checksums: Checksums,
  dataDir: string,
  fresh: Uint8Array,
): Promise<Uint8Array> {
  const directory = `${dataDir}/quoll`;
  await disk.makeDirectory(directory);
  const known = await readIdentity(disk, checksums, `${directory}/${NAME}`);
  if (known !== null) return known;
  const bytes = new Uint8Array(FILE_BYTES);
  bytes.set(fresh);
  bytes.set(checksums.sha256(fresh, 0, ID_BYTES).subarray(0, ID_BYTES), ID_BYTES);
  await createWhole(disk, directory, NAME, (file) => writeAll(file, [bytes], 0));
  return fresh;
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
