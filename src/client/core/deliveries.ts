import type { Call } from './call.ts';
import type { WatchEvent, WatchTarget } from './watch-table.ts';

/**
 * What a client may assume.
 * - `connecting`: there is no session yet. Calls wait.
 * - `connected`: the session lives on a server.
 * - `suspended`: the connection is gone. The session and its ephemerals may live or not; others may
 *   hold your lock soon. Calls wait.
 * - `lost`: the session has ended, its ephemerals are gone or about to go. A new one is under way,
 *   and calls wait for it.
 * - `closed`: for good.
 */
export type SessionState = 'connecting' | 'connected' | 'suspended' | 'lost' | 'closed';

export class StateChange {
  readonly kind = 'state';
  readonly state: SessionState;
  readonly sessionId: bigint;
  /** ZooKeeper's code for what led to it; 0: nothing bad. */
  readonly code: number;

  constructor(state: SessionState, sessionId: bigint, code: number) {
    this.state = state;
    this.sessionId = sessionId;
    this.code = code;
  }
}

export class Firing {
  readonly kind = 'event';
  readonly targets: Iterable<WatchTarget>;
  readonly event: WatchEvent;

  constructor(targets: Iterable<WatchTarget>, event: WatchEvent) {
    this.targets = targets;
    this.event = event;
  }
}

export class Ending {
  readonly kind = 'end';
  readonly targets: Iterable<WatchTarget>;

  constructor(targets: Iterable<WatchTarget>) {
    this.targets = targets;
  }
}

/** What the caller of a session learns, in the order in which it has to learn it. */
export type Delivery = Call | StateChange | Firing | Ending;
