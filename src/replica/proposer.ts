import { BATCH_BYTES_MAX } from '../base/limits.ts';
import type { Writer } from '../base/writer.ts';
import type { Clock } from '../io/clock.ts';
import { EntryKind } from '../paxos/entry.ts';
import type { Paxos } from '../paxos/paxos.ts';
import type { State } from '../state/state.ts';
import type { Intake } from './intake.ts';
import { openingBody } from './opening.ts';
import { type IdentityOf, proposalFor } from './reconfiguration.ts';
import type { ReplicaStats } from './stats.ts';

/**
 * So many slots may wait for their decision at once. What comes meanwhile makes the next batch
 * larger, which costs all replicas less than more batches would: each takes a synced write
 * and several messages on every one of them.
 */
const SLOTS_UNDECIDED_MAX = 2;

/** A batch whose slot the consensus may still refer to. */
interface Proposed {
  readonly slot: number;
  readonly batch: Writer;
}

export interface ProposerOptions {
  readonly serverId: number;
  readonly state: State;
  readonly paxos: Paxos;
  readonly clock: Clock;
  readonly intake: Intake;
  readonly stats: ReplicaStats;
  readonly identityOf: IdentityOf;
}

/** What a leader proposes, and when. */
export class Proposer {
  private readonly options: ProposerOptions;
  /** Oldest first. */
  private proposed: Proposed[] = [];

  constructor(options: ProposerOptions) {
    this.options = options;
  }

  /**
   * True if something was proposed. A batch only while the disk is idle: while it works the next
   * one gathers.
   */
  propose(diskIsIdle: boolean): boolean {
    const { paxos, intake, clock, stats } = this.options;
    if (paxos.wantsOpening) {
      paxos.propose(EntryKind.opening, openingBody(clock.wallMs(), !paxos.isAlone));
      return true;
    }
    if (!paxos.isOpen || !diskIsIdle) return false;
    if (this.isAhead) return false;
    const batch = intake.take();
    if (batch === null) return this.proposeSolitary();
    stats.batchBytes.record(batch.at);
    const slot = paxos.propose(EntryKind.batch, batch.written());
    this.proposed.push({ slot, batch });
    return true;
  }

  /** Whether the next batch had better gather for a while; a full one gains nothing by it. */
  private get isAhead(): boolean {
    const { paxos, intake } = this.options;
    const undecided = paxos.lastSlot - paxos.decidedSlot;
    return undecided >= SLOTS_UNDECIDED_MAX && intake.pendingBytes < BATCH_BYTES_MAX;
  }

  /** Everything up to the slot has been applied: buffers that nobody refers to serve again. */
  release(appliedSlot: number): void {
    const { paxos, intake } = this.options;
    const upTo = Math.min(appliedSlot, paxos.releasedSlot);
    while (this.proposed.length > 0 && (this.proposed[0] as Proposed).slot <= upTo) {
      intake.release((this.proposed.shift() as Proposed).batch);
    }
  }

  /** Entries that were not decided may still be referred to: their buffers are not used again. */
  forget(): void {
    this.proposed = [];
  }

  /**
   * A reconfiguration gets a slot of its own, once everything before it has been applied: the
   * leader has to know its outcome, because the slot behind it is decided by other voters.
   */
  private proposeSolitary(): boolean {
    const { paxos, intake, state, serverId, identityOf } = this.options;
    const { solitary } = intake;
    if (solitary === null || state.slot < paxos.lastSlot) return false;
    const proposal = proposalFor(solitary.bytes, state, paxos, serverId, identityOf);
    paxos.propose(proposal.kind, proposal.body);
    intake.resume();
    return true;
  }
}
