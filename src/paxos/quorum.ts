/** Who votes, and how many of them decide. */
export interface QuorumSpec {
  readonly voters: readonly Voter[];
  /** How many promises elect a leader, how many acceptances choose an entry; 0: a majority. */
  readonly electionSize: number;
  readonly writeSize: number;
  /** Groups and weights decide instead of sizes (ZooKeeper's QuorumHierarchical). */
  readonly hierarchical: boolean;
}

export interface Voter {
  readonly id: number;
  readonly weight: number;
  readonly group: number;
}

/**
 * The arithmetic of quorums. What keeps a chosen entry chosen is that every election quorum shares
 * a voter with every write quorum (Flexible Paxos, rule 9); two quorums of one kind need not meet.
 */
export class Quorums {
  readonly spec: QuorumSpec;
  private readonly electionSize: number;
  private readonly writeSize: number;
  /** The weight of each group that has any. */
  private readonly groups: ReadonlyMap<number, number>;

  constructor(spec: QuorumSpec) {
    const majority = Math.floor(spec.voters.length / 2) + 1;
    this.spec = spec;
    this.electionSize = spec.electionSize === 0 ? majority : spec.electionSize;
    this.writeSize = spec.writeSize === 0 ? majority : spec.writeSize;
    this.groups = groupWeights(spec);
  }

  /** Ids of others than voters count for nothing. */
  isElectionQuorum(ids: ReadonlySet<number>): boolean {
    return this.decides(ids, this.electionSize);
  }

  isWriteQuorum(ids: ReadonlySet<number>): boolean {
    return this.decides(ids, this.writeSize);
  }

  /** Why these voters can't decide anything, or could decide two things at once; null: neither. */
  check(): string | null {
    const { voters, hierarchical } = this.spec;
    if (voters.length === 0) return 'there is no voter';
    if (new Set(voters.map((voter) => voter.id)).size < voters.length) {
      return 'two voters have one id';
    }
    return hierarchical ? this.checkGroups() : this.checkSizes();
  }

  private checkGroups(): string | null {
    const { voters, electionSize, writeSize } = this.spec;
    if (voters.some(({ weight }) => !Number.isSafeInteger(weight) || weight < 0)) {
      return 'a weight is not a whole number from 0';
    }
    if (electionSize !== 0 || writeSize !== 0) return 'sizes of quorums do not go with groups';
    return this.groups.size === 0 ? 'no group has any weight' : null;
  }

  private checkSizes(): string | null {
    const count = this.spec.voters.length;
    for (const size of [this.electionSize, this.writeSize]) {
      if (!Number.isSafeInteger(size) || size < 1 || size > count) {
        return `${size} of ${count} voters is no quorum`;
      }
    }
    if (this.electionSize + this.writeSize > count) return null;
    return (
      `${this.electionSize} voters that elect and ${this.writeSize} that accept ` +
      `may be ${this.electionSize + this.writeSize} different ones of ${count}`
    );
  }

  private decides(ids: ReadonlySet<number>, size: number): boolean {
    if (this.spec.hierarchical) return this.decidesByGroups(ids);
    let count = 0;
    for (const voter of this.spec.voters) if (ids.has(voter.id)) count++;
    return count >= size;
  }

  /**
   * A majority of the groups, each by a majority of its weight. Any two quorums share a group, and
   * in it, being majorities, a voter of positive weight.
   */
  private decidesByGroups(ids: ReadonlySet<number>): boolean {
    let decided = 0;
    for (const [group, total] of this.groups) {
      let weight = 0;
      for (const voter of this.spec.voters) {
        if (voter.group === group && ids.has(voter.id)) weight += voter.weight;
      }
      if (weight * 2 > total) decided++;
    }
    return decided * 2 > this.groups.size;
  }
}

/** A group of weight 0 takes no part, as in ZooKeeper: a site kept for reading only. */
function groupWeights(spec: QuorumSpec): ReadonlyMap<number, number> {
  const weights = new Map<number, number>();
  if (!spec.hierarchical) return weights;
  for (const { group, weight } of spec.voters) {
    if (weight > 0) weights.set(group, (weights.get(group) ?? 0) + weight);
  }
  return weights;
}
