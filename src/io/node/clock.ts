import type { Clock } from '../clock.ts';

export class NodeClock implements Clock {
  wallMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  afterTurn(task: () => void): void {
    setImmediate(task);
  }

  every(periodMs: number, task: () => void): () => void {
    const timer = setInterval(task, periodMs);
    return () => clearInterval(timer);
  }

  after(delayMs: number, task: () => void): () => void {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  }
}
