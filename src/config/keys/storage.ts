import {
  accepted,
  boolean,
  fileKey,
  fraction,
  honoured,
  int,
  jvmKey,
  type KeySection,
  long,
  loud,
  text,
  word,
  yesNo,
} from '../key.ts';

const BY_BYTES =
  'Quoll writes a snapshot by the bytes of log since the last one: set snapSizeLimitInKb';
const GROUP_COMMIT =
  'whatever gathers while one sync runs is written with the next, so there is nothing to tune';
const OWN_FORMAT = 'it describes the files of ZooKeeper, and Quoll keeps files of its own';

export const storage: KeySection = {
  title: 'Data, log and snapshots',
  keys: [
    honoured('dataDir', text, null, 'Directory of the snapshots, and of the log by default.', {
      property: null,
      defaultNote: 'none; ./quoll-data when there is no configuration file',
    }),
    honoured('dataLogDir', text, null, 'Directory of the log; best on a disk of its own.', {
      property: null,
      defaultNote: 'dataDir',
    }),
    honoured(
      'datadir.autocreate',
      boolean,
      'true',
      'Creates missing data directories; `false` makes a missing one an error.',
    ),
    honoured(
      'forceSync',
      yesNo,
      'yes',
      '`no` answers before the disk has the write: a power cut loses acknowledged writes.',
    ),
    honoured(
      'fsync.warningthresholdms',
      long(0, 'ms'),
      '1000',
      'Writes to the log that take longer, with their sync, are logged as warnings and counted.',
      { property: 'zookeeper.fsync.warningthresholdms' },
    ),
    honoured(
      'snapSizeLimitInKb',
      long(-1, 'KiB'),
      '4194304',
      'Bytes of log after which a snapshot is written at the latest. Quoll writes one after 64 MiB, ' +
        'or after half of what the tree takes if that is more, so that a restart is short and ' +
        'snapshots cost little beside the log; a smaller value here brings them forward.',
    ),
    honoured(
      'autopurge.snapRetainCount',
      int(0),
      '3',
      'Snapshots to keep; fewer than 3 become 3.',
      fileKey,
    ),
    accepted(
      'autopurge.purgeInterval',
      int(0, 'hours'),
      null,
      'How often old snapshots and logs are deleted.',
      'Quoll deletes what it no longer needs after each snapshot; quoll.purge=false keeps all',
      { property: null },
    ),
    accepted('snapCount', int(0), '100000', 'Transactions between two snapshots.', BY_BYTES),
    accepted(
      'txnLogSizeLimitInKb',
      long(-1, 'KiB'),
      '-1',
      'Size at which a new log file begins.',
      'log segments have a size of their own',
    ),
    accepted(
      'preAllocSize',
      long(0, 'KiB'),
      '65536',
      'Space that a log file takes ahead.',
      'log segments are laid out by Quoll itself',
    ),
    accepted('flushDelay', long(0, 'ms'), '0', 'How long a sync waits for company.', GROUP_COMMIT),
    accepted('maxBatchSize', int(0), '1000', 'Writes that share a sync.', GROUP_COMMIT),
    accepted(
      'maxWriteQueuePollTime',
      long(0, 'ms'),
      null,
      'How long the log waits for another write before it syncs.',
      GROUP_COMMIT,
      { defaultNote: 'flushDelay / 3' },
    ),
    accepted(
      'commitLogCount',
      int(0),
      '500',
      'Writes kept in memory for followers that lag.',
      'followers that lag are served from the log itself',
    ),
    accepted(
      'snapshotSizeFactor',
      fraction(-1, 1_000_000),
      '0.33',
      'Followers that lag get the log, not a snapshot, while it is this much smaller.',
      'followers that lag are served from the log itself',
    ),
    accepted(
      'digest.enabled',
      boolean,
      'true',
      'Digests of the tree in log and snapshots.',
      'the digest of the state is always on',
    ),
    accepted('closeSessionTxn.enabled', boolean, 'true', 'Format of the log.', OWN_FORMAT),
    accepted(
      'serializeLastProcessedZxid.enabled',
      boolean,
      'true',
      'Format of snapshots.',
      OWN_FORMAT,
    ),
    accepted(
      'snapshot.compression.method',
      word('', 'gz', 'snappy'),
      '',
      'Compresses snapshots.',
      'snapshots are written as they are in memory',
    ),
    accepted(
      'snapshot.trust.empty',
      boolean,
      'false',
      'Starts although logs exist without any snapshot.',
      'Quoll knows which logs belong together and needs no trust',
    ),
    accepted(
      'db.autocreate',
      boolean,
      'true',
      '`false`: a voter with an empty data directory does not vote before it is in sync.',
      'a single server has nobody to get its data from',
    ),
    honoured(
      'znode.container.checkIntervalMs',
      int(1, 'ms'),
      '60000',
      'How often empty containers and outlived TTL nodes are looked for.',
      jvmKey('znode.container.checkIntervalMs'),
    ),
    honoured(
      'znode.container.maxPerMinute',
      int(1),
      '10000',
      'Containers and TTL nodes removed per minute at most.',
      jvmKey('znode.container.maxPerMinute'),
    ),
    honoured(
      'znode.container.maxNeverUsedIntervalMs',
      long(0, 'ms'),
      '0',
      'Containers that never had a child go after this long; 0: they stay.',
      jvmKey('znode.container.maxNeverUsedIntervalMs'),
    ),
    honoured(
      'extendedTypesEnabled',
      boolean,
      'false',
      'Lets clients create nodes with a time to live.',
    ),
    accepted(
      'emulate353TTLNodes',
      boolean,
      'false',
      'Reads TTL nodes as ZooKeeper 3.5.3 stored them.',
      'no data that Quoll has written holds that form',
      loud,
    ),
    honoured('enforceQuota', boolean, 'false', 'Refuses writes beyond a hard quota.'),
  ],
};

export const own: KeySection = {
  title: "Quoll's own keys",
  keys: [
    honoured(
      'quoll.maxTreeBytes',
      { kind: 'size', min: 1_048_576, max: 34_359_738_368 },
      null,
      'Memory for the tree; beyond it creates and sets are refused, deletes pass.',
      {
        property: 'quoll.maxTreeBytes',
        defaultNote: 'half of the memory of the machine or its cgroup, at most 32g',
      },
    ),
    honoured(
      'quoll.purge',
      boolean,
      'true',
      'Deletes snapshots and logs that are no longer needed, after each snapshot.',
      { property: 'quoll.purge' },
    ),
    honoured(
      'quoll.logLevel',
      word('debug', 'info', 'warn', 'error'),
      'info',
      'What the server says about itself.',
      { property: 'quoll.logLevel' },
    ),
    honoured(
      'quoll.logFormat',
      word('auto', 'pretty', 'json'),
      'auto',
      'auto: for people on a terminal, JSON lines everywhere else.',
      { property: 'quoll.logFormat' },
    ),
  ],
};
