import type { ChainHash } from '../entry.ts';

/** As long as the real one, so that frames have their real shape. */
const HASH_BYTES = 32;

export const NO_HASH: Uint8Array = new Uint8Array(HASH_BYTES);

/** A hundred times cheaper than SHA-256, and as good against accidents in a run's few entries. */
export const testChain: ChainHash = (previous, slot, round, kind, replica, body) => {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  const mix = (value: number) => {
    a = Math.imul(a ^ value, 0x01000193);
    b = Math.imul(b ^ (value + (a >>> 15)), 0x85ebca6b);
  };
  for (let i = 0; i < 8; i++) mix(previous[i] as number);
  for (const value of [slot, round, kind, replica, body.length]) mix(value);
  for (const byte of body) mix(byte);
  const hash = new Uint8Array(HASH_BYTES);
  for (let i = 0; i < 4; i++) {
    hash[i] = a >>> (8 * i);
    hash[4 + i] = b >>> (8 * i);
  }
  return hash;
};

/** Short, for keys of maps and for traces. */
export function hashKey(hash: Uint8Array): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = hash;
  return `${(a * 65536 + b * 256 + c).toString(36)}${(d * 65536 + e * 256 + f).toString(36)}`;
}
