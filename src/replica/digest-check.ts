import type { Ballot } from '../paxos/ballot.ts';
import type { Paxos } from '../paxos/paxos.ts';
import {
  DIGEST_EVERY_SLOTS,
  DIGESTS_MAX,
  DigestVotes,
  type StateDigest,
  sameDigest,
} from './digest-votes.ts';
import type { PeerPort } from './peer-port.ts';

/** The state here is not the one that the majority has: it can't be trusted, nor go on. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';
  readonly slot: number;

  constructor(serverId: number, slot: number) {
    super(
      `the state of server ${serverId} behind slot ${slot} is not the one that the majority has: ` +
        'its memory or disk is faulty, or Quoll is. It must not serve: keep a copy of its data ' +
        'directory for whoever looks into it, check the machine, remove <dataDir>/quoll, run ' +
        `"quoll replace ${serverId}" against a server that serves, and start this one again`,
    );
    this.slot = slot;
  }
}

export interface DigestCheckOptions {
  readonly serverId: number;
  readonly state: { readonly digestHigh: number; readonly digestLow: number };
  readonly paxos: Pick<Paxos, 'isAlone' | 'configuration'>;
  readonly peers: Pick<PeerPort, 'tellDigests' | 'tellDiffers'>;
  readonly onFatal: (error: Error) => void;
  /** States differ, and no majority says which is right; null: that is over. */
  readonly onDispute: (slot: number | null) => void;
}

/** Tells the leader the digests of this replica's state; as the leader compares everyone's. */
export class DigestCheck {
  private readonly options: DigestCheckOptions;
  /** This replica's own, oldest first. */
  private readonly own: StateDigest[] = [];
  private readonly votes = new DigestVotes();
  private leaderId: number | null = null;
  private ballot: Ballot | null = null;
  private disputedSlot: number | null = null;

  constructor(options: DigestCheckOptions) {
    this.options = options;
  }

  /** Nobody knows whose state is right: what is written now would go to different states. */
  get isDisputed(): boolean {
    return this.disputedSlot !== null;
  }

  get compared(): number {
    return this.votes.compared;
  }

  get newestText(): string {
    const newest = this.own[this.own.length - 1];
    if (newest === undefined) return 'none';
    const half = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    return `0x${newest.slot.toString(16)} ${half(newest.high)}${half(newest.low)}`;
  }

  /** All commands of the slot have been applied. The digest costs something: only now and then. */
  applied(slot: number): void {
    const { state, paxos } = this.options;
    if (slot % DIGEST_EVERY_SLOTS !== 0 || paxos.isAlone) return;
    // Signed, as the frames between replicas have them.
    const digest = { slot, high: state.digestHigh | 0, low: state.digestLow | 0 };
    this.own.push(digest);
    if (this.own.length > DIGESTS_MAX) this.own.shift();
    this.tell([digest]);
  }

  /** There is another leader, or a new way to it: it has to be told all there is. */
  leaderIs(leaderId: number | null, ballot: Ballot): void {
    this.leaderId = leaderId;
    this.ballot = ballot;
    this.votes.clear();
    this.disputedSlot = null;
    this.tell(this.own);
  }

  /** For a leader. */
  onDigests(from: number, digests: readonly StateDigest[]): void {
    for (const digest of digests) this.votes.note(from, digest);
    this.judge();
  }

  /** The leader says that a majority has another digest than this replica told. */
  onDiffers(digest: StateDigest): void {
    const own = this.own.find(({ slot }) => slot === digest.slot);
    if (own === undefined || sameDigest(own, digest)) return;
    this.options.onFatal(new DivergedError(this.options.serverId, digest.slot));
  }

  private tell(digests: readonly StateDigest[]): void {
    const { serverId, peers } = this.options;
    const { leaderId, ballot } = this;
    if (leaderId === null || ballot === null || digests.length === 0) return;
    if (leaderId === serverId) this.onDigests(serverId, digests);
    else peers.tellDigests(leaderId, ballot, digests);
  }

  private judge(): void {
    const { serverId, peers, paxos } = this.options;
    const { ballot } = this;
    if (ballot === null) return;
    const voters = paxos.configuration.quorums.voters.map(({ id }) => id);
    const { deviants, disputedSlot } = this.votes.judge(voters);
    for (const { id, digest } of deviants) {
      if (id === serverId) this.onDiffers(digest);
      else peers.tellDiffers(id, ballot, digest);
    }
    this.setDisputed(disputedSlot);
  }

  private setDisputed(slot: number | null): void {
    if (slot === this.disputedSlot) return;
    this.disputedSlot = slot;
    this.options.onDispute(slot);
  }
}
