import { describe, expect, it } from 'vitest';
import { effectiveSettings } from './describe.ts';
import {
  configOf,
  errorsOf,
  GIB,
  type Given,
  load,
  messages,
  warningsOf,
} from './load.test-helper.ts';
import { type ConfigSources, type LoadedConfig, loadConfig } from './load.ts';

function sourceOf(loaded: LoadedConfig, key: string): string | undefined {
  return effectiveSettings(loaded).find((setting) => setting.key === key)?.source;
}

describe('without a file', () => {
  it('serves this machine only, from the directory one stands in', () => {
    expect(load({}).config).toMatchObject({
      clientPort: 2181,
      clientPortAddress: '127.0.0.1',
      dataDir: './quoll-data',
      dataLogDir: './quoll-data',
    });
  });

  it('has nothing to say', () => {
    expect(load({}).problems).toEqual([]);
  });

  it('cannot be changed by whoever gets it', () => {
    const config = load({}).config;
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config?.containers)).toBe(true);
    expect(Object.isFrozen(config?.fourLetterWhitelist)).toBe(true);
  });
});

describe('a file', () => {
  it('listens on all addresses unless it names one', () => {
    expect(configOf('clientPort=2182').clientPortAddress).toBeUndefined();
    expect(configOf('clientPortAddress=[::1]').clientPortAddress).toBe('::1');
  });

  it('must name a data directory', () => {
    const loaded = load({ file: 'clientPort=2181' });
    expect(loaded.config).toBeNull();
    expect(messages(loaded, 'error')).toEqual([
      'dataDir: missing: add dataDir=<directory> or pass --data-dir',
    ]);
  });

  it('that cannot be read is one error, and says why', () => {
    const missing: ConfigSources = {
      file: 'absent.cfg',
      readFile: () => {
        throw new Error('ENOENT');
      },
      environment: {},
      definitions: [],
      flags: [],
      memoryBytes: GIB,
    };
    const loaded = loadConfig(missing);
    expect(loaded.config).toBeNull();
    expect(messages(loaded)).toEqual(['cannot read the configuration file absent.cfg: ENOENT']);
  });

  it('starts Quoll when it is the sample that comes with ZooKeeper', () => {
    const loaded = load({
      file: 'tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/tmp/zookeeper\nclientPort=2181\n',
    });
    expect(loaded.config).toMatchObject({
      tickTimeMs: 2000,
      minSessionTimeoutMs: 4000,
      maxSessionTimeoutMs: 40_000,
      maxClientCnxns: 60,
    });
    expect(messages(loaded, 'warning')).toEqual([]);
  });

  it('starts Quoll when it is the one that the Docker image writes', () => {
    const loaded = load({
      file: [
        'dataDir=/data',
        'dataLogDir=/datalog',
        'tickTime=2000',
        'initLimit=5',
        'syncLimit=2',
        'autopurge.snapRetainCount=3',
        'autopurge.purgeInterval=0',
        'maxClientCnxns=60',
        'standaloneEnabled=true',
        'admin.enableServer=true',
        'server.1=localhost:2888:3888;2181',
      ].join('\n'),
    });
    expect(loaded.config).toMatchObject({ clientPort: 2181, dataLogDir: '/datalog', purge: true });
    expect(messages(loaded, 'warning')).toEqual([
      'zoo.cfg:10: admin.enableServer: has no effect: there is no AdminServer yet: use the ' +
        'four-letter words',
    ]);
  });
});

describe('precedence', () => {
  const file = 'dataDir=/d\nmaxCnxns=1';
  const environment = { SERVER_JVMFLAGS: '-Dzookeeper.maxCnxns=2' };

  it('is flag, -D, JVM flags, file, default', () => {
    const flags = [{ flag: '--max-cnxns', key: 'maxCnxns', text: '5' }];
    const definitions = ['maxCnxns=4'];
    const steps: readonly [Given, number, string][] = [
      [{ file: 'dataDir=/d' }, 0, 'default'],
      [{ file }, 1, 'zoo.cfg:2'],
      [{ file, environment }, 2, 'SERVER_JVMFLAGS'],
      [{ file, environment, definitions }, 4, '-D'],
      [{ file, environment, definitions, flags }, 5, '--max-cnxns'],
    ];
    for (const [given, maxCnxns, source] of steps) {
      const loaded = load(given);
      expect(loaded.config?.maxCnxns).toBe(maxCnxns);
      expect(sourceOf(loaded, 'maxCnxns')).toBe(source);
      expect(loaded.problems).toEqual([]);
    }
  });

  it('lets JVMFLAGS win over SERVER_JVMFLAGS, as zkServer.sh does', () => {
    const both = { ...environment, JVMFLAGS: '-Dzookeeper.maxCnxns=3' };
    expect(load({ file, environment: both }).config?.maxCnxns).toBe(3);
  });

  it('does not judge a value that is overridden', () => {
    const loaded = load({ file: 'dataDir=/d\ntickTime=soon', definitions: ['tickTime=1000'] });
    expect(loaded.config?.tickTimeMs).toBe(1000);
    expect(loaded.problems).toEqual([]);
  });

  it('takes system properties and keys alike behind -D', () => {
    const definitions = ['zookeeper.skipACL=yes', 'jute.maxbuffer=4096', 'enforceQuota=true'];
    expect(load({ definitions }).config).toMatchObject({
      skipACL: true,
      juteMaxbuffer: 4096,
      enforceQuota: true,
    });
  });
});

describe('JVM flags', () => {
  it('other than -D are mentioned and ignored', () => {
    const loaded = load({
      environment: { JVMFLAGS: '-Xmx4g -XX:+UseG1GC -Dreadonlymode.enabled=true' },
    });
    expect(loaded.config?.fourLetterWhitelist).toContain('isro');
    expect(messages(loaded)).toEqual([
      'JVMFLAGS: ignored, for there is no JVM: -Xmx4g -XX:+UseG1GC',
    ]);
  });

  it("for other programs are no reason to warn, ZooKeeper's unknown ones are", () => {
    const loaded = load({
      environment: { JVMFLAGS: '-Dcom.sun.x=1 -Dzookeeper.maxCnxn=3 -Dzookeeper.clientPort=1' },
    });
    expect(messages(loaded, 'info')).toEqual(['JVMFLAGS: com.sun.x: no such key, ignored']);
    expect(messages(loaded, 'warning')).toEqual([
      'JVMFLAGS: zookeeper.maxCnxn: no such key, ignored; did you mean zookeeper.maxCnxns?',
      'JVMFLAGS: zookeeper.clientPort: no such key, ignored; did you mean clientPort in zoo.cfg?',
    ]);
    expect(loaded.config?.clientPort).toBe(2181);
  });

  it('with an open quote are an error', () => {
    const loaded = load({ environment: { JVMFLAGS: '-Da="b' } });
    expect(messages(loaded, 'error')).toEqual(['JVMFLAGS: a quote is not closed']);
  });
});

describe('what is said about a key', () => {
  it('names file, line, key and what is allowed when a value is bad', () => {
    expect(errorsOf('', 'tickTime=fast')).toEqual([
      'zoo.cfg:3: tickTime: "fast" won\'t do: must be a whole number from 1 to 2147483647 (ms)',
    ]);
  });

  it('suggests the nearest key for one that does not exist', () => {
    expect(warningsOf('maxClientCnxn=3')).toEqual([
      'zoo.cfg:2: maxClientCnxn: no such key, ignored; did you mean maxClientCnxns?',
    ]);
    expect(warningsOf('zookeeper.enforceQuota=true')).toEqual([
      'zoo.cfg:2: zookeeper.enforceQuota: no such key, ignored; did you mean enforceQuota?',
    ]);
    expect(warningsOf('blue=green')).toEqual(['zoo.cfg:2: blue: no such key, ignored']);
  });

  it('points at both lines when a key is there twice', () => {
    expect(warningsOf('tickTime=1', 'tickTime=2')).toEqual([
      'zoo.cfg:3: tickTime: set before in line 2; this line, the last one, counts',
    ]);
    expect(configOf('tickTime=1', 'tickTime=2').tickTimeMs).toBe(2);
  });

  it('says what has no effect, and why', () => {
    const loaded = load({ file: 'dataDir=/d\nsnapCount=1000' });
    expect(messages(loaded, 'info')[0]).toMatch(/^zoo.cfg:2: snapCount: has no effect: .*snapSize/);
  });

  it('is nothing when the key is at its default', () => {
    expect(load({ file: 'dataDir=/d\nsnapCount=100000\nsslQuorum=false' }).problems).toEqual([]);
  });

  it('counts the broken line of a file', () => {
    expect(errorsOf('a=\\u12')).toEqual([
      'zoo.cfg:2: a \\u must be followed by four hexadecimal digits',
    ]);
  });

  it('never shows a secret', () => {
    const digest = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=';
    const loaded = load({
      file: `dataDir=/d\nDigestAuthenticationProvider.superDigest=${digest}\nssl.keyStore.password=pw1`,
    });
    expect(loaded.config?.superDigest).toBe(digest);
    const shown = JSON.stringify([effectiveSettings(loaded), messages(loaded)]);
    expect(shown).toContain('ssl.keyStore.password');
    expect(shown).not.toContain('xQJmx');
    expect(shown).not.toContain('pw1');
  });
});

describe('what cannot be had', () => {
  it.each([
    'secureClientPort=2281',
    'secureClientPortAddress=0.0.0.0',
    'client.portUnification=true',
    'sessionRequireClientSASLAuth=true',
    'authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
    'authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider',
    'authProvider.own=com.example.Provider',
    'audit.enable=true',
    'sslQuorum=true',
    'quorum.auth.enableSasl=true',
  ])('is refused: %s', (line) => {
    expect(errorsOf(line)).toHaveLength(1);
    expect(errorsOf(line)[0]).toMatch(/^zoo.cfg:2: .*: refused: /);
  });

  it.each([
    'sessionRequireClientSASLAuth=false',
    'audit.enable=FALSE',
    'peerType=participant',
    'authProvider.1=org.apache.zookeeper.server.auth.DigestAuthenticationProvider',
  ])('is fine when nothing is asked for: %s', (line) => {
    expect(load({ file: `dataDir=/d\n${line}` }).problems).toEqual([]);
  });

  it.each([
    'admin.enableServer=true',
    'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
    'oraclePath=/o',
    'request_throttle_max_requests=100',
  ])('is a warning where nothing depends on it: %s', (line) => {
    expect(warningsOf(line)).toHaveLength(1);
    expect(errorsOf(line)).toEqual([]);
  });
});

describe('server lines', () => {
  it('of one voter name the client port', () => {
    expect(configOf('server.1=zk1:2888:3888;10.0.0.1:2191')).toMatchObject({
      clientPort: 2191,
      clientPortAddress: '10.0.0.1',
    });
  });

  it('without a client port leave it to clientPort', () => {
    expect(configOf('server.1=zk1:2888:3888', 'clientPort=2191').clientPort).toBe(2191);
  });

  it('of one voter make a server alone', () => {
    expect(configOf('server.1=zk1:2888:3888').ensemble).toBeNull();
    expect(configOf().ensemble).toBeNull();
  });

  it('must not contradict clientPort in the file, but give way to a flag', () => {
    const file = 'dataDir=/d\nclientPort=1\nserver.1=a:1:2;3';
    expect(messages(load({ file }), 'error')).toEqual([
      'zoo.cfg:2: clientPort: 1 contradicts the client port 3 of server.1: remove one',
    ]);
    const flags = [{ flag: '--client-port', key: 'clientPort', text: '4' }];
    expect(load({ file, flags }).config?.clientPort).toBe(4);
  });

  it('must not contradict clientPortAddress', () => {
    expect(errorsOf('clientPortAddress=10.0.0.2', 'server.1=a:1:2;10.0.0.1:3')).toHaveLength(1);
    expect(configOf('clientPortAddress=10.0.0.1', 'server.1=a:1:2;3').clientPortAddress).toBe(
      '10.0.0.1',
    );
  });

  it('that cannot be read are errors with their line', () => {
    expect(errorsOf('server.1=a:1')[0]).toMatch(/^zoo.cfg:2: server.1: must be host:port:port/);
    expect(errorsOf('server.one=a:1:2')).toEqual([
      'zoo.cfg:2: server.one: must be server.<number>',
    ]);
  });

  it('may stand in a dynamic file, and then nowhere else', () => {
    const file = 'dataDir=/d\ndynamicConfigFile=dyn';
    const members = 'server.1=a:1:2;2191';
    expect(load({ file, files: { dyn: members } }).config?.clientPort).toBe(2191);
    const twice = load({ file: `${file}\n${members}`, files: { dyn: members } });
    expect(messages(twice, 'error')[0]).toMatch('zoo.cfg:3: server.1: must move to dyn');
    const version = load({ file, files: { dyn: `${members}\nversion=1` } });
    expect(messages(version, 'error')[0]).toMatch('dyn:2: version: a dynamic file holds server');
    const absent = load({ file });
    expect(messages(absent, 'error')).toEqual([
      'zoo.cfg:2: dynamicConfigFile: cannot read the configuration file dyn: no such file',
    ]);
  });
});

describe('values that depend on others', () => {
  it('derive session time-outs from tickTime', () => {
    expect(configOf('tickTime=500')).toMatchObject({
      minSessionTimeoutMs: 1000,
      maxSessionTimeoutMs: 10_000,
    });
    expect(configOf('minSessionTimeout=5', 'maxSessionTimeout=5')).toMatchObject({
      minSessionTimeoutMs: 5,
      maxSessionTimeoutMs: 5,
    });
  });

  it('refuse a shortest time-out above the longest', () => {
    expect(errorsOf('minSessionTimeout=100000')[0]).toMatch(
      'zoo.cfg:2: minSessionTimeout: minSessionTimeout (100000 ms) is above maxSessionTimeout',
    );
    expect(errorsOf('maxSessionTimeout=10')[0]).toMatch('zoo.cfg:2: maxSessionTimeout: ');
  });

  it('keep requests short enough for one record of the log', () => {
    expect(configOf('jute.maxbuffer=65011712').juteMaxbuffer).toBe(65_011_712);
    expect(errorsOf('jute.maxbuffer=65011713')).toHaveLength(1);
  });

  it('keep time-outs that are multiples of the tick within what the protocol can tell', () => {
    expect(configOf('tickTime=2000000000')).toMatchObject({
      minSessionTimeoutMs: 2_147_483_647,
      maxSessionTimeoutMs: 2_147_483_647,
    });
  });

  it('refuse a throttle that would let nobody in', () => {
    const weights = 'connection_throttle_weight_enabled=true';
    expect(errorsOf('connection_throttle_tokens=3', weights)).toEqual([]);
    expect(errorsOf(weights)).toEqual([]);
    expect(errorsOf('connection_throttle_tokens=2', weights)).toEqual([
      'connection_throttle_global_session_weight: 3 is more than connection_throttle_tokens=2: ' +
        'nobody would get in',
    ]);
    expect(errorsOf('connection_throttle_tokens=1', weights)).toHaveLength(2);
  });

  it('let a benchmark of 64 clients with 64 requests each pass, and obey an explicit value', () => {
    expect(configOf().globalOutstandingLimit).toBeGreaterThan(64 * 64);
    expect(configOf('globalOutstandingLimit=1000').globalOutstandingLimit).toBe(1000);
  });

  it('give the tree half of the memory, at most what it can address', () => {
    expect(load({ memoryBytes: 4 * GIB }).config?.maxTreeBytes).toBe(2 * GIB);
    expect(load({ memoryBytes: 500 * GIB }).config?.maxTreeBytes).toBe(32 * GIB);
    expect(configOf('quoll.maxTreeBytes=3g').maxTreeBytes).toBe(3 * GIB);
  });

  it('keep at least three snapshots', () => {
    expect(configOf('autopurge.snapRetainCount=1').snapRetainCount).toBe(3);
    expect(configOf('autopurge.snapRetainCount=7').snapRetainCount).toBe(7);
    expect(warningsOf('autopurge.snapRetainCount=1')).toHaveLength(1);
  });

  it('never let the log grow for ever', () => {
    expect(configOf('snapSizeLimitInKb=64').snapSizeLimitBytes).toBe(65_536);
    expect(configOf('snapSizeLimitInKb=0').snapSizeLimitBytes).toBe(4_294_967_296);
    expect(warningsOf('snapSizeLimitInKb=-1')).toHaveLength(1);
  });

  it('take every limit below zero for none', () => {
    expect(configOf('maxClientCnxns=-1', 'maxCnxns=-1')).toMatchObject({
      maxClientCnxns: 0,
      maxCnxns: 0,
    });
  });
});

describe('four-letter words', () => {
  it('always include srvr, and isro where read-only mode is on', () => {
    expect(configOf().fourLetterWhitelist).toEqual(['srvr']);
    expect(configOf('readonlymode.enabled=true').fourLetterWhitelist).toEqual(['isro', 'srvr']);
    expect(configOf('4lw.commands.whitelist=ruok, mntr').fourLetterWhitelist).toEqual([
      'mntr',
      'ruok',
      'srvr',
    ]);
  });

  it('are all there with *', () => {
    expect(configOf('4lw.commands.whitelist=*').fourLetterWhitelist).toHaveLength(19);
    expect(warningsOf('4lw.commands.whitelist=*')).toEqual([]);
  });

  it('that do not exist are named, with what was meant', () => {
    expect(warningsOf('4lw.commands.whitelist=rouk')).toEqual([
      'zoo.cfg:2: 4lw.commands.whitelist: "rouk" is unknown and ignored; did you mean ruok?',
    ]);
  });
});

describe('security', () => {
  it('warns of doors that are left open', () => {
    expect(warningsOf('skipACL=yes')).toEqual(['zoo.cfg:2: skipACL: every ACL check is off']);
    expect(warningsOf('forceSync=no')).toHaveLength(1);
    expect(configOf('forceSync=no').forceSync).toBe(false);
  });

  it('refuses a super password in clear', () => {
    expect(errorsOf('DigestAuthenticationProvider.superDigest=admin')).toHaveLength(1);
    expect(errorsOf('DigestAuthenticationProvider.superDigest=super:p w')).toHaveLength(1);
  });

  it('enforces schemes only where some are named that clients can have', () => {
    const enabled = 'enforce.auth.enabled=true';
    expect(configOf(enabled, 'enforce.auth.schemes=digest').enforceAuthSchemes).toEqual(['digest']);
    expect(errorsOf(enabled)).toHaveLength(1);
    expect(errorsOf(enabled, 'enforce.auth.schemes=sasl')[0]).toMatch(
      'sasl comes in a later release',
    );
    expect(errorsOf(enabled, 'enforce.auth.schemes=digets')[0]).toMatch('digets is not a scheme');
    const digestOff = 'DigestAuthenticationProvider.enabled=false';
    expect(errorsOf(enabled, 'enforce.auth.schemes=digest', digestOff)).toHaveLength(1);
  });

  it('does not enforce what is named but not enabled, and says so', () => {
    expect(configOf('enforce.auth.schemes=digest').enforceAuthSchemes).toEqual([]);
    expect(warningsOf('enforce.auth.schemes=digest')).toHaveLength(1);
  });
});

it('a key of the JVM is honoured in the file, with a word about ZooKeeper', () => {
  const loaded = load({ file: 'dataDir=/d\njute.maxbuffer=4194304' });
  expect(loaded.config?.juteMaxbuffer).toBe(4_194_304);
  expect(messages(loaded)).toEqual([
    'zoo.cfg:2: jute.maxbuffer: Quoll honours it here; ZooKeeper would ignore it in a file and ' +
      'wants -Djute.maxbuffer=4194304',
  ]);
});

it('the effective configuration shows what holds, derived values included', () => {
  const loaded = load({ file: 'dataDir=/d\ntickTime=1000\nserver.7=a:1:2;2191' });
  const shown = new Map(effectiveSettings(loaded).map((line) => [line.key, line]));
  expect(shown.get('clientPort')).toMatchObject({ value: '2191', source: 'zoo.cfg:3' });
  expect(shown.get('minSessionTimeout')?.value).toBe('2000');
  expect(shown.get('dataLogDir')?.value).toBe('/d');
  expect(shown.get('tickTime')?.source).toBe('zoo.cfg:2');
  expect(shown.get('server.7')?.value).toBe('a:1:2;2191');
  expect(shown.get('quoll.maxTreeBytes')?.value).toBe(String(2 * GIB));
});
