import { assert } from '../base/assert.ts';
import type { Acceptor } from './acceptor.ts';
import { type Ballot, compareBallots, NO_BALLOT, sameBallot } from './ballot.ts';
import type { Core } from './core.ts';
import { chainEntries, type Entry } from './entry.ts';
import type { Nack, PreVote, PreVoteReply, Promise1b } from './messages.ts';

/** What one replica has promised, as far as its chunks have come. */
export interface Promised {
  readonly accepted: Ballot;
  readonly last: number;
  readonly decided: number;
  readonly entries: Entry[];
  isWhole: boolean;
  /** A chunk came since it was last asked for. */
  isMoving: boolean;
}

/** Who became leader by which promises. */
export interface Victory {
  readonly ballot: Ballot;
  readonly promises: ReadonlyMap<number, Promised>;
}

/**
 * Phase 1, which is the election. A pre-vote goes ahead: it changes nothing anywhere, so a replica
 * that can't win, because others hear a leader or a minority hears it, never raises the ballot of
 * those that work (rule 16).
 */
export class Election {
  phase: 'idle' | 'preVoting' | 'preparing' = 'idle';
  /** Called once a quorum has promised. */
  onWon: (victory: Victory) => void = () => {};
  private readonly core: Core;
  private readonly acceptor: Acceptor;
  private ballot: Ballot = NO_BALLOT;
  private ticks = 0;
  private dueTicks: number;
  private readonly grants = new Set<number>();
  private readonly promises = new Map<number, Promised>();
  /** Where the suffixes asked for begin. */
  private decidedBefore = 0;

  constructor(core: Core, acceptor: Acceptor) {
    this.core = core;
    this.acceptor = acceptor;
    const { heartbeatTicks } = core.options;
    this.dueTicks = 1 + core.options.random(2 * heartbeatTicks);
  }

  private get mayLead(): boolean {
    return this.core.isVoter && !this.core.damaged && !this.core.lacksStopSign;
  }

  tick(): void {
    if (this.core.options.isOutside === true) return;
    this.ticks++;
    if (this.phase === 'idle') {
      if (++this.acceptor.ticksSinceLeader >= this.dueTicks) this.start();
      return;
    }
    const { electionTicks, heartbeatTicks } = this.core.options;
    if (this.ticks >= electionTicks) this.abandon();
    else if (this.ticks % heartbeatTicks === 0) {
      if (this.phase === 'preparing') this.sendPrepare();
      else this.sendPreVote();
    }
  }

  /** The leader's connection broke: it may have died, and asking the others costs nothing. */
  hurry(): void {
    if (this.phase !== 'idle') return;
    this.acceptor.leader = null;
    this.dueTicks = this.acceptor.ticksSinceLeader + 1 + this.core.options.random(2);
  }

  /**
   * Asks whether others would promise. Who may not lead asks as well: the answer says whether it
   * lacks something, and the question tells the others what they may lack. Otherwise nobody would
   * ever hear of a configuration of new voters only, if what its stop-sign's leader said last on
   * leaving got lost.
   */
  start(): void {
    this.acceptor.ticksSinceLeader = 0;
    this.acceptor.leader = null;
    this.postpone();
    this.phase = 'preVoting';
    this.ticks = 0;
    this.ballot = NO_BALLOT;
    this.sendPreVote();
    this.countGrants();
  }

  /** Asks again those that have not granted; all of them, once a higher ballot was heard of. */
  private sendPreVote(): void {
    const { core } = this;
    if (this.ballot.round <= core.roundSeen) {
      this.ballot = { round: core.roundSeen + 1, replica: core.id };
      this.grants.clear();
      if (this.mayLead) this.grants.add(core.id);
    }
    for (const { id } of core.configuration.quorums.voters) {
      if (!this.grants.has(id) && id !== core.id) {
        core.send(id, { type: 'preVote', ...this.standing() });
      }
    }
  }

  /** Phase 1 without asking first: the others agree already, or the leader itself wants it. */
  campaign(): void {
    const { core } = this;
    if (!this.mayLead) return;
    this.phase = 'preparing';
    this.ticks = 0;
    this.ballot = { round: core.roundSeen + 1, replica: core.id };
    this.decidedBefore = core.decided;
    this.promises.clear();
    this.acceptor.leader = null;
    core.promise(this.ballot);
    this.sendPrepare();
  }

  abandon(): void {
    this.phase = 'idle';
    this.acceptor.ticksSinceLeader = 0;
    this.postpone();
  }

  /** Waits a full time-out, of a length of its own, so that two candidates part. */
  private postpone(): void {
    const { electionTicks, random } = this.core.options;
    this.dueTicks = electionTicks + random(Math.ceil(electionTicks / 2));
  }

  private standing() {
    const { core, ballot } = this;
    const { configurationId, accepted, decided } = core;
    return { ballot, configurationId, accepted, last: core.slots.lastSlot, decided };
  }

  /** Its own promise takes the same way: durable first, then counted (rule 7). */
  private sendPrepare(): void {
    const { core } = this;
    for (const { id } of core.configuration.quorums.voters) {
      const promised = this.promises.get(id);
      if (promised?.isWhole === true) continue;
      // To begin again while chunks still come would never end on a slow link.
      const isMoving = promised?.isMoving === true;
      if (promised !== undefined) promised.isMoving = false;
      if (isMoving) continue;
      const standing = { ...this.standing(), decided: this.decidedBefore };
      core.sendAfterWrites(id, { type: 'prepare', ...standing });
    }
  }

  onPreVote(from: number, message: PreVote, isLeading: boolean): void {
    const { core, acceptor } = this;
    const lacks = acceptor.isAheadOf(message) && message.decided < core.slots.baseSlot;
    const behind = lacks || message.configurationId < core.configurationId;
    const hearsLeader =
      acceptor.leader !== null && acceptor.ticksSinceLeader < core.options.electionTicks;
    const isNew = compareBallots(message.ballot, core.promised) > 0;
    if (message.configurationId > core.configurationId) core.output.fetchFrom = from;
    core.send(from, {
      type: 'preVoteReply',
      ballot: message.ballot,
      configurationId: core.configurationId,
      granted: isNew && !behind && !isLeading && !hearsLeader && !core.damaged,
      promised: core.promised,
      behind,
    });
  }

  onPreVoteReply(from: number, message: PreVoteReply): void {
    this.core.noteRound(message.promised);
    if (message.behind) this.core.output.fetchFrom = from;
    if (this.phase !== 'preVoting' || !sameBallot(message.ballot, this.ballot)) return;
    if (!message.granted) return;
    this.grants.add(from);
    this.countGrants();
  }

  private countGrants(): void {
    if (this.core.quorums.isElectionQuorum(this.grants)) this.campaign();
  }

  onNack(from: number, message: Nack): void {
    this.core.noteRound(message.promised);
    if (message.behind) this.core.output.fetchFrom = from;
    // Who knows of a later configuration only says what to fetch: it may be the one that lost the
    // stop-sign, and then the others must be able to elect somebody who still has it.
    const isOutbid = compareBallots(message.promised, this.ballot) > 0;
    if (this.phase === 'preparing' && isOutbid && sameBallot(message.ballot, this.ballot)) {
      this.abandon();
    }
  }

  onPromise(from: number, message: Promise1b): void {
    if (this.phase !== 'preparing' || !sameBallot(message.ballot, this.ballot)) return;
    if (message.damaged || !this.collect(from, message)) return;
    const whole = [...this.promises].filter(([, promised]) => promised.isWhole);
    if (this.core.quorums.isElectionQuorum(new Set(whole.map(([id]) => id)))) this.win();
  }

  /** A suffix counts when all of it is here: half of it could lack what was chosen (rule 2). */
  private collect(from: number, message: Promise1b): boolean {
    const { core } = this;
    const anchor = { slot: this.decidedBefore, hash: core.slots.hashAt(this.decidedBefore) };
    if (anchor.hash === null) return false;
    const { accepted, last, decided } = message;
    const isFirst = message.after.slot === anchor.slot;
    const known = this.promises.get(from);
    if (known?.isWhole === true) return false;
    const promised =
      known === undefined || isFirst
        ? { accepted, last, decided, entries: [], isWhole: false, isMoving: true }
        : known;
    // Chunks of two answers are not mixed: in between, what is chosen may have been learnt.
    if (last !== promised.last || !sameBallot(accepted, promised.accepted)) return false;
    if (message.entries.length > 0) {
      const end = promised.entries[promised.entries.length - 1] ?? { ...anchor, hash: anchor.hash };
      if (message.after.slot !== end.slot) return false;
      const chained = chainEntries(core.options.chain, end, message.entries, message.hash);
      if (chained === null) return false;
      promised.entries.push(...chained);
    }
    promised.isWhole = message.isLast;
    promised.isMoving = true;
    this.ticks = 0;
    this.promises.set(from, promised);
    return promised.isWhole;
  }

  /**
   * Adopts ONE log, that of the promise with the highest (accepted ballot, length), never the best
   * value slot by slot: a log mixed from two leaders' would run an entry before what its proposer
   * had seen (rule 2).
   */
  private win(): void {
    const { core, ballot } = this;
    const promises = new Map([...this.promises].filter(([, { isWhole }]) => isWhole));
    const own = { accepted: core.accepted, last: core.slots.lastSlot };
    let best: Promised | null = null;
    for (const promised of promises.values()) if (isAhead(promised, best ?? own)) best = promised;
    const configurationBefore = core.configurationId;
    const decided = Math.max(...[...promises.values()].map((promised) => promised.decided));
    assert(decided <= (best ?? own).last, 'a quorum lacks what was chosen');
    if (best === null) core.adopt(ballot, core.slots.lastSlot + 1, [], decided);
    else this.take(best, configurationBefore, decided);
    this.phase = 'idle';
    this.postpone();
    // The promises are those of a quorum that no longer decides: ask the new one.
    if (core.configurationId === configurationBefore) this.onWon({ ballot, promises });
    else this.campaign();
  }

  private take({ entries }: Promised, configurationId: number, decided: number): void {
    const entered = this.core.enter(
      { ballot: this.ballot, configurationId },
      this.anchor(),
      entries,
      decided,
    );
    assert(entered, 'a promise contradicts what is chosen');
  }

  private anchor() {
    const hash = this.core.slots.hashAt(this.decidedBefore);
    assert(hash !== null, 'decided entries left memory during an election');
    return { slot: this.decidedBefore, hash };
  }
}

function isAhead(
  a: { readonly accepted: Ballot; readonly last: number },
  b: { readonly accepted: Ballot; readonly last: number },
): boolean {
  const order = compareBallots(a.accepted, b.accepted);
  return order > 0 || (order === 0 && a.last > b.last);
}
