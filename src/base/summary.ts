/** What a value was, over many records: numbers only, so that recording is a few stores. */
export class Summary {
  count = 0;
  sum = 0;
  /** 0 before the first record, like `max`. */
  min = 0;
  max = 0;
  last = 0;

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  record(value: number): void {
    this.recordTimes(value, 1);
  }

  /** The same as `times` calls of `record`; `times` is at least 1. */
  recordTimes(value: number, times: number): void {
    if (this.count === 0 || value < this.min) this.min = value;
    if (this.count === 0 || value > this.max) this.max = value;
    this.last = value;
    this.count += times;
    this.sum += value * times;
  }

  reset(): void {
    this.count = 0;
    this.sum = 0;
    this.min = 0;
    this.max = 0;
    this.last = 0;
  }
}

/** Buckets per power of two: a quantile is at most 1/32 too high. */
const STEPS_LOG2 = 5;
const STEPS = 1 << STEPS_LOG2;
const BUCKETS = STEPS * (31 - STEPS_LOG2 + 1);
const TICKS_MAX = 2_147_483_647;

/**
 * A summary that also knows quantiles, from counts in buckets whose width grows with the value.
 * Not a reservoir of samples: that would need dice, and forgets just the rare slow ones.
 */
export class Histogram extends Summary {
  private readonly buckets = new Uint32Array(BUCKETS);
  private readonly ticksPerUnit: number;

  /** `resolution` is the step that can still be told near 0, in the unit of the values. */
  constructor(resolution = 1) {
    super();
    this.ticksPerUnit = 1 / resolution;
  }

  override recordTimes(value: number, times: number): void {
    super.recordTimes(value, times);
    const bucket = bucketOf(Math.min(Math.max(value * this.ticksPerUnit, 0), TICKS_MAX) | 0);
    this.buckets[bucket] = (this.buckets[bucket] as number) + times;
  }

  /** The value that a share of all records, 0 to 1, does not exceed; 0 without records. */
  quantile(share: number): number {
    let left = Math.max(Math.ceil(share * this.count), 1);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.buckets[bucket] as number;
      if (left <= 0) return Math.min(highest(bucket) / this.ticksPerUnit, this.max);
    }
    return this.max;
  }

  override reset(): void {
    super.reset();
    this.buckets.fill(0);
  }
}

function bucketOf(ticks: number): number {
  if (ticks < STEPS) return ticks;
  const shift = 31 - Math.clz32(ticks) - STEPS_LOG2;
  return shift * STEPS + (ticks >>> shift);
}

/** The highest value of a bucket. */
function highest(bucket: number): number {
  if (bucket < 2 * STEPS) return bucket;
  const shift = (bucket >>> STEPS_LOG2) - 1;
  const step = (bucket & (STEPS - 1)) + STEPS;
  return (step + 1) * 2 ** shift - 1;
}
