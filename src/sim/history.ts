import type { Body } from '../protocol/frames.ts';

/** One operation of a client, as the client saw it. */
export interface Call {
  readonly client: string;
  readonly session: bigint;
  /** Never used twice in a session. */
  readonly xid: number;
  readonly opcode: number;
  readonly request: Body;
  readonly invokedUs: number;
  /**
   * `unknown`: the connection broke first, so it took place once or never, possibly long after.
   * Never "failed": what is unanswered may still come into effect.
   */
  outcome: 'pending' | 'answered' | 'unknown';
  /** Infinity unless it was answered. */
  endedUs: number;
  err: number;
  zxid: number;
  reply: Body;
  /** The bytes behind the reply's header. */
  replyBytes: Uint8Array;
}

export type WatchKind = 'data' | 'exist' | 'child' | 'persistent' | 'recursive';

export interface Fired {
  readonly type: number;
  readonly path: string;
  /** -1 for what setWatches had to catch up with. */
  readonly zxid: number;
}

/** A watch of one session on one path. */
export interface Watch {
  readonly client: string;
  readonly session: bigint;
  readonly kind: WatchKind;
  readonly path: string;
  /** It sees the changes behind this zxid. */
  setZxid: number;
  /** The connection it was set on: what happens between two, persistent watches don't tell. */
  readonly connection: number;
  /** The events, in order; at most one for a kind that fires once. */
  readonly fired: Fired[];
  /** The client has heard of the state at this zxid while the watch was set. */
  seenZxid: number;
  /** Gone by an event, by the end of its session, or (persistent) of its connection. */
  isOver: boolean;
}

/** Something that a client got from its connection, in the order in which it came. */
export interface Arrival {
  readonly client: string;
  readonly session: bigint;
  readonly zxid: number;
  readonly what: 'read' | 'write' | 'ping' | 'event';
}

/** A ping that was answered. */
export interface Ping {
  readonly session: bigint;
  readonly sentUs: number;
  readonly answeredUs: number;
}

/** A ping that was answered on a connection which its session had left. */
export interface GhostPing {
  readonly session: bigint;
  /** When the client was told that the session is on its new connection. */
  readonly movedUs: number;
  readonly sentUs: number;
  /** The last slot that the connection's server had applied when the ping was sent. */
  readonly appliedSlot: number;
}

/** At this time a client held a lock, and trusted its session. */
export interface Hold {
  readonly client: string;
  /** The znode that made it the holder. */
  readonly node: string;
  readonly atUs: number;
}

/** All that clients called and saw. */
export class History {
  readonly calls: Call[] = [];
  readonly watches: Watch[] = [];
  readonly arrivals: Arrival[] = [];
  readonly pings: Ping[] = [];
  readonly ghostPings: GhostPing[] = [];
  readonly holds: Hold[] = [];
  /** What no client of this protocol may get, found as it came. */
  readonly breaches: string[] = [];
  /** Sessions whose client has gone without closing them, and when (µs). */
  readonly abandoned: Map<bigint, number> = new Map();
  /** Clients that may take long to notice that a connection is broken. */
  readonly careless: Set<string> = new Set();
  /** Sessions that a server has told the client are gone. */
  readonly expired: bigint[] = [];

  /** Calls that were answered. */
  get answered(): Call[] {
    return this.calls.filter((call) => call.outcome === 'answered');
  }
}
