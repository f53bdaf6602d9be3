import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Checksums } from '../checksums.ts';

/** `node:zlib` and `node:crypto`. */
export class NodeChecksums implements Checksums {
  crc32(bytes: Uint8Array, from: number, to: number, seed: number): number {
    const whole = from === 0 && to === bytes.length;
    return crc32(whole ? bytes : bytes.subarray(from, to), seed);
  }

  sha256(bytes: Uint8Array, from: number, to: number): Uint8Array {
    return createHash('sha256').update(bytes.subarray(from, to)).digest();
  }

  sha256Joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
    return createHash('sha256').update(head).update(tail).digest();
  }
}
