/** The halves of a session's id. */
export interface SessionId {
  readonly high: number;
  readonly low: number;
}

/** Where a replica has the ids of new sessions from. */
export interface SessionIdSource {
  /** Null: there is none left for now. */
  next(): SessionId | null;
  /** For a session that the log never hears of: only this replica's must differ. */
  nextLocal(): SessionId;
}

/**
 * Session ids as ZooKeeper makes them: the server's id in the top byte, forty bits of a clock, and
 * sixteen bits of room, then counting by one. The wall clock keeps ids apart across reboots.
 */
export class SessionIds implements SessionIdSource {
  high: number;
  low: number;

  constructor(serverId: number, wallMs: number) {
    const clock = wallMs % 2 ** 40;
    this.high = ((serverId & 0xff) << 24) | Math.floor(clock / 65_536) | 0;
    this.low = ((clock % 65_536) << 16) | 0;
    // 0x8000000000000000 marks container nodes and may not be a session.
    if (this.high === -2_147_483_648 && this.low === 0) this.low = 1;
  }

  /** Goes on with `first`. */
  static before(first: SessionId): SessionIds {
    const ids = new SessionIds(0, 0);
    ids.high = first.low === 0 ? (first.high - 1) | 0 : first.high;
    ids.low = (first.low - 1) | 0;
    return ids;
  }

  next(): SessionId {
    this.advance(1);
    return { high: this.high, low: this.low };
  }

  nextLocal(): SessionId {
    return this.next();
  }

  /** The first of `count` ids in a row, which are somebody else's from now on. */
  takeBlock(count: number): SessionId {
    const first = this.next();
    this.advance(count - 1);
    return first;
  }

  private advance(count: number): void {
    const low = (this.low >>> 0) + count;
    this.low = low | 0;
    if (low >= 2 ** 32) this.high = (this.high + 1) | 0;
  }
}
