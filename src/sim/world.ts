import { Prng } from '../base/prng.ts';
import { type Event, EventQueue } from './events.ts';
import { Trace } from './trace.ts';

/**
 * Time, chance and order of a simulation: one queue of events, run one by one. Everything that
 * happens is a consequence of the seed.
 */
export class World {
  readonly prng: Prng;
  readonly trace: Trace;
  private readonly events = new EventQueue();
  /** Virtual microseconds since the start. */
  nowUs = 0;
  /** Events that were run. */
  count = 0;

  constructor(seed: number, trace: Trace = new Trace()) {
    this.prng = new Prng(seed);
    this.trace = trace;
  }

  schedule(delayUs: number, task: () => void): Event {
    return this.events.schedule(this.nowUs + Math.max(0, delayUs), task);
  }

  /** Runs until the time is over, nothing is left to happen, or `isOver` says so. */
  async run(forUs: number, isOver: () => boolean = () => false): Promise<void> {
    const untilUs = this.nowUs + forUs;
    while (!isOver()) {
      const event = this.events.take(untilUs);
      if (event === null) {
        this.nowUs = untilUs;
        return;
      }
      this.nowUs = event.atUs;
      this.count++;
      this.trace.mix(event.atUs);
      this.trace.mix(event.sequence);
      event.task?.();
      await microtasksDrained();
    }
  }
}

/**
 * Promises that the event settled are carried on, however long their chains, before the next event:
 * Node.js runs a tick only when no microtask is left. A third of a microsecond; a turn of the real
 * loop would be four times that.
 */
function microtasksDrained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
