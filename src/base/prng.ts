const TWO_32 = 4_294_967_296;

/**
 * A seeded generator: xoshiro128** by Blackman and Vigna. The same seed gives the same numbers on
 * every machine. For simulation and jitter only: whoever sees a few numbers can tell the next.
 */
export class Prng {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /** `seed` is a whole number up to 2^53. */
  constructor(seed: number) {
    // Seeds are often small and alike; mixing spreads each over the whole state.
    const low = seed | 0;
    const high = Math.floor(seed / TWO_32) | 0;
    this.a = mixed(low);
    // The first number comes from `b` alone, so that it has to depend on both halves.
    this.b = mixed(low ^ mixed(high ^ 0x9e3779b9));
    this.c = mixed(low + 0x3c6ef372);
    this.d = mixed(high + 0x78dde6e4) | 1;
  }

  /** From an explicit state, which must not be all zero. */
  static ofState(a: number, b: number, c: number, d: number): Prng {
    const prng = new Prng(0);
    [prng.a, prng.b, prng.c, prng.d] = [a, b, c, d];
    return prng;
  }

  /** A whole number from 0 to 2^32 - 1. */
  u32(): number {
    const { b } = this;
    const result = Math.imul(rotated(Math.imul(b, 5), 7), 9);
    this.c ^= this.a;
    this.d ^= b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= b << 9;
    this.d = rotated(this.d, 11);
    return result >>> 0;
  }

  /** From 0 up to, but not including, 1. */
  fraction(): number {
    return this.u32() / TWO_32;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** Times between events that know nothing of each other, in whole units. */
  exponential(mean: number): number {
    return Math.floor(-Math.log(1 - this.fraction()) * mean);
  }

  /** A number of any magnitude between the two: 3 to 30 is as likely as 30 to 300. */
  magnitude(low: number, high: number): number {
    return Math.round(low * (high / low) ** this.fraction());
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.u32() & 0xff);
  }

  shuffled<T>(list: readonly T[]): T[] {
    const result = [...list];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [result[i], result[j]] = [result[j] as T, result[i] as T];
    }
    return result;
  }

  /** A generator of its own: how many numbers one part draws changes nothing for the others. */
  fork(): Prng {
    return Prng.ofState(this.u32(), this.u32(), this.u32(), this.u32() | 1);
  }
}

function rotated(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

/** The finaliser of MurmurHash3. */
function mixed(value: number): number {
  let z = (value + 0x6d2b79f5) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}
