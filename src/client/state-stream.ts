import type { StateChange } from './core/deliveries.ts';

/** Changes of state, none left out, to whoever listens or iterates. */
export class StateStream {
  private readonly listeners = new Set<(change: StateChange) => void>();
  private isEnded = false;

  /** Returns the way to stop. */
  listen(listener: (change: StateChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(change: StateChange): void {
    if (change.state === 'closed') this.isEnded = true;
    for (const listener of [...this.listeners]) {
      try {
        listener(change);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    if (this.isEnded) this.listeners.clear();
  }

  /** From now on; ends behind `closed`. */
  async *iterate(): AsyncGenerator<StateChange, void, undefined> {
    const changes: StateChange[] = [];
    let wake: () => void = () => {};
    const stop = this.listen((change) => {
      changes.push(change);
      wake();
    });
    try {
      for (;;) {
        const change = changes.shift();
        if (change !== undefined) {
          yield change;
          if (change.state === 'closed') return;
        } else if (this.isEnded) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      stop();
    }
  }
}
