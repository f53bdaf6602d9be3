import { Core, type Counters } from './core.ts';
import type { Anchor, Entry } from './entry.ts';
import { Exchanges } from './exchanges.ts';
import type { Member, MemberId, Meta } from './member.ts';
import { Membership } from './membership.ts';
import type { CarrierMessage, Message } from './messages.ts';
import type { GossipOptions } from './options.ts';
import { emptyOutput, type MemberRow, NOTHING, type Output } from './output.ts';
import { Prober } from './prober.ts';
import { Tree } from './tree.ts';

export type { GossipOptions, Tuning } from './options.ts';

/**
 * Gossip for one member: who is there, and the committed log for those that only read. It takes
 * events (`receive`, `tick`, `announce`…) and returns obligations (`drain`); it knows no clock,
 * socket or chance but what it is given. `README.md` has the messages and the invariants. What it
 * says informs and never decides (rule 46).
 */
export class Gossip {
  private readonly core: Core;
  private readonly membership: Membership;
  private readonly prober: Prober;
  private readonly exchanges: Exchanges;
  private readonly tree: Tree;

  constructor(options: GossipOptions) {
    this.core = new Core(options);
    this.membership = new Membership(this.core);
    this.prober = new Prober(this.core, this.membership);
    this.exchanges = new Exchanges(this.core);
    this.tree = new Tree(this.core);
    this.membership.onArrival = (member) => this.prober.arrived(member);
    this.membership.onDeparture = (id) => this.tree.departed(id);
  }

  get id(): MemberId {
    return this.core.id;
  }

  get incarnation(): number {
    return this.core.incarnation;
  }

  get meta(): Meta {
    return this.core.meta;
  }

  /** Members that live, this one included. */
  get size(): number {
    return this.core.size;
  }

  /** The others that live, suspected ones among them. */
  get members(): Iterable<Member> {
    return this.core.roster.members;
  }

  /** Everyone that is known, the dead and the left too, this one first. */
  get rows(): MemberRow[] {
    const { core } = this;
    const { id, status, incarnation, meta } = core.ownFact();
    return [
      { id, status, incarnation, meta },
      ...[...core.roster.members, ...core.roster.tombstones].map((each) => ({
        ...{ id: each.id, status: each.status, incarnation: each.incarnation, meta: each.meta },
      })),
    ];
  }

  find(id: MemberId): Member | undefined {
    return this.core.roster.find(id);
  }

  /** 0 is well; each step more makes it wait longer before it accuses others. */
  get healthScore(): number {
    return this.core.health.value;
  }

  get counters(): Readonly<Counters> {
    return this.core.counters;
  }

  /** Where the log stands here. */
  get anchor(): Anchor {
    return this.tree.anchor;
  }

  get neighbours(): MemberId[] {
    return [...this.tree.neighbours.all].map(({ id }) => id);
  }

  /** The neighbour that pushes the log to this member. */
  get feeder(): MemberId | null {
    return this.tree.feeder;
  }

  /** Neighbours that this member pushes the log to. */
  get fanout(): number {
    return this.tree.fanout;
  }

  /** News of who lives has been told as often as it needs: whoever leaves may go. */
  get isQuiet(): boolean {
    return this.core.rumours.size === 0;
  }

  /** Asks these addresses (`host:port`) for the members they know, again until one answers. */
  join(seeds: readonly string[]): void {
    this.exchanges.join(seeds);
  }

  /**
   * Addresses that are asked now and then for as long as no member is known there: those of the
   * configuration's voters. They replace what was given before. Without them two parts of a cluster
   * can lose each other for good: while a link was cut, the members of one part left and started
   * again, which the other part heard of as leaving, and those that started know nobody there.
   */
  keepAsking(addresses: readonly string[]): void {
    this.exchanges.keepAsking(addresses);
  }

  /** Tells everyone that this member goes; it should still tick until `isQuiet`, or a second. */
  leave(): void {
    const { core } = this;
    if (core.isLeaving) return;
    core.isLeaving = true;
    core.rumours.put(core.ownFact());
    this.tree.neighbours.leave();
    this.tellRumours();
  }

  setMeta(meta: Meta): void {
    this.core.setMeta(meta);
  }

  /**
   * How many neighbours this member pushes the log to at most. A leader that has other voters to
   * be the roots sets 0, so that its egress is what Paxos takes.
   */
  limitFanout(max: number): void {
    this.tree.limitFanout(max);
  }

  /** Committed entries that are here already: voters announce what they decide. */
  announce(entries: readonly Entry[]): void {
    this.tree.announce(entries);
  }

  /** A snapshot at `anchor` has been installed. */
  reset(anchor: Anchor): void {
    this.tree.reset(anchor);
  }

  /** Somebody waits here for this slot, which is committed: it is asked for at once. */
  need(slot: number): void {
    this.tree.need(slot);
  }

  /** `address` is where a packet came from; null for what came over a stream. */
  receive(from: MemberId, message: Message, address: string | null): void {
    // Its own words come back where an address is used by two, or by a mirror.
    if (from === this.core.id) return;
    if ('facts' in message) this.receiveCarrier(from, message, address);
    else this.tree.receive(from, message);
  }

  tick(): void {
    const { core } = this;
    core.now += 1;
    this.membership.tick();
    if (core.now % core.tuning.rumourTicks === 0) this.tellRumours();
    if (core.isLeaving) return;
    core.tickMeta();
    this.prober.tick();
    this.exchanges.tick();
    this.tree.tick();
  }

  /**
   * This member itself stood still for so many ticks, which are not made up for: what it did not
   * hear meanwhile says nothing of the others (rule 36). After a pause longer than the dead are
   * remembered it knows nobody: it might raise those that all others have forgotten.
   */
  stalled(ticks: number): void {
    const { core } = this;
    core.now += ticks;
    core.health.worsen(1);
    this.membership.stalled();
    this.prober.stalled();
    this.tree.stalled();
    if (ticks < core.tuning.tombstoneTicks) return;
    const seeds = this.exchanges.pickSeeds();
    this.membership.forgetAll();
    this.exchanges.join(seeds);
  }

  drain(): Output {
    const { output } = this.core;
    const { sends, changes, deliveries, fetchFrom } = output;
    const isEmpty = sends.length === 0 && changes.length === 0 && deliveries.length === 0;
    if (isEmpty && fetchFrom === null) return NOTHING;
    this.core.output = emptyOutput();
    return output;
  }

  private receiveCarrier(from: MemberId, message: CarrierMessage, address: string | null): void {
    const inBulk = message.type === 'exchange';
    for (const fact of message.facts) this.membership.hear(fact, from, inBulk);
    if (this.core.isLeaving && message.type !== 'ping') return;
    switch (message.type) {
      case 'ping':
        this.prober.onPing(from, message, address);
        return;
      case 'ack':
        this.prober.onAck(from, message, address);
        return;
      case 'nack':
        this.prober.onNack(from, message);
        return;
      case 'pingRequest':
        this.prober.onPingRequest(from, message, address);
        return;
      case 'exchange':
        this.exchanges.onExchange(from, message);
        return;
      case 'rumours':
    }
  }

  /** News that waits does not wait for probes; news of load and progress alone goes to one. */
  private tellRumours(): void {
    const { core } = this;
    const fanout = core.rumours.size > 0 ? core.tuning.rumourFanout : 1;
    if (core.rumours.size + core.passing.size === 0) return;
    for (const { id, meta } of core.pick(fanout, ({ status }) => status === 'alive')) {
      core.tell(id, meta.address);
    }
  }
}
