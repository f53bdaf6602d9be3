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
  readonly lease: Lease;
  /** The number of the last write submitted. */
  sequence = 0;

  constructor(outcome: Outcome, client: Client, lease: Lease) {
    this.high = outcome.sessionHigh;
    this.low = outcome.sessionLow;
    this.generation = outcome.generation;
    this.timeoutMs = outcome.timeoutMs;
    this.client = client;
    this.lease = lease;
  }
}
