import { type Ballot, compareBallots, sameBallot } from '../ballot.ts';
import { type Configuration, configurationIn, quorumsOf } from '../configuration.ts';
import { type Entry, EntryKind } from '../entry.ts';
import type { HardState } from '../hard-state.ts';
import type { Quorums } from '../quorum.ts';
import { hashKey, testChain } from './chain.ts';
import type { StableStorage } from './stable-storage.ts';

/** A broken promise of the protocol; the message says which and where. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
  }
}

export function check(condition: boolean, invariant: string, detail: string): asserts condition {
  if (!condition) throw new Violation(invariant, detail);
}

export function ballotKey(ballot: Ballot): string {
  return `${ballot.round}.${ballot.replica}`;
}

/** Which quorums decide the slots behind `after`. */
interface Term {
  readonly after: number;
  readonly id: number;
  readonly quorums: Quorums;
}

/**
 * What really happened, seen from above: every acceptance that ever became durable anywhere. From
 * it follows what is chosen, whether or not any replica knows.
 */
export class Ghost {
  /** Chosen entries by slot. */
  readonly chosen: Entry[] = [];
  private readonly genesis: Configuration;
  /** The configuration in force behind each chosen stop-sign, oldest first. */
  private readonly configurations: Term[] = [];
  /** By slot and hash, then by ballot: who accepted. */
  private readonly acceptances = new Map<string, Map<string, Set<number>>>();
  /** By slot and first ballot: the hash, which names the whole history. */
  private readonly histories = new Map<string, string>();
  /** The one in force behind everything that is chosen. */
  configuration: Configuration;

  constructor(genesis: Configuration) {
    this.genesis = genesis;
    this.configuration = genesis;
    this.begin(genesis, 0);
  }

  get chosenUpTo(): number {
    return this.chosen.length;
  }

  chosenAt(slot: number): Entry | null {
    return this.chosen[slot - 1] ?? null;
  }

  isChosen(entry: { readonly slot: number; readonly hash: Uint8Array }): boolean {
    const chosen = this.chosenAt(entry.slot);
    return chosen !== null && hashKey(chosen.hash) === hashKey(entry.hash);
  }

  /** The configuration in force at the entry behind `slot`. */
  configurationBehind(slot: number): Configuration {
    let found = this.genesis;
    for (const entry of this.chosen) {
      if (entry.slot > slot) break;
      if (entry.kind === EntryKind.configuration) found = configurationIn(entry.body);
    }
    return found;
  }

  private begin(configuration: Configuration, after: number): void {
    this.configuration = configuration;
    this.configurations.push({ after, id: configuration.id, quorums: quorumsOf(configuration) });
  }

  /** `id` has accepted these entries, and its log before them, under the state's ballot, durably. */
  accepted(id: number, { accepted, configuration }: HardState, entries: readonly Entry[]): void {
    if (accepted.round === 0) return;
    const under = `${configuration.id}/${ballotKey(accepted)}`;
    for (const entry of entries) {
      this.checkHistory(entry);
      const key = `${entry.slot}/${hashKey(entry.hash)}`;
      const ballots = this.acceptances.get(key) ?? new Map<string, Set<number>>();
      this.acceptances.set(key, ballots);
      const ids = ballots.get(under) ?? new Set<number>();
      ballots.set(under, ids);
      ids.add(id);
      this.judge(entry, configuration.id, ids);
    }
  }

  /**
   * Primary order (Junqueira et al., Zab, DSN'11; rule 2): an entry stands behind what its
   * proposer had before it, whoever proposes it again.
   */
  private checkHistory({ slot, round, replica, hash }: Entry): void {
    const key = `${slot}/${round}.${replica}`;
    const known = this.histories.get(key);
    if (known === undefined) this.histories.set(key, hashKey(hash));
    else check(known === hashKey(hash), 'primary order', `slot ${slot} of ${round}.${replica}`);
  }

  /** Agreement: Paxos Made Simple, section 2.1, "only a single value is chosen", per slot. */
  private judge(entry: Entry, configurationId: number, ids: ReadonlySet<number>): void {
    if (this.isChosen(entry)) return;
    const term = this.configurations.findLast(({ after }) => after < entry.slot) as Term;
    if (term.id !== configurationId || !term.quorums.isWriteQuorum(ids)) return;
    const other = this.chosenAt(entry.slot);
    check(other === null, 'agreement', `slot ${entry.slot} is chosen a second time`);
    check(
      entry.slot === this.chosen.length + 1,
      'chosen with its whole prefix',
      `slot ${entry.slot} behind ${this.chosen.length}`,
    );
    this.chosen.push(entry);
    if (entry.kind === EntryKind.configuration) {
      this.begin(configurationIn(entry.body), entry.slot);
    }
  }
}

/** Rule 8, and P1 of Paxos Made Simple: what was promised or accepted stays so over any crash. */
export function checkNothingGoesBack(
  id: number,
  before: {
    readonly promised: Ballot;
    readonly configurationId: number;
    readonly accepted: Ballot;
  },
  storage: StableStorage,
): void {
  const { promised, accepted, configuration } = storage.state;
  check(
    compareBallots(promised, before.promised) >= 0,
    'promises never go back',
    `${id} from ${ballotKey(before.promised)} to ${ballotKey(promised)}`,
  );
  check(
    configuration.id >= before.configurationId,
    'configurations never go back',
    `${id} from ${before.configurationId} to ${configuration.id}`,
  );
  check(
    configuration.id > before.configurationId || compareBallots(accepted, before.accepted) >= 0,
    'accepted ballots never go back',
    `${id} from ${ballotKey(before.accepted)} to ${ballotKey(accepted)}`,
  );
}

/** Rules 1 and 4, "the log is one history": no gap, and each hash covers its predecessor. */
export function checkChain(id: number, storage: StableStorage, fromSlot: number): void {
  for (const entry of storage.behind(fromSlot - 1)) {
    const previous = storage.at(entry.slot - 1);
    check(previous !== null, 'no gaps', `${id} lacks what precedes ${entry.slot}`);
    const { slot, round, kind, replica, body } = entry;
    const hash = testChain(previous.hash, slot, round, kind, replica, body);
    check(hashKey(hash) === hashKey(entry.hash), 'hash chain', `${id} at slot ${slot}`);
  }
}

/** Rule 21, Sequence Paxos' stop-sign: nothing follows one that may still be replaced. */
export function checkStopSigns(id: number, storage: StableStorage, ghost: Ghost): void {
  for (const entry of storage.entries) {
    if (entry.kind !== EntryKind.configuration || entry.slot === storage.last.slot) continue;
    check(ghost.isChosen(entry), 'behind a stop-sign', `${id} went on behind slot ${entry.slot}`);
  }
}

/** Whoever says "accepted" has it on disk (rules 7, 11 and 12; etcd #14370). */
export function checkAcknowledgement(
  id: number,
  { ballot, slot, hash }: { ballot: Ballot; slot: number; hash: Uint8Array },
  storage: StableStorage,
): void {
  const { state } = storage;
  const where = `${id} at ${ballotKey(ballot)}, slot ${slot}`;
  check(sameBallot(state.accepted, ballot), 'acknowledged what is durable', `${where}: ballot`);
  const own = storage.at(slot);
  check(
    slot < storage.base.slot || (own !== null && hashKey(own.hash) === hashKey(hash)),
    'acknowledged what is durable',
    where,
  );
}

/** Whoever promises has it on disk (rule 7; Paxos Made Simple, section 2.5, stable storage). */
export function checkPromise(id: number, ballot: Ballot, storage: StableStorage): void {
  check(
    compareBallots(storage.state.promised, ballot) >= 0,
    'promised what is durable',
    `${id}: ${ballotKey(ballot)}`,
  );
}

const intersecting = new Map<string, boolean>();

/** Flexible Paxos, section 3: every phase-1 quorum meets every phase-2 quorum. By brute force. */
export function checkQuorumsIntersect(configuration: Configuration): void {
  const key = JSON.stringify(configuration.quorums);
  let meets = intersecting.get(key);
  if (meets === undefined) {
    meets = quorumsMeet(configuration);
    intersecting.set(key, meets);
  }
  check(meets, 'quorums intersect', key);
}

function quorumsMeet(configuration: Configuration): boolean {
  const quorums = quorumsOf(configuration);
  const ids = configuration.quorums.voters.map(({ id }) => id);
  const subsets = Array.from({ length: 2 ** ids.length }, (_, bits) =>
    ids.filter((_id, i) => (bits >> i) % 2 === 1),
  );
  const electing = subsets.filter((subset) => quorums.isElectionQuorum(new Set(subset)));
  const writing = subsets.filter((subset) => quorums.isWriteQuorum(new Set(subset)));
  return electing.every((a) => writing.every((b) => a.some((id) => b.includes(id))));
}
