// Damage done to files by hand.
import { closeSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export function flipBit(path, offset, bit) {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, offset);
  byte[0] ^= 1 << bit;
  writeSync(file, byte, 0, 1, offset);
  closeSync(file);
}

export function filesIn(directory, extension) {
  const names = readdirSync(directory).filter((name) => name.endsWith(extension));
  return names.sort().map((name) => join(directory, name));
}

/** Behind the last byte that is not zero. */
export function contentEnd(path) {
  const bytes = readFileSync(path);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return end;
}
