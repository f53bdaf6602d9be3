import { unreachable } from '../base/assert.ts';
import { Acceptor } from './acceptor.ts';
import { type Ballot, compareBallots, sameBallot } from './ballot.ts';
import type { Configuration } from './configuration.ts';
import { Core, type PaxosOptions } from './core.ts';
import { Election, type Victory } from './election.ts';
import { type Anchor, chainEntries, type Unchained } from './entry.ts';
import { Leader } from './leader.ts';
import type { Envelope, FromLeader, Message, Nack } from './messages.ts';
import { emptyOutput, NOTHING, type Output } from './output.ts';
import type { Progress } from './progress.ts';

export type { PaxosOptions } from './core.ts';

export type Role = 'leader' | 'candidate' | 'follower';

/**
 * Multi-Paxos for one replica. It takes events (`receive`, `tick`, `written`, `propose`…) and
 * returns obligations (`drain`); it knows no clock, disk, socket or chance. `README.md` has the
 * messages, what is persisted, and the invariants.
 */
export class Paxos {
  private readonly core: Core;
  private readonly acceptor: Acceptor;
  private readonly election: Election;
  private leading: Leader | null = null;
  private readonly learners = new Set<number>();

  constructor(options: PaxosOptions) {
    this.core = new Core(options);
    this.core.onConfiguration = () => this.configurationChanged();
    this.acceptor = new Acceptor(this.core);
    this.election = new Election(this.core, this.acceptor);
    this.election.onWon = (victory) => this.lead(victory);
    // Nobody else has to be asked: an ensemble of one leads from the start.
    if (this.core.quorums.isElectionQuorum(new Set([this.core.id]))) this.election.start();
  }

  get role(): Role {
    if (this.leading !== null) return 'leader';
    return this.election.phase === 'idle' ? 'follower' : 'candidate';
  }

  /** The leader's id as far as is known here; null while there is none. */
  get leaderId(): number | null {
    return this.leading !== null ? this.core.id : this.acceptor.leader;
  }

  /** Under which `leaderId` leads. */
  get ballot(): Ballot {
    return this.leading?.ballot ?? this.acceptor.leaderBallot;
  }

  get promised(): Ballot {
    return this.core.promised;
  }

  get accepted(): Ballot {
    return this.core.accepted;
  }

  get configuration(): Configuration {
    return this.core.configuration;
  }

  get decidedSlot(): number {
    return this.core.decided;
  }

  get lastSlot(): number {
    return this.core.slots.lastSlot;
  }

  /** Null where memory does not reach. */
  hashAt(slot: number): Uint8Array | null {
    return this.core.slots.hashAt(slot);
  }

  get isDamaged(): boolean {
    return this.core.damaged;
  }

  /** True while there is no other member. */
  get isAlone(): boolean {
    return this.core.isAlone;
  }

  /** Bodies of entries up to here are no longer referred to. */
  get releasedSlot(): number {
    return this.core.slots.baseSlot;
  }

  /** The leader's first entry has to be proposed now, with `EntryKind.opening`. */
  get wantsOpening(): boolean {
    return this.leading?.wantsOpening ?? false;
  }

  /** Batches may be proposed. */
  get isOpen(): boolean {
    return this.leading?.isOpen === true && this.core.openStopSign === null;
  }

  /** On the leader: how far each other one has come. */
  get progress(): Iterable<Progress> {
    return this.leading?.peers ?? [];
  }

  /** Only while `isOpen`, or `wantsOpening` for the opening; returns the slot. */
  propose(kind: number, body: Uint8Array): number {
    const leader = this.leading;
    if (leader === null) throw new Error('only a leader proposes');
    return leader.propose(kind, body);
  }

  /**
   * Asks a quorum whether this leader still is one. The answer has come once `confirmedProbe`
   * reaches the number returned, while the same ballot lasts; 0 if this replica does not lead.
   */
  confirm(): number {
    return this.leading?.confirm() ?? 0;
  }

  get confirmedProbe(): number {
    return this.leading?.confirmedProbe ?? 0;
  }

  receive(from: number, message: Message): void {
    this.dispatch(from, message);
    this.settle();
  }

  tick(): void {
    if (this.leading === null) this.election.tick();
    else if (!this.leading.tick()) this.stepDown();
    else if (this.leading.shouldRenew) {
      this.stepDown();
      this.election.campaign();
    }
    this.settle();
  }

  /** This replica itself stood still: it may not conclude anything from not having heard. */
  stalled(): void {
    this.acceptor.ticksSinceLeader = 0;
  }

  /** Every write handed out up to this number, counted from 1, is durable. */
  written(write: number): void {
    this.core.written(write);
    this.leading?.decide();
    this.acceptor.report();
    this.settle();
  }

  connected(peer: number): void {
    this.leading?.reconnected(peer);
  }

  /** For a replica that is no member (`isOutside`): who leads, as a member has told it. */
  told(leader: number | null, ballot: Ballot): void {
    this.acceptor.leader = leader;
    this.acceptor.leaderBallot = ballot;
  }

  disconnected(peer: number): void {
    if (this.leading === null && this.acceptor.leader === peer) this.election.hurry();
  }

  /** A replica that is no member follows from now on, so that it can become one. */
  addLearner(id: number): void {
    this.learners.add(id);
    this.leading?.addLearner(id);
  }

  removeLearner(id: number): void {
    this.learners.delete(id);
    this.leading?.removeLearner(id);
  }

  /**
   * A chosen place and chosen entries behind it, from whatever source; false if they don't fit or
   * say nothing new. Without entries it says of a snapshot's anchor that it is chosen: where the
   * log here agrees with it, no snapshot is needed.
   */
  learn(after: Anchor, entries: readonly Unchained[], hash: Uint8Array): boolean {
    const { core } = this;
    if (!core.slots.agreesWith(after)) return false;
    const chained = chainEntries(core.options.chain, after, entries, hash);
    if (chained === null || after.slot + chained.length <= core.decided) return false;
    // What others promised was relative to the log as it was, and a leader's log does not change.
    const isBeaten = this.leading !== null && !core.holds(after, chained);
    if (isBeaten || this.election.phase === 'preparing') this.stepDown();
    core.takeChosen(after, chained);
    this.settle();
    return true;
  }

  /** Where chosen entries can be learnt from: behind the last one known to be chosen here. */
  get learnFrom(): Anchor {
    const { core } = this;
    const hash = core.slots.hashAt(core.decided);
    if (hash === null) throw new Error('the last decided entry is in memory');
    return { slot: core.decided, hash };
  }

  /**
   * A snapshot has been installed, and the log begins anew behind it; no write is under way. Only
   * where `learn` did not know the anchor: the log behind an anchor that it agrees with may hold
   * entries whose acceptance made them chosen.
   */
  installed(anchor: Anchor, configuration: Configuration): void {
    if (this.leading !== null) throw new Error('a leader has nothing to install');
    this.stepDown();
    this.core.restart(anchor, configuration);
    this.settle();
  }

  /** Asks the best other voter to take over; false if there is none. */
  handOver(): boolean {
    const successor = this.leading?.bestSuccessor() ?? null;
    if (this.leading === null || successor === null) return false;
    const { ballot } = this.leading;
    const { configurationId } = this.core;
    // What it does not know to be decided may have left memory here, and be asked for again.
    this.leading.announce();
    this.core.send(successor, { type: 'handOver', ballot, configurationId });
    return true;
  }

  drain(): Output {
    if (this.leading === null) this.core.retain(0);
    else this.leading.flush();
    this.settle();
    const { output } = this.core;
    const { writes, sends, decided, fetchFrom } = output;
    const isEmpty = writes.length === 0 && sends.length === 0 && decided.length === 0;
    if (isEmpty && fetchFrom === null) return NOTHING;
    this.core.output = emptyOutput();
    return output;
  }

  /** Messages to itself are delivered at once. */
  private settle(): void {
    const { core } = this;
    for (let i = 0; i < core.output.sends.length; ) {
      const { to, message } = core.output.sends[i] as Envelope;
      if (to !== core.id) {
        i++;
        continue;
      }
      core.output.sends.splice(i, 1);
      this.dispatch(core.id, message);
    }
  }

  private dispatch(from: number, message: Message): void {
    switch (message.type) {
      case 'preVote':
        this.election.onPreVote(from, message, this.leading !== null);
        return;
      case 'preVoteReply':
        this.election.onPreVoteReply(from, message);
        return;
      case 'prepare':
        if (this.acceptor.onPrepare(from, message) && from !== this.core.id) this.yieldTo();
        return;
      case 'promise':
        this.election.onPromise(from, message);
        return;
      case 'nack':
        this.onNack(from, message);
        return;
      case 'accepted':
        this.leading?.onAccepted(from, message);
        return;
      case 'heartbeatReply':
        this.leading?.onHeartbeatReply(from, message);
        return;
      default:
        this.dispatchFromLeader(from, message);
    }
  }
  private dispatchFromLeader(from: number, message: FromLeader): void {
    if (this.acceptor.refuses(from, message)) return;
    if (from !== this.core.id) this.yieldTo();
    switch (message.type) {
      case 'acceptSync':
        this.acceptor.onAcceptSync(from, message);
        return;
      case 'accept':
        this.acceptor.onAccept(from, message);
        return;
      case 'decide':
        this.acceptor.onDecide(from, message);
        return;
      case 'heartbeat':
        this.acceptor.onHeartbeat(from, message);
        return;
      case 'behind':
        this.acceptor.onBehind(from, message);
        return;
      case 'handOver':
        if (from === this.acceptor.leader) this.election.campaign();
        return;
      default:
        unreachable(message);
    }
  }

  private onNack(from: number, message: Nack): void {
    const { leading } = this;
    this.election.onNack(from, message);
    if (leading === null || !sameBallot(message.ballot, leading.ballot)) return;
    // Refused for its configuration's sake it leads on: what this one still lacks may be decided
    // by nobody else. If too many refuse, its quorum falls silent.
    if (compareBallots(message.promised, leading.ballot) > 0) this.stepDown();
  }

  private lead(victory: Victory): void {
    this.leading = new Leader(this.core, victory, this.learners);
    this.acceptor.leader = null;
  }

  private stepDown(): void {
    this.leading = null;
    this.acceptor.leader = null;
    this.election.abandon();
  }

  /** Somebody else leads, or is about to, under a ballot that this replica respects. */
  private yieldTo(): void {
    this.leading = null;
    if (this.election.phase !== 'idle') this.election.abandon();
  }

  /**
   * A leader leads in the configuration whose voters elected it, and no further: it asks those of
   * the next one for their promises. To go on under the ballot of its own stop-sign would save
   * that, if every other ballot there were higher. But with the stop-sign proposed and decided
   * under A's ballot 5, a restarted C has heard of no round above 1, is elected there by C and D
   * under ballot 2, and what it has chosen would lose against what A got accepted under 5 alone.
   */
  private configurationChanged(): void {
    const { leading, core } = this;
    if (leading === null) return;
    leading.announce();
    if (core.isVoter) {
      this.stepDown();
      this.election.campaign();
      return;
    }
    this.handOver();
    this.stepDown();
    // Whoever does not know of its part in the new configuration hears of it by being asked.
    this.election.start();
  }
}
