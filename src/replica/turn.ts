import type { Clock } from '../io/clock.ts';

/** Something that has gathered output during a turn of the loop. */
export interface Flushable {
  flush(): void;
}

/**
 * Work that is done once per turn of the loop, after all input of that turn has been handled: the
 * gathered commands go to the log first, so that the disk works while the replies are written.
 */
export class Turn {
  private readonly clock: Clock;
  private readonly dirty: Flushable[] = [];
  private first: (() => void) | null = null;
  private scheduled = false;
  private readonly run: () => void = () => this.runNow();
  /** When the flushes of the last turn began, on the monotonic clock. */
  nowMs = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** What runs before every flush. */
  before(task: () => void): void {
    this.first = task;
  }

  /** Makes sure that this turn ends with `before` and the flushes. */
  wake(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.clock.afterTurn(this.run);
  }

  /** Flushes `flushable` at the end of this turn; call it once per turn. */
  add(flushable: Flushable): void {
    this.dirty.push(flushable);
    this.wake();
  }

  private runNow(): void {
    this.scheduled = false;
    this.first?.();
    this.nowMs = this.clock.monotonicMs();
    const count = this.dirty.length;
    for (let i = 0; i < count; i++) (this.dirty[i] as Flushable).flush();
    // A flush may have made others dirty; they were appended behind `count` and wait a turn.
    this.dirty.splice(0, count);
    if (this.dirty.length > 0) this.wake();
  }
}
