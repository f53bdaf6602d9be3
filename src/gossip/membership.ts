import type { Core } from './core.ts';
import {
  type Fact,
  isNewerMeta,
  isPassingChange,
  type Member,
  type MemberId,
  type MetaVersion,
  overrules,
} from './member.ts';
import { Suspicion } from './suspicion.ts';

type Said = Pick<Fact, 'life' | 'counter' | 'meta'>;

const REAP_EVERY_TICKS = 100;

/**
 * What a statement about a member does to what is known of it. For each member, statements are
 * ordered by incarnation, then alive < suspect < dead < left; the highest one heard stands. So all
 * who heard the same know the same, in whatever order it came.
 */
export class Membership {
  private readonly core: Core;
  /** Called with every member that lives now and did not before. */
  onArrival: (member: Member) => void = () => {};
  /** Called with every member that lives no more. */
  onDeparture: (id: MemberId) => void = () => {};

  constructor(core: Core) {
    this.core = core;
  }

  /** Hearsay from `from`; `bulk` if it came with all that the sender knows. */
  hear(fact: Fact, from: MemberId | null, bulk: boolean): void {
    // What the sender says of itself is news, with whatever else it comes.
    const inBulk = bulk && fact.id !== from;
    if (fact.id === this.core.id) this.hearOfMyself(fact, from);
    else if (fact.status === 'alive') this.hearAlive(fact, inBulk);
    else if (fact.status === 'suspect') this.hearSuspect(fact, inBulk);
    else this.hearDead(fact, from, inBulk);
  }

  /** A probe of our own failed. */
  accuse(member: Member): void {
    const { core } = this;
    const { id, incarnation, life, counter } = member;
    const status = 'suspect';
    const accuser = core.id;
    this.hearSuspect(
      { id, status, incarnation, life, counter, meta: null, accuser, ageTicks: 0 },
      false,
    );
  }

  tick(): void {
    const { core } = this;
    for (const [id, suspicion] of core.suspicions) {
      if (core.now >= suspicion.deadline) this.declareDead(id);
    }
    if (core.now % REAP_EVERY_TICKS === 0) {
      for (const { id, incarnation } of core.roster.reap(core.now - core.tuning.tombstoneTicks)) {
        core.rumours.drop(id);
        core.passing.drop(id);
        core.change('forgotten', id, incarnation);
      }
    }
  }

  stalled(): void {
    for (const suspicion of this.core.suspicions.values()) suspicion.restart(this.core.now);
  }

  /** Forgets everyone: what is known is too old to be told to others. */
  forgetAll(): void {
    const { core } = this;
    const known = [...core.roster.members];
    core.roster.clear();
    core.suspicions.clear();
    core.rumours.clear();
    core.passing.clear();
    core.rumours.put(core.ownFact());
    for (const { id, incarnation } of known) {
      this.onDeparture(id);
      core.change('forgotten', id, incarnation);
    }
  }

  /** Nobody but the subject answers an accusation, and nobody else raises its incarnation. */
  private hearOfMyself(fact: Fact, from: MemberId | null): void {
    const { core } = this;
    if (core.isLeaving) return;
    if (fact.status === 'alive') {
      if (fact.incarnation > core.incarnation || isNewerMeta(fact, core)) core.refute(fact);
      return;
    }
    if (fact.incarnation >= core.incarnation) {
      core.counters.refutations += 1;
      core.health.worsen(1);
      core.refute(fact);
    }
    // Whoever still says so has not heard it refuted, and may be the last one to hear of it.
    const accuser = from === null ? undefined : core.roster.find(from);
    if (accuser === undefined) return;
    core.carry(accuser.id, accuser.meta.address, { type: 'rumours', facts: [core.ownFact()] });
  }

  private hearAlive(fact: Fact, inBulk: boolean): void {
    const { core } = this;
    const { id } = fact;
    const tombstone = core.roster.tombstone(id);
    if (tombstone !== undefined && fact.incarnation <= tombstone.incarnation) return;
    const known = core.roster.find(id);
    if (known === undefined) {
      this.arrive(fact, inBulk);
      return;
    }
    if (isNewerMeta(fact, known)) this.takeMeta(known, fact);
    if (fact.incarnation <= known.incarnation) return;
    const member = core.roster.find(id) as Member;
    core.roster.put({ ...member, status: 'alive', incarnation: fact.incarnation });
    core.suspicions.delete(id);
    core.rumours.put(core.factOf(core.roster.find(id) as Member));
    if (known.status === 'suspect') core.change('cleared', id, fact.incarnation);
  }

  /** What a member says of itself is merged apart from whether it lives. */
  private takeMeta(known: Member, fact: Fact): void {
    const { core } = this;
    const { meta, life, counter } = fact;
    if (meta === null) return;
    core.roster.put({ ...known, meta, life, counter });
    const member = core.roster.find(known.id) as Member;
    // A suspicion is told without what its subject says of itself; that goes by the next exchange.
    const rumours = isPassingChange(known.meta, meta) ? core.passing : core.rumours;
    if (known.status === 'alive') rumours.put(core.factOf(member));
    core.change('updated', known.id, known.incarnation);
  }

  private arrive(fact: Fact, inBulk: boolean): void {
    const { core } = this;
    const { id, incarnation, life, counter, meta } = fact;
    if (meta === null) return;
    if (core.roster.isFull) {
      core.counters.refusedMembers += 1;
      return;
    }
    const member: Member = { id, status: 'alive', incarnation, life, counter, meta };
    core.roster.put(member);
    // A newcomer learns of everyone in bulk: to the others that is no news.
    if (!inBulk || !this.isNewcomer) core.rumours.put(core.factOf(member));
    core.change('joined', id, incarnation);
    this.onArrival(member);
  }

  private get isNewcomer(): boolean {
    return this.core.now < 5 * this.core.tuning.joinTicks;
  }

  private hearSuspect(fact: Fact, inBulk: boolean): void {
    const { core } = this;
    const { id, incarnation } = fact;
    const tombstone = core.roster.tombstone(id);
    if (tombstone !== undefined && incarnation <= tombstone.incarnation) return;
    // Whoever is suspected with a higher incarnation has risen since it died.
    const life = fact.meta === null && tombstone !== undefined ? tombstone : fact;
    if (core.roster.find(id) === undefined) this.arrive({ ...fact, ...partOf(life) }, inBulk);
    const known = core.roster.find(id);
    if (known === undefined || incarnation < known.incarnation) return;
    const accuser = fact.accuser ?? core.id;
    const suspicion = core.suspicions.get(id);
    if (suspicion !== undefined && incarnation === known.incarnation) {
      // Lifeguard tells of confirmations too, so that everyone's suspicion shrinks.
      if (suspicion.confirm(accuser)) this.tellSuspicion(known, accuser);
      return;
    }
    core.roster.put({ ...known, status: 'suspect', incarnation });
    core.suspicions.set(id, this.suspicionOf(accuser));
    this.tellSuspicion(core.roster.find(id) as Member, accuser);
    if (suspicion === undefined) core.change('suspected', id, incarnation);
  }

  private tellSuspicion(member: Member, accuser: MemberId): void {
    this.core.rumours.put({ ...member, status: 'suspect', meta: null, accuser, ageTicks: 0 });
  }

  private suspicionOf(accuser: MemberId): Suspicion {
    const { tuning, size, now } = this.core;
    const scale = Math.max(1, Math.log10(size));
    const minTicks = Math.round(tuning.suspicionFactor * scale * tuning.probeTicks);
    const wanted = Math.min(tuning.suspicionConfirmations, size - 2);
    if (!tuning.lifeguard) return new Suspicion(accuser, now, minTicks, minTicks, 0);
    return new Suspicion(accuser, now, minTicks, minTicks * tuning.suspicionMaxFactor, wanted);
  }

  private hearDead(fact: Fact, from: MemberId | null, inBulk: boolean): void {
    const { core } = this;
    if (fact.ageTicks >= core.tuning.tombstoneTicks) return;
    const known = core.roster.find(fact.id);
    const tombstone = core.roster.tombstone(fact.id);
    if (known === undefined) {
      if (tombstone === undefined || overrules(fact, tombstone)) this.bury(fact, fact);
      return;
    }
    if (fact.incarnation < known.incarnation) return;
    if (fact.status === 'dead' && inBulk && from !== null) {
      // Two halves of a network that was cut hold each other dead. They meet again alive, and have
      // the time of a suspicion to say so; at once they would all be dead on both sides.
      this.hearSuspect({ ...fact, status: 'suspect', meta: null, accuser: from }, inBulk);
      return;
    }
    this.depart(known, fact);
  }

  private declareDead(id: MemberId): void {
    const { core } = this;
    const known = core.roster.find(id);
    core.suspicions.delete(id);
    if (known === undefined) return;
    this.depart(known, { ...core.factOf(known), status: 'dead', accuser: null });
  }

  private depart(known: Member, fact: Fact): void {
    const { core } = this;
    core.suspicions.delete(known.id);
    core.passing.drop(known.id);
    this.bury({ ...fact, meta: known.meta }, isNewerMeta(fact, known) ? fact : known);
    const { id, status, incarnation, life, counter, ageTicks } = fact;
    core.rumours.put({
      ...{ id, status, incarnation, life, counter, ageTicks },
      ...{ meta: null, accuser: null },
    });
    core.change(status === 'left' ? 'left' : 'died', id, incarnation);
    this.onDeparture(id);
  }

  private bury(fact: Fact, { life, counter }: MetaVersion): void {
    const { core } = this;
    const { id, incarnation, meta } = fact;
    const status = fact.status === 'left' ? 'left' : 'dead';
    core.roster.bury({
      ...{ id, status, incarnation, life, counter },
      meta: meta ?? core.roster.tombstone(id)?.meta ?? null,
      since: core.now - fact.ageTicks,
    });
  }
}

/** What a member said of itself, and when. */
function partOf({ life, counter, meta }: Said): Said {
  return { life, counter, meta };
}
