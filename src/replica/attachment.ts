import type { Outcome } from '../state/outcome.ts';
import type { Lease } from './expiry.ts';
import type { Watcher } from './watches.ts';

/** A client's connection, as the replica sees it. */
export interface Client extends Watcher {
  /** Owned by the replica: the number of the opening that is under way; 0: none. */
  opening: number;
  /** The session is open on this connection; null: refused, it is unknown or its password wrong. */
  onAttached(attachment: Attachment | null): void;
  /** The next write of this connection has been applied; the outcome is valid during the call. */
  onOutcome(outcome: Outcome): void;
  /** The oldest barrier that this connection asked for has been passed. */
  onBarrier(): void;
  /** What had to wait until the leader had heard of the session may go on. */
  onFresh(): void;
  /** The session has expired, or a newer connection has taken it over. */
  onDetached(): void;
}

/** A session that is attached to a connection of this replica: one generation of it. */
export class Attachment {
  readonly high: number;
  readonly low: number;
  readonly generation: number;
  readonly timeoutMs: number;
  readonly client: Client;
  /** When the session was last heard of here. */
  lease: Lease;
  /** The number of the last write submitted. */
  sequence = 0;
  /** When the leader was last told of this session. */
  reportedMs: number = Number.NEGATIVE_INFINITY;
  /** Not answered before a report that left after this time is confirmed. */
  heldSinceMs: number = Number.NEGATIVE_INFINITY;

  constructor(outcome: Outcome, client: Client, lease: Lease) {
    this.high = outcome.sessionHigh;
    this.low = outcome.sessionLow;
    this.generation = outcome.generation;
    this.timeoutMs = outcome.timeoutMs;
    this.client = client;
    this.lease = lease;
  }
}
