import type { Replica } from './replica.ts';

export interface ReaperOptions {
  readonly checkIntervalMs: number;
  readonly maxPerMinute: number;
  readonly maxNeverUsedIntervalMs: number;
}

const PENDING_BYTES_MAX = 1_048_576;

/**
 * Proposes to remove empty containers and outlived TTL nodes, at a bounded pace (protocol 7.2 and
 * 7.3). It only proposes: apply looks again, so a child created meanwhile saves its parent.
 */
export class Reaper {
  private readonly replica: Replica;
  private readonly options: ReaperOptions;
  private stopTimer: () => void = () => {};
  /** Removals that may be proposed by now: a fraction that one check leaves counts for the next. */
  private allowed = 0;

  constructor(replica: Replica, options: ReaperOptions) {
    this.replica = replica;
    this.options = options;
  }

  start(): void {
    const { checkIntervalMs } = this.options;
    this.stopTimer = this.replica.clock.every(checkIntervalMs, () => this.check());
  }

  stop(): void {
    this.stopTimer();
  }

  private check(): void {
    const { state, clock } = this.replica;
    if (!this.replica.isLeading) return;
    // While the disk does not keep up, what was proposed before is still to come.
    if (this.replica.pendingBytes > PENDING_BYTES_MAX) return;
    const { checkIntervalMs, maxPerMinute, maxNeverUsedIntervalMs } = this.options;
    const perCheck = (maxPerMinute * checkIntervalMs) / 60_000;
    this.allowed = Math.min(this.allowed + perCheck, Math.max(1, perCheck));
    state.forEachReapable(clock.wallMs(), maxNeverUsedIntervalMs, (_row, path, from, to) => {
      if (this.allowed < 1) return false;
      this.allowed--;
      this.replica.submitReap(path.subarray(from, to));
      return true;
    });
  }
}
