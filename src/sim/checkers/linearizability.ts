/** A sequential object: `apply` gives the next state, or undefined if it could not answer so. */
export interface SequentialObject<S, O> {
  readonly initial: S;
  apply(state: S, operation: O): S | undefined;
  /** Equal for equal states. */
  key(state: S): string;
}

export interface Operation<O> {
  readonly operation: O;
  readonly invokedUs: number;
  /** Infinity: nobody was told, it may have taken place at any time since, or never. */
  readonly endedUs: number;
}

export type Answer = 'linearizable' | 'not linearizable' | 'unknown';

const STEPS_MAX = 1_000_000;

/**
 * Is there an order of the operations that agrees with real time and that one object, working
 * alone, could have answered like that? A search: it takes next any operation that was called
 * before all that are left had ended, and goes back when none fits.
 *
 * Source: Wing and Gong, "Testing and verifying concurrent objects", JPDC 1993; that no
 * configuration (set of operations taken, state) is searched twice is Lowe's, "Testing for
 * linearizability", 2017. What takes too long is unknown, and must not pass for an answer.
 */
export function isLinearizable<S, O>(
  object: SequentialObject<S, O>,
  history: readonly Operation<O>[],
): Answer {
  const operations = [...history].sort((a, b) => a.invokedUs - b.invokedUs);
  const search = new Search(object, operations);
  if (search.from(object.initial)) return 'linearizable';
  return search.steps > STEPS_MAX ? 'unknown' : 'not linearizable';
}

class Search<S, O> {
  private readonly object: SequentialObject<S, O>;
  private readonly operations: readonly Operation<O>[];
  private readonly taken: Uint8Array;
  private readonly seen = new Set<string>();
  /** Answered operations that are not taken yet. */
  private left: number;
  steps = 0;

  constructor(object: SequentialObject<S, O>, operations: readonly Operation<O>[]) {
    this.object = object;
    this.operations = operations;
    this.taken = new Uint8Array(operations.length);
    this.left = operations.filter(({ endedUs }) => endedUs < Number.POSITIVE_INFINITY).length;
  }

  from(state: S): boolean {
    if (this.left === 0) return true;
    if (++this.steps > STEPS_MAX) return false;
    const configuration = `${this.taken.join('')} ${this.object.key(state)}`;
    if (this.seen.has(configuration)) return false;
    this.seen.add(configuration);
    const firstEndUs = this.firstEndUs();
    for (const [i, candidate] of this.operations.entries()) {
      if (this.taken[i] === 1) continue;
      if (candidate.invokedUs > firstEndUs) break;
      const next = this.object.apply(state, candidate.operation);
      if (next !== undefined && this.take(i, candidate, next)) return true;
    }
    return false;
  }

  private take(i: number, { endedUs }: Operation<O>, next: S): boolean {
    const counts = endedUs < Number.POSITIVE_INFINITY ? 1 : 0;
    this.taken[i] = 1;
    this.left -= counts;
    const fits = this.from(next);
    this.taken[i] = 0;
    this.left += counts;
    return fits;
  }

  private firstEndUs(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const [i, { endedUs }] of this.operations.entries()) {
      if (this.taken[i] === 0) first = Math.min(first, endedUs);
    }
    return first;
  }
}
