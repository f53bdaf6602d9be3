import type { Entry } from '../paxos/entry.ts';

/** Who watches a replica from outside, as the simulator's checkers do. It must change nothing. */
export interface Observer {
  /** A life begins behind the snapshot of this slot, its own or a peer's; 0: there is none. */
  onRecovering(slot: number): void;
  /** The entry is decided, as this replica has it; called in slot order. Valid during the call. */
  onDecided(entry: Entry): void;
  /** The state behind the slot, by its digest. */
  onApplied(slot: number, digestHigh: number, digestLow: number): void;
  /** Who leads from now on, as far as is known here; null for nobody. */
  onLeader(leaderId: number | null): void;
  /** Gossip has ended by a fault of its own, which nobody else notices. */
  onGossipFailed?(error: unknown): void;
}
