/** CRC-32 with zlib's polynomial (reflected 0xedb88320), eight bytes a step (slicing-by-8). */

const POLYNOMIAL = 0xedb88320;
const SLICES = 8;

/** Slice k at `[256 k, 256 (k + 1))`: what a byte contributes when k more bytes follow it. */
const TABLE: Int32Array = makeTable();

function makeTable(): Int32Array {
  const table = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    table[byte] = crc;
  }
  for (let i = 256; i < table.length; i++) {
    const before = table[i - 256] as number;
    table[i] = (before >>> 8) ^ (table[before & 0xff] as number);
  }
  return table;
}

/** The checksum of `bytes[from, to)`; `seed` is that of the bytes before them. */
export function crc32(bytes: Uint8Array, from: number, to: number, seed = 0): number {
  return ~crc32Register(bytes, from, to, ~seed) >>> 0;
}

/**
 * The bare shift register: no inversion before or after. Being linear over XOR, it lets the digest
 * of a znode be corrected for changed trailing fields without reading its data again.
 */
export function crc32Register(
  bytes: Uint8Array,
  from: number,
  to: number,
  register: number,
): number {
  const table = TABLE;
  let crc = register | 0;
  let at = from;
  for (const last = to - 8; at <= last; at += 8) {
    crc =
      (table[1792 + ((crc ^ (bytes[at] as number)) & 0xff)] as number) ^
      (table[1536 + (((crc >>> 8) ^ (bytes[at + 1] as number)) & 0xff)] as number) ^
      (table[1280 + (((crc >>> 16) ^ (bytes[at + 2] as number)) & 0xff)] as number) ^
      (table[1024 + ((crc >>> 24) ^ (bytes[at + 3] as number))] as number) ^
      (table[768 + (bytes[at + 4] as number)] as number) ^
      (table[512 + (bytes[at + 5] as number)] as number) ^
      (table[256 + (bytes[at + 6] as number)] as number) ^
      (table[bytes[at + 7] as number] as number);
  }
  for (; at < to; at++) {
    crc = (crc >>> 8) ^ (table[(crc ^ (bytes[at] as number)) & 0xff] as number);
  }
  return crc;
}

/** The register after the eight bytes of a big-endian integer, given as two halves. */
export function crc32Long(register: number, high: number, low: number): number {
  const table = TABLE;
  return (
    (table[1792 + ((register ^ (high >>> 24)) & 0xff)] as number) ^
    (table[1536 + (((register >>> 8) ^ (high >>> 16)) & 0xff)] as number) ^
    (table[1280 + (((register >>> 16) ^ (high >>> 8)) & 0xff)] as number) ^
    (table[1024 + (((register >>> 24) ^ high) & 0xff)] as number) ^
    (table[768 + (low >>> 24)] as number) ^
    (table[512 + ((low >>> 16) & 0xff)] as number) ^
    (table[256 + ((low >>> 8) & 0xff)] as number) ^
    (table[low & 0xff] as number)
  );
}

/** The register after the four bytes of a big-endian integer. */
export function crc32Int(register: number, int: number): number {
  const table = TABLE;
  return (
    (table[768 + ((register ^ (int >>> 24)) & 0xff)] as number) ^
    (table[512 + (((register >>> 8) ^ (int >>> 16)) & 0xff)] as number) ^
    (table[256 + (((register >>> 16) ^ (int >>> 8)) & 0xff)] as number) ^
    (table[((register >>> 24) ^ int) & 0xff] as number)
  );
}
