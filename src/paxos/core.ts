import { assert } from '../base/assert.ts';
import { type Ballot, compareBallots } from './ballot.ts';
import { type Configuration, configurationIn, isVoter, quorumsOf } from './configuration.ts';
import { type Anchor, type ChainHash, type Entry, EntryKind } from './entry.ts';
import type { HardState } from './hard-state.ts';
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
}

/** A message that becomes true with a write. */
interface Reply {
  readonly afterWrite: number;
  readonly to: number;
  readonly message: Message;
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
  accepted: Ballot;
  /** False once something else than the accepted ballot's leader changed the log. */
  inSync = true;
  damaged: boolean;
  configuration: Configuration;
  quorums: Quorums;
  /** The slot of the stop-sign that `configuration` came with; 0 if it was there at the start. */
  configurationSlot = 0;
  /** The highest round anyone was heard to use. */
  roundSeen: number;
  /** Handed out as decided. */
  delivered: number;
  /** Up to here the log is on disk. */
  durable: number;
  output: Output = emptyOutput();
  /** Called when a stop-sign has been delivered, with its entry. */
  onConfiguration: (stopSign: Entry) => void = () => {};
  private chosen: number;
  private writesHandedOut = 0;
  private writesDurable = 0;
  /** The write that entered the accepted ballot. */
  private acceptedWrite = 0;
  private readonly appends: PendingAppend[] = [];
  private replies: Reply[] = [];
  /** Slots of stop-signs that have not been delivered. */
  private stopSigns: number[] = [];

  constructor(options: PaxosOptions) {
    this.options = options;
    this.id = options.id;
    this.promised = options.state.promised;
    this.accepted = options.state.accepted;
    this.configuration = options.state.configuration;
    this.quorums = quorumsOf(options.state.configuration);
    this.damaged = options.damaged;
    this.roundSeen = options.state.promised.round;
    this.slots = new Slots(options.applied, options.entries);
    this.delivered = this.chosen = options.applied.slot;
    this.durable = this.slots.lastSlot;
    for (const entry of options.entries) this.noteStopSign(entry);
  }

  /** The highest slot that is here and known to be chosen. */
  get decided(): number {
    return Math.min(this.chosen, this.slots.lastSlot);
  }

  get isVoter(): boolean {
    return isVoter(this.configuration, this.id);
  }

  /**
   * The configuration that is in force by what is known here: a stop-sign that is chosen counts
   * before it has been delivered. What is accepted behind one is accepted under the next.
   */
  get configurationId(): number {
    let { id } = this.configuration;
    for (const slot of this.stopSigns) {
      if (slot <= this.chosen) id = configurationIn(this.slots.at(slot).body).id;
    }
    return id;
  }

  /** The first stop-sign that is not known to be chosen: nothing may follow it yet. */
  get openStopSign(): number | null {
    return this.stopSigns.find((slot) => slot > this.chosen) ?? null;
  }

  /** The first stop-sign that has not been delivered: what follows it counts by other quorums. */
  get nextStopSign(): number | null {
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
    const decided = Math.min(chosen, this.slots.lastSlot);
    const write = this.write({ kind: 'append', entries, decided });
    this.appends.push({ write, last: this.slots.lastSlot });
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
    const clearsDamage = this.damaged;
    this.damaged = false;
    this.acceptedWrite = this.replaceTail(fromSlot, entries, chosen, clearsDamage);
    this.noteChosen(chosen);
  }

  /** Enters `ballot` with its leader's log: what is the same stays, the rest is replaced at once. */
  enter(ballot: Ballot, after: Anchor, entries: readonly Entry[], chosen: number): void {
    const same = this.sameUpTo(after, entries);
    this.adopt(ballot, same + 1, entries.slice(same - after.slot), chosen);
  }

  /**
   * Takes entries behind `after` that are chosen, under whatever ballot was accepted before. What
   * they contradict was not chosen and can't be, and with it nothing that was chained behind it.
   */
  takeChosen(after: Anchor, entries: readonly Entry[]): void {
    const same = this.sameUpTo(after, entries);
    const rest = entries.slice(same - after.slot);
    const last = after.slot + entries.length;
    if (same >= this.slots.lastSlot) {
      this.append(rest, last);
    } else if (rest.length > 0) {
      this.inSync = false;
      this.replaceTail(same + 1, rest, last, false);
    }
    this.noteChosen(last);
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
    this.slots.restart(anchor);
    this.stopSigns = [];
    this.inSync = false;
    this.delivered = this.durable = anchor.slot;
    this.chosen = Math.max(this.chosen, anchor.slot);
    this.setConfiguration(configuration, 0);
  }

  /** Up to `slot` the log that the accepted ballot's leader has is chosen. */
  noteChosen(slot: number): void {
    if (slot <= this.chosen) return;
    this.chosen = slot;
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
    const due = this.replies.filter((reply) => reply.afterWrite <= write);
    this.replies = this.replies.filter((reply) => reply.afterWrite > write);
    for (const { to, message } of due) this.send(to, message);
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
    const decided = Math.min(chosen, slots.lastSlot);
    const state = this.hardState();
    const write = this.write({ kind: 'adopt', fromSlot, entries, state, decided, clearsDamage });
    this.appends.push({ write, last: slots.lastSlot });
    return write;
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

  /** What is chosen is applied only once it is durable here, so that no snapshot is ahead of the log. */
  private deliver(): void {
    const upTo = Math.min(this.chosen, this.durable);
    while (this.delivered < upTo) {
      const entry = this.slots.at(this.delivered + 1);
      this.delivered++;
      this.output.decided.push(entry);
      if (entry.kind !== EntryKind.configuration) continue;
      this.stopSigns.shift();
      this.setConfiguration(configurationIn(entry.body), entry.slot);
      this.saveState();
      this.onConfiguration(entry);
    }
  }

  private setConfiguration(configuration: Configuration, slot: number): void {
    if (configuration.id < this.configuration.id) return;
    this.configuration = configuration;
    this.configurationSlot = slot;
    this.quorums = quorumsOf(configuration);
  }
}
