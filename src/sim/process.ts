import type { World } from './world.ts';

/**
 * A running program: one event is handled at a time, in the order in which they came. It dies at
 * once; while it is paused (SIGSTOP) what comes waits for it, as it would in the kernel.
 */
export class SimProcess {
  readonly world: World;
  readonly name: string;
  isAlive = true;
  /** Time that handling an event takes: a slow machine has more of it. */
  eventCostUs = 0;
  private paused = false;
  private readonly inbox: (() => void)[] = [];
  private busyUntilUs = 0;
  private isAwake = false;
  private readonly wake: () => void = () => this.handleNext();

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
  }

  get isPaused(): boolean {
    return this.paused;
  }

  /** Runs `task` in this process after the delay; the result calls it off. */
  schedule(delayUs: number, task: () => void): () => void {
    const event = this.world.schedule(delayUs, () => {
      if (this.isAlive) this.handle(() => event.task !== null && task());
    });
    return () => {
      event.task = null;
    };
  }

  kill(): void {
    this.isAlive = false;
    this.inbox.length = 0;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.awaken();
  }

  private handle(task: () => void): void {
    // Nothing overtakes what waits: the bytes of a stream come one event after another.
    const isFree = this.inbox.length === 0 && this.busyUntilUs <= this.world.nowUs;
    if (isFree && !this.paused) {
      this.busyUntilUs = this.world.nowUs + this.eventCostUs;
      task();
      return;
    }
    this.inbox.push(task);
    this.awaken();
  }

  private awaken(): void {
    if (this.isAwake || this.paused || this.inbox.length === 0) return;
    this.isAwake = true;
    this.world.schedule(this.busyUntilUs - this.world.nowUs, this.wake);
  }

  private handleNext(): void {
    this.isAwake = false;
    if (!this.isAlive || this.paused) return;
    const task = this.inbox.shift();
    this.busyUntilUs = this.world.nowUs + this.eventCostUs;
    task?.();
    this.awaken();
  }
}
