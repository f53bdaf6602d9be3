import type { Anchor, Entry } from './entry.ts';
import type { MemberId, Meta } from './member.ts';

/**
 * How fast and how much, in ticks. All members of a cluster have the same, and ticks of the same
 * length: ages of tombstones travel in ticks. The figures suit ticks of 50 ms.
 */
export interface Tuning {
  /** One member is asked per period. Shorter finds the dead sooner and costs more messages. */
  readonly probeTicks: number;
  /** How long an answer may take before others are asked to ask; well above a round trip. */
  readonly probeTimeoutTicks: number;
  /** How many others are asked to ask. Three bring a lost packet's harm below a per mille. */
  readonly indirectProbes: number;
  /** Rumours that wait leave at most this often by themselves; they ride on probes anyway. */
  readonly rumourTicks: number;
  readonly rumourFanout: number;
  /** Each rumour is sent this many times log10 of the members by each who hears it. */
  readonly retransmitFactor: number;
  /** The shortest suspicion, in probe periods times log10 of the members. */
  readonly suspicionFactor: number;
  /** The longest, for a suspicion that nobody confirms, as a multiple of the shortest. */
  readonly suspicionMaxFactor: number;
  /** Independent confirmations that bring it down to the shortest. */
  readonly suspicionConfirmations: number;
  /** The worst that a member can think of its own health; times grow by up to this plus one. */
  readonly healthMax: number;
  /** Whole states are exchanged this often, less often the more members there are. */
  readonly exchangeTicks: number;
  /** A stranger asks a seed this often until somebody answers. */
  readonly joinTicks: number;
  /** How long the dead are remembered. Whoever stood still for longer has to join anew. */
  readonly tombstoneTicks: number;
  /** Load and progress are told at most this often, and less often the more members there are. */
  readonly metaTicks: number;
  /** Neighbours that one looks for, and that one bears. */
  readonly degree: number;
  readonly degreeMax: number;
  /** One link is exchanged for a new one this often, so that links never part into two networks. */
  readonly refreshTicks: number;
  /** A neighbour unheard of for this long is given up. */
  readonly silentTicks: number;
  /** What came is announced at most this often to one neighbour. */
  readonly haveTicks: number;
  /** And without news this often, which also keeps the link. */
  readonly digestTicks: number;
  /** How long something announced may be missing before it is asked for. */
  readonly graftTicks: number;
  /** How long an answer to that may take. */
  readonly wantTicks: number;
  /** A neighbour is preferred to the one that feeds if it is this many hops nearer to a root. */
  readonly optimiseRounds: number;
  /** Lifeguard as a whole; off only to measure what it is worth. */
  readonly lifeguard: boolean;
}

export const TUNING: Tuning = {
  probeTicks: 20,
  probeTimeoutTicks: 10,
  indirectProbes: 3,
  rumourTicks: 4,
  rumourFanout: 3,
  retransmitFactor: 4,
  suspicionFactor: 4,
  suspicionMaxFactor: 6,
  suspicionConfirmations: 3,
  healthMax: 8,
  exchangeTicks: 600,
  joinTicks: 20,
  tombstoneTicks: 12_000,
  metaTicks: 100,
  degree: 5,
  degreeMax: 8,
  refreshTicks: 200,
  silentTicks: 80,
  haveTicks: 2,
  digestTicks: 20,
  graftTicks: 5,
  wantTicks: 4,
  optimiseRounds: 2,
  lifeguard: true,
};

export interface GossipOptions {
  readonly id: MemberId;
  /** Higher than any that this id had before: kept on disk, or from a clock that goes forward. */
  readonly incarnation: number;
  readonly meta: Meta;
  /** Where the replica's log stands. */
  readonly anchor: Anchor;
  /** Recomputes an entry's hash over its predecessor's, its slot and its body. */
  readonly isGenuine: (entry: Entry) => boolean;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  readonly tuning?: Partial<Tuning>;
}
