/**
 * Names one attempt to lead. Rounds order attempts; the replica id makes ballots of different
 * replicas differ, so that no two of them ever propose under the same one (rule 8).
 */
export interface Ballot {
  readonly round: number;
  /** The server id of whoever leads under it. */
  readonly replica: number;
}

/** Before every ballot: nothing was promised, nothing accepted. */
export const NO_BALLOT: Ballot = Object.freeze({ round: 0, replica: 0 });

export function compareBallots(a: Ballot, b: Ballot): number {
  return a.round - b.round || a.replica - b.replica;
}

export function sameBallot(a: Ballot, b: Ballot): boolean {
  return a.round === b.round && a.replica === b.replica;
}
