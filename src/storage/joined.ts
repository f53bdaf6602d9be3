import { utf8Decode, utf8Encode } from '../base/utf8.ts';
import { type Disk, isDiskError } from '../io/disk.ts';
import { createWhole, withFile, writeAll } from './files.ts';

const NAME = 'joined';
const FILE_BYTES_MAX = 65_536;

/**
 * Through whom a replica joined that no configuration names: a line `host:port` each. The file says
 * that the directory is such a replica's, so that it is one again after a restart without the flag.
 * Null: it is not.
 */
export async function readJoined(disk: Disk, dataDir: string): Promise<string[] | null> {
  try {
    return await withFile(disk, `${dataDir}/quoll/${NAME}`, async (file) => {
      const bytes = new Uint8Array(FILE_BYTES_MAX);
      const count = await file.read(bytes, 0);
      return utf8Decode(bytes, 0, count)
        .split('\n')
        .filter((line) => line !== '');
    });
  } catch (error) {
    if (isDiskError(error, 'ENOENT')) return null;
    throw error;
  }
}

/** On disk before the directory is formatted: whoever finds it formatted knows for whom. */
export async function writeJoined(
  disk: Disk,
  dataDir: string,
  addresses: readonly string[],
): Promise<void> {
  const directory = `${dataDir}/quoll`;
  await disk.makeDirectory(directory);
  const bytes = utf8Encode(addresses.map((address) => `${address}\n`).join(''));
  await createWhole(disk, directory, NAME, (file) => writeAll(file, [bytes], 0));
}
