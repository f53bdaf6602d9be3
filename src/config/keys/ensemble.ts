import {
  accepted,
  boolean,
  fileKey,
  honoured,
  int,
  type KeySection,
  long,
  loud,
  port,
  refused,
  text,
  word,
  yesNo,
} from '../key.ts';

const OWN_ELECTION = 'Quoll elects leaders by its own protocol';
const OWN_TIMING =
  'it does not set how soon a leader is replaced: see quoll.electionTimeoutMs and ' +
  'quoll.heartbeatIntervalMs';
const NO_SASL =
  'servers do not sign in to each other yet, and going without would open what you meant to ' +
  'close: remove the key and keep the quorum ports inside a network that you trust';
const NO_SERVER_SASL = 'servers do not sign in to each other yet';
const ALL_ADDRESSES = 'all addresses of a server line are tried, one after the other';
const NO_DELAY = 'links between servers never wait for more to send';
const OWN_CATCH_UP = 'Quoll catches up by its own protocol, from any server that is ahead';

export const ensemble: KeySection = {
  title: 'Ensembles',
  keys: [
    honoured(
      'server.<id>',
      text,
      null,
      '`host:port:port[:role][|…][;[clientHost:]clientPort]`, one for each server, the same list ' +
        'on all of them. Ids go from 1 to 254. The first port carries consensus and bulk ' +
        'transfer, the second gossip (UDP and TCP). `<dataDir>/myid` says which line is the ' +
        "server's own; its client port is used. With fewer than two voters the server runs alone " +
        '(see standaloneEnabled).',
      fileKey,
    ),
    honoured(
      'dynamicConfigFile',
      text,
      null,
      'File with the server, group and weight lines. Quoll reads it and never rewrites it: after ' +
        'a reconfig the membership in the log counts.',
      fileKey,
    ),
    honoured(
      'group.<id>',
      text,
      null,
      '`id:id:…`, the servers of a group. Decisions then take a majority of the groups, each by a ' +
        'majority of its weight. Every voter is in one group.',
      fileKey,
    ),
    honoured(
      'weight.<id>',
      text,
      null,
      "Weight of a server's vote in its group, 1 unless set. Groups of weight 0 take no part.",
      fileKey,
    ),
    honoured(
      'standaloneEnabled',
      boolean,
      'true',
      '`false` runs even one voter as an ensemble, which reconfig can extend.',
      fileKey,
    ),
    honoured(
      'reconfigEnabled',
      boolean,
      'false',
      '`true` lets clients change the membership by reconfig. A server alone has none to change.',
      fileKey,
    ),
    honoured(
      'peerType',
      word('participant', 'observer'),
      'participant',
      'Role of this server. The server line counts, and a contradiction is a warning.',
      fileKey,
    ),
    honoured(
      'quorumListenOnAllIPs',
      boolean,
      'false',
      'Accepts other servers on every address, not only on those of the own server line.',
      fileKey,
    ),
    honoured('leaderServes', yesNo, 'yes', '`no`: whoever leads refuses clients.'),
    honoured(
      'quoll.electionTimeoutMs',
      int(50, 'ms'),
      '800',
      'Silence of the leader after which the others elect a new one.',
      { property: 'quoll.electionTimeoutMs' },
    ),
    honoured(
      'quoll.heartbeatIntervalMs',
      int(10, 'ms'),
      '100',
      'How often a leader that has nothing else to say makes itself heard.',
      { property: 'quoll.heartbeatIntervalMs' },
    ),
    honoured(
      'quoll.electionQuorumSize',
      int(0, 'voters'),
      '0',
      'How many voters elect a leader; 0: a majority. Together with quoll.writeQuorumSize it must ' +
        'be more than there are voters.',
      { property: 'quoll.electionQuorumSize' },
    ),
    honoured(
      'quoll.writeQuorumSize',
      int(0, 'voters'),
      '0',
      'How many voters must have a write before it is answered; 0: a majority. Fewer are faster, ' +
        'and elections then need more.',
      { property: 'quoll.writeQuorumSize' },
    ),
    honoured(
      'quoll.linearizableReads',
      boolean,
      'false',
      '`true`: a read on this server waits until everything is here that any client had been told ' +
        'before it was asked, as a read behind sync does. It costs a round trip between servers, ' +
        'which all reads of a turn share, and needs a leader.',
      { property: 'quoll.linearizableReads' },
    ),
    accepted('initLimit', int(1, 'ticks'), null, 'Time to get in sync.', OWN_TIMING, fileKey),
    accepted('syncLimit', int(1, 'ticks'), null, 'Silence of a server.', OWN_TIMING, fileKey),
    accepted(
      'connectToLearnerMasterLimit',
      int(0, 'ticks'),
      '0',
      'Time to connect to a leader.',
      OWN_TIMING,
      fileKey,
    ),
    accepted('electionAlg', int(0), '3', 'How leaders are elected.', OWN_ELECTION, fileKey),
    accepted('electionPort', port, '2182', 'Unused by ZooKeeper too.', OWN_ELECTION, fileKey),
    accepted(
      'syncEnabled',
      boolean,
      'true',
      'Observers keep their data on disk.',
      'they do in any case: reconfig may give an observer a vote at any time, and whoever votes must ' +
        'not forget what it has acknowledged',
      { ...fileKey, ...loud, harmless: ['true'] },
    ),
    accepted(
      'observerMasterPort',
      port,
      '0',
      'Followers serve observers here.',
      'observers fetch from any server on its first port',
      fileKey,
    ),
    refused(
      'quorum.auth.enableSasl',
      boolean,
      'false',
      'Servers may sign in to each other by SASL.',
      NO_SASL,
      fileKey,
    ),
    refused(
      'quorum.auth.learnerRequireSasl',
      boolean,
      'false',
      'Followers ask for SASL.',
      NO_SASL,
      fileKey,
    ),
    refused(
      'quorum.auth.serverRequireSasl',
      boolean,
      'false',
      'Leaders ask for SASL.',
      NO_SASL,
      fileKey,
    ),
    accepted(
      'quorum.auth.learner.saslLoginContext',
      text,
      'QuorumLearner',
      'JAAS section of followers.',
      NO_SERVER_SASL,
      fileKey,
    ),
    accepted(
      'quorum.auth.server.saslLoginContext',
      text,
      'QuorumServer',
      'JAAS section of leaders.',
      NO_SERVER_SASL,
      fileKey,
    ),
    accepted(
      'quorum.auth.kerberos.servicePrincipal',
      text,
      'zkquorum/localhost',
      'Kerberos name of the servers.',
      NO_SERVER_SASL,
      fileKey,
    ),
    accepted(
      'quorum.cnxn.threads.size',
      int(1),
      '20',
      'Threads that sign servers in.',
      NO_SERVER_SASL,
      fileKey,
    ),
    accepted(
      'multiAddress.enabled',
      boolean,
      'false',
      'Several addresses in a server line.',
      ALL_ADDRESSES,
    ),
    accepted(
      'multiAddress.reachabilityCheckEnabled',
      boolean,
      'true',
      'Tries which address answers.',
      ALL_ADDRESSES,
    ),
    accepted(
      'multiAddress.reachabilityCheckTimeoutMs',
      int(1, 'ms'),
      '1000',
      'How long such a try takes.',
      ALL_ADDRESSES,
    ),
    accepted(
      'oraclePath',
      text,
      null,
      'File that decides between two servers.',
      'two voters both have to be there: add a third',
      { ...fileKey, ...loud },
    ),
    accepted(
      'leader.maxConcurrentSnapSyncs',
      int(1),
      '10',
      'Snapshots sent at once.',
      OWN_CATCH_UP,
    ),
    accepted('leader.maxConcurrentDiffSyncs', int(1), '100', 'Catch-ups at once.', OWN_CATCH_UP),
    accepted(
      'leader.maxTimeToWaitForEpoch',
      int(-1, 'ms'),
      '-1',
      'How long a new leader waits for followers.',
      OWN_ELECTION,
    ),
    accepted('leader.nodelay', boolean, 'true', 'TCP_NODELAY towards followers.', NO_DELAY, {
      property: 'leader.nodelay',
      jvmOnly: true,
    }),
    accepted('follower.nodelay', boolean, 'true', 'TCP_NODELAY towards the leader.', NO_DELAY, {
      property: 'follower.nodelay',
      jvmOnly: true,
    }),
    accepted('cnxTimeout', int(1, 'ms'), '5000', 'Time to connect for an election.', OWN_ELECTION),
    accepted(
      'quorumCnxnTimeoutMs',
      int(-1, 'ms'),
      '-1',
      'Read time-out of election connections.',
      OWN_ELECTION,
    ),
    accepted(
      'electionPortBindRetry',
      int(0),
      '3',
      'Tries to bind the election port.',
      'a port that is taken is an error at once',
    ),
    accepted(
      'fastleader.minNotificationInterval',
      long(1, 'ms'),
      '200',
      'Shortest pause between votes.',
      OWN_ELECTION,
    ),
    accepted(
      'fastleader.maxNotificationInterval',
      long(1, 'ms'),
      '60000',
      'Longest pause between votes.',
      OWN_ELECTION,
    ),
    accepted('observer.reconnectDelayMs', long(0, 'ms'), '0', 'Pause of observers.', OWN_CATCH_UP),
    accepted(
      'observer.election.DelayMs',
      long(0, 'ms'),
      '200',
      'Pause of observers.',
      OWN_CATCH_UP,
    ),
    accepted(
      'observerMaster.sizeLimit',
      int(0, 'bytes'),
      '33554432',
      'Writes kept for observers.',
      OWN_CATCH_UP,
    ),
    accepted(
      'tcpKeepAlive',
      boolean,
      'false',
      'TCP keep-alive between servers.',
      'heartbeats do the same',
    ),
  ],
};
