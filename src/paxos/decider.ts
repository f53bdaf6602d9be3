/** One slot of the log: a batch of commands, opaque here. */
export interface Entry {
  readonly slot: number;
  /** The ballot (round, replica) under which the entry was accepted. */
  readonly round: number;
  readonly replica: number;
  /** What the body is; 0 is a batch of commands. */
  readonly kind: number;
  readonly body: Uint8Array;
  /** SHA-256 over the predecessor's hash and this entry: equal hashes mean equal histories. */
  readonly hash: Uint8Array;
}

/** What must be done after a step. Names obligations, not mechanisms. */
export interface Output {
  /** To be made durable, in this order, before `written` is called. */
  writes: Entry[];
  /** Chosen for ever: to be applied, in this order. */
  decided: Entry[];
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

/**
 * Whatever decides the order of batches: a replica alone today, Multi-Paxos among several. Takes
 * events, returns obligations; knows no clock, disk or socket.
 */
export interface Decider {
  /** Proposes a batch; `body` must not change until its slot has been applied. */
  propose(body: Uint8Array): void;
  /** Everything handed out for writing, up to and including `slot`, is durable here. */
  written(slot: number): void;
  drain(): Output;
}
