import { viewOf } from '../base/bytes.ts';
import type { Clock } from '../io/clock.ts';
import { type Ballot, NO_BALLOT } from '../paxos/ballot.ts';
import type { Paxos } from '../paxos/paxos.ts';
import type { Barriers } from './barriers.ts';
import type { Freshness } from './freshness.ts';
import { areSubmittable, type Intake } from './intake.ts';
import type { Leadership } from './leadership.ts';
import type { LocalSessions } from './local-sessions.ts';
import type { Outbox } from './outbox.ts';
import type { PeerPort, Touch } from './peer-port.ts';
import type { Relay } from './relay.ts';

export interface UpwardOptions {
  readonly serverId: number;
  readonly paxos: Paxos;
  readonly peers: PeerPort;
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly intake: Intake;
  readonly barriers: Barriers;
  readonly freshness: Freshness;
  readonly sessions: LocalSessions;
  readonly leadership: Leadership;
  readonly relay: Relay;
}

/**
 * What goes from here to whoever leads: what this replica's connections want, and what the
 * observers want that hang on it. On the leader itself it is a call.
 */
export class Upward {
  leaderId: number | null = null;
  leaderBallot: Ballot = NO_BALLOT;
  private readonly options: UpwardOptions;

  constructor(options: UpwardOptions) {
    this.options = options;
  }

  /** What has gathered in this turn leaves. */
  route(): void {
    const { leaderId, leaderBallot } = this;
    const { outbox, intake, serverId, peers } = this.options;
    if (leaderId === null) return;
    for (let chunk = outbox.next(); chunk !== null; chunk = outbox.next()) {
      const { number, commands } = chunk;
      if (leaderId !== serverId) peers.forward(leaderId, leaderBallot, chunk);
      else intake.arrive(leaderId, number, commands.bytes, commands.view, 0, commands.at);
    }
    this.askIndex();
  }

  /**
   * A chunk of an observer. False if it holds no commands: that is found out here, because the
   * leader would take it for this replica's fault.
   */
  relayChunk(origin: number, way: number, number: number, bytes: Uint8Array): boolean {
    const { intake, relay, serverId, peers } = this.options;
    const { leaderId } = this;
    const view = viewOf(bytes);
    if (!areSubmittable(view, 0, bytes.length)) return false;
    if (leaderId === null || !relay.isOpen(way)) return true;
    if (leaderId !== serverId) peers.relay(leaderId, this.leaderBallot, origin, number, bytes);
    else intake.arrive(origin, number, bytes, view, 0, bytes.length);
    return true;
  }

  /** Tells the leader which sessions live here. */
  reportTouches(): void {
    const { paxos, freshness, sessions, relay, serverId, clock } = this.options;
    if (this.leaderId === null || paxos.isAlone || !this.mayReport) return;
    const nowMs = clock.monotonicMs();
    const own = this.leaderId === serverId ? [] : sessions.values();
    const report = freshness.report(own, nowMs);
    this.report(report.number, [...report.sessions, ...relay.takeReport(report.number)]);
  }

  /** Observers wait no longer than a tick: what they have said is old enough as it is. */
  relayReports(): void {
    const { freshness, relay } = this.options;
    if (this.leaderId === null || !relay.hasReports || !this.mayReport) return;
    const number = freshness.nextNumber();
    this.report(number, relay.takeReport(number));
  }

  /** A leader that has not opened yet has no quorum that it could ask. */
  private get mayAsk(): boolean {
    const { serverId, paxos } = this.options;
    return this.leaderId !== serverId || paxos.isOpen;
  }

  private get mayReport(): boolean {
    const { serverId, leadership } = this.options;
    return this.mayAsk && (this.leaderId !== serverId || leadership.hasBegun);
  }

  private report(number: number, touches: readonly Touch[]): void {
    const { leaderId, leaderBallot } = this;
    const { serverId, peers, leadership } = this.options;
    if (leaderId === null) return;
    if (leaderId === serverId) leadership.onReport(leaderId, number, touches);
    else peers.report(leaderId, leaderBallot, number, touches);
  }

  private askIndex(): void {
    const { barriers, relay, clock } = this.options;
    if (!this.mayAsk) return;
    this.ask(barriers.takeQuestion(clock.monotonicMs()));
    this.ask(relay.takeQuestion());
  }

  private ask(number: number | null): void {
    const { leaderId, leaderBallot } = this;
    const { serverId, peers, leadership } = this.options;
    if (leaderId === null || number === null) return;
    if (leaderId === serverId) leadership.onAskIndex(leaderId, number);
    else peers.askIndex(leaderId, leaderBallot, number);
  }
}
