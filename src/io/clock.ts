/** Time and turns of the loop, so that a simulator can own both. */
export interface Clock {
  /** Milliseconds since 1970. May step; nothing orders by it. */
  wallMs(): number;
  /** Milliseconds from an arbitrary start. Never goes back; fractions allowed. */
  monotonicMs(): number;
  /** Runs once everything that is ready in this turn of the loop has been handled. */
  afterTurn(task: () => void): void;
  /** Runs `task` every `periodMs`; returns the way to stop it. */
  every(periodMs: number, task: () => void): () => void;
  /** Runs `task` once, after `delayMs`; returns the way to call it off. */
  after(delayMs: number, task: () => void): () => void;
}
