import { readFileSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import type { ConfigArguments } from './flags.ts';

/** No configuration is longer, and the path may name anything, a disk included. */
const FILE_BYTES_MAX = 1_048_576;

/** The configuration of this process: its arguments, its environment, its files, its machine. */
export function loadProcessConfig(file: string | undefined, typed: ConfigArguments): LoadedConfig {
  return loadConfig({
    file: file ?? null,
    readFile,
    environment: process.env,
    definitions: typed.definitions,
    flags: typed.flags,
    memoryBytes: memoryBytes(),
  });
}

function readFile(path: string): string {
  const stats = statSync(path);
  if (!stats.isFile()) throw new Error('not a file');
  if (stats.size > FILE_BYTES_MAX) throw new Error(`longer than ${FILE_BYTES_MAX} bytes`);
  return readFileSync(path, 'utf8');
}

/** What a cgroup allows, where there is one that limits; the machine's otherwise. */
function memoryBytes(): number {
  const total = totalmem();
  // Without a limit it reports 0, or a number beyond any machine.
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < total ? constrained : total;
}
