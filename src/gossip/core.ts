import { assert } from '../base/assert.ts';
import { GOSSIP_PACKET_BYTES_MAX, GOSSIP_SEAL_BYTES } from '../base/limits.ts';
import { frameBytes } from './codec.ts';
import { factBytes, isSoundMeta } from './codec-facts.ts';
import { Health } from './health.ts';
import {
  type Fact,
  isNewerMeta,
  isPassingChange,
  isRoot,
  type Member,
  type MemberId,
  type Meta,
} from './member.ts';
import type { CarrierMessage, LogMessage } from './messages.ts';
import { type GossipOptions, TUNING, type Tuning } from './options.ts';
import { type ChangeKind, emptyOutput, type Output } from './output.ts';
import { Roster } from './roster.ts';
import { Rumours } from './rumours.ts';
import type { Suspicion } from './suspicion.ts';

/** More members than this tell of load and progress less often. */
const CHATTY_MEMBERS = 50;

/** So many probes answered over a stream only: packets do not pass. */
const BLOCKED_PROBES = 3;

/** Counted, and shown to operators: what came and was of no use. */
export interface Counters {
  /** Members that found no place. */
  refusedMembers: number;
  /** Entries whose hash does not cover what they say, or that do not follow what is here. */
  foreignEntries: number;
  /** State exchanges that were not answered because too many asked. */
  refusedExchanges: number;
  /** Suspicions against this member that it had to refute. */
  refutations: number;
}

/** Everything that the parts share: who we are, whom we know, what has to be done. */
export class Core {
  readonly id: MemberId;
  readonly options: GossipOptions;
  readonly tuning: Tuning;
  readonly random: () => number;
  readonly roster: Roster;
  /** News of who lives and where. */
  readonly rumours: Rumours = new Rumours();
  /** News of load and progress, which fill what room the others leave. */
  readonly passing: Rumours = new Rumours();
  readonly suspicions: Map<MemberId, Suspicion> = new Map();
  readonly health: Health;
  readonly counters: Counters = {
    refusedMembers: 0,
    foreignEntries: 0,
    refusedExchanges: 0,
    refutations: 0,
  };
  output: Output = emptyOutput();
  now = 0;
  incarnation: number;
  life: number;
  counter = 0;
  meta: Meta;
  isLeaving = false;
  /** Probes in a row that were answered over a stream only. */
  packetsLost = 0;
  private metaToldAt = 0;
  private owesMeta = false;

  constructor(options: GossipOptions) {
    assert(isSoundMeta(options.meta), 'a member says of itself what others can read');
    this.options = options;
    this.tuning = { ...TUNING, ...options.tuning };
    this.id = options.id;
    this.random = options.random;
    this.roster = new Roster(options.random);
    this.health = new Health(this.tuning.lifeguard ? this.tuning.healthMax : 0);
    this.incarnation = options.incarnation;
    this.life = options.incarnation;
    this.meta = options.meta;
    this.rumours.put(this.ownFact());
  }

  /** Members that live, this one included. */
  get size(): number {
    return this.roster.size + 1;
  }

  /**
   * Packets do not pass here, as where UDP is blocked: news and the log's messages take streams.
   * Pings and their answers go on as packets, or nobody would notice that they pass again.
   */
  get isBlocked(): boolean {
    return this.packetsLost >= BLOCKED_PROBES;
  }

  get isRoot(): boolean {
    return isRoot(this.meta);
  }

  ownFact(): Fact {
    const { id, incarnation, life, counter, meta } = this;
    const status = this.isLeaving ? 'left' : 'alive';
    return { id, status, incarnation, life, counter, meta, accuser: null, ageTicks: 0 };
  }

  /**
   * Raises its own incarnation above what somebody said of it, and says that it is alive: a wrong
   * accusation, or the memory of an earlier life that began with a higher number. In that case
   * what it says in this life has to count as newer than what it said in that one.
   */
  refute(said: Fact): void {
    this.incarnation = Math.max(said.incarnation, this.incarnation, said.life) + 1;
    if (isNewerMeta(said, this)) this.life = this.incarnation;
    this.rumours.put(this.ownFact());
  }

  setMeta(meta: Meta): void {
    assert(isSoundMeta(meta), 'a member says of itself what others can read');
    const passes = isPassingChange(this.meta, meta);
    this.meta = meta;
    if (passes) this.owesMeta = true;
    else this.tellMeta(this.rumours);
  }

  /**
   * Load and progress change all the time, and each change is told to everyone. So that this costs
   * each member the same at any size, the pause grows with the number of those who talk.
   */
  tickMeta(): void {
    if (!this.owesMeta) return;
    const pauseTicks = this.tuning.metaTicks * Math.max(1, this.size / CHATTY_MEMBERS);
    if (this.now - this.metaToldAt >= pauseTicks) this.tellMeta(this.passing);
  }

  private tellMeta(rumours: Rumours): void {
    this.owesMeta = false;
    this.metaToldAt = this.now;
    this.counter += 1;
    rumours.put(this.ownFact());
  }

  change(kind: ChangeKind, id: MemberId, incarnation: number): void {
    const member = this.roster.find(id) ?? null;
    this.output.changes.push({ kind, id, incarnation, member });
  }

  /** Sends a message of the failure detector, filled up with news. */
  carry(to: MemberId | null, address: string, message: CarrierMessage, stream = false): void {
    const room = GOSSIP_PACKET_BYTES_MAX - GOSSIP_SEAL_BYTES - frameBytes(message);
    const facts = [...message.facts, ...this.newsFor(to, room)];
    this.output.sends.push({ to, address, message: { ...message, facts }, stream });
  }

  /** Sends news, if there are any for this member. */
  tell(to: MemberId, address: string): void {
    this.carry(to, address, { type: 'rumours', facts: [] }, this.isBlocked);
    const { sends } = this.output;
    const last = sends[sends.length - 1]?.message;
    if (last?.type === 'rumours' && last.facts.length === 0) sends.pop();
  }

  /** Sends as it is. */
  send(to: MemberId, address: string, message: LogMessage, stream = false): void {
    this.output.sends.push({ to, address, message, stream: stream || this.isBlocked });
  }

  newsFor(to: MemberId | null, room: number): Fact[] {
    const limit = this.tuning.retransmitFactor * Math.ceil(Math.log10(this.size + 1));
    const facts: Fact[] = [];
    let left = room;
    const buddy = to === null || !this.tuning.lifeguard ? null : this.accusationOf(to);
    // Lifeguard's buddy system: whoever is accused hears it from the first who talks to it.
    if (buddy !== null && factBytes(buddy) <= left) {
      facts.push(buddy);
      left -= factBytes(buddy);
    }
    for (const rumours of [this.rumours, this.passing]) {
      for (const fact of rumours.take(left, limit, to)) {
        facts.push(fact);
        left -= factBytes(fact);
      }
    }
    return facts;
  }

  /** What is held against a member here, if anything. */
  private accusationOf(id: MemberId): Fact | null {
    const { roster } = this;
    const suspicion = this.suspicions.get(id);
    const member = roster.find(id);
    if (suspicion !== undefined && member !== undefined) {
      return { ...member, meta: null, accuser: suspicion.accuser, ageTicks: 0 };
    }
    const tombstone = roster.tombstone(id);
    if (tombstone === undefined) return null;
    const ageTicks = this.now - tombstone.since;
    const { status, incarnation, life, counter } = tombstone;
    return { id, status, incarnation, life, counter, meta: null, accuser: null, ageTicks };
  }

  factOf(member: Member): Fact {
    const accuser = this.suspicions.get(member.id)?.accuser ?? null;
    return { ...member, accuser, ageTicks: 0 };
  }

  pick(count: number, fits: (member: Member) => boolean): Member[] {
    return this.roster.pick(count, fits);
  }
}
