/** The digest of the state behind one slot. */
export interface StateDigest {
  readonly slot: number;
  readonly high: number;
  readonly low: number;
}

/** At every slot whose number this divides the replicas compare their states. */
export const DIGEST_EVERY_SLOTS = 128;
/** Slots of which digests are kept; a replica that lags further is compared at later ones. */
export const DIGESTS_MAX = 64;
/** So many comparisons a replica that lags may miss before a dispute is taken to be one. */
const PATIENCE = 2;

/** A replica whose state is another than the majority's. */
export interface Deviant {
  readonly id: number;
  /** What the majority has. */
  readonly digest: StateDigest;
}

export interface Judgement {
  readonly deviants: readonly Deviant[];
  /** The first slot at which states differ and none is a majority's; null: there is none. */
  readonly disputedSlot: number | null;
}

/**
 * The leader's comparison of state digests (rule 32). Whoever differs from a majority of the voters
 * is wrong. Two of three that differ while the third is silent are a dispute: it may still come and
 * decide it, so it gets some slots of time.
 *
 * Only digests of the same slot are compared, so a replica that lags, or that skips slots because
 * it installs a snapshot, is judged late or not at that slot, and never wrongly.
 */
export class DigestVotes {
  /** Of each slot: who has which digest. */
  private readonly slots = new Map<number, Map<number, StateDigest>>();
  /** Of each slot: deviants that have been named already. */
  private readonly named = new Map<number, Set<number>>();
  private newestSlot = 0;
  private agreedSlot = 0;
  /** Slots at which a majority has been found to agree. */
  compared = 0;

  note(id: number, digest: StateDigest): void {
    const { slot } = digest;
    if (slot <= this.newestSlot - DIGESTS_MAX * DIGEST_EVERY_SLOTS) return;
    const votes = this.slots.get(slot) ?? new Map<number, StateDigest>();
    votes.set(id, digest);
    this.slots.set(slot, votes);
    // Told again by one that was not reached: it has to be named again.
    this.named.get(slot)?.delete(id);
    this.newestSlot = Math.max(this.newestSlot, slot);
    this.prune();
  }

  /** Another leadership compares anew, with what everyone then tells again. */
  clear(): void {
    this.slots.clear();
    this.named.clear();
    this.newestSlot = 0;
    this.agreedSlot = 0;
  }

  /** Only the voters make a majority; observers are held against it. */
  judge(voters: readonly number[]): Judgement {
    const deviants: Deviant[] = [];
    let disputedSlot: number | null = null;
    for (const slot of [...this.slots.keys()].sort((a, b) => a - b)) {
      const votes = this.slots.get(slot) as Map<number, StateDigest>;
      const majority = majorityOf(votes, voters);
      if (majority !== null) {
        this.noteAgreement(slot);
        deviants.push(...this.newDeviants(slot, votes, majority));
        continue;
      }
      const isOverdue = slot <= this.newestSlot - PATIENCE * DIGEST_EVERY_SLOTS;
      if (isOverdue && differ(votes, voters)) disputedSlot ??= slot;
    }
    return { deviants, disputedSlot };
  }

  private newDeviants(
    slot: number,
    votes: ReadonlyMap<number, StateDigest>,
    majority: StateDigest,
  ): Deviant[] {
    const named = this.named.get(slot) ?? new Set<number>();
    this.named.set(slot, named);
    const deviants: Deviant[] = [];
    for (const [id, digest] of votes) {
      if (named.has(id) || sameDigest(digest, majority)) continue;
      named.add(id);
      deviants.push({ id, digest: majority });
    }
    return deviants;
  }

  private noteAgreement(slot: number): void {
    if (slot <= this.agreedSlot) return;
    this.agreedSlot = slot;
    this.compared++;
  }

  private prune(): void {
    const oldest = this.newestSlot - DIGESTS_MAX * DIGEST_EVERY_SLOTS;
    for (const slot of this.slots.keys()) {
      if (slot > oldest) continue;
      this.slots.delete(slot);
      this.named.delete(slot);
    }
  }
}

export function sameDigest(a: StateDigest, b: StateDigest): boolean {
  return a.slot === b.slot && a.high === b.high && a.low === b.low;
}

/** The digest that more than half of the voters have. */
function majorityOf(
  votes: ReadonlyMap<number, StateDigest>,
  voters: readonly number[],
): StateDigest | null {
  const told = votesOf(votes, voters);
  return (
    told.find((one) => 2 * told.filter((d) => sameDigest(d, one)).length > voters.length) ?? null
  );
}

function differ(votes: ReadonlyMap<number, StateDigest>, voters: readonly number[]): boolean {
  const [first, ...others] = votesOf(votes, voters);
  return first !== undefined && others.some((other) => !sameDigest(other, first));
}

function votesOf(votes: ReadonlyMap<number, StateDigest>, voters: readonly number[]) {
  return voters.flatMap((id) => votes.get(id) ?? []);
}
