import { CLIENT_EVENTS_MAX } from '../base/limits.ts';
import type { WatchEvent, WatchTarget } from './core/watch-table.ts';

/**
 * Events of watches, to be taken one by one: `for await (const event of queue)`. Give it to a read
 * as its `watch`. When more than 10,000 events wait they give way to one `resync`.
 */
export class WatchQueue implements AsyncIterable<WatchEvent>, WatchTarget {
  private events: WatchEvent[] = [];
  private taken = 0;
  private isEnded = false;
  private waiting: ((result: IteratorResult<WatchEvent, undefined>) => void)[] = [];

  /** For the client: an event has come. */
  onEvent(event: WatchEvent): void {
    if (this.isEnded) return;
    const waiter = this.waiting.shift();
    if (waiter !== undefined) {
      waiter({ value: event, done: false });
      return;
    }
    this.events.push(event);
    if (this.events.length - this.taken <= CLIENT_EVENTS_MAX) return;
    this.events = [{ type: 'resync', path: event.path, zxid: null }];
    this.taken = 0;
  }

  /** Nothing comes any more; what has come can still be taken. */
  onEnd(): void {
    this.isEnded = true;
    for (const waiter of this.waiting.splice(0)) waiter({ value: undefined, done: true });
  }

  /** The next event; undefined when there won't be another. */
  async next(): Promise<WatchEvent | undefined> {
    return (await this.take()).value;
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchEvent, undefined> {
    return {
      next: () => this.take(),
      return: async () => {
        await this.close();
        return { value: undefined, done: true };
      },
    };
  }

  /** Takes no more events. */
  async close(): Promise<void> {
    this.onEnd();
  }

  private take(): Promise<IteratorResult<WatchEvent, undefined>> {
    const event = this.events[this.taken];
    if (event !== undefined) {
      this.taken += 1;
      if (this.taken === this.events.length) {
        this.events = [];
        this.taken = 0;
      }
      return Promise.resolve({ value: event, done: false });
    }
    if (this.isEnded) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}

/** A lasting watch: it tells of every change until it is closed, over any number of connections. */
export class Watch extends WatchQueue {
  readonly path: string;
  private readonly remove: (watch: Watch) => Promise<void>;
  private readonly listener: ((event: WatchEvent) => void) | null;
  private isClosed = false;

  constructor(
    path: string,
    listener: ((event: WatchEvent) => void) | null,
    remove: (watch: Watch) => Promise<void>,
  ) {
    super();
    this.path = path;
    this.listener = listener;
    this.remove = remove;
  }

  override onEvent(event: WatchEvent): void {
    if (this.isClosed) return;
    if (this.listener === null) super.onEvent(event);
    else this.listener(event);
  }

  /** Ends the watch, on the server too. Leaving a `for await` does it as well. */
  override async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.onEnd();
    await this.remove(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Who is told of a one-shot watch: a function, or a queue. */
export type Watcher = ((event: WatchEvent) => void) | WatchQueue;
