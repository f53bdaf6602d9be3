import type { Disk, DiskFile } from '../io/disk.ts';

/** Zeros to write from; never written to. */
export const ZEROS: Uint8Array = new Uint8Array(262_144);

export interface Paths {
  readonly dataDir: string;
  readonly dataLogDir: string;
  /** Where our files lie, and where the directory `log` lies. */
  readonly own: string;
  readonly logParent: string;
  readonly log: string;
  readonly snapshots: string;
}

export function pathsOf(dataDir: string, dataLogDir: string = dataDir): Paths {
  const own = `${dataDir}/quoll`;
  const logParent = `${dataLogDir}/quoll`;
  const log = `${logParent}/log`;
  return { dataDir, dataLogDir, own, logParent, log, snapshots: `${own}/snapshots` };
}

/** Sixteen hexadecimal digits, so that names sort as the numbers do. */
export function hex16(value: number): string {
  return value.toString(16).padStart(16, '0');
}

/** The number in a name such as `000000000000001f.qlog`, or -1 if it is not such a name. */
export function numberInName(name: string, extension: string): number {
  const stem = name.slice(0, 16);
  if (name !== stem + extension || !/^[0-9a-f]{16}$/.test(stem)) return -1;
  const value = Number.parseInt(stem, 16);
  return Number.isSafeInteger(value) ? value : -1;
}

/** Writes all of `buffers`, however short the single writes turn out. */
export function writeAll(
  file: DiskFile,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const step = (rest: readonly Uint8Array[], at: number): void => {
      file.write(rest, at, (error, written) => {
        const left = error === null ? withoutFirst(rest, written) : [];
        if (error !== null) reject(error);
        else if (left.length === 0) resolve();
        else step(left, at + written);
      });
    };
    step(buffers, position);
  });
}

/** What is left of `buffers` behind the first `count` bytes. */
export function withoutFirst(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  for (const buffer of buffers) {
    if (count < buffer.length) rest.push(count === 0 ? buffer : buffer.subarray(count));
    count -= Math.min(count, buffer.length);
  }
  return rest;
}

export async function writeZeros(file: DiskFile, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += ZEROS.length) {
    await writeAll(file, [ZEROS.subarray(0, Math.min(ZEROS.length, to - at))], at);
  }
}

/**
 * Makes a file that is either complete or not there, whenever the crash comes (rule 27): written
 * beside, synced, renamed, and the directory synced.
 */
export async function createWhole(
  disk: Disk,
  directory: string,
  name: string,
  fill: (file: DiskFile) => Promise<void>,
): Promise<void> {
  const temporary = `${directory}/${name}.tmp`;
  await removeIfThere(disk, temporary);
  const file = await disk.open(temporary, 'create');
  try {
    await fill(file);
    await file.sync();
  } catch (error) {
    await file.close();
    await removeIfThere(disk, temporary);
    throw error;
  }
  await file.close();
  await disk.rename(temporary, `${directory}/${name}`);
  await disk.syncDirectory(directory);
}

export async function removeIfThere(disk: Disk, path: string): Promise<void> {
  try {
    await disk.remove(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Names in the directory, sorted; none if it does not exist. */
export async function listIfThere(disk: Disk, directory: string): Promise<string[]> {
  try {
    return (await disk.list(directory)).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

export async function withFile<T>(
  disk: Disk,
  path: string,
  use: (file: DiskFile) => Promise<T>,
): Promise<T> {
  const file = await disk.open(path, 'read');
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Leftovers of files whose making a crash interrupted. */
export async function removeTemporaries(disk: Disk, directory: string): Promise<void> {
  for (const name of await listIfThere(disk, directory)) {
    if (name.endsWith('.tmp')) await disk.remove(`${directory}/${name}`);
  }
}
