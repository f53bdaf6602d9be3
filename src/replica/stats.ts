import { Summary } from '../base/summary.ts';

/** Which appends count as slow, and who hears of one. */
export interface SlowAppends {
  readonly thresholdMs: number;
  readonly report: (tookMs: number, bytes: number) => void;
}

/** What one replica counts; `server/metrics/series.ts` has the names. */
export class ReplicaStats {
  commandsProposed = 0;
  commandsApplied = 0;
  sessionsExpired = 0;
  /** Appends that took longer than somebody finds normal. */
  slowAppends = 0;
  /** How often this replica was without a leader. */
  elections = 0;
  /** When this replica last began to lead, on the monotonic clock. */
  ledSinceMs = 0;
  /** For how long, until it had one. */
  readonly electionMs: Summary = new Summary();
  /** Writing a batch to the log, until it was durable. */
  readonly appendMs: Summary = new Summary();
  readonly batchBytes: Summary = new Summary();

  private lookingSinceMs: number | null = null;

  /** Told of each change: who leads, null for nobody. */
  onLeader: (leaderId: number | null) => void = () => {};

  /** Somebody leads, or nobody does, from now on. */
  noteLeader(leaderId: number | null, nowMs: number): void {
    const isThere = leaderId !== null;
    this.onLeader(leaderId);
    if (!isThere && this.lookingSinceMs === null) {
      this.elections++;
      this.lookingSinceMs = nowMs;
    } else if (isThere && this.lookingSinceMs !== null) {
      this.electionMs.record(nowMs - this.lookingSinceMs);
      this.lookingSinceMs = null;
    }
  }

  noteAppend(tookMs: number, bytes: number, slow: SlowAppends | undefined): void {
    this.appendMs.record(tookMs);
    if (slow === undefined || tookMs <= slow.thresholdMs) return;
    this.slowAppends++;
    slow.report(tookMs, bytes);
  }

  reset(): void {
    this.commandsProposed = 0;
    this.commandsApplied = 0;
    this.sessionsExpired = 0;
    this.slowAppends = 0;
    this.elections = 0;
    this.electionMs.reset();
    this.appendMs.reset();
    this.batchBytes.reset();
  }
}
