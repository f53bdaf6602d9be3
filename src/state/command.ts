import { DecodeError, type Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';

/**
 * A command is what the log replicates: a client's request as it came, with everything that apply
 * may not look up for itself (who asks, what the clock said, which configuration holds).
 *
 * ```
 * command := kind:u8 reserved:u8 flags:u16 opcode:i32 sessionHigh:i32 sessionLow:i32 generation:i32
 *            cxid:i32 sequence:f64 timeMs:f64 identitiesLength:i32 identities body
 * ```
 * Big-endian. `identities` is a jute vector<Id>; `body` runs to the end and depends on the kind.
 */
export const COMMAND_HEADER_BYTES = 44;

export const CommandKind = {
  /** body: timeoutMs:i32, passwordHash:buffer. Takes a zxid. Opens generation 1. */
  openSession: 1,
  /**
   * body: timeoutMs:i32, passwordHash:buffer. Takes no zxid. Opens the generation after
   * `generation`, if that is the present one: sent again, it must not open two.
   */
  attachSession: 2,
  /**
   * body: the client's request record; `opcode` says which (closeSession: empty). Takes a zxid.
   * Behind the record of a reconfig the leader puts the identities of those who join: see
   * `withIdentities`.
   */
  write: 3,
  /** The leader closes a silent session. No effect when `generation` is no longer the session's. */
  expireSession: 4,
  /** body: path:ustring. The leader removes an empty container or an outlived TTL node. */
  reapNode: 5,
  /** body: code:i32. A write that the leader refuses for a reason only it knows. Takes a zxid. */
  reject: 6,
  /** body: clusterId:16, membership. Founds the ensemble. Takes no zxid, like all that follow. */
  genesis: 7,
  /** body: flags:i32, level:i32 (0: stays). A leader's first entry. */
  openEpoch: 8,
  /**
   * No body, no effect: the outcome tells the server `sessionHigh` that all it had sent up to its
   * chunk `sequence` has been applied.
   */
  mark: 9,
  /**
   * body: count:i32, (high:i32 low:i32 generation:i32 age:u8)*. For how many quarters of its
   * time-out, 0 to 3, each session has been silent.
   */
  sessionAges: 10,
} as const;

/** Configuration that changes an outcome, stamped by the leader so that all replicas agree. */
export const CommandFlag = {
  enforceQuota: 1,
  extendedTypes: 2,
  skipACL: 4,
  digestDisabled: 8,
  reconfigEnabled: 16,
  /** ACLs may name scheme x509: there is a TLS client port. */
  x509Enabled: 32,
  /** ACLs may name scheme sasl: its provider is configured. */
  saslEnabled: 64,
  /** Reconfig must leave two voters at least. */
  standaloneEnabled: 128,
} as const;

/** One header, reused: decoding allocates nothing. */
export class CommandHeader {
  kind = 0;
  flags = 0;
  opcode = 0;
  sessionHigh = 0;
  sessionLow = 0;
  /** The attachment that the write belongs to; 0 where no session asks. */
  generation = 0;
  /** The client's xid, kept for logs that ZooKeeper's tools read. */
  cxid = 0;
  /** Counts the writes of one generation from 1. */
  sequence = 0;
  /** The leader's wall clock, milliseconds since 1970. */
  timeMs = 0;
  /** Where the identities begin, and how many bytes they take. */
  identitiesAt = 0;
  identitiesLength = 0;
  /** Where the body begins; it ends with the command. */
  bodyAt = 0;

  /** Reads the header at the reader's position and leaves the reader at the body. */
  decode(reader: Reader): void {
    const at = reader.at;
    reader.skip(COMMAND_HEADER_BYTES);
    const view = reader.view;
    this.kind = view.getUint8(at);
    this.flags = view.getUint16(at + 2);
    this.opcode = view.getInt32(at + 4);
    this.sessionHigh = view.getInt32(at + 8);
    this.sessionLow = view.getInt32(at + 12);
    this.generation = view.getInt32(at + 16);
    this.cxid = view.getInt32(at + 20);
    this.sequence = view.getFloat64(at + 24);
    this.timeMs = view.getFloat64(at + 32);
    this.identitiesLength = view.getInt32(at + 40);
    if (this.identitiesLength < 0) throw new DecodeError('negative identities length');
    this.identitiesAt = reader.at;
    reader.skip(this.identitiesLength);
    this.bodyAt = reader.at;
  }

  /** Writes the header and the identities; the caller appends the body. */
  encode(writer: Writer, identities: Uint8Array): void {
    writer.reserve(COMMAND_HEADER_BYTES + identities.length);
    const at = writer.at;
    const view = writer.view;
    view.setUint16(at, this.kind << 8);
    view.setUint16(at + 2, this.flags);
    view.setInt32(at + 4, this.opcode);
    view.setInt32(at + 8, this.sessionHigh);
    view.setInt32(at + 12, this.sessionLow);
    view.setInt32(at + 16, this.generation);
    view.setInt32(at + 20, this.cxid);
    view.setFloat64(at + 24, this.sequence);
    view.setFloat64(at + 32, this.timeMs);
    view.setInt32(at + 40, identities.length);
    writer.at = at + COMMAND_HEADER_BYTES;
    writer.raw(identities);
  }
}
