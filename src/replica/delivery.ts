import { CommandKind } from '../state/command.ts';
import { type ExceededQuota, type Outcome, Verdict } from '../state/outcome.ts';
import type { State } from '../state/state.ts';
import type { DigestPoints } from './digest-points.ts';
import type { Intake } from './intake.ts';
import { AGES_MARK, type Leadership } from './leadership.ts';
import type { LocalSessions } from './local-sessions.ts';
import type { Outbox } from './outbox.ts';
import type { Relay } from './relay.ts';
import type { ReplicaStats } from './stats.ts';
import type { Watches } from './watches.ts';

export interface DeliveryOptions {
  readonly serverId: number;
  readonly state: State;
  readonly stats: ReplicaStats;
  readonly digestPoints: DigestPoints;
  readonly watches: Watches;
  readonly sessions: LocalSessions;
  readonly leadership: Leadership;
  readonly intake: Intake;
  readonly outbox: Outbox;
  readonly relay: Relay;
  /** Something may be confirmed now that waited for a mark. */
  readonly onMark: () => void;
  /** A soft quota is exceeded; valid during the call. */
  readonly onSoftQuota?: (exceeded: ExceededQuota) => void;
}

/** Tells everyone whom it concerns what became of a command. */
export class Delivery {
  private readonly options: DeliveryOptions;

  constructor(options: DeliveryOptions) {
    this.options = options;
  }

  /**
   * Watch events first, then the reply: a client never reads a change before its event. `appliedMs`
   * is about when it came to be.
   */
  deliver(outcome: Outcome, appliedMs: number): void {
    const { stats, digestPoints, watches, leadership, state } = this.options;
    if (outcome.kind < CommandKind.genesis) stats.commandsApplied++;
    digestPoints.note(outcome.zxid, state.tree);
    watches.match(outcome.changes, outcome.zxid);
    if (outcome.exceeded.what !== '') this.options.onSoftQuota?.(outcome.exceeded);
    if (outcome.closedSession) {
      leadership.expiry.stop(outcome.sessionHigh, outcome.sessionLow);
    }
    switch (outcome.kind) {
      case CommandKind.openSession:
      case CommandKind.attachSession:
        this.deliverAttachment(outcome, appliedMs);
        return;
      case CommandKind.write:
      case CommandKind.reject:
        this.options.sessions.deliverReply(outcome);
        return;
      case CommandKind.expireSession:
        this.deliverExpiry(outcome);
        return;
      case CommandKind.mark:
        this.deliverMark(outcome);
        return;
      case CommandKind.sessionAges:
        leadership.agesApplied();
        return;
      default:
        return;
    }
  }

  private deliverAttachment(outcome: Outcome, appliedMs: number): void {
    const { sessions, leadership } = this.options;
    const { sessionHigh: high, sessionLow: low, timeoutMs, error, verdict } = outcome;
    // What is sent again to a new leader brings no time-out, and must not restart the clock.
    const isOpen = verdict === Verdict.applied && error === 0;
    const lease = isOpen ? leadership.expiry.start(high, low, timeoutMs, appliedMs) : null;
    sessions.deliverAttachment(outcome, lease);
  }

  private deliverExpiry(outcome: Outcome): void {
    if (!outcome.closedSession) return;
    this.options.stats.sessionsExpired++;
    this.options.sessions.deliverExpiry(outcome);
  }

  private deliverMark({ sessionHigh, sessionLow, sequence }: Outcome): void {
    const { serverId, intake, outbox, leadership, relay, state, onMark } = this.options;
    if (sessionHigh !== serverId) {
      // The slot that is being applied is the one behind the last that was.
      relay.marked(sessionHigh, sequence, state.slot + 1);
      return;
    }
    if (sessionLow === AGES_MARK) {
      leadership.passed(sequence);
      onMark();
      return;
    }
    intake.forget(serverId, sequence);
    outbox.release(sequence);
  }
}
