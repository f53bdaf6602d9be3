import { equalBytes } from '../base/bytes.ts';

export const EntryKind = {
  /** A batch of commands. */
  batch: 0,
  /** A stop-sign: the last entry of one configuration; its body begins with the next one. */
  configuration: 1,
  /** A leader's first entry: once it is decided, so is everything before it (rule 3). */
  opening: 2,
} as const;

/** One slot of the log; the body is opaque here. */
export interface Entry {
  readonly slot: number;
  /** The ballot under which the entry was first proposed; proposing it again does not change it. */
  readonly round: number;
  readonly replica: number;
  readonly kind: number;
  readonly body: Uint8Array;
  /** SHA-256 over the predecessor's hash and this entry: equal hashes mean equal histories. */
  readonly hash: Uint8Array;
}

/** A place in the history: a slot and the hash of its entry. Slot 0 is before everything. */
export interface Anchor {
  readonly slot: number;
  readonly hash: Uint8Array;
}

/** Chains an entry to its predecessor. */
export type ChainHash = (
  previous: Uint8Array,
  slot: number,
  round: number,
  kind: number,
  replica: number,
  body: Uint8Array,
) => Uint8Array;

/** An entry as it travels: the receiver computes the hash, so that the chain is never believed. */
export type Unchained = Omit<Entry, 'hash'>;

/**
 * Chains entries that came from elsewhere behind `after`. Null if they leave a gap or do not make
 * `hash`, the last one's as the sender has it: they were damaged on the way.
 */
export function chainEntries(
  chain: ChainHash,
  after: Anchor,
  entries: readonly Unchained[],
  hash: Uint8Array,
): Entry[] | null {
  const chained: Entry[] = [];
  let previous = after;
  for (const { slot, round, replica, kind, body } of entries) {
    if (slot !== previous.slot + 1) return null;
    const own = chain(previous.hash, slot, round, kind, replica, body);
    const entry = { slot, round, replica, kind, body, hash: own };
    chained.push(entry);
    previous = entry;
  }
  return equalBytes(previous.hash, 0, hash, 0, hash.length) ? chained : null;
}
