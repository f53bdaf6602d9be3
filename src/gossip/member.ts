/** A member's identity: 16 bytes as 32 hexadecimal digits. Neither its name nor its address. */
export type MemberId = string;

/** In the order in which they overrule each other within one incarnation. */
export const STATUSES = ['alive', 'suspect', 'dead', 'left'] as const;

export type Status = (typeof STATUSES)[number];

export const ROLES = ['voter', 'observer'] as const;

export type Role = (typeof ROLES)[number];

/** What a member says of itself. Hearsay: nothing that is agreed on may depend on it (rule 46). */
export interface Meta {
  readonly role: Role;
  /** The id in zoo.cfg; 0 for those that have none. */
  readonly serverId: number;
  /** Where gossip reaches it, by packets and by streams: `host:port`. */
  readonly address: string;
  /** Where log and snapshots are fetched from: `host:port`, or empty. */
  readonly bulkAddress: string;
  readonly clientPort: number;
  readonly version: string;
  /** The server id of the leader as far as it knows; 0 for none. */
  readonly leader: number;
  /** The leader's ballot round: of two hints the higher one is newer. */
  readonly leaderRound: number;
  /** In thousandths of what it can bear. */
  readonly load: number;
  readonly appliedSlot: number;
  readonly appliedZxid: number;
}

/** True for those that have the log from the consensus: voters, and whoever is configured. */
export function isRoot({ role, serverId }: Pick<Meta, 'role' | 'serverId'>): boolean {
  return role === 'voter' || serverId > 0;
}

/** Says which of two things a member said of itself is newer, across its restarts too. */
export interface MetaVersion {
  /** The incarnation its process began with. */
  readonly life: number;
  /** Counts what it said in that life. */
  readonly counter: number;
}

/** One statement about one member, as it travels. */
export interface Fact extends MetaVersion {
  readonly id: MemberId;
  readonly status: Status;
  readonly incarnation: number;
  /** Null where only the status is news; never for `alive`, which has to reach strangers. */
  readonly meta: Meta | null;
  /** Whose probe failed, for `suspect`: only independent accusers confirm a suspicion. */
  readonly accuser: MemberId | null;
  /** Since when it is dead or left, so that no tombstone outlives the others by being told. */
  readonly ageTicks: number;
}

/** A member that is alive, or suspected. */
export interface Member extends MetaVersion {
  readonly id: MemberId;
  readonly status: Status;
  readonly incarnation: number;
  readonly meta: Meta;
}

export function isNewerMeta(a: MetaVersion, b: MetaVersion): boolean {
  return a.life > b.life || (a.life === b.life && a.counter > b.counter);
}

/** True if the first statement overrules the second: a total order, so that all views converge. */
export function overrules(
  a: { readonly incarnation: number; readonly status: Status },
  b: { readonly incarnation: number; readonly status: Status },
): boolean {
  if (a.incarnation !== b.incarnation) return a.incarnation > b.incarnation;
  return STATUSES.indexOf(a.status) > STATUSES.indexOf(b.status);
}

/** True if nothing but load and progress differ, which change all the time. */
export function isPassingChange(a: Meta, b: Meta): boolean {
  return (
    a.role === b.role &&
    a.serverId === b.serverId &&
    a.address === b.address &&
    a.bulkAddress === b.bulkAddress &&
    a.clientPort === b.clientPort &&
    a.version === b.version &&
    a.leader === b.leader &&
    a.leaderRound === b.leaderRound
  );
}
