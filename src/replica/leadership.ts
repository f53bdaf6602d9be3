import type { Clock } from '../io/clock.ts';
import type { Paxos } from '../paxos/paxos.ts';
import { Op } from '../protocol/constants.ts';
import { CommandKind } from '../state/command.ts';
import type { State } from '../state/state.ts';
import { Expiry, type Lease } from './expiry.ts';
import { EXPIRY_SLACK } from './freshness.ts';
import type { Intake } from './intake.ts';
import type { PeerPort, Touch } from './peer-port.ts';

/** Somebody who waits until a quorum has confirmed that this replica leads. */
interface Waiter {
  readonly probe: number;
  readonly peer: number;
  readonly number: number;
  /** For a read index: the slot to name; null for a report of touches. */
  readonly slot: number | null;
}

const QUARTERS = 4;

/** What a replica does for the others, and for all sessions, while it leads. */
export class Leadership {
  expiry: Expiry;
  private readonly state: State;
  private readonly paxos: Paxos;
  private readonly intake: Intake;
  private readonly clock: Clock;
  private readonly peers: PeerPort;
  private readonly tickTimeMs: number;
  private readonly serverId: number;
  private waiters: Waiter[] = [];

  constructor(options: {
    state: State;
    paxos: Paxos;
    intake: Intake;
    clock: Clock;
    peers: PeerPort;
    tickTimeMs: number;
    serverId: number;
  }) {
    this.state = options.state;
    this.paxos = options.paxos;
    this.intake = options.intake;
    this.clock = options.clock;
    this.peers = options.peers;
    this.tickTimeMs = options.tickTimeMs;
    this.serverId = options.serverId;
    this.expiry = this.startClocks();
  }

  /**
   * Clocks of all sessions start now, at this leader's first commit: nobody is held to account for
   * the time without a leader. But what the log says a session had been silent for still counts,
   * so that it does not live for ever under leaders that follow each other fast (rule 19).
   */
  startClocks(): Expiry {
    const nowMs = this.clock.monotonicMs();
    const slack = this.paxos.isAlone ? 0 : EXPIRY_SLACK;
    this.expiry = new Expiry(this.tickTimeMs, nowMs, slack);
    for (const { high, low, timeoutMs, age } of this.state.sessions.values()) {
      const lease = this.expiry.start(high, low, timeoutMs, nowMs - (timeoutMs * age) / QUARTERS);
      lease.heardMs = nowMs - (timeoutMs * age) / QUARTERS;
    }
    return this.expiry;
  }

  stop(): void {
    this.waiters = [];
  }

  /** A replica's report; confirmed once a quorum has shown that this replica still leads. */
  onReport(peer: number, number: number, touches: readonly Touch[]): void {
    const nowMs = this.clock.monotonicMs();
    for (const { high, low } of touches) {
      const lease = this.expiry.get(high, low);
      if (lease !== undefined) lease.heardMs = Math.max(lease.heardMs, nowMs);
    }
    this.waiters.push({ probe: this.paxos.confirm(), peer, number, slot: null });
  }

  onAskIndex(peer: number, number: number): void {
    const slot = this.paxos.decidedSlot;
    this.waiters.push({ probe: this.paxos.confirm(), peer, number, slot });
  }

  /** Answers those whose question a quorum has confirmed by now; `own` gets this replica's. */
  answerConfirmed(own: (number: number, slot: number) => void): void {
    const { confirmedProbe } = this.paxos;
    while (this.waiters.length > 0 && (this.waiters[0] as Waiter).probe <= confirmedProbe) {
      const { peer, number, slot } = this.waiters.shift() as Waiter;
      if (slot === null) this.peers.confirmReport(peer, number);
      else if (peer === this.serverId) own(number, slot);
      else this.peers.tellIndex(peer, number, slot);
    }
  }

  /** Proposes the closing of silent sessions. */
  sweep(): void {
    this.expiry.sweep(this.clock.monotonicMs(), (lease) => {
      const { high, low } = lease;
      const session = this.state.sessions.get(high, low);
      if (session === undefined) return;
      const kind = CommandKind.expireSession;
      this.intake.begin(kind, high, low, session.generation, 0, Op.closeSession);
      this.intake.end();
    });
    if (!this.paxos.isAlone) this.logAges();
  }

  /** Logs who has been silent for half of its time-out or longer, and who has spoken again. */
  private logAges(): void {
    const nowMs = this.clock.monotonicMs();
    const changed: { lease: Lease; generation: number; age: number }[] = [];
    for (const lease of this.expiry.values()) {
      const session = this.state.sessions.get(lease.high, lease.low);
      if (session === undefined) continue;
      const quarters = Math.floor(((nowMs - lease.heardMs) * QUARTERS) / lease.timeoutMs);
      const age = quarters < QUARTERS / 2 ? 0 : Math.min(quarters, QUARTERS - 1);
      if (age !== session.age) changed.push({ lease, generation: session.generation, age });
    }
    if (changed.length === 0) return;
    const writer = this.intake.begin(CommandKind.sessionAges, 0, 0, 0);
    writer.i32(changed.length);
    for (const { lease, generation, age } of changed) {
      writer.i32(lease.high);
      writer.i32(lease.low);
      writer.i32(generation);
      writer.u8(age);
    }
    this.intake.end();
  }
}
