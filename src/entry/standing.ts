import type { EnsembleConfig } from '../config/server-config.ts';
import type { Entry } from '../paxos/entry.ts';
import type { PeerIo } from '../replica/peers/listener.ts';
import type { Membership } from '../state/membership.ts';
import type { CompanionOptions, Companions } from './companions.ts';

/** How a blank replica begins. */
export interface Beginning {
  readonly clusterId: Uint8Array;
  /** Slot 1; null if the others have trimmed it: then a snapshot of theirs is the beginning. */
  readonly genesis: Entry | null;
}

/** What a process is among others, from its start to its end: who it is, and whom it knows. */
export interface Standing {
  readonly config: EnsembleConfig;
  readonly identity: Uint8Array;
  readonly io: PeerIo;
  /** It is no member and can't become one. */
  readonly isOutside: boolean;
  /** What is lost here can be had from others. */
  readonly hasOthers: boolean;
  /** For a replica that has nothing yet; `clusterId`: what its directory was formatted for. */
  begin(clusterId: Uint8Array | null): Promise<Beginning>;
  /** Tells blank replicas of the ensemble from now on. */
  serveFounding(
    clusterId: Uint8Array,
    genesis: Entry | null,
    membership: () => Membership | null,
  ): void;
  companions(options: CompanionOptions): Companions;
  close(): Promise<void>;
}
