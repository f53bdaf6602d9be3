/** Something that happens at a time. */
interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** What will happen, the earliest first; at the same time in the order in which it was planned. */
export class Events {
  private readonly heap: Event[] = [];
  private planned = 0;
  now = 0;

  at(at: number, run: () => void): void {
    this.planned += 1;
    const event = { at: Math.max(at, this.now), order: this.planned, run };
    const { heap } = this;
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[place] = heap[parent] as Event;
      place = parent;
    }
    heap[place] = event;
  }

  /** Lets happen everything up to `until`. */
  run(until: number): void {
    for (let next = this.heap[0]; next !== undefined && next.at <= until; next = this.heap[0]) {
      this.pop();
      this.now = next.at;
      next.run();
    }
    this.now = until;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && isBefore(heap[right] as Event, heap[child] as Event))
        child = right;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[place] = heap[child] as Event;
      place = child;
    }
    heap[place] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
