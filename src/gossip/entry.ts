/** One committed slot of the log; the body is opaque here. */
export interface Entry {
  readonly slot: number;
  /** Hash of the entry before it. */
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
  readonly body: Uint8Array;
}

/** A place in the history: a slot and the hash of its entry. Slot 0 is before everything. */
export interface Anchor {
  readonly slot: number;
  readonly hash: Uint8Array;
}
