import { type SessionId, type SessionIdSource, SessionIds } from './session-ids.ts';

/** Ids that a voter grants at once, a quarter of what a millisecond of its clock has room for. */
export const IDS_GRANTED = 16_384;

/**
 * Ids that a voter has granted to an observer out of its own. An observer has no number that fits
 * the top byte of an id, and a session's id must not be made twice.
 */
export class GrantedIds implements SessionIdSource {
  /** Called when the ids are about to run out, and each time that there is none. */
  onLow: () => void = () => {};
  private ids: SessionIds | null = null;
  private left = 0;
  private readonly local = new SessionIds(0, 0);

  next(): SessionId | null {
    if (this.left === 0 || this.ids === null) {
      this.onLow();
      return null;
    }
    this.left--;
    if (this.left === IDS_GRANTED / 2) this.onLow();
    return this.ids.next();
  }

  /** Whoever has no leader may have no grant either. */
  nextLocal(): SessionId {
    return this.local.next();
  }

  /** What is left of an earlier grant is let go: there are more ids than anybody can use. */
  granted(first: SessionId): void {
    this.ids = SessionIds.before(first);
    this.left = IDS_GRANTED;
  }
}
