import { JUTE_MAXBUFFER_DEFAULT, JUTE_MAXBUFFER_MAX } from '../../base/limits.ts';
import { FOUR_LETTER_WORDS } from '../four-letter-words.ts';
import {
  accepted,
  boolean,
  fileKey,
  fraction,
  honoured,
  int,
  type KeySection,
  list,
  long,
  loud,
  port,
  refused,
  text,
} from '../key.ts';

const NO_TLS =
  'Quoll speaks no TLS yet, and serving in the clear instead would expose what you meant to ' +
  'protect: remove the key and put a TLS proxy in front, or wait for the release that has it';
const ALL_GLOBAL =
  'every session is replicated: a client may do all that it could with a local one, and opening ' +
  'one costs a write';
const BOUNDED = 'globalOutstandingLimit bounds what is in flight';

export const clientPort: KeySection = {
  title: 'Client port and four-letter words',
  keys: [
    honoured(
      'clientPort',
      port,
      '2181',
      'Port for clients; 0 picks a free one. A `server.N` line may name it instead.',
      fileKey,
    ),
    honoured('clientPortAddress', text, null, 'Address or host name that clients connect to.', {
      property: null,
      defaultNote: 'all addresses; 127.0.0.1 when there is no configuration file',
    }),
    honoured(
      'clientPortListenBacklog',
      int(-1),
      '-1',
      'Connections that wait to be accepted; -1: 511, or fewer if the system allows no more.',
      fileKey,
    ),
    refused('secureClientPort', port, null, 'Port for clients that speak TLS.', NO_TLS, fileKey),
    refused(
      'secureClientPortAddress',
      text,
      null,
      'Address of the port for clients that speak TLS.',
      NO_TLS,
      fileKey,
    ),
    refused(
      'client.portUnification',
      boolean,
      'false',
      'TLS and plain connections on one client port.',
      NO_TLS,
    ),
    honoured(
      '4lw.commands.whitelist',
      list([...FOUR_LETTER_WORDS, '*']),
      'srvr',
      'Four-letter words that answer, or `*`. `srvr` always does.',
    ),
    accepted(
      'clientTcpKeepAlive',
      boolean,
      'false',
      'TCP keep-alive on client connections.',
      'sessions that fall silent are expired and their connections closed anyway',
    ),
    accepted(
      'serverCnxnFactory',
      text,
      'org.apache.zookeeper.server.NIOServerCnxnFactory',
      'The Java class that serves the client port.',
      'there is one way to serve the client port',
    ),
  ],
};

export const sessions: KeySection = {
  title: 'Time and sessions',
  keys: [
    honoured(
      'tickTime',
      int(1, 'ms'),
      '3000',
      'The unit of time that session time-outs are rounded to and derived from.',
      fileKey,
    ),
    honoured('minSessionTimeout', int(-1, 'ms'), '-1', 'The shortest time-out a client gets.', {
      property: null,
      defaultNote: '-1: 2 × tickTime, in an ensemble at least 4 × quoll.heartbeatIntervalMs',
    }),
    honoured('maxSessionTimeout', int(-1, 'ms'), '-1', 'The longest time-out a client gets.', {
      property: null,
      defaultNote: '-1: 20 × tickTime',
    }),
    honoured(
      'nio.sessionlessCnxnTimeout',
      int(1, 'ms'),
      '10000',
      'A connection that has not opened a session after this long is closed.',
    ),
    accepted(
      'localSessionsEnabled',
      boolean,
      'false',
      'Sessions that only one server knows.',
      ALL_GLOBAL,
      fileKey,
    ),
    accepted(
      'localSessionsUpgradingEnabled',
      boolean,
      'false',
      'Turns local sessions into replicated ones when they need it.',
      ALL_GLOBAL,
      fileKey,
    ),
    honoured(
      'readonlymode.enabled',
      boolean,
      'false',
      'A server of an ensemble that has lost its leader serves reads to clients that ask for ' +
        'that. Adds `isro` to 4lw.commands.whitelist. A server alone is never read-only.',
      { property: 'readonlymode.enabled', jvmOnly: true },
    ),
  ],
};

export const limits: KeySection = {
  title: 'Limits',
  keys: [
    honoured(
      'maxClientCnxns',
      int(-1),
      '60',
      'Connections per client address; 0 is no limit.',
      fileKey,
    ),
    honoured('maxCnxns', int(-1), '0', 'Connections in all; 0 is no limit.'),
    honoured(
      'globalOutstandingLimit',
      int(1),
      '65536',
      'Writes in flight, with the reads behind them, from which on clients that wait for an ' +
        "answer are no longer read. ZooKeeper's default is 1000, which 64 clients with 64 " +
        'requests each exceed; here what waits is bounded by bytes as well, 64 MiB in all, so ' +
        'that the number need not guard the memory.',
    ),
    honoured(
      'jute.maxbuffer',
      { kind: 'integer', min: 128, max: JUTE_MAXBUFFER_MAX, unit: 'bytes' },
      String(JUTE_MAXBUFFER_DEFAULT),
      'The longest request. Clients have the same limit for answers: raise it there too.',
      { property: 'jute.maxbuffer', jvmOnly: true },
    ),
    accepted(
      'jute.maxbuffer.extrasize',
      int(0, 'bytes'),
      null,
      'How much longer than jute.maxbuffer a field of a record may be.',
      'a field is never longer than the request that it came in, which jute.maxbuffer bounds; a ' +
        'record that was stored once is read again at any length',
      { jvmOnly: true, defaultNote: 'ZooKeeper: same as jute.maxbuffer' },
    ),
    honoured(
      'largeRequestThreshold',
      int(-1, 'bytes'),
      '-1',
      'Requests longer than this are large; -1 or 0: none is.',
    ),
    honoured(
      'largeRequestMaxBytes',
      int(1, 'bytes'),
      '104857600',
      'Bytes of large requests in flight; the connection that would go beyond is closed.',
    ),
    honoured(
      'connection_throttle_tokens',
      int(0),
      '0',
      'New connections that may come at once; 0 switches the throttle off.',
    ),
    honoured(
      'connection_throttle_fill_time',
      int(1, 'ms'),
      '1',
      'How often the throttle lets in connection_throttle_fill_count more.',
    ),
    honoured(
      'connection_throttle_fill_count',
      int(1),
      '1',
      'Connections that each connection_throttle_fill_time adds.',
    ),
    honoured(
      'connection_throttle_freeze_time',
      int(-1, 'ms'),
      '-1',
      'How often at most the share of connections refused at random is adapted; -1: none is.',
    ),
    honoured(
      'connection_throttle_drop_increase',
      fraction(0, 1),
      '0.02',
      'Added to the share of connections refused at random while tokens are short.',
    ),
    honoured(
      'connection_throttle_drop_decrease',
      fraction(0, 1),
      '0.002',
      'Taken from the share of connections refused at random when tokens suffice.',
    ),
    honoured(
      'connection_throttle_decrease_ratio',
      fraction(0, 1),
      '0',
      'Tokens suffice when more than this share of connection_throttle_tokens is there.',
    ),
    honoured(
      'connection_throttle_weight_enabled',
      boolean,
      'false',
      'Connections take as many tokens as their kind of session weighs, not one.',
    ),
    honoured(
      'connection_throttle_global_session_weight',
      int(1),
      '3',
      'Tokens that a new session takes.',
    ),
    accepted(
      'connection_throttle_local_session_weight',
      int(1),
      '1',
      'Tokens that a new local session takes.',
      ALL_GLOBAL,
    ),
    honoured(
      'connection_throttle_renew_session_weight',
      int(1),
      '2',
      'Tokens that a session takes which comes back.',
    ),
    accepted(
      'request_throttle_max_requests',
      int(0),
      '0',
      'Requests in flight from which on all others wait.',
      BOUNDED,
      loud,
    ),
    accepted(
      'request_throttle_stall_time',
      int(0, 'ms'),
      '100',
      'How long such requests wait at most.',
      BOUNDED,
    ),
    accepted(
      'request_throttle_drop_stale',
      boolean,
      'true',
      'Drops waiting requests that nobody waits for.',
      'requests of a closed connection are never carried out once they have to wait',
    ),
    accepted(
      'request_stale_connection_check',
      boolean,
      'true',
      'Requests of closed connections count as stale.',
      'there is no queue in which a request goes stale',
    ),
    accepted(
      'request_stale_latency_check',
      boolean,
      'false',
      'Requests older than their session time-out count as stale.',
      'there is no queue in which a request goes stale',
    ),
    accepted(
      'request_throttler.shutdownTimeout',
      long(0, 'ms'),
      '10000',
      'How long a stopping server lets requests finish.',
      'a stopping server answers what it has accepted and then ends',
    ),
    accepted(
      'throttled_op_wait_time',
      int(0, 'ms'),
      '0',
      'Requests that waited longer are answered ThrottledOp; 0: none is.',
      'there is no queue in which requests wait that long',
      loud,
    ),
  ],
};
