import { assert } from '../base/assert.ts';
import { type Ballot, compareBallots, NO_BALLOT, sameBallot } from './ballot.ts';
import {
  type Configuration,
  configurationIn,
  isVoter,
  peersOf,
  quorumsOf,
  segmentsOf,
} from './configuration.ts';
import { type Anchor, type ChainHash, type Entry, EntryKind } from './entry.ts';
import { type HardState, stateIn } from './hard-state.ts';
import type { Message } from './messages.ts';
import { emptyOutput, type Output } from './output.ts';
import type { Quorums } from './quorum.ts';
import { Slots } from './slots.ts';

export interface PaxosOptions {
  /** This replica's server id. */
  readonly id: number;
  readonly chain: ChainHash;
  /** A whole number from 0 to `below` - 1; seeds differ between replicas. */
  readonly random: (below: number) => number;
  readonly heartbeatTicks: number;
  /** A follower that hears nothing for this long, and up to half as long again, wants to lead. */
  readonly electionTicks: number;
  /** Decided entries stay in memory for others up to this many bytes. */
  readonly retainBytes: number;
  /** Bytes of entries in one message; a larger entry goes alone. */
  readonly chunkBytes: number;
  readonly state: HardState;
  /** Everything up to here has been applied; `entries` are what the log holds behind it. */
  readonly applied: Anchor;
  readonly entries: readonly Entry[];
  /** The log lost entries that may have been acknowledged. */
  readonly damaged: boolean;
  /** Of the configuration in force at `applied`; only a damaged replica needs to know. */
  readonly appliedConfigurationId?: number;
  /** It is no member and talks to none: it only learns, and is `told` who leads. */
  readonly isOutside?: boolean;
}

/** A message that becomes true with a write. */
interface Reply {
  readonly afterWrite: number;
  readonly to: number;
  readonly message: Message;
}

/** A stop-sign that has come into force, and the write that makes the disk know it. */
interface Switch {
  readonly slot: number;
  readonly write: number;
}

/** The end of the log as it will be once a write is durable. */
interface PendingAppend {
  readonly write: number;
  last: number;
}

/**
 * What the roles of one replica share: the acceptor's state as it will be once all writes handed
 * out are durable, and which of them are. Whatever is said of the state waits for the write that
 * makes it true, so memory may be ahead of the disk and no message ever is.
 */
export class Core {
  readonly options: PaxosOptions;
  readonly id: number;
  readonly slots: Slots;
  promised: Ballot;
  /**
   * The ballot under which the log was accepted in the configuration in force. None right after a
   * stop-sign: the log up to it is chosen, and nothing behind it was accepted.
   * With A, B, C (1) replaced by A, B, D (2), entry 31 chosen in 2 by A and D under ballot 1, and
   * B elected in 1 under ballot 2 before it knew of the stop-sign in slot 30, B's ballot would
   * otherwise beat D's, and 31 be lost.
   */
  accepted: Ballot;
  /** False once something else than the accepted ballot's leader changed the log. */
  inSync = true;
  /**
   * The log lost entries that may have been accepted in the configuration in force: what it says
   * about its log is void. What was lost of an earlier configuration is chosen and was learnt.
   */
  damaged: boolean;
  /** The log lost entries, and with them perhaps the stop-sign of the configuration in force. */
  lacksStopSign: boolean;
  /** In force by what is known to be chosen here, delivered or not. */
  configuration: Configuration;
  quorums: Quorums;
  /**
   * There is no other member. Every request looks here, so it is worked out once. Nobody is alone
   * whose acceptance is a quorum by itself: where one of three may choose an entry, each of them
   * may, and the two that do not lead have sessions and reads of which the leader has to hear.
   */
  isAlone: boolean;
  /** The highest round anyone was heard to use. */
  roundSeen: number;
  /** Handed out as decided. */
  delivered: number;
  /** Up to here the log is on disk. */
  durable: number;
  output: Output = emptyOutput();
  /** Called when a configuration has come into force. */
  onConfiguration: () => void = () => {};
  private chosen: number;
  /** The disk says that entries were lost. */
  private isLossOnDisk: boolean;
  private writesHandedOut = 0;
  private writesDurable = 0;
  /** The write that entered the accepted ballot. */
  private acceptedWrite = 0;
  private readonly appends: PendingAppend[] = [];
  private readonly replies: Reply[] = [];
  /** Slots of stop-signs that are not in force. */
  private stopSigns: number[] = [];
  /** Those in force that the disk does not know yet. */
  private switches: Switch[] = [];

  constructor(options: PaxosOptions) {
    this.options = options;
    this.id = options.id;
    this.promised = options.state.promised;
    this.accepted = options.state.accepted;
    this.configuration = options.state.configuration;
    this.quorums = quorumsOf(options.state.configuration);
    this.isAlone = peersOf(options.state.configuration, options.id).length === 0;
    this.isLossOnDisk = options.damaged;
    const appliedId = options.appliedConfigurationId ?? 0;
    this.lacksStopSign = options.damaged && appliedId < options.state.configuration.id;
    this.damaged = options.damaged && !sameBallot(this.accepted, NO_BALLOT);
    this.roundSeen = options.state.promised.round;
    this.slots = new Slots(options.applied, options.entries);
    this.delivered = this.chosen = options.applied.slot;
    this.durable = this.slots.lastSlot;
    for (const entry of options.entries) this.noteStopSign(entry);
    // What is in force was chosen, whatever else the restart does not remember.
    this.settleStopSigns();
    this.deliver();
  }

  /** The highest slot that is here and known to be chosen. */
  get decided(): number {
    return Math.min(this.chosen, this.slots.lastSlot);
  }

  get isVoter(): boolean {
    return isVoter(this.configuration, this.id);
  }

  get configurationId(): number {
    return this.configuration.id;
  }

  /** The stop-sign that is not known to be chosen: nothing may follow it yet. */
  get openStopSign(): number | null {
    return this.stopSigns[0] ?? null;
  }

  get isAcceptedDurable(): boolean {
    return this.writesDurable >= this.acceptedWrite;
  }

  send(to: number, message: Message): void {
    this.output.sends.push({ to, message });
  }

  /** Sends once everything handed out so far is durable. */
  sendAfterWrites(to: number, message: Message): void {
    if (this.writesDurable === this.writesHandedOut) this.send(to, message);
    else this.replies.push({ afterWrite: this.writesHandedOut, to, message });
  }

  noteRound(ballot: Ballot): void {
    this.roundSeen = Math.max(this.roundSeen, ballot.round);
  }

  /** A promise, durable before anything is said of it (rule 7). */
  promise(ballot: Ballot): void {
    assert(compareBallots(ballot, this.promised) > 0, 'a promise that goes back (rule 8)');
    this.promised = ballot;
    this.noteRound(ballot);
    this.saveState();
  }

  saveState(): number {
    return this.write({ kind: 'state', state: this.hardState() });
  }

  /** `chosen` travels into the records, so that a restart knows what was known. */
  append(entries: readonly Entry[], chosen: number = this.chosen): void {
    if (entries.length === 0) return;
    this.push(entries);
    const write = this.write({ kind: 'append', entries, decided: this.hint(chosen) });
    this.appends.push({ write, last: this.slots.lastSlot });
    this.settleStopSigns();
  }

  /**
   * Enters `ballot` with a log whose tail from `fromSlot` on is `entries`. One write, whole or not
   * at all: with slots 1 to 10 chosen under ballot 1 on A and B, a B that had taken slot 5 of
   * ballot 2 and dropped 6 to 10 when the leader of 2 died would have lost them (rule 2).
   */
  adopt(ballot: Ballot, fromSlot: number, entries: readonly Entry[], chosen: number): void {
    assert(compareBallots(ballot, this.promised) >= 0, 'a ballot below the promise was adopted');
    this.promised = this.accepted = ballot;
    this.noteRound(ballot);
    this.inSync = true;
    const clearsDamage = this.isLossOnDisk;
    this.isLossOnDisk = this.lacksStopSign = this.damaged = false;
    this.acceptedWrite = this.replaceTail(fromSlot, entries, chosen, clearsDamage);
    this.noteChosen(chosen);
  }

  /**
   * Enters `ballot` with its leader's log: what is the same stays, the rest is replaced at once;
   * behind a stop-sign that it brings into force by a write of its own, because there another
   * history of acceptances begins. False if it contradicts what is chosen or goes on behind a
   * stop-sign that may not be: then it comes from a leader that is none any more.
   */
  enter(
    { ballot, configurationId }: { readonly ballot: Ballot; readonly configurationId: number },
    after: Anchor,
    entries: readonly Entry[],
    chosen: number,
  ): boolean {
    const same = this.sameUpTo(after, entries);
    const rest = entries.slice(same - after.slot);
    if (same < this.decided || !this.mayEnter(same, rest, chosen)) return false;
    this.noteChosen(Math.min(same, chosen));
    const segments = segmentsOf(rest);
    for (let i = 0; i === 0 || i < segments.length || !sameBallot(this.accepted, ballot); i++) {
      // Whoever was elected in one configuration does not lead in the next.
      if (configurationId < this.configurationId) break;
      const segment = segments[i] ?? [];
      this.adopt(ballot, segment[0]?.slot ?? same + rest.length + 1, segment, chosen);
    }
    return true;
  }

  private mayEnter(same: number, rest: readonly Entry[], chosen: number): boolean {
    const last = same + rest.length;
    const ends = rest
      .filter(({ kind }) => kind === EntryKind.configuration)
      .map(({ slot }) => slot);
    if (this.openStopSign !== null && this.openStopSign <= same) ends.push(this.openStopSign);
    return ends.every((slot) => slot <= chosen || slot >= last);
  }

  /**
   * Takes entries behind `after` that are chosen, under whatever ballot was accepted before. What
   * they contradict was not chosen and can't be, and with it nothing that was chained behind it.
   */
  takeChosen(after: Anchor, entries: readonly Entry[]): void {
    const same = this.sameUpTo(after, entries);
    const last = after.slot + entries.length;
    this.noteChosen(same);
    for (const segment of segmentsOf(entries.slice(same - after.slot))) {
      const [first, end] = [segment[0] as Entry, segment[segment.length - 1] as Entry];
      if (first.slot > this.slots.lastSlot) {
        this.append(segment, last);
      } else {
        this.inSync = false;
        this.replaceTail(first.slot, segment, last, false);
      }
      this.noteChosen(end.slot);
    }
  }

  holds(after: Anchor, entries: readonly Entry[]): boolean {
    return this.sameUpTo(after, entries) === after.slot + entries.length;
  }

  /** The last of `entries`, which follow `after`, up to which the log here holds the same. */
  private sameUpTo(after: Anchor, entries: readonly Entry[]): number {
    let same = after.slot;
    for (const entry of entries) {
      // What has left memory is decided, and can't differ.
      if (entry.slot > this.slots.baseSlot && !this.slots.agreesWith(entry)) break;
      same = entry.slot;
    }
    return same;
  }

  /** Begins anew behind a snapshot that is durable already. Nothing else may be under way. */
  restart(anchor: Anchor, configuration: Configuration): void {
    assert(this.writesDurable === this.writesHandedOut, 'a snapshot came between two writes');
    assert(anchor.slot > this.delivered, 'a snapshot that leads back');
    assert(!this.slots.agreesWith(anchor), 'a snapshot of what the log holds');
    this.slots.restart(anchor);
    this.stopSigns = [];
    this.switches = [];
    this.inSync = false;
    this.delivered = this.durable = anchor.slot;
    this.chosen = Math.max(this.chosen, anchor.slot);
    if (configuration.id >= this.configurationId) this.lacksStopSign = false;
    if (configuration.id <= this.configurationId) return;
    const state = stateIn(configuration, this.hardState());
    this.accepted = state.accepted;
    this.damaged = false;
    this.setConfiguration(configuration);
    this.saveState();
  }

  /** Up to `slot` the log that the accepted ballot's leader has is chosen. */
  noteChosen(slot: number): void {
    if (slot <= this.chosen) return;
    this.chosen = slot;
    this.settleStopSigns();
    this.deliver();
  }

  written(write: number): void {
    assert(
      write > this.writesDurable && write <= this.writesHandedOut,
      `write ${write} is unknown`,
    );
    this.writesDurable = write;
    while (this.appends.length > 0 && (this.appends[0] as PendingAppend).write <= write) {
      this.durable = Math.max(this.durable, (this.appends.shift() as PendingAppend).last);
    }
    while (this.switches.length > 0 && (this.switches[0] as Switch).write <= write) {
      this.switches.shift();
    }
    while (this.replies.length > 0 && (this.replies[0] as Reply).afterWrite <= write) {
      const { to, message } = this.replies.shift() as Reply;
      this.send(to, message);
    }
    this.deliver();
  }

  /** Lets go of decided entries below `neededFrom`, and of the oldest that memory has no room for. */
  retain(neededFrom: number): void {
    const { slots } = this;
    slots.release(Math.min(this.delivered, neededFrom - 1));
    while (slots.bytes > this.options.retainBytes && slots.baseSlot < this.delivered) {
      slots.release(slots.baseSlot + 1);
    }
  }

  hardState(): HardState {
    const { promised, accepted, configuration } = this;
    return { promised, accepted, configuration };
  }

  private replaceTail(
    fromSlot: number,
    entries: readonly Entry[],
    chosen: number,
    clearsDamage: boolean,
  ): number {
    assert(fromSlot > this.decided, 'a decided entry was about to change');
    const { slots } = this;
    const unchanged = fromSlot === slots.lastSlot + 1 && entries.length === 0;
    if (unchanged && !clearsDamage) return this.saveState();
    if (fromSlot <= slots.lastSlot) this.truncate(fromSlot);
    this.push(entries);
    const decided = this.hint(chosen);
    const state = this.hardState();
    const write = this.write({ kind: 'adopt', fromSlot, entries, state, decided, clearsDamage });
    this.appends.push({ write, last: slots.lastSlot });
    this.settleStopSigns();
    return write;
  }

  /**
   * What a record says to be decided: not yet a stop-sign that the same record brings. A restart
   * would apply it, and find itself in the configuration before it, if the state that it leads to
   * had not been written.
   */
  private hint(chosen: number): number {
    const [stopSign] = this.stopSigns;
    return Math.min(chosen, this.slots.lastSlot, (stopSign ?? Number.POSITIVE_INFINITY) - 1);
  }

  private push(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.slots.append(entry);
      this.noteStopSign(entry);
    }
  }

  /** What is known to be durable goes back with the log (rule 11). */
  private truncate(fromSlot: number): void {
    this.slots.truncate(fromSlot);
    this.durable = Math.min(this.durable, fromSlot - 1);
    for (const append of this.appends) append.last = Math.min(append.last, fromSlot - 1);
    this.stopSigns = this.stopSigns.filter((slot) => slot < fromSlot);
  }

  private write(write: Output['writes'][number]): number {
    this.output.writes.push(write);
    return ++this.writesHandedOut;
  }

  private noteStopSign(entry: Entry): void {
    if (entry.kind === EntryKind.configuration) this.stopSigns.push(entry.slot);
  }

  /**
   * What is chosen is applied only once it is durable here, a stop-sign once the state that it
   * leads to is, so that no snapshot is ahead of what the disk says otherwise.
   */
  private deliver(): void {
    const barrier = this.switches[0]?.slot ?? Number.POSITIVE_INFINITY;
    const upTo = Math.min(this.chosen, this.durable, barrier - 1);
    while (this.delivered < upTo) {
      this.delivered++;
      this.output.decided.push(this.slots.at(this.delivered));
    }
  }

  private settleStopSigns(): void {
    for (;;) {
      const [slot] = this.stopSigns;
      if (slot === undefined || slot > this.slots.lastSlot) return;
      const stopSign = this.slots.at(slot);
      const next = configurationIn(stopSign.body);
      const isInForce = next.id <= this.configurationId;
      if (slot > this.chosen && !isInForce) return;
      this.stopSigns.shift();
      if (next.id >= this.configurationId) this.lacksStopSign = false;
      this.chosen = Math.max(this.chosen, slot);
      if (!isInForce) this.takeForce(stopSign, next);
    }
  }

  /** The next configuration decides from here on; nobody leads in it and nothing is accepted. */
  private takeForce(stopSign: Entry, next: Configuration): void {
    this.accepted = NO_BALLOT;
    this.damaged = false;
    this.setConfiguration(next);
    this.switches.push({ slot: stopSign.slot, write: this.saveState() });
    this.onConfiguration();
  }

  private setConfiguration(configuration: Configuration): void {
    this.configuration = configuration;
    this.quorums = quorumsOf(configuration);
    this.isAlone = peersOf(configuration, this.id).length === 0;
  }
}
