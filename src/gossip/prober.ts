import { GOSSIP_RELAYS_MAX } from '../base/limits.ts';
import type { Core } from './core.ts';
import type { Member, MemberId } from './member.ts';
import type { Membership } from './membership.ts';
import type { Ack, Nack, Ping, PingRequest } from './messages.ts';

/** One member asked, this period. */
interface Probe {
  readonly target: MemberId;
  readonly number: number;
  /** When others are asked to ask, and when it has failed. */
  readonly askAt: number;
  readonly failAt: number;
  isAsked: boolean;
  isAnswered: boolean;
  /** Nacks that healthy helpers still owe. */
  nacksOwed: number;
}

/** A ping on behalf of another. */
interface Relay {
  readonly asker: MemberId;
  readonly address: string;
  readonly number: number;
  readonly target: MemberId;
  readonly nackAt: number;
  readonly endAt: number;
  isNacked: boolean;
}

/** A helper answers in time for the asker, who waits as long as it asks for in all. */
const NACK_SHARE = 0.8;

/**
 * SWIM's failure detector: one member a period, all of them in a shuffled order before the order is
 * drawn anew, so that nobody waits longer than two rounds for its turn.
 */
export class Prober {
  private readonly core: Core;
  private readonly membership: Membership;
  private readonly order: MemberId[] = [];
  private probe: Probe | null = null;
  private nextAt: number;
  private numbers = 0;
  private readonly relays = new Map<number, Relay>();

  constructor(core: Core, membership: Membership) {
    this.core = core;
    this.membership = membership;
    // Members that start together must not probe together.
    this.nextAt = 1 + Math.floor(core.random() * core.tuning.probeTicks);
  }

  /** A newcomer is probed within this round, at a random place of what is left of it. */
  arrived({ id }: Member): void {
    const at = Math.floor(this.core.random() * (this.order.length + 1));
    this.order.splice(at, 0, id);
  }

  tick(): void {
    const { now } = this.core;
    const { probe } = this;
    if (probe !== null && !probe.isAnswered && !probe.isAsked && now >= probe.askAt) {
      this.askOthers(probe);
    }
    if (probe !== null && now >= probe.failAt) this.conclude(probe);
    if (this.probe === null && now >= this.nextAt) this.begin();
    this.tickRelays();
  }

  /** What was asked before the pause and not answered proves nothing. */
  stalled(): void {
    this.probe = null;
    this.nextAt = this.core.now + 1;
    this.relays.clear();
  }

  private begin(): void {
    const { core } = this;
    const target = this.nextTarget();
    const periodTicks = core.health.scaled(core.tuning.probeTicks);
    this.nextAt = core.now + periodTicks;
    if (target === null) return;
    const number = this.nextNumber();
    this.probe = {
      target: target.id,
      number,
      askAt: core.now + core.health.scaled(core.tuning.probeTimeoutTicks),
      failAt: core.now + periodTicks,
      isAsked: false,
      isAnswered: false,
      nacksOwed: 0,
    };
    this.ping(target.id, target.meta.address, number, false);
  }

  private nextNumber(): number {
    this.numbers += 1;
    return this.numbers;
  }

  private nextTarget(): Member | null {
    const { roster } = this.core;
    if (this.order.length === 0) this.order.push(...roster.shuffledIds());
    for (;;) {
      const id = this.order.pop();
      if (id === undefined) return null;
      const member = roster.find(id);
      if (member !== undefined) return member;
    }
  }

  private ping(target: MemberId, address: string, number: number, stream: boolean): void {
    this.core.carry(target, address, { type: 'ping', number, target, facts: [] }, stream);
  }

  /**
   * Others may reach it where we do not. A stream may pass where packets do not: with UDP blocked
   * everything works, half a period later.
   */
  private askOthers(probe: Probe): void {
    const { core } = this;
    probe.isAsked = true;
    const target = core.roster.find(probe.target);
    if (target === undefined) return;
    const { number } = probe;
    const { address } = target.meta;
    const helpers = core.pick(
      core.tuning.indirectProbes,
      ({ id, status }) => id !== probe.target && status === 'alive',
    );
    for (const { id, meta } of helpers) {
      const request: PingRequest = {
        type: 'pingRequest',
        number,
        target: target.id,
        address,
        facts: [],
      };
      core.carry(id, meta.address, request);
    }
    // With nobody to ask, the one who gets no answer is as suspect as the one who gives none.
    probe.nacksOwed = Math.max(1, helpers.length);
    this.ping(target.id, address, number, true);
  }

  private conclude(probe: Probe): void {
    const { core } = this;
    this.probe = null;
    if (probe.isAnswered) return;
    // Helpers that do not even say that they had no answer: the fault may be our own (Lifeguard).
    core.health.worsen(probe.nacksOwed);
    const target = core.roster.find(probe.target);
    if (target !== undefined) this.membership.accuse(target);
  }

  onPing(from: MemberId, { number, target }: Ping, address: string | null): void {
    const { core } = this;
    // The member that was meant had this address before us.
    if (target !== core.id) return;
    const to = address ?? core.roster.find(from)?.meta.address;
    if (to === undefined) return;
    core.carry(from, to, { type: 'ack', number, facts: [] }, address === null);
  }

  onAck(from: MemberId, { number }: Ack, address: string | null): void {
    const { core, probe } = this;
    const relay = this.relays.get(number);
    if (relay !== undefined && relay.target === from) {
      this.relays.delete(number);
      core.carry(relay.asker, relay.address, { type: 'ack', number: relay.number, facts: [] });
      return;
    }
    if (probe === null || probe.number !== number || probe.isAnswered) return;
    probe.isAnswered = true;
    core.packetsLost = address === null ? core.packetsLost + 1 : 0;
    core.health.improve();
  }

  onNack(_from: MemberId, { number }: Nack): void {
    const { probe } = this;
    if (probe !== null && probe.number === number && probe.nacksOwed > 0) probe.nacksOwed -= 1;
  }

  onPingRequest(from: MemberId, request: PingRequest, address: string | null): void {
    const { core } = this;
    const to = address ?? core.roster.find(from)?.meta.address;
    if (to === undefined || this.relays.size >= GOSSIP_RELAYS_MAX) return;
    const number = this.nextNumber();
    const waitTicks = core.tuning.probeTimeoutTicks;
    this.relays.set(number, {
      asker: from,
      address: to,
      number: request.number,
      target: request.target,
      nackAt: core.now + Math.ceil(waitTicks * NACK_SHARE),
      endAt: core.now + 2 * waitTicks,
      isNacked: false,
    });
    this.ping(request.target, request.address, number, false);
  }

  private tickRelays(): void {
    const { core } = this;
    for (const [number, relay] of this.relays) {
      if (core.now >= relay.endAt) this.relays.delete(number);
      else if (core.now >= relay.nackAt && !relay.isNacked && core.tuning.lifeguard) {
        relay.isNacked = true;
        core.carry(relay.asker, relay.address, { type: 'nack', number: relay.number, facts: [] });
      }
    }
  }
}
