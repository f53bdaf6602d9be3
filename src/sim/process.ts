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
    // Busy or paused, it waits behind what has come before; called off meanwhile, it is not run.
    const event = this.world.schedule(delayUs, () => {
      if (!this.isAlive) return;
      if (this.isFree) this.run(task);
      else this.handle(() => event.task !== null && task());
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

  /** Runs `task` now, unless the process is busy: then as soon as it is not. */
  handle(task: () => void): void {
    if (!this.isAlive) return;
    if (this.isFree) {
      this.run(task);
      return;
    }
    this.inbox.push(task);
    this.awaken();
  }

  /** Nothing overtakes what waits: the bytes of a stream come one event after another. */
  private get isFree(): boolean {
    return this.inbox.length === 0 && !this.paused && this.busyUntilUs <= this.world.nowUs;
  }

  private run(task: () => void): void {
    this.busyUntilUs = this.world.nowUs + this.eventCostUs;
    task();
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
