import type { Entry } from './entry.ts';
import type { Member, MemberId, Status } from './member.ts';
import type { Envelope } from './messages.ts';

/** `joined` is a stranger, or one that was dead and came back; `forgotten` a tombstone's end. */
export type ChangeKind =
  | 'joined'
  | 'updated'
  | 'suspected'
  | 'cleared'
  | 'died'
  | 'left'
  | 'forgotten';

export interface Change {
  readonly kind: ChangeKind;
  readonly id: MemberId;
  readonly incarnation: number;
  /** As it is now; null once it is not alive. */
  readonly member: Member | null;
}

/** A row of `quoll members`. */
export interface MemberRow {
  readonly id: MemberId;
  readonly status: Status;
  readonly incarnation: number;
  readonly meta: Member['meta'] | null;
}

/** What must be done after a step: obligations, not mechanisms. */
export interface Output {
  /** May be lost, doubled and overtaken, but for those over one stream. */
  sends: Envelope[];
  changes: Change[];
  /** Contiguous, in order, each once: to be handed to whoever applies. */
  deliveries: Entry[];
  /** Nobody's window reaches back to what is lacking: fetch a snapshot, from this member first. */
  fetchFrom: MemberId | null;
}

export function emptyOutput(): Output {
  return { sends: [], changes: [], deliveries: [], fetchFrom: null };
}

/** Shared by all steps that ask for nothing: most ticks are such. */
export const NOTHING: Output = Object.freeze({
  sends: [],
  changes: [],
  deliveries: [],
  fetchFrom: null,
});
