/** One call, when it has ended. */
export interface CallRecord {
  readonly operation: string;
  readonly path: string | null;
  /** From the call to its end, waiting included. */
  readonly durationMs: number;
  /** ZooKeeper's code; 0: it went well. */
  readonly code: number;
}

/** A change of the session's state. */
export interface StateRecord {
  /** `connecting`, `connected`, `suspended`, `lost` or `closed`. */
  readonly state: string;
  readonly sessionId: bigint;
  readonly server: string | null;
  readonly code: number;
}

/** Where a client tells what it does; in Node.js, `node:diagnostics_channel`. */
export interface Diagnostics {
  /** Somebody listens: only then is a record made for each call. */
  readonly wantsCalls: boolean;
  call(record: CallRecord): void;
  state(record: StateRecord): void;
}
