import type { Secrets } from '../io/secrets.ts';
import type { Replica } from '../replica/replica.ts';
import type { State } from '../state/state.ts';
import type { Authenticator } from './auth.ts';
import type { Connection } from './connection.ts';
import type { ConnectionThrottle } from './connection-throttle.ts';
import type { OutputPool } from './output.ts';
import type { InFlight } from './pending.ts';
import type { Counters, Traffic } from './stats.ts';

/** What a server is configured to allow; see `docs/configuration.md` for the keys behind it. */
export interface ServerLimits {
  /** Longest frame accepted from a client: `jute.maxbuffer`. */
  readonly frameBytesMax: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** Connections from one address; 0: no limit. */
  readonly connectionsPerAddressMax: number;
  /** Connections in all; 0: no limit. */
  readonly connectionsMax: number;
  /** A connection that has not completed its handshake by then is closed. */
  readonly handshakeTimeoutMs: number;
  /** With one of these schemes a connection must have authenticated; null: not enforced. */
  readonly enforceAuthSchemes: readonly string[] | null;
  /** Requests in flight from which on connections that have some outstanding are not read. */
  readonly outstandingMax: number;
  /** Longer requests are large; Infinity: none is. */
  readonly largeRequestBytes: number;
  /** Bytes of large requests in flight; the connection that would go beyond is closed. */
  readonly largeRequestsBytesMax: number;
  /** Reads wait for a barrier, as `sync` does. */
  readonly linearizableReads: boolean;
}

/** What every connection of one server shares. */
export interface ServerContext {
  readonly replica: Replica;
  readonly state: State;
  readonly limits: ServerLimits;
  readonly authenticator: Authenticator;
  readonly secrets: Secrets;
  readonly pool: OutputPool;
  readonly traffic: Traffic;
  readonly counters: Counters;
  readonly connections: Set<Connection>;
  readonly inFlight: InFlight;
  readonly throttle: ConnectionThrottle;
  /** False while writes can't be made durable (disk full): they are refused, reads go on. */
  writable(): boolean;
  /** False once not even the reserve can hold what sessions write: nobody new is let in. */
  attachable(): boolean;
  /** True while nobody leads and only clients that ask for it are served, with reads. */
  readOnly(): boolean;
  /** True for a leader that leaves clients to the others. */
  refusesClients(): boolean;
  /** True while the znodes take more memory than allowed: only what frees some is accepted. */
  memoryFull(): boolean;
  /**
   * The answer to a four-letter word; null if these four bytes are none; undefined if the word is
   * `stmk` and lacks the mask that follows it.
   */
  fourLetterWord(
    word: string,
    connection: Connection,
    traceMask?: bigint,
  ): string | null | undefined;
}
