import type { Ballot } from '../paxos/ballot.ts';
import type { Message } from '../paxos/messages.ts';
import type { StateDigest } from './digest-votes.ts';
import type { Chunk } from './outbox.ts';

/** A session that a replica reports as alive to the leader. */
export interface Touch {
  readonly high: number;
  readonly low: number;
}

/**
 * The ways to the other replicas. Messages may get lost; those of one connection come in order.
 * What only a leader can act on names the ballot it is meant for, and is ignored under another: a
 * chunk that was under way to a leader, lost, and led again, must not overtake the ones before it.
 */
export interface PeerPort {
  /** The behaviour level that each connected replica can follow; absent: nobody is connected. */
  readonly levels?: ReadonlyMap<number, number>;
  send(to: number, message: Message): void;
  forward(to: number, ballot: Ballot, chunk: Chunk): void;
  /** A chunk of an observer that hangs on this replica; the bytes may be kept. */
  relay(to: number, ballot: Ballot, origin: number, number: number, bytes: Uint8Array): void;
  report(to: number, ballot: Ballot, number: number, touches: readonly Touch[]): void;
  confirmReport(to: number, number: number): void;
  askIndex(to: number, ballot: Ballot, number: number): void;
  tellIndex(to: number, number: number, slot: number): void;
  tellDigests(to: number, ballot: Ballot, digests: readonly StateDigest[]): void;
  tellDiffers(to: number, ballot: Ballot, digest: StateDigest): void;
  /** This replica lacks decided entries that `from`, and perhaps others, have. */
  fetch(from: number): void;
  /** What was said leaves now rather than at the end of the turn. */
  flush(): void;
}

/** An ensemble of one has nobody to talk to. */
export const NO_PEERS: PeerPort = {
  send: () => {},
  forward: () => {},
  relay: () => {},
  report: () => {},
  confirmReport: () => {},
  askIndex: () => {},
  tellIndex: () => {},
  tellDigests: () => {},
  tellDiffers: () => {},
  fetch: () => {},
  flush: () => {},
};
