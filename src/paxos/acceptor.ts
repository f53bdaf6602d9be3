import { assert } from '../base/assert.ts';
import { type Ballot, compareBallots, NO_BALLOT, sameBallot } from './ballot.ts';
import { segmentsOf } from './configuration.ts';
import type { Core } from './core.ts';
import { type Anchor, chainEntries, type Entry } from './entry.ts';
import type {
  Accept,
  AcceptSync,
  Behind,
  Decide,
  Heartbeat,
  Message,
  Prepare,
  PreVote,
} from './messages.ts';

/** A leader's log on its way, chunk by chunk; nothing of it counts before it is whole. */
interface Staging {
  readonly ballot: Ballot;
  readonly after: Anchor;
  readonly entries: Entry[];
}

/** The answering side of both phases: promises, accepts, and follows whoever leads. */
export class Acceptor {
  /** Who leads, as far as is known here, and under which ballot. */
  leader: number | null = null;
  leaderBallot: Ballot = NO_BALLOT;
  ticksSinceLeader = 0;
  /** The last slot that was reported to the leader as accepted. */
  private reported: Anchor | null = null;
  private staging: Staging | null = null;
  private readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  /**
   * Refuses whoever speaks for an attempt that is over, or does not know of the configuration that
   * has replaced its own: it could drop what the later one has chosen.
   */
  refuses(from: number, message: Message): boolean {
    const { core } = this;
    const isOld = compareBallots(message.ballot, core.promised) < 0;
    if (!isOld && message.configurationId >= core.configurationId) return false;
    core.sendAfterWrites(from, {
      type: 'nack',
      ballot: message.ballot,
      configurationId: core.configurationId,
      promised: core.promised,
      behind: message.configurationId < core.configurationId,
    });
    return true;
  }

  /** True if a promise was given: whatever this replica led or wanted to lead is over. */
  onPrepare(from: number, message: Prepare): boolean {
    const { core } = this;
    if (this.refuses(from, message)) return false;
    const isAhead = this.isAheadOf(message);
    if (isAhead && !core.damaged && message.decided < core.slots.baseSlot) {
      this.nackBehind(from, message);
      return false;
    }
    if (compareBallots(message.ballot, core.promised) > 0) core.promise(message.ballot);
    this.sendPromise(from, message, isAhead);
    return true;
  }

  /**
   * Whether the log here has to be taken into account by whoever asks. In a configuration that is
   * not known here nothing was accepted here.
   */
  isAheadOf({ configurationId, accepted, last }: Prepare | PreVote): boolean {
    if (configurationId > this.core.configurationId) return false;
    const order = compareBallots(this.core.accepted, accepted);
    return order > 0 || (order === 0 && this.core.slots.lastSlot > last);
  }

  private nackBehind(from: number, { ballot }: Prepare): void {
    const { promised, configurationId } = this.core;
    this.core.sendAfterWrites(from, {
      type: 'nack',
      ballot,
      configurationId,
      promised,
      behind: true,
    });
  }

  private sendPromise(to: number, message: Prepare, isAhead: boolean): void {
    const { core } = this;
    const { slots, damaged } = core;
    const { ballot } = message;
    const withEntries = isAhead && !damaged;
    const isKnown = message.configurationId === core.configurationId;
    let next = message.decided + 1;
    for (let isLast = false; !isLast; ) {
      const entries = withEntries ? slots.slice(next, core.options.chunkBytes) : [];
      const hash = slots.hashAt(next - 1) ?? new Uint8Array(0);
      const after = { slot: next - 1, hash };
      next += entries.length;
      isLast = !withEntries || next > slots.lastSlot;
      const end = entries[entries.length - 1] ?? after;
      core.sendAfterWrites(to, {
        type: 'promise',
        ballot,
        configurationId: core.configurationId,
        accepted: isKnown ? core.accepted : NO_BALLOT,
        last: isKnown ? slots.lastSlot : 0,
        decided: core.decided,
        damaged,
        after,
        entries,
        hash: end.hash,
        isLast,
      });
    }
  }

  onAcceptSync(from: number, message: AcceptSync): void {
    const { core } = this;
    this.noteLeader(from, message.ballot);
    // A damaged log is whole again only under a ballot that it had never accepted: this leader's
    // log may have been sent before the entries that were accepted from it, and lost since.
    if ((core.inSync || core.damaged) && sameBallot(core.accepted, message.ballot)) {
      this.report(true);
      return;
    }
    if (!this.stage(message) || !message.isLast) return;
    const { entries, after } = this.staging as Staging;
    this.staging = null;
    this.reported = null;
    core.enter(message, after, entries, message.decided);
  }

  /** Takes a chunk of the leader's log; false if it does not fit what was taken before. */
  private stage(message: AcceptSync): boolean {
    const { core } = this;
    const { slots } = core;
    if (message.isFirst) {
      const { ballot, after } = message;
      // Up to `baseSlot` everything is decided here, so that the leader's log can't differ.
      const isKnown = after.slot < slots.baseSlot || slots.agreesWith(after);
      this.staging = isKnown ? { ballot, after, entries: [] } : null;
    }
    const { staging } = this;
    if (staging === null || !sameBallot(staging.ballot, message.ballot)) return false;
    const last = staging.entries[staging.entries.length - 1] ?? staging.after;
    if (message.after.slot !== last.slot) return false;
    const chained = chainEntries(core.options.chain, last, message.entries, message.hash);
    if (chained === null) return false;
    staging.entries.push(...chained);
    return true;
  }

  onAccept(from: number, message: Accept): void {
    const { core } = this;
    this.noteLeader(from, message.ballot);
    if (!core.inSync || !sameBallot(core.accepted, message.ballot)) return;
    const { slots } = core;
    const { after, entries } = message;
    // What came before got lost, or the log here was corrected since: the leader will hear of it.
    if (after.slot > slots.lastSlot || after.slot < slots.baseSlot) return;
    const chained = chainEntries(core.options.chain, after, entries, message.hash);
    if (chained === null) return;
    const fresh = chained.filter((entry) => entry.slot > slots.lastSlot);
    const overlap = chained[chained.length - fresh.length - 1] ?? after;
    if (!slots.agreesWith(overlap)) return;
    core.noteChosen(message.decided);
    for (const segment of segmentsOf(fresh)) {
      // Behind a stop-sign nothing is accepted before it is known to be chosen: an entry of the
      // next configuration could be accepted by somebody who still counts by the old one. And if
      // the leader is none of the next configuration, it has nothing to say behind it.
      if (core.openStopSign !== null || !sameBallot(core.accepted, message.ballot)) return;
      core.append(segment);
    }
  }

  onDecide(from: number, message: Decide): void {
    this.noteLeader(from, message.ballot);
    if (this.follows(message.ballot)) this.core.noteChosen(message.decided);
  }

  onHeartbeat(from: number, message: Heartbeat): void {
    const { core } = this;
    this.noteLeader(from, message.ballot);
    const synced = this.follows(message.ballot);
    if (synced) core.noteChosen(message.decided);
    core.send(from, {
      type: 'heartbeatReply',
      ballot: message.ballot,
      configurationId: core.configurationId,
      probe: message.probe,
      synced,
      last: core.slots.lastSlot,
      decided: core.decided,
      damaged: core.damaged,
    });
    if (synced) this.report(true);
  }

  onBehind(from: number, message: Behind): void {
    this.noteLeader(from, message.ballot);
    if (message.decided > this.core.decided) this.core.output.fetchFrom = from;
  }

  /** Tells the leader how far the log is durable here under its ballot; `again` repeats it. */
  report(again = false): void {
    const { core } = this;
    const { leader, leaderBallot } = this;
    if (leader === null || leader === core.id || !this.follows(leaderBallot)) return;
    if (!core.isAcceptedDurable) return;
    const { reported } = this;
    if (!again && reported !== null && reported.slot >= core.durable) return;
    const hash = core.slots.hashAt(core.durable);
    assert(hash !== null, 'the end of the durable log is in memory');
    this.reported = { slot: core.durable, hash };
    core.send(leader, {
      type: 'accepted',
      ballot: leaderBallot,
      configurationId: core.configurationId,
      slot: core.durable,
      hash,
    });
  }

  private follows(ballot: Ballot): boolean {
    const { core } = this;
    return core.inSync && sameBallot(core.accepted, ballot) && sameBallot(core.promised, ballot);
  }

  private noteLeader(from: number, ballot: Ballot): void {
    this.ticksSinceLeader = 0;
    if (this.leader === from && sameBallot(this.leaderBallot, ballot)) return;
    this.core.noteRound(ballot);
    this.leader = from;
    this.leaderBallot = ballot;
    this.staging = null;
    this.reported = null;
  }
}
