import type { Prng } from '../../base/prng.ts';
import { Writer } from '../../base/writer.ts';
import type { Ballot } from '../ballot.ts';
import { beginStopSign, type Configuration, quorumsOf } from '../configuration.ts';
import { type Anchor, type Entry, EntryKind } from '../entry.ts';
import type { Message } from '../messages.ts';
import { ballotKey, check, checkQuorumsIntersect, Ghost } from './ghost.ts';
import { type LinkFaults, Links, type Packet } from './links.ts';
import { type Hooks, Member, type MemberOptions, type World } from './member.ts';

export interface ClusterOptions extends MemberOptions {
  readonly genesis: Configuration;
  /** Replicas that run from the start, members or not. */
  readonly ids: readonly number[];
  readonly links: LinkFaults;
  readonly hooks: Hooks;
  /** Receives a line for each event; null: nobody looks. */
  readonly trace: ((line: string) => void) | null;
}

/** Decided entries, or the snapshot that took their place, on their way from one to another. */
export interface Fetched {
  readonly from: number;
  readonly to: number;
  readonly after: Anchor;
  readonly entries: readonly Entry[];
  /** Of the last entry, or of the snapshot. */
  readonly hash: Uint8Array;
  /** Set if the source has only a snapshot, standing at `after`. */
  readonly snapshot: Configuration | null;
}

/** Some replicas, their disks, and the network between them. Nothing happens but by a verb. */
export class Cluster implements World {
  readonly prng: Prng;
  readonly options: ClusterOptions;
  readonly ghost: Ghost;
  readonly links: Links;
  readonly members: Map<number, Member> = new Map();
  readonly fetches: { readonly to: number; readonly from: number }[] = [];
  readonly fetched: Fetched[] = [];
  private readonly leaders = new Map<string, number>();
  private readonly proposed: Configuration[];

  constructor(prng: Prng, options: ClusterOptions) {
    this.prng = prng;
    this.options = options;
    this.ghost = new Ghost(options.genesis);
    this.links = new Links(prng.fork(), options.links);
    this.proposed = [options.genesis];
    checkQuorumsIntersect(options.genesis);
    for (const id of options.ids) {
      const member = new Member(id, options.genesis, options, this, options.hooks);
      this.members.set(id, member);
    }
    for (const member of this.members.values()) member.start();
  }

  get all(): Member[] {
    return [...this.members.values()];
  }

  get running(): Member[] {
    return this.all.filter(({ isRunning }) => isRunning);
  }

  get leader(): Member | null {
    const leaders = this.running.filter(({ paxos }) => paxos?.role === 'leader');
    return leaders[leaders.length - 1] ?? null;
  }

  member(id: number): Member {
    return this.members.get(id) as Member;
  }

  trace(line: string): void {
    this.options.trace?.(line);
  }

  // What the members need of their surroundings.

  send(from: number, to: number, message: Message): void {
    this.links.send({ from, to, message });
  }

  fetch(to: number, from: number): void {
    if (this.fetches.length < 20) this.fetches.push({ to, from });
  }

  decidedAnywhere(): number {
    const known = this.all.map(({ paxos, applied }) => paxos?.decidedSlot ?? applied);
    return Math.max(0, ...known);
  }

  leads(id: number, configurationId: number, ballot: Ballot): void {
    const key = `${configurationId}/${ballotKey(ballot)}`;
    const other = this.leaders.get(key) ?? id;
    check(other === id, 'one leader per ballot', `${other} and ${id} lead ${key}`);
    this.leaders.set(key, id);
  }

  // Verbs.

  deliver({ from, to, message }: Packet): void {
    this.trace(`${from} -> ${to} ${describe(message)}`);
    this.member(to)?.receive(from, message);
  }

  crash(member: Member): void {
    this.trace(`crash ${member.id}`);
    member.crash();
    this.links.forgetOf(member.id);
    for (const other of this.running) other.step((paxos) => paxos.disconnected(member.id));
  }

  start(member: Member): void {
    member.start();
    this.trace(`start ${member.id} ${describeMember(member)}`);
    this.connect(member);
  }

  /** New connections to and from a replica: whatever was under way on old ones is lost. */
  connect(member: Member): void {
    this.links.forgetOf(member.id);
    for (const other of this.running) {
      if (other === member) continue;
      other.step((paxos) => paxos.connected(member.id));
      member.step((paxos) => paxos.connected(other.id));
    }
  }

  heal(): void {
    this.trace('heal');
    this.links.heal();
    for (const member of this.running) {
      for (const { id } of this.all) if (id !== member.id) member.step((p) => p.connected(id));
    }
  }

  /**
   * Cuts a crashed replica's log. Nobody can do without a quorum of whole logs, so that is what
   * is kept, in every configuration that may come into force; and who else, with its log, knows
   * the latest configuration.
   */
  damage(member: Member): boolean {
    const { storage } = member;
    const whole = new Set(this.all.filter(({ storage }) => !storage.isDamaged).map(({ id }) => id));
    whole.delete(member.id);
    const isEnough = this.proposed.every((proposed) => quorumsOf(proposed).isElectionQuorum(whole));
    const known = this.all.filter(({ id }) => whole.has(id)).map((other) => other.configurationId);
    if (Math.max(0, ...known) < member.configurationId) return false;
    if (!isEnough || storage.entries.length === 0) return false;
    storage.damage(storage.base.slot + this.prng.below(storage.entries.length));
    this.trace(`damage ${member.id} ${describeMember(member)}`);
    return true;
  }

  propose(member: Member): void {
    const slot = member.propose();
    if (slot !== null) this.trace(`propose ${member.id} slot ${slot}`);
  }

  reconfigure(member: Member, next: Configuration): void {
    const { paxos } = member;
    if (paxos?.isOpen !== true) return;
    checkQuorumsIntersect(next);
    this.proposed.push(next);
    const members = [...next.quorums.voters.map(({ id }) => id), ...next.observers];
    this.trace(`reconfigure ${member.id} to ${next.id}: ${members}`);
    const writer = new Writer();
    beginStopSign(writer, next);
    member.step((core) => {
      for (const id of members) core.addLearner(id);
      core.propose(EntryKind.configuration, writer.written().slice());
    });
  }

  /** A replica asked for what it lacks: the other side reads its log, or finds it trimmed. */
  answerFetch(): void {
    const wanted = this.fetches.shift();
    if (wanted === undefined) return;
    const { from, to } = wanted;
    const [source, asker] = [this.member(from), this.member(to)];
    if (!source.isRunning || !asker.isRunning || !this.links.carries(from, to)) return;
    const { slot } = (asker.paxos as NonNullable<typeof asker.paxos>).learnFrom;
    const { storage, applied } = source;
    if (slot >= applied) return;
    if (slot < storage.base.slot) {
      const { base: after, baseConfiguration: snapshot } = storage;
      this.fetched.push({ from, to, after, entries: [], hash: after.hash, snapshot });
      return;
    }
    const entries = storage.behind(slot, Math.min(1 + this.prng.below(8), applied - slot));
    const after = storage.at(slot) as Anchor;
    const hash = (entries[entries.length - 1] as Entry).hash;
    this.fetched.push({ from, to, after, entries, hash, snapshot: null });
  }

  /** What was fetched arrives; a replica that got further asks on. */
  deliverFetched(): void {
    const fetched = this.fetched.shift();
    if (fetched === undefined) return;
    const { from, to, after, entries, hash, snapshot } = fetched;
    const member = this.member(to);
    if (!member.isRunning) return;
    this.trace(`${from} => ${to} ${snapshot === null ? 'log' : 'snapshot'} behind ${after.slot}`);
    let fits = false;
    if (snapshot !== null) fits = this.install(member, after, snapshot);
    else {
      member.step((paxos) => {
        fits = paxos.learn(after, entries, hash);
      });
    }
    if (fits) this.fetch(to, from);
  }

  private install(member: Member, anchor: Anchor, configuration: Configuration): boolean {
    check(this.ghost.isChosen(anchor), 'snapshots hold what is chosen', `${member.id}`);
    let isKnown = false;
    member.step((paxos) => {
      isKnown = paxos.learn(anchor, [], anchor.hash);
    });
    if (isKnown || anchor.slot <= member.applied || member.storage.queue.length > 0) return isKnown;
    const { paxos } = member;
    if (paxos?.role === 'leader' || paxos?.decidedSlot !== member.applied) return false;
    member.install(anchor, configuration);
    return true;
  }
}

export function describe(message: Message): string {
  const { type, ballot, configurationId, ...fields } = message;
  const words = Object.entries(fields).map(([name, value]) => {
    if (name === 'hash') return '';
    if (name === 'entries') return `[${(value as Entry[]).map(({ slot }) => slot)}]`;
    if (typeof value !== 'object') return `${name}=${value}`;
    if ('round' in value) return `${name}=${ballotKey(value)}`;
    return 'slot' in value ? `${name}=${value.slot}` : '';
  });
  const text = words.filter((word) => word !== '').join(' ');
  return `${type} ${ballotKey(ballot)} c${configurationId} ${text}`.trimEnd();
}

export function describeMember({ storage, applied }: Member): string {
  const { state, last, decidedHint, isDamaged } = storage;
  const ballots = `promised ${ballotKey(state.promised)} accepted ${ballotKey(state.accepted)}`;
  const log = `last ${last.slot} hint ${decidedHint} applied ${applied}`;
  return `${ballots} c${state.configuration.id} ${log}${isDamaged ? ' damaged' : ''}`;
}
