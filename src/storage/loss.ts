import { createWhole, listIfThere, withFile, writeAll, writeZeros } from './files.ts';
import type { LogPlace } from './log-reading.ts';

const COPY_BYTES = 1_048_576;

/** Renames a file that is given up, so that an expert can still look; returns its new path. */
export async function setFileAside(place: LogPlace, path: string): Promise<string> {
  const name = await freeName(place, path);
  await place.disk.rename(path, `${place.directory}/${name}`);
  await place.disk.syncDirectory(place.directory);
  return `${place.directory}/${name}`;
}

/** Copies the end of a file that is given up to a file beside, then erases it. */
export async function setRangeAside(
  place: LogPlace,
  path: string,
  from: number,
  to: number,
): Promise<string> {
  const name = await freeName(place, path);
  await createWhole(place.disk, place.directory, name, (target) =>
    withFile(place.disk, path, async (source) => {
      const block = new Uint8Array(COPY_BYTES);
      for (let at = from; at < to; at += block.length) {
        const part = block.subarray(0, Math.min(block.length, to - at));
        await source.read(part, at);
        await writeAll(target, [part], at - from);
      }
    }),
  );
  await eraseRange(place, path, from, to);
  return `${place.directory}/${name}`;
}

/** Makes the range zeros again, durably, as records expect it that will be written there. */
export async function eraseRange(
  place: LogPlace,
  path: string,
  from: number,
  to: number,
): Promise<void> {
  const file = await place.disk.open(path, 'writeDurable');
  try {
    await writeZeros(file, from, to);
  } finally {
    await file.close();
  }
}

async function freeName(place: LogPlace, path: string): Promise<string> {
  const names = await listIfThere(place.disk, place.directory);
  const stem = `${path.slice(path.lastIndexOf('/') + 1)}.lost`;
  let name = stem;
  for (let i = 2; names.includes(name); i++) name = `${stem}-${i}`;
  return name;
}
