/** Checksums of bytes, native where the platform has them. */
export interface Checksums {
  /** CRC-32 (IEEE) of `bytes[from, to)`, continued from `seed`: 0, or the result so far. */
  crc32(bytes: Uint8Array, from: number, to: number, seed: number): number;
  /** SHA-256 over `bytes[from, to)`. */
  sha256(bytes: Uint8Array, from: number, to: number): Uint8Array;
  /** SHA-256 over the two, one behind the other, as if they were joined. */
  sha256Joined(head: Uint8Array, tail: Uint8Array): Uint8Array;
}
