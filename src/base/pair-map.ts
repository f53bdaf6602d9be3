/**
 * A map keyed by the two halves of a 64-bit id. Neither BigInt nor string keys, which allocate on
 * every look-up; ids of one server share few high halves, so the outer map stays tiny.
 */
export class PairMap<V> {
  private readonly outer = new Map<number, Map<number, V>>();
  size = 0;

  get(high: number, low: number): V | undefined {
    return this.outer.get(high)?.get(low);
  }

  has(high: number, low: number): boolean {
    return this.get(high, low) !== undefined;
  }

  set(high: number, low: number, value: V): void {
    let inner = this.outer.get(high);
    if (inner === undefined) {
      inner = new Map();
      this.outer.set(high, inner);
    }
    if (!inner.has(low)) this.size++;
    inner.set(low, value);
  }

  delete(high: number, low: number): boolean {
    const inner = this.outer.get(high);
    if (inner === undefined || !inner.delete(low)) return false;
    this.size--;
    if (inner.size === 0) this.outer.delete(high);
    return true;
  }

  *values(): IterableIterator<V> {
    for (const inner of this.outer.values()) yield* inner.values();
  }
}
