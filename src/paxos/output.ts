import type { Entry } from './entry.ts';
import type { HardState } from './hard-state.ts';
import type { Envelope } from './messages.ts';

/** Something to be made durable. Writes are carried out in the order they were handed out. */
export type Write =
  /** Entries behind the last one. */
  | { readonly kind: 'append'; readonly entries: readonly Entry[]; readonly decided: number }
  /** The acceptor's state alone: a promise. */
  | { readonly kind: 'state'; readonly state: HardState }
  /**
   * The log from `fromSlot` on becomes `entries`, and the acceptor's state `state`, both or
   * neither, whenever a crash comes.
   */
  | {
      readonly kind: 'adopt';
      readonly fromSlot: number;
      readonly entries: readonly Entry[];
      readonly state: HardState;
      readonly decided: number;
      /** The log is whole again: what had been lost of it no longer matters. */
      readonly clearsDamage: boolean;
    };

/**
 * What must be done after a step: obligations, not mechanisms. A message that promises something
 * durable is handed out only by the `written` that made it true, so `sends` may leave at once.
 */
export interface Output {
  /** Number them on from the last one; `written` takes the number of the last durable one. */
  writes: Write[];
  sends: Envelope[];
  /** Chosen for ever and durable here: to be applied, in this order. */
  decided: Entry[];
  /** Whom to fetch decided entries from: this replica lacks what nobody sends by itself. */
  fetchFrom: number | null;
}

export function emptyOutput(): Output {
  return { writes: [], sends: [], decided: [], fetchFrom: null };
}

/** Shared by all steps that ask for nothing: most turns of an idle or lone replica are such. */
export const NOTHING: Output = Object.freeze({
  writes: [],
  sends: [],
  decided: [],
  fetchFrom: null,
});
