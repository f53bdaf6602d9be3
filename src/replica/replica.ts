import { viewOf } from '../base/bytes.ts';
import type { Clock } from '../io/clock.ts';
import { type Ballot, sameBallot } from '../paxos/ballot.ts';
import type { Anchor, Entry, Unchained } from '../paxos/entry.ts';
import type { Message } from '../paxos/messages.ts';
import type { Paxos } from '../paxos/paxos.ts';
import type { Identities } from '../state/identities.ts';
import type { ExceededQuota } from '../state/outcome.ts';
import type { State } from '../state/state.ts';
import { Applier } from './applier.ts';
import type { Attachment, Client } from './attachment.ts';
import { Barriers } from './barriers.ts';
import { Delivery } from './delivery.ts';
import { DigestCheck } from './digest-check.ts';
import { DigestPoints } from './digest-points.ts';
import type { StateDigest } from './digest-votes.ts';
import type { Expiry } from './expiry.ts';
import { Freshness } from './freshness.ts';
import { Intake } from './intake.ts';
import { Leadership } from './leadership.ts';
import { LocalSessions } from './local-sessions.ts';
import { Outbox } from './outbox.ts';
import { OwnCommands } from './own-commands.ts';
import type { PeerPort, Touch } from './peer-port.ts';
import { Proposer } from './proposer.ts';
import type { IdentityOf } from './reconfiguration.ts';
import { Relay } from './relay.ts';
import type { SessionId, SessionIdSource } from './session-ids.ts';
import { ReplicaStats, type SlowAppends } from './stats.ts';
import { Turn } from './turn.ts';
import { Upward } from './upward.ts';
import { Watches } from './watches.ts';
import { type AppendReport, type DurableStore, Writes } from './writes.ts';

export interface ReplicaOptions {
  readonly serverId: number;
  readonly state: State;
  readonly paxos: Paxos;
  readonly store: DurableStore;
  readonly peers: PeerPort;
  readonly clock: Clock;
  /** Shared with the connections to peers, so that what a turn makes leaves at its end. */
  readonly turn?: Turn;
  readonly sessionIds: SessionIdSource;
  /** Differs from life to life, and by more than a life can count: see `Outbox`. */
  readonly firstNumber: number;
  readonly tickTimeMs: number;
  /** CommandFlag bits of this server's configuration, stamped into every command it leads. */
  readonly flags: number;
  /** Absent: no append counts as slow. */
  readonly slowAppends?: SlowAppends;
  /** Of replicas that follow and are no members. */
  readonly identityOf: IdentityOf;
  /** The log can no longer be trusted: the process has to stop and recover from disk. */
  readonly onFatal: (error: Error) => void;
  /** Replicas differ and no majority is right, from this slot on; null: that is over. */
  readonly onDispute?: (slot: number | null) => void;
  readonly onSoftQuota?: (exceeded: ExceededQuota) => void;
  /** Entries are decided and durable here, and about to be applied; their bytes may change then. */
  readonly onDecided?: (entries: readonly Entry[]) => void;
  /** Called between two slots, never in the middle of one: the place to begin a snapshot. */
  readonly onApplied: (entry: Entry) => void;
}

const WRITES_BYTES_MAX = 33_554_432;
/** A tick this many ticks late says that this process itself stood still (rule 36). */
const STALL_TICKS = 4;

/**
 * The one loop: events in, the consensus stepped, its obligations carried out in an order that
 * keeps promises behind durability. A reply is written only by `apply`, and `apply` sees only what
 * is decided and durable here.
 */
export class Replica {
  readonly state: State;
  readonly paxos: Paxos;
  readonly watches: Watches = new Watches();
  readonly turn: Turn;
  readonly clock: Clock;
  readonly stats: ReplicaStats = new ReplicaStats();
  readonly digestPoints: DigestPoints = new DigestPoints();
  readonly freshness: Freshness = new Freshness();
  private readonly options: ReplicaOptions;
  private readonly outbox: Outbox;
  private readonly intake: Intake;
  private readonly sessions: LocalSessions;
  private readonly leadership: Leadership;
  private readonly barriers = new Barriers();
  private readonly writes: Writes;
  private readonly commands: OwnCommands;
  private readonly proposer: Proposer;
  readonly digests: DigestCheck;
  readonly relay: Relay = new Relay();
  private readonly upward: Upward;
  private readonly applier: Applier;
  private onIdle: (() => void) | null = null;
  private wasOpen = false;
  private lastTickMs = Number.NaN;

  constructor(options: ReplicaOptions) {
    const { state, paxos, clock, flags, firstNumber } = options;
    this.options = options;
    this.state = state;
    this.paxos = paxos;
    this.clock = clock;
    this.turn = options.turn ?? new Turn(clock);
    this.turn.before(() => this.advance());
    this.outbox = new Outbox(firstNumber);
    this.intake = new Intake(clock, flags);
    const { intake } = this;
    this.digests = new DigestCheck({ ...options, onDispute: options.onDispute ?? (() => {}) });
    this.leadership = new Leadership({ ...options, intake });
    this.proposer = new Proposer({ ...options, intake, stats: this.stats });
    this.commands = new OwnCommands(this.outbox, () => {
      this.stats.commandsProposed++;
      this.turn.wake();
    });
    this.sessions = new LocalSessions(state, options.sessionIds, this.commands, firstNumber);
    const { outbox, barriers, freshness, sessions, leadership, relay } = this;
    const { stats, digestPoints, watches } = this;
    const up = { outbox, barriers, freshness, sessions, leadership, relay, intake };
    this.upward = new Upward({ ...options, ...up });
    const down = { stats, digestPoints, watches, sessions, leadership, intake, outbox, relay };
    const delivery = new Delivery({ ...options, ...down, onMark: () => this.turn.wake() });
    this.applier = new Applier({
      state,
      clock,
      onOutcome: (outcome) => delivery.deliver(outcome, this.applier.appliedMs),
      onEntry: (entry) => {
        this.digests.applied(entry.slot);
        this.startClocks();
        options.onApplied(entry);
      },
      onIdle: () => this.applied(),
    });
    this.writes = new Writes({
      store: options.store,
      nowMs: () => clock.monotonicMs(),
      onDurable: (write, append) => this.written(write, append),
      onFatal: options.onFatal,
    });
    this.step();
  }

  get flags(): number {
    return this.options.flags;
  }

  get expiry(): Expiry {
    return this.leadership.expiry;
  }

  /** So much is on its way to the disk that no more should come. */
  get isBehindDisk(): boolean {
    return this.writes.pendingBytes > WRITES_BYTES_MAX;
  }

  /** Commands of this replica's connections that have not been applied, in bytes. */
  get pendingBytes(): number {
    return this.outbox.pendingBytes;
  }

  /** True while this replica leads and its commands may be decided. */
  get isLeading(): boolean {
    return this.paxos.isOpen;
  }

  /** About when the outcome that is being delivered came to be, on the monotonic clock. */
  get appliedMs(): number {
    return this.applier.appliedMs;
  }

  /** True while somebody leads, as far as is known here. */
  get hasLeader(): boolean {
    return this.paxos.leaderId !== null && (this.paxos.role !== 'leader' || this.wasOpen);
  }

  /** Nothing is being applied, and nothing is on its way to the disk. */
  get isQuiet(): boolean {
    return !this.applier.isBusy && this.writes.isIdle;
  }

  /** An id for a session that the log never hears of. */
  newSessionId(): SessionId {
    return this.sessions.newLocalId();
  }

  /** Opens a new session for `client`, which hears of it by `onAttached`. */
  openSession(client: Client, timeoutMs: number, passwordHash: Uint8Array): void {
    const askedMs = this.clock.monotonicMs();
    this.sessions.open(client, { timeoutMs, passwordHash, askedMs });
  }

  /** Attaches a known session to `client`; any older connection of it is closed at apply. */
  attachSession(
    client: Client,
    high: number,
    low: number,
    timeoutMs: number,
    passwordHash: Uint8Array,
  ): void {
    const askedMs = this.clock.monotonicMs();
    this.sessions.attach(client, high, low, { timeoutMs, passwordHash, askedMs });
  }

  /** The connection has gone: its session lives on until it expires, its watches don't. */
  detach(client: Client, attachment: Attachment | null): void {
    this.watches.drop(client);
    this.sessions.detach(client, attachment);
  }

  /** Submits a write; its outcome comes by `onOutcome`, in the order of submission. */
  submitWrite(
    attachment: Attachment,
    opcode: number,
    cxid: number,
    identities: Identities,
    body: Uint8Array,
    from: number,
    to: number,
  ): void {
    const { commands } = this;
    commands.beginWrite(attachment, opcode, cxid, identities).raw(body, from, to);
    commands.end();
  }

  /** Submits a write that this replica refuses with `code`. */
  submitReject(attachment: Attachment, opcode: number, cxid: number, code: number): void {
    this.commands.beginReject(attachment, opcode, cxid).i32(code);
    this.commands.end();
  }

  /** `client` hears by `onBarrier` once all is applied here that was decided when it asked. */
  requestBarrier(client: Client): void {
    this.barriers.request(client);
    this.turn.wake();
  }

  /** Proposes to remove an empty container or an outlived TTL node; only a leader can. */
  submitReap(path: Uint8Array): void {
    this.leadership.proposeReap(path);
    this.turn.wake();
  }

  /**
   * Looks for silent sessions. Run it after the input of the turn has been handled: when the loop
   * itself was stalled, pings that wait in the sockets are heard before anyone is accused.
   */
  sweepSessions(): void {
    if (!this.keepsClocks) return;
    this.leadership.sweep();
    this.turn.wake();
  }

  /** Time passes for the consensus; call it every `periodMs`. */
  tick(periodMs: number): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.lastTickMs > periodMs * STALL_TICKS) this.paxos.stalled();
    this.lastTickMs = nowMs;
    this.paxos.tick();
    this.upward.relayReports();
    if (this.barriers.askLostAgain(nowMs)) this.turn.wake();
    this.step();
  }

  /** Tells the leader which sessions live here; call it every heartbeat. */
  reportTouches(): void {
    this.upward.reportTouches();
    if (this.isLeading) this.turn.wake();
  }

  /** A chunk of an observer that hangs on this replica; false if it can't be trusted. */
  relayChunk(origin: number, way: number, number: number, bytes: Uint8Array): boolean {
    this.turn.wake();
    return this.upward.relayChunk(origin, way, number, bytes);
  }

  /** For an observer: who leads, and that what was under way before may be lost. */
  follow(leaderId: number | null, ballot: Ballot): void {
    const { upward } = this;
    const isSame = leaderId === upward.leaderId && sameBallot(ballot, upward.leaderBallot);
    this.paxos.told(leaderId, ballot);
    if (isSame) this.sendAgain();
    else this.noteLeader();
    this.turn.wake();
  }

  onMessage(from: number, message: Message): void {
    this.paxos.receive(from, message);
    this.turn.wake();
  }

  /** False if the bytes are no commands: whoever sent them can't be trusted. */
  onForward(from: number, ballot: Ballot, number: number, bytes: Uint8Array): boolean {
    if (!this.leadsUnder(ballot)) return true;
    this.turn.wake();
    return this.intake.arrive(from, number, bytes, viewOf(bytes), 0, bytes.length);
  }

  onReport(from: number, ballot: Ballot, number: number, touches: readonly Touch[]): void {
    if (!this.leadsUnder(ballot) || !this.keepsClocks) return;
    this.leadership.onReport(from, number, touches);
    this.turn.wake();
  }

  onReportConfirmed(number: number): void {
    this.freshness.confirmed(number);
    this.relay.reportConfirmed(number);
  }

  onAskIndex(from: number, ballot: Ballot, number: number): void {
    if (!this.leadsUnder(ballot) || !this.isLeading) return;
    this.leadership.onAskIndex(from, number);
    this.turn.wake();
  }

  onTellIndex(number: number, slot: number): void {
    this.relay.answered(number, slot);
    this.barriers.answered(number, slot);
    if (!this.applier.isBusy) this.barriers.applied(this.state.slot);
  }

  onDigests(from: number, ballot: Ballot, digests: readonly StateDigest[]): void {
    if (this.leadsUnder(ballot)) this.digests.onDigests(from, digests);
  }

  onDiffers(from: number, ballot: Ballot, digest: StateDigest): void {
    const { leaderId, leaderBallot } = this.upward;
    if (from === leaderId && sameBallot(ballot, leaderBallot)) this.digests.onDiffers(digest);
  }

  /** Entries that are chosen, from another replica; false if they do not fit. */
  learn(after: Anchor, entries: readonly Unchained[], hash: Uint8Array): boolean {
    const fits = this.paxos.learn(after, entries, hash);
    this.turn.wake();
    return fits;
  }

  /** Hands leadership over; false if there is nobody to take it. */
  handOver(): boolean {
    const isAsked = this.paxos.handOver();
    this.turn.wake();
    return isAsked;
  }

  /** The way to a peer is new: what was under way on the old one may be lost. */
  onConnected(peer: number): void {
    this.paxos.connected(peer);
    if (peer === this.upward.leaderId) this.sendAgain();
    this.turn.wake();
  }

  onDisconnected(peer: number): void {
    this.paxos.disconnected(peer);
  }

  /** Calls back once everything submitted so far has been applied and nothing is under way. */
  whenIdle(task: () => void): void {
    this.onIdle = task;
    this.turn.wake();
  }

  /** Calls back once nothing is on its way to the disk. */
  whenWritten(task: () => void): void {
    if (this.writes.isSettled) task();
    else this.clock.after(1, () => this.whenWritten(task));
  }

  private leadsUnder(ballot: Ballot): boolean {
    return this.paxos.role === 'leader' && sameBallot(this.paxos.ballot, ballot);
  }

  /**
   * All input of the turn has been handled, or the disk has answered. What others wait for comes
   * first: what gathered leaves for the leader, the disk and the other replicas, and while they
   * work this one applies. What is decided by now travels with the proposal.
   */
  private advance(): void {
    this.noteLeader();
    this.upward.route();
    this.propose();
    this.carryOut();
    this.options.peers.flush();
    this.applier.run();
    this.reportIdle();
  }

  private propose(): void {
    // States that differ may not drift further apart; whoever leads next still opens.
    if (this.digests.isDisputed && this.isLeading) return;
    this.proposer.propose(this.writes.isIdle);
  }

  private step(): void {
    this.carryOut();
    this.applier.run();
  }

  /** Carries out what the consensus asks for; what is decided is only noted. */
  private carryOut(): void {
    const { options } = this;
    const output = this.paxos.drain();
    for (const { to, message } of output.sends) options.peers.send(to, message);
    if (output.decided.length > 0) options.onDecided?.(output.decided);
    this.applier.add(output.decided);
    if (output.fetchFrom !== null) options.peers.fetch(output.fetchFrom);
    this.noteLeader();
    this.leadership.answerConfirmed(this);
    this.writes.add(output.writes);
  }

  private written(write: number, append: AppendReport | null): void {
    if (append !== null) {
      const tookMs = this.clock.monotonicMs() - append.startedMs;
      this.stats.noteAppend(tookMs, append.bytes, this.options.slowAppends);
    }
    this.paxos.written(write);
    this.advance();
  }

  /** Another leader, or the same under another ballot, has nothing of what was sent before. */
  private noteLeader(): void {
    const { paxos, upward } = this;
    const { leaderId, ballot } = paxos;
    if (leaderId !== upward.leaderId || !sameBallot(ballot, upward.leaderBallot)) {
      this.stats.noteLeader(leaderId, this.clock.monotonicMs());
      if (upward.leaderId === this.options.serverId) this.stopLeading();
      upward.leaderId = leaderId;
      upward.leaderBallot = ballot;
      this.sendAgain();
      this.clock.afterTurn(() => this.reportTouches());
    }
    const isOpen = paxos.isOpen;
    if (isOpen && !this.wasOpen) this.startLeading();
    // A stop-sign closes the ballot for proposals, not the leadership.
    this.wasOpen = isOpen || (this.wasOpen && leaderId === this.options.serverId);
  }

  private startLeading(): void {
    this.stats.ledSinceMs = this.clock.monotonicMs();
    this.leadership.begin();
    this.startClocks();
    this.turn.wake();
  }

  private get keepsClocks(): boolean {
    return this.isLeading && this.leadership.hasBegun;
  }

  private startClocks(): void {
    if (this.leadership.isDue) this.sessions.follow(this.leadership.startClocks());
  }

  private stopLeading(): void {
    this.wasOpen = false;
    this.intake.clear();
    this.leadership.stop();
    this.proposer.forget();
  }

  private sendAgain(): void {
    this.outbox.rewind();
    this.barriers.askAgain();
    const { leaderId, leaderBallot } = this.upward;
    this.digests.leaderIs(leaderId, leaderBallot);
    this.relay.leaderIs(leaderId, leaderBallot);
    this.freshness.forget(this.sessions.values());
    if (this.paxos.isAlone) this.freshness.always();
    else this.freshness.notAlways(this.clock.monotonicMs());
    this.turn.wake();
  }

  /** The applier has come to the end of what is decided. */
  private applied(): void {
    this.proposer.release(this.state.slot);
    this.barriers.applied(this.state.slot);
    if (this.intake.solitary !== null) this.turn.wake();
    this.reportIdle();
  }

  private reportIdle(): void {
    if (this.onIdle === null || this.applier.isBusy || !this.writes.isIdle) return;
    if (!this.outbox.isEmpty || this.intake.pendingBytes > 0) return;
    const task = this.onIdle;
    this.onIdle = null;
    task();
  }
}
