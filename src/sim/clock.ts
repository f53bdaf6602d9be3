import type { Clock } from '../io/clock.ts';

interface Timer {
  dueMs: number;
  /** Infinity: it fires once. */
  readonly periodMs: number;
  readonly task: () => void;
}

/** Time that moves only when it is told to. */
export class SimClock implements Clock {
  private nowMs = 0;
  private readonly bornMs: number;
  private tasks: (() => void)[] = [];
  private readonly timers = new Set<Timer>();

  constructor(bornMs = 1_700_000_000_000) {
    this.bornMs = bornMs;
  }

  wallMs(): number {
    return this.bornMs + Math.floor(this.nowMs);
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  afterTurn(task: () => void): void {
    this.tasks.push(task);
  }

  every(periodMs: number, task: () => void): () => void {
    return this.start({ dueMs: this.nowMs + periodMs, periodMs, task });
  }

  after(delayMs: number, task: () => void): () => void {
    return this.start({ dueMs: this.nowMs + delayMs, periodMs: Number.POSITIVE_INFINITY, task });
  }

  private start(timer: Timer): () => void {
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Runs turns of the loop until nothing is left to do in this instant. */
  settle(): void {
    for (let turns = 0; this.tasks.length > 0; turns++) {
      if (turns > 100_000) throw new Error('the loop never comes to rest');
      const tasks = this.tasks;
      this.tasks = [];
      for (const task of tasks) task();
    }
  }

  /** Moves on, firing the timers that fall due, each at its time. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    this.settle();
    for (;;) {
      let next: Timer | null = null;
      for (const timer of this.timers) {
        if (timer.dueMs <= untilMs && (next === null || timer.dueMs < next.dueMs)) next = timer;
      }
      if (next === null) break;
      this.nowMs = next.dueMs;
      next.dueMs += next.periodMs;
      if (next.dueMs === Number.POSITIVE_INFINITY) this.timers.delete(next);
      next.task();
      this.settle();
    }
    this.nowMs = untilMs;
  }
}
