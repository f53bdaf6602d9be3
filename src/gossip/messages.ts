import type { Entry } from './entry.ts';
import type { Fact, MemberId } from './member.ts';

/** What rides on every message of the failure detector. */
interface Carrier {
  readonly facts: readonly Fact[];
}

/** Are you there? Whoever is not `target` keeps silent: addresses are used again. */
export interface Ping extends Carrier {
  readonly type: 'ping';
  readonly number: number;
  readonly target: MemberId;
}

export interface Ack extends Carrier {
  readonly type: 'ack';
  readonly number: number;
}

/** I asked for you and got no answer; at least you can hear me. */
export interface Nack extends Carrier {
  readonly type: 'nack';
  readonly number: number;
}

export interface PingRequest extends Carrier {
  readonly type: 'pingRequest';
  readonly number: number;
  readonly target: MemberId;
  readonly address: string;
}

export interface Rumours extends Carrier {
  readonly type: 'rumours';
}

/** All that the sender knows, in one or more chunks, which are merged one by one. */
export interface Exchange extends Carrier {
  readonly type: 'exchange';
  /** Set on the last chunk of whoever began. */
  readonly wantsReply: boolean;
}

/** Let us be neighbours. */
export interface Link {
  readonly type: 'link';
  /** The sender has next to no neighbours: make room if there is none. */
  readonly isUrgent: boolean;
  /** The sender has nobody to feed it; it stands at `slot`. */
  readonly wantsFeed: boolean;
  readonly slot: number;
}

export interface Linked {
  readonly type: 'linked';
  readonly isAccepted: boolean;
}

export interface Unlink {
  readonly type: 'unlink';
}

/** Contiguous entries. */
export interface Push {
  readonly type: 'push';
  /** Hops from a root. */
  readonly round: number;
  /** More follows without being asked for; otherwise this answers one `want`. */
  readonly isFeed: boolean;
  readonly entries: readonly Entry[];
}

/** I hold `first` to `last`. Announces, confirms, and keeps a link alive. */
export interface Have {
  readonly type: 'have';
  readonly first: number;
  readonly last: number;
  /** Hops that `last` took from a root to the sender. */
  readonly round: number;
  /** The sender takes the receiver for its neighbour. */
  readonly isNeighbour: boolean;
  /** The sender pushes to the receiver what comes. */
  readonly isFeed: boolean;
}

/** Send me `slot` and what follows; with `feed`, all that comes from now on (Plumtree's graft). */
export interface Want {
  readonly type: 'want';
  readonly slot: number;
  readonly feed: boolean;
}

/** Feed me no more: somebody else is faster. */
export interface Prune {
  readonly type: 'prune';
}

export type CarrierMessage = Ping | Ack | Nack | PingRequest | Rumours | Exchange;

export type LogMessage = Link | Linked | Unlink | Push | Have | Want | Prune;

export type Message = CarrierMessage | LogMessage;

/** A message that leaves. */
export interface Envelope {
  /** Null for an address of which only `join` spoke. */
  readonly to: MemberId | null;
  readonly address: string;
  readonly message: Message;
  /** Bulk, or where packets seem not to pass: over a stream, in order with the others there. */
  readonly stream: boolean;
}
