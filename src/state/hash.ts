/**
 * Mixing for the state digest, which tells replicas that have diverged from those that have not.
 * It protects from accidents, not from an adversary: nobody but the replicas ever sees it. Each
 * contribution has two 32-bit lanes that differ in their start.
 */
export const LANE_HIGH = 0x2545f491;
export const LANE_LOW = 0x6c078965;

/** One round of MurmurHash3 over a 32-bit word. */
export function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

export function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export function hashBytes(lane: number, bytes: Uint8Array): number {
  let hash = mix(lane, bytes.length);
  for (let i = 0; i < bytes.length; i++) hash = mix(hash, bytes[i] as number);
  return finish(hash);
}

/** A sum of 64-bit contributions that wraps, as two unsigned halves. */
export class Sum64 {
  high = 0;
  low = 0;

  add(high: number, low: number): void {
    const sum = this.low + (low >>> 0);
    this.low = sum >>> 0;
    this.high = (this.high + (high >>> 0) + (sum > 0xffff_ffff ? 1 : 0)) >>> 0;
  }

  /** The same as `times` calls of `add`. */
  addTimes(high: number, low: number, times: number): void {
    const doubled = new Sum64();
    doubled.add(high, low);
    for (let rest = times; rest > 0; rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) this.add(doubled.high, doubled.low);
      doubled.add(doubled.high, doubled.low);
    }
  }

  subtract(high: number, low: number): void {
    const difference = this.low - (low >>> 0);
    this.low = difference >>> 0;
    this.high = (this.high - (high >>> 0) - (difference < 0 ? 1 : 0)) >>> 0;
  }
}
