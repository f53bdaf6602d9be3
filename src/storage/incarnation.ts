import { viewOf } from '../base/bytes.ts';
import type { Checksums } from '../io/checksums.ts';
import { type Disk, isDiskError } from '../io/disk.ts';
import { createWhole, withFile, writeAll } from './files.ts';

const NAME = 'incarnation';
/** `number:f64 crc32:u32` */
const FILE_BYTES = 12;
const NUMBER_BYTES = 8;

/**
 * The highest incarnation that this replica may have had in gossip; 0 if it never had one, null if
 * that can't be read any more.
 */
export async function loadIncarnation(
  disk: Disk,
  checksums: Checksums,
  dataDir: string,
): Promise<number | null> {
  try {
    return await withFile(disk, `${dataDir}/quoll/${NAME}`, async (file) => {
      const bytes = new Uint8Array(FILE_BYTES);
      if ((await file.read(bytes, 0)) < FILE_BYTES) return null;
      const view = viewOf(bytes);
      const crc = checksums.crc32(bytes, 0, NUMBER_BYTES, 0);
      const number = view.getFloat64(0);
      return crc === view.getUint32(NUMBER_BYTES) && Number.isSafeInteger(number) ? number : null;
    });
  } catch (error) {
    if (isDiskError(error, 'ENOENT')) return 0;
    throw error;
  }
}

/** Durable when it resolves: before that nobody may hear of the incarnation. */
export async function saveIncarnation(
  disk: Disk,
  checksums: Checksums,
  dataDir: string,
  incarnation: number,
): Promise<void> {
  const bytes = new Uint8Array(FILE_BYTES);
  const view = viewOf(bytes);
  view.setFloat64(0, incarnation);
  view.setUint32(NUMBER_BYTES, checksums.crc32(bytes, 0, NUMBER_BYTES, 0));
  const fill = (file: Parameters<typeof writeAll>[0]) => writeAll(file, [bytes], 0);
  await createWhole(disk, `${dataDir}/quoll`, NAME, fill);
}
