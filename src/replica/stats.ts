import { Summary } from '../base/summary.ts';

/** What one replica counts; `server/metrics/series.ts` has the names. */
export class ReplicaStats {
  commandsProposed = 0;
  commandsApplied = 0;
  sessionsExpired = 0;
  /** Appends that took longer than somebody finds normal. */
  slowAppends = 0;
  /** Writing a batch to the log, until it was durable. */
  readonly appendMs: Summary = new Summary();
  readonly batchBytes: Summary = new Summary();

  reset(): void {
    this.commandsProposed = 0;
    this.commandsApplied = 0;
    this.sessionsExpired = 0;
    this.slowAppends = 0;
    this.appendMs.reset();
    this.batchBytes.reset();
  }
}
