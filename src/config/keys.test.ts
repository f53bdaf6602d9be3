import { describe, expect, it } from 'vitest';
import { CONFIG_KEYS, isFamily, keyByName, keyByProperty } from './keys.ts';
import { configurationMarkdown } from './markdown.ts';
import { parseValue } from './value.ts';

/** Every key that ZooKeeper 3.9 documents; of families one member. */
const ZOOKEEPER_KEYS = `
  dataDir dataLogDir clientPort clientPortAddress secureClientPort secureClientPortAddress
  tickTime initLimit syncLimit connectToLearnerMasterLimit minSessionTimeout maxSessionTimeout
  maxClientCnxns clientPortListenBacklog localSessionsEnabled localSessionsUpgradingEnabled
  electionAlg electionPort quorumListenOnAllIPs peerType syncEnabled observerMasterPort
  dynamicConfigFile standaloneEnabled reconfigEnabled autopurge.snapRetainCount
  autopurge.purgeInterval sslQuorum portUnification sslQuorumReloadCertFiles
  quorum.auth.enableSasl quorum.auth.learnerRequireSasl quorum.auth.serverRequireSasl
  quorum.auth.learner.saslLoginContext quorum.auth.server.saslLoginContext
  quorum.auth.kerberos.servicePrincipal quorum.cnxn.threads.size metricsProvider.className
  metricsProvider.x multiAddress.enabled multiAddress.reachabilityCheckEnabled
  multiAddress.reachabilityCheckTimeoutMs jvm.pause.monitor jvm.pause.info-threshold.ms
  jvm.pause.warn-threshold.ms jvm.pause.sleep.time.ms oraclePath server.1 group.1 weight.1
  4lw.commands.whitelist admin.enableServer admin.serverAddress admin.serverPort admin.idleTimeout
  admin.commandURL admin.httpVersion admin.rateLimiterIntervalInMS admin.snapshot.enabled
  admin.restore.enabled admin.portUnification admin.forceHttps admin.needClientAuth
  globalOutstandingLimit preAllocSize snapCount snapSizeLimitInKb txnLogSizeLimitInKb
  commitLogCount snapshotSizeFactor forceSync fsync.warningthresholdms flushDelay maxBatchSize
  maxWriteQueuePollTime maxCnxns maxResponseCacheSize maxGetChildrenResponseCacheSize
  request_throttle_max_requests request_throttle_stall_time request_throttle_drop_stale
  request_stale_connection_check request_stale_latency_check request_throttler.shutdownTimeout
  throttled_op_wait_time largeRequestMaxBytes largeRequestThreshold connection_throttle_tokens
  connection_throttle_fill_time connection_throttle_fill_count connection_throttle_freeze_time
  connection_throttle_drop_increase connection_throttle_drop_decrease
  connection_throttle_decrease_ratio connection_throttle_weight_enabled
  connection_throttle_global_session_weight connection_throttle_local_session_weight
  connection_throttle_renew_session_weight enforceQuota extendedTypesEnabled emulate353TTLNodes
  enableEagerACLCheck skipACL enforce.auth.enabled enforce.auth.schemes
  sessionRequireClientSASLAuth allowSaslFailedClients DigestAuthenticationProvider.enabled
  DigestAuthenticationProvider.superDigest DigestAuthenticationProvider.digestAlg authProvider.1
  IPAuthenticationProvider.usexforwardedfor X509AuthenticationProvider.superUser superUser
  superUser.x serverCnxnFactory digest.enabled closeSessionTxn.enabled
  serializeLastProcessedZxid.enabled snapshot.compression.method snapshot.trust.empty
  datadir.autocreate db.autocreate leaderServes leader.maxConcurrentSnapSyncs
  leader.maxConcurrentDiffSyncs leader.maxTimeToWaitForEpoch cnxTimeout quorumCnxnTimeoutMs
  electionPortBindRetry fastleader.minNotificationInterval fastleader.maxNotificationInterval
  observer.reconnectDelayMs observer.election.DelayMs observerMaster.sizeLimit tcpKeepAlive
  clientTcpKeepAlive nio.numSelectorThreads nio.numWorkerThreads nio.directBufferBytes
  nio.sessionlessCnxnTimeout nio.shutdownTimeout commitProcessor.numWorkerThreads
  commitProcessor.maxReadBatchSize commitProcessor.maxCommitBatchSize
  commitProcessor.shutdownTimeout watchManagerName watcherCleanThreadsNum watcherCleanThreshold
  watcherCleanIntervalInSeconds maxInProcessingDeadWatchers bitHashCacheSize
  client.portUnification client.certReload netty.advancedFlowControl.enabled
  netty.server.outstandingHandshake.limit audit.enable audit.impl.class ensembleAuthName
  jute.maxbuffer jute.maxbuffer.extrasize znode.container.checkIntervalMs
  znode.container.maxPerMinute znode.container.maxNeverUsedIntervalMs readonlymode.enabled
  ssl.keyStore.location ssl.keyStore.password ssl.keyStore.passwordPath ssl.keyStore.type
  ssl.trustStore.location ssl.trustStore.password ssl.trustStore.passwordPath ssl.trustStore.type
  ssl.protocol ssl.enabledProtocols ssl.ciphersuites ssl.context.supplier.class
  ssl.hostnameVerification ssl.clientHostnameVerification ssl.allowReverseDnsLookup ssl.crl
  ssl.ocsp ssl.clientAuth ssl.handshakeDetectionTimeoutMillis ssl.quorum.keyStore.location
  ssl.quorum.keyStore.password ssl.quorum.keyStore.passwordPath ssl.quorum.keyStore.type
  ssl.quorum.trustStore.location ssl.quorum.trustStore.password ssl.quorum.trustStore.passwordPath
  ssl.quorum.trustStore.type ssl.quorum.protocol ssl.quorum.enabledProtocols
  ssl.quorum.ciphersuites ssl.quorum.context.supplier.class ssl.quorum.hostnameVerification
  ssl.quorum.clientHostnameVerification ssl.quorum.allowReverseDnsLookup ssl.quorum.crl
  ssl.quorum.ocsp ssl.quorum.clientAuth ssl.quorum.handshakeDetectionTimeoutMillis fips-mode
  ssl.authProvider metricsProvider.httpHost metricsProvider.httpPort metricsProvider.exportJvmInfo
  metricsProvider.numWorkerThreads metricsProvider.maxQueueSize
  metricsProvider.workerShutdownTimeoutMs
`
  .trim()
  .split(/\s+/);

describe('the table of keys', () => {
  it.each(ZOOKEEPER_KEYS)('knows %s of ZooKeeper 3.9', (name) => {
    expect(keyByName(name)).toBeDefined();
  });

  it('names no key and no property twice', () => {
    const names = CONFIG_KEYS.map((key) => key.name);
    const properties = CONFIG_KEYS.flatMap((key) => key.property ?? []);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(properties).size).toBe(properties.length);
  });

  it('has defaults that it would allow', () => {
    for (const key of CONFIG_KEYS) {
      if (key.default !== null)
        expect([key.name, parseValue(key, key.default).ok]).toEqual([key.name, true]);
    }
  });

  it('gives a reason for each key that is not honoured', () => {
    for (const key of CONFIG_KEYS) {
      expect([key.name, key.reason === null]).toEqual([key.name, key.status === 'honoured']);
    }
  });

  it('finds keys by the property that the JVM knows', () => {
    expect(keyByProperty('zookeeper.snapCount')?.name).toBe('snapCount');
    expect(keyByProperty('jute.maxbuffer')?.name).toBe('jute.maxbuffer');
    expect(keyByProperty('zookeeper.jute.maxbuffer.extrasize')?.name).toBe(
      'jute.maxbuffer.extrasize',
    );
    expect(keyByProperty('zookeeper.authProvider.sasl')?.name).toBe('authProvider.<n>');
    expect(keyByProperty('zookeeper.clientPort')).toBeUndefined();
    expect(keyByProperty('snapCount')).toBeUndefined();
  });

  it('prefers a key of its own to the family', () => {
    expect(keyByName('metricsProvider.httpPort')?.name).toBe('metricsProvider.httpPort');
    expect(keyByName('metricsProvider.other')?.name).toBe('metricsProvider.<x>');
    expect(keyByName('server.')).toBeUndefined();
  });

  it('gives every own key the prefix quoll.', () => {
    const own = CONFIG_KEYS.filter((key) => key.property === key.name && !key.jvmOnly);
    expect(own.every((key) => key.name.startsWith('quoll.'))).toBe(true);
    expect(own.some(isFamily)).toBe(false);
  });
});

it('docs/configuration.md is what the table says (npx vitest -u writes it anew)', async () => {
  await expect(configurationMarkdown()).toMatchFileSnapshot('../../docs/configuration.md');
});
