import { assert } from '../base/assert.ts';
import { equalBytes } from '../base/bytes.ts';
import { type Ballot, sameBallot } from './ballot.ts';
import { peersOf } from './configuration.ts';
import type { Core } from './core.ts';
import type { Victory } from './election.ts';
import { type Entry, EntryKind } from './entry.ts';
import type { Accepted, HeartbeatReply } from './messages.ts';
import { Progress } from './progress.ts';

/** Phase 2: one replica, for as long as its ballot lasts. */
export class Leader {
  readonly ballot: Ballot;
  /** The configuration whose voters elected it. */
  private readonly configurationId: number;
  /** The slot of its own first entry; 0 before it was proposed. */
  private openingSlot = 0;
  private readonly core: Core;
  private readonly progress = new Map<number, Progress>();
  /** Replicas that are no members and want to become some: they follow and count for nothing. */
  private readonly learners = new Set<number>();
  private probe = 0;
  private probeWanted = 1;
  private ticks = 0;
  private confirmed = 0;

  constructor(core: Core, victory: Victory, learners: Iterable<number>) {
    this.core = core;
    this.ballot = victory.ballot;
    this.configurationId = core.configurationId;
    for (const id of learners) this.learners.add(id);
    this.followMembers();
    for (const [id, { decided }] of victory.promises) {
      const progress = this.progress.get(id);
      if (progress !== undefined) this.sync(progress, decided);
    }
  }

  /** True once its own first entry is decided: only then may it propose anything else (rule 3). */
  get isOpen(): boolean {
    return this.openingSlot > 0 && this.core.decided >= this.openingSlot;
  }

  get wantsOpening(): boolean {
    return this.openingSlot === 0 && this.core.openStopSign === null;
  }

  /** The latest probe that a quorum has answered. */
  get confirmedProbe(): number {
    return this.confirmed;
  }

  get peers(): IterableIterator<Progress> {
    return this.progress.values();
  }

  propose(kind: number, body: Uint8Array): number {
    const { core } = this;
    const isOpening = kind === EntryKind.opening;
    assert(isOpening ? this.wantsOpening : this.isOpen, 'proposed before the leader had opened');
    assert(core.openStopSign === null, 'proposed behind a stop-sign');
    const { last } = core.slots;
    const { round, replica } = this.ballot;
    const slot = last.slot + 1;
    const hash = core.options.chain(last.hash, slot, round, kind, replica, body);
    core.append([{ slot, round, replica, kind, body, hash }]);
    if (isOpening) this.openingSlot = slot;
    return slot;
  }

  /** Asks a quorum whether this ballot is still the highest; `confirmedProbe` will reach the result. */
  confirm(): number {
    this.probeWanted = this.probe + 1;
    return this.probeWanted;
  }

  /** False if the leader has lost its quorum: then somebody else may lead already. */
  tick(): boolean {
    const { heartbeatTicks, electionTicks } = this.core.options;
    if (++this.ticks % heartbeatTicks === 0) this.confirm();
    const heard = new Set([this.core.id]);
    for (const progress of this.progress.values()) {
      if (progress.silentTicks++ < electionTicks) heard.add(progress.id);
    }
    return this.core.quorums.isWriteQuorum(heard);
  }

  /**
   * A follower that lost what it had accepted under this very ballot can't vote before it has
   * taken the log under a higher one. Worth an election, if that can be won without it.
   */
  get shouldRenew(): boolean {
    const { electionTicks } = this.core.options;
    const peers = [...this.progress.values()];
    if (!peers.some(({ isDamaged }) => isDamaged)) return false;
    const whole = peers.filter((peer) => !peer.isDamaged && peer.silentTicks < electionTicks);
    return this.core.quorums.isElectionQuorum(
      new Set([this.core.id, ...whole.map(({ id }) => id)]),
    );
  }

  addLearner(id: number): void {
    this.learners.add(id);
    this.followMembers();
  }

  removeLearner(id: number): void {
    this.learners.delete(id);
    this.followMembers();
  }

  /** Who follows: the members of the configuration, and those that want to join. */
  private followMembers(): void {
    const peers = new Set(peersOf(this.core.configuration, this.core.id));
    for (const id of this.learners) if (id !== this.core.id) peers.add(id);
    for (const id of this.progress.keys()) if (!peers.has(id)) this.progress.delete(id);
    for (const id of peers) {
      if (!this.progress.has(id)) this.progress.set(id, new Progress(id));
    }
    this.confirm();
  }

  /** The connection to a peer is new: what was under way on the old one may be lost. */
  reconnected(id: number): void {
    const progress = this.progress.get(id);
    if (progress === undefined) return;
    if (progress.isSynced && progress.match > 0) progress.next = progress.match + 1;
    else progress.isSynced = false;
    this.confirm();
  }

  onHeartbeatReply(from: number, message: HeartbeatReply): void {
    const progress = this.progress.get(from);
    if (progress === undefined || !sameBallot(message.ballot, this.ballot)) return;
    progress.silentTicks = 0;
    progress.heardProbe = Math.max(progress.heardProbe, message.probe);
    const hadItsChance = progress.isSynced && message.probe > progress.syncedAtProbe;
    progress.isDamaged = message.damaged && (message.synced || hadItsChance);
    this.countProbes();
    if (!message.synced) {
      if (!progress.isSynced || message.probe > progress.syncedAtProbe) {
        this.sync(progress, message.decided);
      }
    } else if (!progress.isSynced) {
      progress.isSynced = true;
      progress.next = message.last + 1;
    } else if (progress.sentAtCheck > 0 && message.probe >= progress.checkedProbe) {
      // It answers what was sent behind the entries that it does not have: they are lost.
      if (message.last + 1 < progress.sentAtCheck) progress.next = message.last + 1;
      progress.sentAtCheck = 0;
    }
  }

  onAccepted(from: number, message: Accepted): void {
    const progress = this.progress.get(from);
    if (progress === undefined || !sameBallot(message.ballot, this.ballot)) return;
    if (message.configurationId !== this.configurationId) return;
    const { core } = this;
    const hash = core.slots.hashAt(message.slot);
    if (hash === null || !equalBytes(hash, 0, message.hash, 0, hash.length)) return;
    progress.silentTicks = 0;
    progress.match = Math.max(progress.match, message.slot);
    progress.next = Math.max(progress.next, progress.match + 1);
    this.decide();
  }

  /** What a quorum has accepted under this ballot, itself included, is chosen. */
  decide(): void {
    const { core } = this;
    const limit = core.openStopSign ?? Number.POSITIVE_INFINITY;
    if (this.progress.size === 0) {
      // Nobody else is a member, so this replica is a quorum, or nobody is.
      if (core.isAcceptedDurable) core.noteChosen(Math.min(core.durable, limit));
      return;
    }
    const matches = new Map([[core.id, core.isAcceptedDurable ? core.durable : 0]]);
    for (const { id, match } of this.progress.values()) matches.set(id, match);
    const candidates = [...matches.values()].map((slot) => Math.min(slot, limit));
    candidates.sort((a, b) => b - a);
    for (const slot of candidates) {
      if (slot <= core.decided) return;
      const ids = new Set<number>();
      for (const [id, match] of matches) if (match >= slot) ids.add(id);
      if (!core.quorums.isWriteQuorum(ids)) continue;
      core.noteChosen(slot);
      return;
    }
  }

  /** Sends what has gathered; call it once a turn. */
  flush(): void {
    if (this.probeWanted > this.probe) this.sendHeartbeats();
    if (this.progress.size === 0) {
      this.core.retain(Number.POSITIVE_INFINITY);
      return;
    }
    for (const progress of this.progress.values()) {
      this.sendEntries(progress);
      this.tellDecided(progress);
    }
    this.retain();
  }

  /** Tells everyone what is decided before some of them are no longer told anything. */
  announce(): void {
    for (const progress of this.progress.values()) {
      this.sendEntries(progress);
      this.tellDecided(progress);
    }
  }

  /** The voter that lacks least; null if there is none to hand over to. */
  bestSuccessor(): number | null {
    let best: Progress | null = null;
    for (const progress of this.progress.values()) {
      const isVoter = this.core.configuration.quorums.voters.some(({ id }) => id === progress.id);
      if (!isVoter || !progress.isSynced) continue;
      if (best === null || progress.match > best.match) best = progress;
    }
    return best?.id ?? null;
  }

  private head() {
    return { ballot: this.ballot, configurationId: this.configurationId };
  }

  private sendHeartbeats(): void {
    const { core } = this;
    this.probe++;
    for (const progress of this.progress.values()) {
      if (progress.sentAtCheck === 0) {
        progress.sentAtCheck = progress.next;
        progress.checkedProbe = this.probe;
      }
      const heartbeat = { probe: this.probe, decided: core.decided } as const;
      core.send(progress.id, { type: 'heartbeat', ...this.head(), ...heartbeat });
    }
    this.countProbes();
  }

  /** Whoever answered had promised nothing higher by then; a write quorum of them proves it. */
  private countProbes(): void {
    if (this.progress.size === 0) {
      this.confirmed = this.probe;
      return;
    }
    const probes = [...this.progress.values()].map(({ heardProbe }) => heardProbe);
    probes.push(this.probe);
    probes.sort((a, b) => b - a);
    for (const probe of probes) {
      if (probe <= this.confirmed) return;
      const ids = new Set([this.core.id]);
      for (const { id, heardProbe } of this.progress.values()) if (heardProbe >= probe) ids.add(id);
      if (!this.core.quorums.isWriteQuorum(ids)) continue;
      this.confirmed = probe;
      return;
    }
  }

  /** Sends the whole log behind the peer's decided slot; what gathers meanwhile follows at once. */
  private sync(progress: Progress, decided: number): void {
    const { core } = this;
    const { slots } = core;
    const from = Math.min(decided, core.decided);
    const start = slots.hashAt(from);
    if (start === null) {
      this.tellBehind(progress);
      return;
    }
    let after = { slot: from, hash: start };
    let isFirst = true;
    do {
      const entries: readonly Entry[] = slots.slice(after.slot + 1, core.options.chunkBytes);
      const end = entries[entries.length - 1] ?? after;
      const isLast = end.slot === slots.lastSlot;
      const chunk = { after, entries, hash: end.hash, isFirst, isLast, decided: core.decided };
      core.send(progress.id, { type: 'acceptSync', ...this.head(), ...chunk });
      after = { slot: end.slot, hash: end.hash };
      isFirst = false;
    } while (after.slot < slots.lastSlot);
    progress.isSynced = true;
    progress.next = slots.lastSlot + 1;
    progress.syncedAtProbe = this.probe;
    progress.toldDecided = core.decided;
  }

  /** Memory no longer reaches back to what the peer lacks. */
  private tellBehind(progress: Progress): void {
    const { core } = this;
    progress.isSynced = false;
    core.send(progress.id, { type: 'behind', ...this.head(), decided: core.decided });
  }

  private tellDecided(progress: Progress): void {
    const { core } = this;
    if (!progress.isSynced || progress.toldDecided >= core.decided) return;
    progress.toldDecided = core.decided;
    core.send(progress.id, { type: 'decide', ...this.head(), decided: core.decided });
  }

  private sendEntries(progress: Progress): void {
    const { core } = this;
    const { slots } = core;
    while (progress.isSynced && progress.next <= slots.lastSlot) {
      const hash = slots.hashAt(progress.next - 1);
      if (hash === null) {
        this.tellBehind(progress);
        break;
      }
      const entries = slots.slice(progress.next, core.options.chunkBytes);
      const end = entries[entries.length - 1] as Entry;
      const after = { slot: progress.next - 1, hash };
      const body = { after, entries, hash: end.hash, decided: core.decided };
      core.send(progress.id, { type: 'accept', ...this.head(), ...body });
      progress.next = end.slot + 1;
      progress.toldDecided = core.decided;
    }
  }

  private retain(): void {
    let neededFrom = Number.POSITIVE_INFINITY;
    for (const { match } of this.progress.values()) neededFrom = Math.min(neededFrom, match + 1);
    this.core.retain(neededFrom);
  }
}
