/** Every limit that Quoll has, with its reason. `docs/limits.md` explains them to operators. */

/** ZooKeeper's default `jute.maxbuffer`: the longest frame a client may send. */
export const JUTE_MAXBUFFER_DEFAULT = 1_048_575;

/**
 * The highest `jute.maxbuffer`: a full batch, the longest command on top of it and the identities
 * in its header still have to fit one record of the log.
 */
export const JUTE_MAXBUFFER_MAX = 65_011_712;

/** A log slot holds at most this many bytes of commands, plus one command of any allowed size. */
export const BATCH_BYTES_MAX = 1_048_576;

/** Znodes that one tree can address: rows are 32-bit, and 0 means none. */
export const ZNODES_MAX = 2_147_483_647;

/** Replies of one connection that wait for the kernel; above it no further request is executed. */
export const OUTPUT_HIGH_WATER_BYTES = 1_048_576;

/**
 * Beyond this a client that does not read is disconnected. It has to hold the largest reply that
 * is allowed plus the events that came meanwhile.
 */
export const OUTPUT_MAX_BYTES = 134_217_728;

/** Requests of one connection that wait for their turn; above it the socket is not read. */
export const OUTSTANDING_REQUESTS_MAX = 8_192;

/** Bytes of one connection's requests that wait for their turn; above it the socket is not read. */
export const OUTSTANDING_BYTES_MAX = 4_194_304;

/**
 * Commands of all connections that wait for the disk. Above it, connections that have something
 * outstanding are not read (ZooKeeper's globalOutstandingLimit, counted in bytes).
 */
export const COMMANDS_PENDING_BYTES_MAX = 67_108_864;

/**
 * Reads of one connection that wait behind its own writes. At the outcome of the write ahead they
 * are all executed at once, whatever they return, so that together they must fit OUTPUT_MAX_BYTES.
 */
export const REQUESTS_DEFERRED_MAX = 64;

/** Output buffers kept for reuse, and the size above which one is left to the collector. */
export const OUTPUT_POOL_BUFFERS = 256;
export const OUTPUT_POOL_BUFFER_MAX_BYTES = 262_144;

/** Watches of one connection; the request that would add one more gets an error. */
export const WATCHES_PER_CONNECTION_MAX = 1_000_000;

/** Identities of one connection; adding one more fails the auth packet. */
export const IDENTITIES_PER_CONNECTION_MAX = 64;

/**
 * Bytes of one connection's identities. They travel in the header of each of its commands: without
 * a limit a few auth packets would make every small write as long as a record of the log may be.
 */
export const IDENTITIES_BYTES_MAX = 65_536;

/** A log record on disk, or a frame between peers, carries at most this many bytes of body. */
export const LOG_BODY_BYTES_MAX = 67_108_864;

/** One chunk of a snapshot file. */
export const SNAPSHOT_CHUNK_BYTES_MAX = 16_777_216;

/** What the superblock holds for the consensus protocol: vote, promise, configuration. */
export const SUPERBLOCK_STATE_BYTES_MAX = 65_536;

/** Characters of a four-letter word's answer; lines beyond are left out, and the answer says so. */
export const FOUR_LETTER_ANSWER_CHARS_MAX = 33_554_432;

/** Nodes below /zookeeper/quota that one report of the metrics looks at. */
export const QUOTA_NODES_TOLD_MAX = 10_000;

/** A frame between replicas: the longest record, and what is said of it. */
export const PEER_FRAME_BYTES_MAX = 68_157_440;

/** What waits for a peer that does not read; beyond it the connection ends, and starts afresh. */
export const PEER_OUTPUT_BYTES_MAX = 134_217_728;
