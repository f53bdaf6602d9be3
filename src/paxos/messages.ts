import type { Ballot } from './ballot.ts';
import type { Anchor, Unchained } from './entry.ts';

/** What every message says: the attempt it belongs to, and the configuration its sender knows. */
interface Base {
  readonly ballot: Ballot;
  readonly configurationId: number;
}

/** Would you promise this ballot? Changes nothing at the receiver. */
export interface PreVote extends Base {
  readonly type: 'preVote';
  readonly accepted: Ballot;
  readonly last: number;
  readonly decided: number;
}

export interface PreVoteReply extends Base {
  readonly type: 'preVoteReply';
  readonly granted: boolean;
  /** The highest ballot the sender has promised. */
  readonly promised: Ballot;
  /** The asker lacks decided entries that the sender no longer has in memory. */
  readonly behind: boolean;
}

/** Phase 1a. */
export interface Prepare extends Base {
  readonly type: 'prepare';
  readonly accepted: Ballot;
  readonly last: number;
  readonly decided: number;
}

/**
 * Phase 1b, in one or more chunks. Entries are there only if the sender's log is ahead of the
 * asker's; together the chunks hold the sender's whole log behind the asker's decided slot.
 */
export interface Promise1b extends Base {
  readonly type: 'promise';
  /** The ballot under which the sender's log was accepted. */
  readonly accepted: Ballot;
  readonly last: number;
  readonly decided: number;
  /** The sender lost entries that it may have acknowledged: its word about its log is void. */
  readonly damaged: boolean;
  /** What the entries of this chunk follow. */
  readonly after: Anchor;
  readonly entries: readonly Unchained[];
  /** Hash of the last entry, or of what the chunk follows if it has none. */
  readonly hash: Uint8Array;
  readonly isLast: boolean;
}

/** The receiver has promised a higher ballot, or knows a later configuration. */
export interface Nack extends Base {
  readonly type: 'nack';
  readonly promised: Ballot;
  readonly behind: boolean;
}

/** The leader's whole log behind the receiver's decided slot, in one or more chunks. */
export interface AcceptSync extends Base {
  readonly type: 'acceptSync';
  readonly after: Anchor;
  readonly entries: readonly Unchained[];
  /** Hash of the last entry, or of what the chunk follows if it has none. */
  readonly hash: Uint8Array;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly decided: number;
}

/** Phase 2a: entries behind `after`. */
export interface Accept extends Base {
  readonly type: 'accept';
  readonly after: Anchor;
  readonly entries: readonly Unchained[];
  /** Hash of the last entry. */
  readonly hash: Uint8Array;
  readonly decided: number;
}

/** Phase 2b: everything up to the slot is durable at the sender, accepted under the ballot. */
export interface Accepted extends Base {
  readonly type: 'accepted';
  readonly slot: number;
  readonly hash: Uint8Array;
}

export interface Decide extends Base {
  readonly type: 'decide';
  readonly decided: number;
}

export interface Heartbeat extends Base {
  readonly type: 'heartbeat';
  /** Counts the heartbeats of one ballot. */
  readonly probe: number;
  readonly decided: number;
}

export interface HeartbeatReply extends Base {
  readonly type: 'heartbeatReply';
  readonly probe: number;
  /** The sender's log was accepted under this ballot. */
  readonly synced: boolean;
  readonly last: number;
  readonly decided: number;
  readonly damaged: boolean;
}

/** The leader no longer has in memory what the receiver lacks: fetch it, from whomever. */
export interface Behind extends Base {
  readonly type: 'behind';
  readonly decided: number;
}

/** The leader is about to stop: take over at once. */
export interface HandOver extends Base {
  readonly type: 'handOver';
}

/** What only the leader of a ballot says. */
export type FromLeader = AcceptSync | Accept | Decide | Heartbeat | Behind | HandOver;

export type Message =
  | PreVote
  | PreVoteReply
  | Prepare
  | Promise1b
  | Nack
  | Accepted
  | HeartbeatReply
  | FromLeader;

export interface Envelope {
  readonly to: number;
  readonly message: Message;
}
