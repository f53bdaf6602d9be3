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

/**
 * A gossip packet with its seal: below the smallest common MTU (1,500) less IPv6, UDP and a
 * tunnel's headers, so that no packet is ever cut into fragments, of which one loss loses all.
 */
export const GOSSIP_PACKET_BYTES_MAX = 1_400;

/** What encryption adds to a gossip packet: key number, nonce and tag, with room for a change. */
export const GOSSIP_SEAL_BYTES = 40;

/** What a member says of itself, encoded: two addresses and a version, several to a packet. */
export const GOSSIP_META_BYTES_MAX = 512;

/** Members that one knows: beyond that everyone knowing everyone costs more than it gives. */
export const GOSSIP_MEMBERS_MAX = 5_000;

/** Members remembered as dead or left; the oldest makes room. As many as can die at once. */
export const GOSSIP_TOMBSTONES_MAX = 5_000;

/** Addresses remembered from `join`, asked again when a network was cut for long. */
export const GOSSIP_SEEDS_MAX = 16;

/** Pings on behalf of others that are under way; more requests are dropped, which costs a nack. */
export const GOSSIP_RELAYS_MAX = 256;

/**
 * State exchanges answered per probe period. A restart of all members at once makes all of them
 * ask; whoever gets no answer asks somebody else, and data is not held up meanwhile.
 */
export const GOSSIP_EXCHANGE_REPLIES_MAX = 8;

/** Bytes of members or of entries in a stream's message; a longer entry goes alone. */
export const GOSSIP_CHUNK_BYTES = 262_144;

/** Committed entries kept for others, in bytes of bodies (and one entry, however long). */
export const GOSSIP_WINDOW_BYTES = 16_777_216;

/** The same in entries: an empty body still takes an object and two hashes. */
export const GOSSIP_WINDOW_SLOTS = 16_384;

/** Entries that came before the ones in front of them, in bytes; the rest is asked for anew. */
export const GOSSIP_AHEAD_BYTES = 8_388_608;

/** The same in entries. */
export const GOSSIP_AHEAD_SLOTS = 4_096;

/** Bytes pushed to a neighbour that it has not confirmed: what a slow one can make us queue. */
export const GOSSIP_FLOW_BYTES = 4_194_304;

/** How many connections may open or take up sessions in a time; configuration and server agree. */
export interface ConnectionThrottleLimits {
  /** Tokens in a full bucket; 0 switches the throttle off. */
  readonly tokens: number;
  readonly fillTimeMs: number;
  readonly fillCount: number;
  /** How long the drop probability stays as it is; -1 switches dropping at random off. */
  readonly freezeTimeMs: number;
  readonly dropIncrease: number;
  readonly dropDecrease: number;
  readonly decreaseRatio: number;
  /** False: every connection weighs one token. */
  readonly weightEnabled: boolean;
  readonly globalSessionWeight: number;
  readonly renewSessionWeight: number;
}
/**
 * What waits for a member that does not read its stream: a few times the above. Beyond it the
 * connection ends; what was lost with it is asked for.
 */
export const GOSSIP_STREAM_BYTES_MAX = 16_777_216;

/** Keys of gossip in one file: those that rotate, and each costs a stranger's packet an attempt. */
export const GOSSIP_KEYS_MAX = 8;

/** Observers that hang on one member: each costs a connection, and two small frames a heartbeat. */
export const OBSERVERS_MAX = 2_048;

/** Newest entries that a member keeps for its observers, in bytes; who lags further fetches. */
export const OBSERVER_TAIL_BYTES = 16_777_216;

/** The same in entries. */
export const OBSERVER_TAIL_SLOTS = 16_384;

/** Entries that wait for one observer to read; it gets more when it has taken them. */
export const OBSERVER_AHEAD_BYTES = 262_144;

/**
 * Commands of one observer that have not been applied: above it nothing more is read from it. As
 * much as a few thousand usual writes, or one of the longest.
 */
export const OBSERVER_PENDING_BYTES = 8_388_608;

/** Transfers of logs and snapshots to observers at one time; others are told to ask elsewhere. */
export const OBSERVER_FETCHES_MAX = 16;

/** The longest reply that a client takes: four times the longest data, for lists of children. */
export const CLIENT_FRAME_BYTES_MAX = 4_194_304;

/** Events of one watch that wait for the program; beyond it they give way to one `resync`. */
export const CLIENT_EVENTS_MAX = 10_000;

/** Connections that one request may see end before its answer: it may be what ends them. */
export const CLIENT_LOSSES_MAX = 5;

/** Requests that a client's helpers for trees keep under way: enough to hide the round trip. */
export const CLIENT_TREE_REQUESTS_MAX = 256;

/**
 * Bytes of paths in one setWatches, as in the Java client: well below any server's limit of a
 * frame, however many watches there are.
 */
export const CLIENT_SET_WATCHES_BYTES = 131_072;
