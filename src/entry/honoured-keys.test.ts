import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { Server } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import type { Writer } from '../base/writer.ts';
import { CONFIG_KEYS } from '../config/keys.ts';
import { Err, Op } from '../protocol/constants.ts';
import { createBody, pathBody, request, setBody } from '../server/server.test-helper.ts';
import {
  type Client,
  digestOf,
  freePort,
  newDirectory,
  TestRun,
} from './running-server.test-helper.ts';

type Outcome = unknown;

/** What one looks at to see whether the server does what a key says. */
type Probe = (run: TestRun) => Promise<Outcome> | Outcome;

interface Case {
  readonly keys: readonly string[];
  /** Lines of a zoo.cfg. */
  readonly lines: readonly string[];
  readonly probe: Probe;
  readonly expected: Outcome;
  /** The same probe without the keys; absent where one could only wait for nothing to happen. */
  readonly otherwise?: { readonly lines?: readonly string[]; readonly expected: Outcome };
}

const ALL_WORDS = '4lw.commands.whitelist=*';
const EVERYBODY = ['world', 'anyone'] as const;
const SNAPSHOT_WRITTEN = 'snapshot written';

function withAcl(path: string, perms: number, scheme: string, id: string): (w: Writer) => void {
  return (writer) => {
    writer.ustring(path);
    writer.ustring('');
    writer.i32(1);
    writer.i32(perms);
    writer.ustring(scheme);
    writer.ustring(id);
    writer.i32(0);
  };
}

function withVersion(path: string): (w: Writer) => void {
  return (writer) => {
    writer.ustring(path);
    writer.i32(-1);
  };
}

/** What a client is granted that asks for these time-outs. */
function granted(...timeoutsMs: number[]): Probe {
  return async (run) => {
    const all: unknown[] = [];
    for (const timeoutMs of timeoutsMs) all.push(await (await run.connect()).open(timeoutMs));
    return all;
  };
}

/** Which of so many connections, one after the other, get a session. */
function admitted(count: number, renewing = false): Probe {
  return async (run) => {
    const all: boolean[] = [];
    for (let i = 0; i < count; i++) {
      const client = await run.connect();
      const timeoutMs = await (renewing ? client.open(10_000, 1, 1) : client.open());
      all.push(timeoutMs !== null);
    }
    return all;
  };
}

/** Whether one who signed in like this may read what is closed to everybody. */
function mayReadAll(credentials: string): Probe {
  return async (run) => {
    const client = await run.client();
    await client.call(Op.create, withAcl('/closed', 0, ...EVERYBODY));
    await client.auth('digest', credentials);
    return client.call(Op.getData, pathBody('/closed', false));
  };
}

/** Writes until so many snapshots have been written, and tells how many are there in the end. */
function snapshotsLeft(written: number): Probe {
  return async (run) => {
    const client = await run.client();
    await client.create('/a');
    for (let i = 1; i <= written; i++) {
      await client.call(Op.setData, setBody('/a', 'x'.repeat(2_000)));
      await run.said.times(i, SNAPSHOT_WRITTEN);
    }
    return run.figure('quoll_snapshot_count');
  };
}

/** The event that tells of the node's end, however it comes. */
async function untilDeleted(client: Client, path: string): Promise<Outcome> {
  await client.call(Op.exists, pathBody(path, true));
  return (await client.reply())?.xid;
}

async function emptiedContainer(run: TestRun): Promise<Outcome> {
  const client = await run.client();
  await client.call(Op.createContainer, createBody('/c', '', 4));
  await client.create('/c/x');
  await client.call(Op.exists, pathBody('/c', true));
  client.send(request(9, Op.delete, withVersion('/c/x')));
  return [(await client.reply())?.xid, (await client.reply())?.xid];
}

/** Flags of the descriptor that the log is written by. */
function logIsDurable(run: TestRun): boolean {
  const open = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(`${run.directory}/data/quoll/log/`) ? [fd] : [];
    } catch {
      return [];
    }
  });
  expect(open).not.toEqual([]);
  return open.some((fd) => {
    const flags = /flags:\s*([0-7]+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
    return (Number.parseInt(flags?.[1] ?? '0', 8) & O_DSYNC) !== 0;
  });
}

const O_DSYNC = 0o10000;

const THROTTLED = ['connection_throttle_tokens=1', 'connection_throttle_fill_time=2000000000'];
const LIKELY = [...THROTTLED, 'connection_throttle_freeze_time=0', ALL_WORDS];

const dropProbability: Probe = async (run) => {
  await admitted(2)(run);
  return run.figure('connection_drop_probability');
};

const CASES: readonly Case[] = [
  {
    keys: ['clientPortAddress'],
    lines: ['clientPortAddress=127.0.0.2'],
    probe: (run) => run.server.address,
    expected: '127.0.0.2',
    otherwise: { expected: '127.0.0.1' },
  },
  {
    keys: ['4lw.commands.whitelist'],
    lines: ['4lw.commands.whitelist=ruok'],
    probe: (run) => run.word('ruok'),
    expected: 'imok',
    otherwise: { expected: 'ruok is not executed because it is not in the whitelist.\n' },
  },
  {
    keys: ['readonlymode.enabled'],
    lines: ['readonlymode.enabled=true'],
    probe: (run) => run.word('isro'),
    expected: 'rw',
    otherwise: { expected: 'isro is not executed because it is not in the whitelist.\n' },
  },
  {
    keys: ['tickTime'],
    lines: ['tickTime=50'],
    probe: granted(1, 1_000_000),
    expected: [100, 1_000],
    otherwise: { expected: [6_000, 60_000] },
  },
  {
    keys: ['tickTime'],
    lines: ['tickTime=50'],
    probe: async (run) => {
      const [silent, other] = [await run.client(1), await run.client(1_000)];
      await silent.create('/e', '', 1);
      return untilDeleted(other, '/e');
    },
    expected: -1,
  },
  {
    keys: ['minSessionTimeout'],
    lines: ['minSessionTimeout=1234'],
    probe: granted(1),
    expected: [1_234],
    otherwise: { expected: [6_000] },
  },
  {
    keys: ['maxSessionTimeout'],
    lines: ['maxSessionTimeout=7777'],
    probe: granted(1_000_000),
    expected: [7_777],
    otherwise: { expected: [60_000] },
  },
  {
    keys: ['nio.sessionlessCnxnTimeout'],
    lines: ['nio.sessionlessCnxnTimeout=100', ALL_WORDS],
    probe: async (run) => {
      await (await run.connect()).closed;
      return run.figure('sessionless_connections_expired');
    },
    expected: 1,
  },
  {
    keys: ['maxClientCnxns'],
    lines: ['maxClientCnxns=2'],
    probe: admitted(3),
    expected: [true, true, false],
    otherwise: { expected: [true, true, true] },
  },
  {
    keys: ['maxCnxns'],
    lines: ['maxCnxns=2'],
    probe: admitted(3),
    expected: [true, true, false],
    otherwise: { expected: [true, true, true] },
  },
  {
    keys: ['globalOutstandingLimit'],
    lines: ['globalOutstandingLimit=1', ALL_WORDS],
    probe: async (run) => {
      const client = await run.client();
      const creates = Array.from({ length: 50 }, (_, i) =>
        request(i, Op.create, createBody(`/n${i}`, '')),
      );
      client.send(...creates);
      for (const _ of creates) await client.reply();
      // One command at a time can't share a write to the log with another.
      return (await run.figure('cnt_fsynctime')) > creates.length;
    },
    expected: true,
    otherwise: { lines: [ALL_WORDS], expected: false },
  },
  {
    keys: ['jute.maxbuffer'],
    lines: ['jute.maxbuffer=1000'],
    probe: async (run) => (await run.client()).create('/a', 'x'.repeat(1_000)),
    expected: 'closed',
    otherwise: { expected: Err.ok },
  },
  {
    keys: ['largeRequestThreshold', 'largeRequestMaxBytes'],
    lines: ['largeRequestThreshold=1000', 'largeRequestMaxBytes=3000', ALL_WORDS],
    probe: async (run) => {
      const client = await run.client();
      const large = (xid: number): Uint8Array =>
        request(xid, Op.create, createBody(`/n${xid}`, 'x'.repeat(2_000)));
      client.send(large(1), large(2));
      return [await client.reply(), await run.figure('large_requests_rejected')];
    },
    expected: [null, 1],
    otherwise: { lines: [ALL_WORDS], expected: [expect.objectContaining({ err: Err.ok }), 0] },
  },
  {
    keys: ['connection_throttle_tokens'],
    lines: THROTTLED,
    probe: admitted(2),
    expected: [true, false],
    otherwise: { expected: [true, true] },
  },
  {
    keys: ['connection_throttle_fill_time', 'connection_throttle_fill_count'],
    lines: ['connection_throttle_tokens=9', 'connection_throttle_fill_time=1'],
    probe: async (run) => {
      let count = 0;
      while (count < 20) if ((await (await run.connect()).open()) !== null) count++;
      return count;
    },
    expected: 20,
  },
  {
    keys: ['connection_throttle_freeze_time'],
    lines: LIKELY,
    probe: dropProbability,
    expected: 0.02,
    otherwise: { lines: [...THROTTLED, ALL_WORDS], expected: 0 },
  },
  {
    keys: ['connection_throttle_drop_increase'],
    lines: [...LIKELY, 'connection_throttle_drop_increase=0.5'],
    probe: dropProbability,
    expected: 0.5,
    otherwise: { lines: LIKELY, expected: 0.02 },
  },
  {
    keys: ['connection_throttle_weight_enabled', 'connection_throttle_global_session_weight'],
    lines: [
      'connection_throttle_tokens=9',
      THROTTLED[1] as string,
      'connection_throttle_weight_enabled=true',
      'connection_throttle_global_session_weight=4',
    ],
    probe: admitted(3),
    expected: [true, true, false],
    otherwise: { lines: ['connection_throttle_tokens=9'], expected: [true, true, true] },
  },
  {
    keys: ['connection_throttle_renew_session_weight'],
    lines: [
      'connection_throttle_tokens=9',
      THROTTLED[1] as string,
      'connection_throttle_weight_enabled=true',
      'connection_throttle_renew_session_weight=5',
    ],
    probe: admitted(2, true),
    expected: [true, false],
    otherwise: { lines: ['connection_throttle_tokens=9'], expected: [true, true] },
  },
  {
    keys: ['dataDir'],
    lines: ['dataDir=$DIR/elsewhere'],
    probe: ({ directory }) => existsSync(`${directory}/elsewhere/quoll/snapshots`),
    expected: true,
    otherwise: { expected: false },
  },
  {
    keys: ['dataLogDir'],
    lines: ['dataLogDir=$DIR/log'],
    probe: ({ directory }) =>
      ['log', 'data'].map((name) => existsSync(`${directory}/${name}/quoll/log`)),
    expected: [true, false],
    otherwise: { expected: [false, true] },
  },
  {
    keys: ['forceSync'],
    lines: ['forceSync=no'],
    probe: logIsDurable,
    expected: false,
    otherwise: { expected: true },
  },
  {
    keys: ['fsync.warningthresholdms'],
    lines: ['fsync.warningthresholdms=0', ALL_WORDS],
    probe: async (run) => {
      await (await run.client()).create('/a');
      const said = run.said.count('the disk was slow to take a write to the log');
      return [said > 0, (await run.figure('fsync_threshold_exceed_count')) === said];
    },
    expected: [true, true],
    otherwise: { lines: ['fsync.warningthresholdms=600000', ALL_WORDS], expected: [false, true] },
  },
  {
    keys: ['snapSizeLimitInKb'],
    lines: ['snapSizeLimitInKb=1', ALL_WORDS],
    probe: snapshotsLeft(2),
    expected: 2,
  },
  {
    keys: ['autopurge.snapRetainCount'],
    lines: ['snapSizeLimitInKb=1', 'autopurge.snapRetainCount=4', ALL_WORDS],
    probe: snapshotsLeft(6),
    expected: 4,
    otherwise: { lines: ['snapSizeLimitInKb=1', ALL_WORDS], expected: 3 },
  },
  {
    keys: ['quoll.purge'],
    lines: ['snapSizeLimitInKb=1', 'quoll.purge=false', ALL_WORDS],
    probe: snapshotsLeft(6),
    expected: 6,
    otherwise: { lines: ['snapSizeLimitInKb=1', ALL_WORDS], expected: 3 },
  },
  {
    keys: ['znode.container.checkIntervalMs', 'znode.container.maxPerMinute'],
    lines: ['znode.container.checkIntervalMs=10', 'znode.container.maxPerMinute=100000'],
    probe: emptiedContainer,
    expected: [9, -1],
  },
  {
    keys: ['znode.container.maxNeverUsedIntervalMs'],
    lines: ['znode.container.checkIntervalMs=10', 'znode.container.maxNeverUsedIntervalMs=1'],
    probe: async (run) => {
      const client = await run.client();
      client.send(
        request(1, Op.createContainer, createBody('/c', '', 4)),
        request(2, Op.exists, pathBody('/c', true)),
      );
      return [
        (await client.reply())?.xid,
        (await client.reply())?.xid,
        (await client.reply())?.xid,
      ];
    },
    expected: [1, 2, -1],
  },
  {
    keys: ['extendedTypesEnabled'],
    lines: ['extendedTypesEnabled=true'],
    probe: async (run) =>
      (await run.client()).call(Op.createTTL, (writer) => {
        createBody('/t', '', 5)(writer);
        writer.i64(60_000);
      }),
    expected: Err.ok,
    otherwise: { expected: Err.unimplemented },
  },
  {
    keys: ['enforceQuota'],
    lines: ['enforceQuota=true'],
    probe: async (run) => {
      const client = await run.client();
      await client.create('/q');
      await client.create('/zookeeper/quota/q');
      const limits = 'count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=-1';
      await client.create('/zookeeper/quota/q/zookeeper_limits', limits);
      await client.create('/zookeeper/quota/q/zookeeper_stats', 'count=1,bytes=0');
      return client.call(Op.setData, setBody('/q', 'x'.repeat(11)));
    },
    expected: Err.quotaExceeded,
    otherwise: { expected: Err.ok },
  },
  {
    keys: ['skipACL'],
    lines: ['skipACL=yes'],
    probe: mayReadAll('nobody:x'),
    expected: Err.ok,
    otherwise: { expected: Err.noAuth },
  },
  {
    keys: ['DigestAuthenticationProvider.enabled'],
    lines: ['DigestAuthenticationProvider.enabled=false'],
    probe: async (run) => (await run.client()).auth('digest', 'bob:x'),
    expected: Err.authFailed,
    otherwise: { expected: Err.ok },
  },
  {
    keys: ['DigestAuthenticationProvider.superDigest'],
    lines: [`DigestAuthenticationProvider.superDigest=${digestOf('super', 'x')}`],
    probe: mayReadAll('super:x'),
    expected: Err.ok,
    otherwise: { expected: Err.noAuth },
  },
  {
    keys: ['DigestAuthenticationProvider.digestAlg'],
    lines: ['DigestAuthenticationProvider.digestAlg=SHA3-256'],
    probe: async (run) => {
      const [bob, alice] = [await run.client(), await run.client()];
      await bob.auth('digest', 'bob:x');
      const ids = ['sha1', 'sha3-256'].map((algorithm) => digestOf('bob', 'x', algorithm));
      const readable: unknown[] = [];
      for (const [i, id] of ids.entries()) {
        await alice.call(Op.create, withAcl(`/n${i}`, 1, 'digest', id));
        readable.push(await bob.call(Op.getData, pathBody(`/n${i}`, false)));
      }
      return readable;
    },
    expected: [Err.noAuth, Err.ok],
    otherwise: { expected: [Err.ok, Err.noAuth] },
  },
  {
    keys: ['enforce.auth.enabled', 'enforce.auth.schemes'],
    lines: ['enforce.auth.enabled=true', 'enforce.auth.schemes=digest'],
    probe: async (run) => {
      const [bob, alice] = [await run.client(), await run.client()];
      await bob.auth('digest', 'bob:x');
      return [await bob.create('/b'), await alice.create('/a')];
    },
    expected: [Err.ok, Err.sessionClosedRequireSaslAuth],
    otherwise: { expected: [Err.ok, Err.ok] },
  },
  {
    keys: ['quoll.maxTreeBytes'],
    lines: ['quoll.maxTreeBytes=1m'],
    probe: async (run) => {
      const client = await run.client();
      for (let i = 0; i < 10; i++) {
        const code = await client.create(`/n${i}`, 'x'.repeat(400_000));
        if (code !== Err.ok) return code;
      }
      return Err.ok;
    },
    expected: Err.quotaExceeded,
    otherwise: { expected: Err.ok },
  },
  {
    keys: ['reconfigEnabled'],
    lines: ['reconfigEnabled=true'],
    probe: async (run) =>
      (await run.client()).call(Op.reconfig, (writer) => {
        for (let i = 0; i < 3; i++) writer.buffer(null);
        writer.i64(-1);
      }),
    expected: Err.unimplemented,
    otherwise: { expected: Err.reconfigDisabled },
  },
];

/** Keys that only several servers together can show. */
const ENSEMBLE_KEYS = [
  'group.<id>',
  'weight.<id>',
  'standaloneEnabled',
  'peerType',
  'quorumListenOnAllIPs',
  'leaderServes',
  'quoll.linearizableReads',
  'quoll.electionTimeoutMs',
  'quoll.heartbeatIntervalMs',
  'quoll.electionQuorumSize',
  'quoll.writeQuorumSize',
];

/** Keys that take a test of another form, below or elsewhere. */
const GOSSIP_KEYS = [
  'gossip.enabled',
  'gossip.keyFile',
  'gossip.port',
  'gossip.address',
  'gossip.insecure',
];

const ELSEWHERE: Readonly<Record<string, string>> = {
  clientPort: 'below',
  clientPortListenBacklog: 'below',
  'server.<id>': 'below',
  dynamicConfigFile: 'below',
  'datadir.autocreate': 'below',
  connection_throttle_drop_decrease: 'src/server/connection-throttle.test.ts',
  connection_throttle_decrease_ratio: 'src/server/connection-throttle.test.ts',
  ...Object.fromEntries(ENSEMBLE_KEYS.map((key) => [key, 'src/entry/ensemble-keys.test.ts'])),
  ...Object.fromEntries(GOSSIP_KEYS.map((key) => [key, 'src/entry/gossip.test.ts'])),
  'gossip.join': 'src/entry/join.test.ts',
  'quoll.logLevel': 'src/cli/logging.test.ts',
  'quoll.logFormat': 'src/cli/logging.test.ts',
};

async function outcomeOf(
  lines: readonly string[],
  probe: Probe,
  files: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const run = await TestRun.start(lines, { files });
  try {
    return await probe(run);
  } finally {
    await run.end();
  }
}

function isPort(options: unknown): options is { port: number; backlog?: number } {
  return typeof options === 'object' && options !== null && 'port' in options;
}

describe('the running server honours', () => {
  const named = CASES.map((one) => ({ name: one.keys.join(', '), ...one }));
  it.each(named)('$name', async ({ lines, probe, expected, otherwise }) => {
    expect(await outcomeOf(lines, probe)).toEqual(expected);
    if (otherwise === undefined) return;
    expect(await outcomeOf(otherwise.lines ?? [], probe)).toEqual(otherwise.expected);
  });

  it('every key that says so', () => {
    const honoured = CONFIG_KEYS.filter((key) => key.status === 'honoured').map((key) => key.name);
    const proven = [...CASES.flatMap((one) => one.keys), ...Object.keys(ELSEWHERE)];
    expect(new Set(proven)).toEqual(new Set(honoured));
  });

  it('clientPort', async () => {
    const port = await freePort();
    expect(await outcomeOf([`clientPort=${port}`], (run) => run.server.port)).toBe(port);
  });

  it('clientPortListenBacklog', async () => {
    const listen = vi.spyOn(Server.prototype, 'listen');
    await outcomeOf(['clientPortListenBacklog=7'], () => {});
    await outcomeOf([], () => {});
    // The lock of the data directory listens, too.
    const ports = listen.mock.calls.map(([options]): unknown => options).filter(isPort);
    listen.mockRestore();
    expect(ports.map(({ backlog }) => backlog)).toEqual([7, undefined]);
  });

  it('server.<id> and the dynamicConfigFile that holds it', async () => {
    const port = await freePort();
    const line = `server.1=127.0.0.1:2888:3888;127.0.0.2:${port}`;
    const without = ['clientPort=', 'clientPortAddress='];
    const addressOf: Probe = ({ server }) => `${server.address}:${server.port}`;
    expect(await outcomeOf([line, ...without], addressOf)).toBe(`127.0.0.2:${port}`);
    const dynamic = ['dynamicConfigFile=dynamic.cfg', ...without];
    expect(await outcomeOf(dynamic, addressOf, { 'dynamic.cfg': line })).toBe(`127.0.0.2:${port}`);
  });

  it('datadir.autocreate', async () => {
    const directory = newDirectory();
    const lines = ['datadir.autocreate=false', 'dataLogDir=$DIR/log'];
    const starts = async (): Promise<string> => {
      const run = await TestRun.start(lines, { directory });
      await run.end(true);
      return 'started';
    };
    const missing = (name: string): string => `${directory}/${name} does not exist, and datadir`;
    await expect(starts()).rejects.toThrow(missing('data'));
    mkdirSync(`${directory}/data`);
    await expect(starts()).rejects.toThrow(missing('log'));
    mkdirSync(`${directory}/log`);
    expect(await starts()).toBe('started');
    rmSync(directory, { recursive: true });
  });
});

it('the longest request that can be configured is written, kept and read again', async () => {
  const lines = ['jute.maxbuffer=65011712'];
  const run = await TestRun.start(lines);
  const client = await run.client();
  const bytes = 65_011_712 - 200;
  expect(await client.create('/long', 'x'.repeat(bytes))).toBe(Err.ok);
  await run.end(true);
  const again = await TestRun.start(lines, { directory: run.directory });
  const reader = await again.client();
  expect(await reader.call(Op.exists, pathBody('/long', false))).toBe(Err.ok);
  expect(await reader.call(Op.getData, pathBody('/long', false))).toBe(Err.ok);
  await again.end();
});
