import type { Prng } from '../../base/prng.ts';
import { type Ballot, compareBallots, NO_BALLOT, sameBallot } from '../ballot.ts';
import type { Configuration } from '../configuration.ts';
import { type Anchor, type Entry, EntryKind } from '../entry.ts';
import { stateIn } from '../hard-state.ts';
import type { Message } from '../messages.ts';
import type { Output, Write } from '../output.ts';
import { Paxos, type PaxosOptions } from '../paxos.ts';
import { hashKey, testChain } from './chain.ts';
import {
  ballotKey,
  check,
  checkAcknowledgement,
  checkChain,
  checkNothingGoesBack,
  checkPromise,
  checkStopSigns,
  type Ghost,
} from './ghost.ts';
import { StableStorage, tearAppend } from './stable-storage.ts';

export interface MemberOptions {
  readonly heartbeatTicks: number;
  readonly electionTicks: number;
  readonly retainBytes: number;
  readonly chunkBytes: number;
}

/** What a planted bug may bend: the world around the core, and the core itself. */
export interface Hooks {
  /** The core to run; a subclass that is broken on purpose. */
  readonly create: (options: PaxosOptions) => Paxos;
  /** Called before a write is durable: true tells the core at once that it is. */
  readonly writtenEarly: (write: Write) => boolean;
  /** What reaches the disk. */
  readonly persist: (write: Write, storage: StableStorage) => Write;
  /** What a crash leaves of the write that was under way. */
  readonly tear: (write: Write, prng: Prng, storage: StableStorage) => Write | null;
  /** What a restart finds. */
  readonly recover: (storage: StableStorage) => void;
  /** What arrives. */
  readonly deliver: (message: Message, member: Member) => Message | null;
}

export const HONEST: Hooks = {
  create: (options) => new Paxos(options),
  writtenEarly: () => false,
  persist: (write) => write,
  tear: tearAppend,
  recover: () => {},
  deliver: (message) => message,
};

/** A linearizable read that waits for a quorum to confirm the leader. */
interface PendingRead {
  readonly probe: number;
  readonly ballot: Ballot;
  /** Everything that anybody knew to be decided when it was asked for. */
  readonly floor: number;
  readonly index: number;
}

/** What the surroundings of a replica must do; the cluster does it. */
export interface World {
  readonly ghost: Ghost;
  readonly prng: Prng;
  send(from: number, to: number, message: Message): void;
  fetch(to: number, from: number): void;
  /** The highest slot that any replica knows to be decided. */
  decidedAnywhere(): number;
  leads(id: number, configurationId: number, ballot: Ballot): void;
}

/** One replica: a core, its disk, and the loop that carries out what the core says. */
export class Member {
  readonly id: number;
  readonly storage: StableStorage;
  paxos: Paxos | null = null;
  /** Applied by this incarnation up to here. */
  applied = 0;
  /** A process that stands still keeps its state and does nothing. */
  isPaused = false;
  private readonly world: World;
  private readonly options: MemberOptions;
  private readonly hooks: Hooks;
  private writesDurable = 0;
  private checkedDecided = 0;
  private promisedOut: Ballot = NO_BALLOT;
  private acknowledged: { readonly ballot: Ballot; readonly at: Anchor } | null = null;
  private reads: PendingRead[] = [];
  private proposals = 0;

  constructor(
    id: number,
    genesis: Configuration,
    options: MemberOptions,
    world: World,
    hooks: Hooks,
  ) {
    this.id = id;
    this.storage = new StableStorage(genesis);
    this.options = options;
    this.world = world;
    this.hooks = hooks;
  }

  get isUp(): boolean {
    return this.paxos !== null;
  }

  get isRunning(): boolean {
    return this.paxos !== null && !this.isPaused;
  }

  /** As its disk has it. */
  get configurationId(): number {
    return this.storage.state.configuration.id;
  }

  /** Comes up from what is on the disk, having applied some of what is known to be decided. */
  start(): void {
    const { storage, world, options, hooks } = this;
    hooks.recover(storage);
    const { base } = storage;
    const slot = base.slot + world.prng.below(storage.decidedHint - base.slot + 1);
    const applied = storage.at(slot) as Anchor;
    this.writesDurable = 0;
    this.applied = this.checkedDecided = slot;
    this.isPaused = false;
    this.reads = [];
    this.checkRecovered();
    this.paxos = hooks.create({
      id: this.id,
      chain: testChain,
      random: (below) => world.prng.below(below),
      ...options,
      // The snapshot may have become durable before the state that it leads to.
      state: stateIn(storage.baseConfiguration, storage.state),
      applied: { slot, hash: applied.hash },
      entries: storage.behind(slot),
      damaged: storage.isDamaged,
      appliedConfigurationId: world.ghost.configurationBehind(slot).id,
    });
    this.step(() => {});
  }

  /** Paxos Made Simple, section 2.5: an acceptor remembers what it said, whatever happens. */
  private checkRecovered(): void {
    const { storage, acknowledged } = this;
    const { state } = storage;
    check(
      compareBallots(state.promised, this.promisedOut) >= 0,
      'a promise outlives a crash',
      `${this.id} promised ${ballotKey(this.promisedOut)}`,
    );
    if (acknowledged === null || storage.isDamaged) return;
    if (!sameBallot(state.accepted, acknowledged.ballot)) return;
    const { slot, hash } = acknowledged.at;
    const own = storage.at(slot);
    check(
      slot < storage.base.slot || (own !== null && hashKey(own.hash) === hashKey(hash)),
      'an acceptance outlives a crash',
      `${this.id} accepted slot ${slot} under ${ballotKey(acknowledged.ballot)}`,
    );
  }

  crash(): void {
    this.paxos = null;
    const { storage } = this;
    const before = this.mark();
    for (const write of storage.crash(this.world.prng, this.hooks.tear)) {
      this.becameDurable(write, before);
    }
  }

  /** Runs one event through the core and carries out what follows from it. */
  step(event: (paxos: Paxos) => void): void {
    const { paxos } = this;
    if (paxos === null) return;
    event(paxos);
    this.carryOut(paxos.drain());
    this.checkLeadership(paxos);
    this.checkDecided(paxos);
    this.checkReads(paxos);
  }

  private carryOut(output: Output): void {
    let early = 0;
    for (const write of output.writes) {
      if (this.hooks.writtenEarly(write)) early++;
      this.storage.queue.push(this.hooks.persist(write, this.storage));
    }
    for (const { to, message } of output.sends) {
      this.checkSaid(message);
      this.world.send(this.id, to, message);
    }
    for (const entry of output.decided) this.apply(entry);
    if (output.fetchFrom !== null) this.world.fetch(this.id, output.fetchFrom);
    this.writesDurable += early;
    if (early > 0) this.step((paxos) => paxos.written(this.writesDurable));
  }

  private apply(entry: Entry): void {
    const { ghost } = this.world;
    check(entry.slot === this.applied + 1, 'applied in order', `${this.id}: slot ${entry.slot}`);
    check(ghost.isChosen(entry), 'applied only what is chosen', `${this.id}: slot ${entry.slot}`);
    this.applied = entry.slot;
  }

  private checkSaid(message: Message): void {
    const { id, storage } = this;
    if (message.type === 'promise' || message.type === 'prepare') {
      checkPromise(id, message.ballot, storage);
      if (compareBallots(message.ballot, this.promisedOut) > 0) this.promisedOut = message.ballot;
    } else if (message.type === 'accepted') {
      checkAcknowledgement(id, message, storage);
      this.acknowledged = { ballot: message.ballot, at: message };
    }
  }

  /** "At most one proposer per ballot": Paxos Made Simple, section 2.2, distinct numbers. */
  private checkLeadership(paxos: Paxos): void {
    if (paxos.role !== 'leader') return;
    this.world.leads(this.id, paxos.configuration.id, paxos.ballot);
  }

  /** Paxos Made Simple, section 2.1: nobody learns that a value is chosen unless it is. */
  private checkDecided(paxos: Paxos): void {
    const { ghost } = this.world;
    for (let slot = this.checkedDecided + 1; slot <= paxos.decidedSlot; slot++) {
      const hash = paxos.hashAt(slot);
      if (hash === null) continue;
      check(ghost.isChosen({ slot, hash }), 'decided only what is chosen', `${this.id}: ${slot}`);
    }
    this.checkedDecided = Math.max(this.checkedDecided, paxos.decidedSlot);
  }

  /** One write becomes durable; the core hears of it. */
  completeWrite(): void {
    const { storage } = this;
    if (storage.queue.length === 0) return;
    const before = this.mark();
    const write = storage.complete();
    this.becameDurable(write, before);
    if (this.hooks.writtenEarly(write)) return;
    this.step((paxos) => paxos.written(++this.writesDurable));
  }

  private mark() {
    const { promised, accepted, configuration } = this.storage.state;
    return { promised, accepted, configurationId: configuration.id };
  }

  private becameDurable(write: Write, before: ReturnType<Member['mark']>): void {
    const { id, storage } = this;
    const { ghost } = this.world;
    checkNothingGoesBack(id, before, storage);
    if (write.kind !== 'state') {
      const from = write.kind === 'adopt' ? write.fromSlot : (write.entries[0]?.slot ?? 0);
      checkChain(id, storage, Math.max(from, storage.base.slot + 1));
      check(from > this.applied, 'what is decided never changes', `${id} cut at ${from}`);
      this.checkCut(write, before.accepted, from);
    }
    const { state } = storage;
    const isSame =
      sameBallot(before.accepted, state.accepted) &&
      before.configurationId === state.configuration.id;
    const fresh = write.kind === 'state' ? [] : write.entries;
    ghost.accepted(id, state, isSame ? fresh : storage.entries);
    checkStopSigns(id, storage, ghost);
  }

  /** Under one ballot an entry gives way to a chosen one, and to nothing else. */
  private checkCut(write: Write, accepted: Ballot, from: number): void {
    const { acknowledged, storage } = this;
    if (write.kind !== 'adopt' || acknowledged === null || acknowledged.at.slot < from) return;
    if (!sameBallot(acknowledged.ballot, accepted)) return;
    if (!sameBallot(accepted, storage.state.accepted)) return;
    const [first] = write.entries;
    check(
      first !== undefined && this.world.ghost.isChosen(first),
      'an accepted entry stays',
      `${this.id} cut at ${from}`,
    );
    this.acknowledged = null;
  }

  /** A linearizable read: its index, and the floor that it must not miss. */
  askToRead(): void {
    this.step((paxos) => {
      if (!paxos.isOpen) return;
      this.reads.push({
        probe: paxos.confirm(),
        ballot: paxos.ballot,
        floor: this.world.decidedAnywhere(),
        index: paxos.decidedSlot,
      });
    });
  }

  /** Rule 17; the Raft dissertation, section 6.4: a read sees what was decided before it began. */
  private checkReads(paxos: Paxos): void {
    if (this.reads.length === 0) return;
    if (paxos.role !== 'leader') this.reads = [];
    const due = this.reads.filter(({ probe }) => probe <= paxos.confirmedProbe);
    this.reads = this.reads.filter(({ probe }) => probe > paxos.confirmedProbe);
    for (const { ballot, index, floor } of due) {
      if (!sameBallot(ballot, paxos.ballot)) continue;
      check(index >= floor, 'linearizable reads', `${this.id} reads at ${index}, not ${floor}`);
    }
  }

  /** A snapshot takes the place of the log, if the log does not already hold what it stands for. */
  install(anchor: Anchor, configuration: Configuration): void {
    this.storage.install(anchor, configuration);
    this.applied = anchor.slot;
    this.step((paxos) => paxos.installed(anchor, configuration));
  }

  receive(from: number, message: Message): void {
    if (!this.isRunning) return;
    const delivered = this.hooks.deliver(message, this);
    if (delivered !== null) this.step((paxos) => paxos.receive(from, delivered));
  }

  /** Proposes what a replica would: its opening when due, else a batch. */
  propose(): number | null {
    const { paxos } = this;
    if (paxos === null || (!paxos.wantsOpening && !paxos.isOpen)) return null;
    const kind = paxos.wantsOpening ? EntryKind.opening : EntryKind.batch;
    const n = ++this.proposals;
    let slot = 0;
    this.step((core) => {
      slot = core.propose(kind, Uint8Array.of(this.id, n & 255, (n >> 8) & 255));
    });
    return slot;
  }
}
