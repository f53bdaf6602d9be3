/** Something that will happen. */
export interface Event {
  readonly atUs: number;
  /** Among events of one time the older goes first: the order never depends on the heap. */
  readonly sequence: number;
  /** Null once it is called off. */
  task: (() => void) | null;
}

/** All that will happen, in virtual time of whole microseconds: a binary heap. */
export class EventQueue {
  private readonly heap: Event[] = [];
  private sequence = 0;

  schedule(atUs: number, task: () => void): Event {
    const event = { atUs: Math.ceil(atUs), sequence: ++this.sequence, task };
    const { heap } = this;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = heap[parent] as Event;
      if (!isEarlier(event, other)) break;
      heap[at] = other;
      at = parent;
    }
    heap[at] = event;
    return event;
  }

  /** Takes the next event that is due by `untilUs`. */
  take(untilUs: number): Event | null {
    for (;;) {
      const first = this.heap[0];
      if (first === undefined || first.atUs > untilUs) return null;
      this.removeFirst();
      if (first.task !== null) return first;
    }
  }

  private removeFirst(): void {
    const { heap } = this;
    const last = heap.pop() as Event;
    const { length } = heap;
    if (length === 0) return;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < length && isEarlier(heap[right] as Event, heap[child] as Event)) child = right;
      if (!isEarlier(heap[child] as Event, last)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
  }
}

function isEarlier(a: Event, b: Event): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.sequence < b.sequence);
}
