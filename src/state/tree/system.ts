import { BLOB_OFFSET, FLAG_SYSTEM, NAME_LENGTH, PARENT, type Row } from './layout.ts';
import type { Names } from './names.ts';

/** "zookeeper" */
const SYSTEM_NAME = Uint8Array.of(0x7a, 0x6f, 0x6f, 0x6b, 0x65, 0x65, 0x70, 0x65, 0x72);

/** True if children of `parent` lie below /zookeeper, and so count nothing in the digest. */
export function isSystemParent(names: Names, parent: Row): boolean {
  const rows = names.rows;
  if (parent === 0) return false;
  if ((rows.int(parent, BLOB_OFFSET) & FLAG_SYSTEM) !== 0) return true;
  const grandparent = rows.int(parent, PARENT);
  if (grandparent === 0 || rows.int(grandparent, PARENT) !== 0) return false;
  if (rows.int(parent, NAME_LENGTH) !== SYSTEM_NAME.length) return false;
  const bytes = names.bytes(parent);
  const from = names.offset(parent);
  return SYSTEM_NAME.every((byte, i) => bytes[from + i] === byte);
}
