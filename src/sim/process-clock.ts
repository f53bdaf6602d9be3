import type { Clock } from '../io/clock.ts';
import type { SimProcess } from './process.ts';

/** The clock of a machine: it may run fast or slow, and somebody may set it. */
export interface MachineClock {
  /** Milliseconds that the wall clock is ahead of the true time. */
  wallAheadMs: number;
  /** Its seconds for one true second. */
  readonly rate: number;
}

/** 2023-11-14, as good a day as any. */
const EPOCH_MS = 1_700_000_000_000;

/** What one process sees of its machine's clock. */
export class ProcessClock implements Clock {
  private readonly process: SimProcess;
  private readonly machine: MachineClock;
  private readonly bornUs: number;

  constructor(process: SimProcess, machine: MachineClock) {
    this.process = process;
    this.machine = machine;
    this.bornUs = process.world.nowUs;
  }

  wallMs(): number {
    const { rate, wallAheadMs } = this.machine;
    return EPOCH_MS + Math.floor((this.process.world.nowUs * rate) / 1_000 + wallAheadMs);
  }

  monotonicMs(): number {
    return ((this.process.world.nowUs - this.bornUs) * this.machine.rate) / 1_000;
  }

  /** Behind all that has come by now, as the check phase is behind the poll phase. */
  afterTurn(task: () => void): void {
    this.process.schedule(0, task);
  }

  every(periodMs: number, task: () => void): () => void {
    let callOff: () => void;
    const run = (): void => {
      // Like setInterval: after a pause there is one run, not one for each that was missed.
      callOff = this.after(periodMs, run);
      task();
    };
    callOff = this.after(periodMs, run);
    return () => callOff();
  }

  after(delayMs: number, task: () => void): () => void {
    return this.process.schedule((Math.max(0, delayMs) * 1_000) / this.machine.rate, task);
  }
}
