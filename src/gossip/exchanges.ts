import {
  GOSSIP_CHUNK_BYTES,
  GOSSIP_EXCHANGE_REPLIES_MAX,
  GOSSIP_SEEDS_MAX,
} from '../base/limits.ts';
import { factBytes } from './codec-facts.ts';
import type { Core } from './core.ts';
import type { Fact, MemberId } from './member.ts';
import type { Exchange } from './messages.ts';

/** Up to this many members exchange at the full rate; each doubling beyond adds one interval. */
const SMALL_CLUSTER = 32;

/** How often a member that seems gone is asked instead of one that lives. */
const REVIVAL_CHANCE = 0.5;

/**
 * State exchanges: two members tell each other all they know. That is how a stranger joins, how
 * news that every rumour missed still arrives, and how two halves of a cut network meet again.
 */
export class Exchanges {
  private readonly core: Core;
  private readonly seeds: string[] = [];
  /** Where the configuration says that members are, whoever is known to live. */
  private lasting: readonly string[] = [];
  private nextAt: number;
  /** Nobody has told all that it knows since this member asked for it. */
  private isWaiting = false;
  private repliesLeft = GOSSIP_EXCHANGE_REPLIES_MAX;
  private wasBlocked = false;

  constructor(core: Core) {
    this.core = core;
    this.nextAt = Math.ceil(core.random() * core.tuning.exchangeTicks);
  }

  join(addresses: readonly string[]): void {
    for (const address of addresses) {
      if (address === this.core.meta.address || this.seeds.includes(address)) continue;
      if (this.seeds.length === GOSSIP_SEEDS_MAX) this.seeds.shift();
      this.seeds.push(address);
    }
    this.isWaiting = this.seeds.length > 0;
    this.turn();
  }

  keepAsking(addresses: readonly string[]): void {
    this.lasting = addresses.filter((address) => address !== this.core.meta.address);
  }

  /** Those who live now are whom to ask after everything is forgotten. */
  pickSeeds(): string[] {
    const living = this.core.pick(GOSSIP_SEEDS_MAX / 2, () => true);
    return living.map(({ meta }) => meta.address);
  }

  tick(): void {
    const { core } = this;
    if (core.now % core.tuning.probeTicks === 0) this.repliesLeft = GOSSIP_EXCHANGE_REPLIES_MAX;
    // What was told in packets until now has reached nobody.
    const isNews = core.isBlocked && !this.wasBlocked;
    this.wasBlocked = core.isBlocked;
    if (isNews || core.now >= this.nextAt) this.turn();
  }

  private turn(): void {
    const { core } = this;
    const { tuning } = core;
    const doublings = Math.max(0, Math.ceil(Math.log2(core.size / SMALL_CLUSTER)));
    const isAlone = core.roster.size === 0;
    // News of a few may come before the answer of the one that was asked: that is not all of them.
    const isHasty = isAlone || this.isWaiting;
    this.nextAt = core.now + (isHasty ? tuning.joinTicks : tuning.exchangeTicks * (1 + doublings));
    const gone = isAlone || core.random() < REVIVAL_CHANCE ? this.pickGone() : null;
    if (gone !== null) {
      this.tellAll(gone.id, gone.address, true);
      return;
    }
    const [partner] = core.pick(1, ({ status }) => status === 'alive');
    if (partner !== undefined) this.tellAll(partner.id, partner.meta.address, true);
  }

  /** A dead member, or a seed that is nobody's address: it may be behind a cut that has healed. */
  private pickGone(): { readonly id: MemberId | null; readonly address: string } | null {
    const { core } = this;
    const gone: { readonly id: MemberId | null; readonly address: string }[] = [];
    for (const { id, status, meta } of core.roster.tombstones) {
      if (status === 'dead' && meta !== null) gone.push({ id, address: meta.address });
    }
    // A seed is asked first: of those that start together, each would answer that it knows nobody.
    const seeds = new Set(this.isWaiting ? this.seeds : [...this.seeds, ...this.lasting]);
    for (const { meta } of core.roster.members) seeds.delete(meta.address);
    for (const address of seeds) gone.push({ id: null, address });
    return gone[Math.floor(core.random() * gone.length)] ?? null;
  }

  onExchange(from: MemberId, { wantsReply, facts }: Exchange): void {
    const { core } = this;
    if (!wantsReply) {
      this.isWaiting = false;
      return;
    }
    // The asker's own word comes first: we may hold it dead, or have no place for it.
    const own = facts.find(({ id }) => id === from)?.meta ?? core.roster.find(from)?.meta;
    if (own === undefined || own === null) return;
    if (this.repliesLeft === 0) {
      core.counters.refusedExchanges += 1;
      return;
    }
    this.repliesLeft -= 1;
    this.tellAll(from, own.address, false);
  }

  /** The last chunk asks for the reply and has what the sender says of itself. */
  private tellAll(to: MemberId | null, address: string, wantsReply: boolean): void {
    const { core } = this;
    let facts: Fact[] = [];
    let bytes = 0;
    const flush = (wants: boolean) => {
      const message: Exchange = { type: 'exchange', wantsReply: wants, facts };
      core.output.sends.push({ to, address, message, stream: true });
      facts = [];
      bytes = 0;
    };
    for (const fact of this.allFacts()) {
      facts.push(fact);
      bytes += factBytes(fact);
      if (bytes >= GOSSIP_CHUNK_BYTES) flush(false);
    }
    facts.push(core.ownFact());
    flush(wantsReply);
  }

  private *allFacts(): Iterable<Fact> {
    const { core } = this;
    for (const member of core.roster.members) yield core.factOf(member);
    for (const { since, ...tombstone } of core.roster.tombstones) {
      yield { ...tombstone, accuser: null, ageTicks: Math.max(0, core.now - since) };
    }
  }
}
