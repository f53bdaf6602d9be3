import { beforeEach, describe, expect, it } from 'vitest';
import { utf8Encode } from '../base/utf8.ts';
import { load } from '../config/load.test-helper.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { Datagrams } from '../io/datagrams.ts';
import { DiskError } from '../io/disk.ts';
import { silentLogger } from '../io/logger.ts';
import { NodeChecksums } from '../io/node/checksums.ts';
import { NodeCiphers } from '../io/node/ciphers.ts';
import { NodeSecrets } from '../io/node/secrets.ts';
import type { Replica } from '../replica/replica.ts';
import { Turn } from '../replica/turn.ts';
import { SimDatagrams } from '../sim/datagrams.ts';
import { SimDisk } from '../sim/disk.ts';
import { type Host, NetworkWorld, SimNetwork } from '../sim/network.ts';
import { SimProcess } from '../sim/process.ts';
import { ProcessClock } from '../sim/process-clock.ts';
import { World } from '../sim/world.ts';
import { writeAll } from '../storage/files.ts';
import { GENESIS_HASH } from '../storage/record.ts';
import type { Storage } from '../storage/storage.ts';
import { type AgentOptions, GossipAgent } from './gossip-agent.ts';
import type { Ports } from './ports.ts';

const LINES = ['dataDir=/d', 'gossip.port=7', 'gossip.address=localhost'];
const KEY = `${Buffer.alloc(32, 1).toString('base64')}\n`;

let world: World;
let host: Host;
let process: SimProcess;
let disk: SimDisk;
let logged: string[];
let faults: unknown[];
/** Opening the port fails as long as this is set. */
let trouble: Error | null;

function configOf(...lines: string[]): ServerConfig {
  const { config } = load({ file: [...LINES, ...lines].join('\n'), files: { '/d/keys': KEY } });
  if (config === null) throw new Error('no configuration');
  return config;
}

function newAgent(
  config: ServerConfig = configOf(),
  place: AgentOptions['place'] = null,
): GossipAgent {
  const clock = new ProcessClock(process, { wallAheadMs: 0, rate: 1 });
  const real = new SimDatagrams(process, host);
  const datagrams: Datagrams = {
    addressTowards: (peer) => real.addressTowards(peer),
    open: (...args) => (trouble === null ? real.open(...args) : Promise.reject(trouble)),
  };
  const log = (fields: object, message: string): void => {
    logged.push('error' in fields ? `${message}: ${fields.error}` : message);
  };
  const ports: Ports = {
    ...{ clock, disk, datagrams, network: new SimNetwork(process, host) },
    secrets: new NodeSecrets(),
    checksums: new NodeChecksums(),
    ciphers: new NodeCiphers(),
    logger: {
      debug: (fields, message) => log(fields, `debug ${message}`),
      ...{ info: log, warn: log, error: log },
    },
    observer: {
      onRecovering: () => {},
      onDecided: () => {},
      onApplied: () => {},
      onLeader: () => {},
      onGossipFailed: (error) => faults.push(error),
    },
  };
  const id = new Uint8Array(16).fill(1);
  const quorums = { voters: [{ id: 1, weight: 1, group: 0 }] };
  const configuration = { id: 1, quorums, observers: [] };
  const paxos = { role: 'leader', leaderId: 1, ballot: { round: 1, replica: 1 }, configuration };
  const agent = GossipAgent.for({
    ...{ config, ports, place },
    storage: { identity: { replicaId: id, clusterId: id } } as unknown as Storage,
    replica: { paxos, state: { slot: 3, zxid: 4 } } as unknown as Replica,
    membership: () => null,
    applied: () => ({ slot: 0, hash: GENESIS_HASH }),
    clientPort: () => 2181,
    load: () => 0,
  });
  if (agent === null) throw new Error('no agent');
  return agent;
}

function joining(): ServerConfig {
  const { config } = load({ file: 'dataDir=/d\ngossip.join=127.0.0.1' });
  if (config === null) throw new Error('no configuration');
  return config;
}

const run = (ms: number): Promise<void> => world.run(ms * 1_000);
const incarnationOf = (agent: GossipAgent) => agent.driver?.members()[0]?.incarnation;

async function put(path: string, text: string): Promise<void> {
  const file = await disk.open(path, 'create');
  await writeAll(file, [utf8Encode(text)], 0);
  await file.close();
}

beforeEach(async () => {
  world = new World(1);
  host = new NetworkWorld(world).addHost('localhost');
  process = new SimProcess(world, 'test');
  disk = new SimDisk();
  await disk.makeDirectory('/d/quoll');
  [logged, faults, trouble] = [[], [], null];
});

describe("a server's part in gossip", () => {
  it('begins, counts its incarnations, and leaves its port free', async () => {
    for (const expected of [1, 2, 3]) {
      const agent = newAgent();
      agent.start();
      await run(1_500);
      expect(incarnationOf(agent)).toBe(expected);
      await agent.stop();
      expect([host.sockets.size, host.ports.size]).toEqual([0, 0]);
    }
    expect(logged).toEqual([]);
  });

  it('that can not begin is told once, and begins later', async () => {
    trouble = new Error('EADDRINUSE');
    const agent = newAgent();
    agent.start();
    await run(25_000);
    expect(logged).toEqual([
      'gossip: it can not go on, and begins anew in a while: Error: EADDRINUSE',
    ]);
    expect([agent.driver, faults.length > 0]).toEqual([null, true]);
    trouble = null;
    await run(10_000);
    expect(agent.driver?.members()).toHaveLength(1);
  });

  it('that fails begins anew under a higher incarnation, and a disk is no fault of its own', async () => {
    const agent = newAgent();
    agent.start();
    await run(1_500);
    const { driver } = agent;
    // As it does when it can't keep an incarnation.
    await driver?.stop();
    Reflect.get(driver as object, 'options').onFailed(new DiskError('EIO', '/d', 'EIO'));
    expect(faults).toEqual([]);
    await run(12_000);
    expect(incarnationOf(agent)).toBe(2);
  });

  it('tells of servers that come and go, and quietly of those that only read', async () => {
    const agent = newAgent();
    agent.start();
    await run(1_500);
    const own = agent.driver?.members()[0]?.meta;
    if (own == null) throw new Error('it says nothing of itself');
    const said = { status: 'alive', incarnation: 1, life: 1, counter: 1 } as const;
    const server = { ...said, id: 'aa', meta: own };
    const reader = { ...said, id: 'bb', meta: { ...own, role: 'observer', serverId: 0 } } as const;
    for (const kind of ['joined', 'updated', 'suspected', 'cleared', 'forgotten'] as const) {
      agent.driver?.onChange({ kind, id: 'aa', incarnation: 1, member: server });
    }
    agent.driver?.onChange({ kind: 'joined', id: 'bb', incarnation: 1, member: reader });
    expect(logged).toEqual([
      'gossip: a server is there',
      'gossip: a server does not answer',
      'gossip: a server answers again',
      'debug gossip: a server is there',
    ]);
  });

  it('of one that joins is at a free port of the address that it has towards a voter', async () => {
    const line = { id: 1, role: 'participant', weight: 1, group: 0, client: null } as const;
    const addresses = [{ host: 'localhost', quorumPort: 2, electionPort: 3 }];
    const clock = new ProcessClock(process, { wallAheadMs: 0, rate: 1 });
    const servers: (typeof line & { addresses: typeof addresses })[] = [];
    const place = {
      ...{ isOutside: true, config: { serverId: 999, servers } },
      io: {
        ...{ network: new SimNetwork(process, host), checksums: new NodeChecksums() },
        ...{ turn: new Turn(clock), logger: silentLogger, nowMs: () => clock.monotonicMs() },
      },
    } as unknown as AgentOptions['place'];
    const agent = newAgent(joining(), place);
    agent.start();
    await run(1_500);
    expect(logged[0]).toContain('no voter is known yet');
    servers.push({ ...line, addresses });
    await run(12_000);
    const port = agent.driver?.port ?? 0;
    expect(port).toBeGreaterThan(1_024);
    expect([...host.ports.keys()]).toEqual([port]);
    expect(agent.driver?.members()[0]?.meta).toMatchObject({
      ...{ address: `${host.address}:${port}`, role: 'observer', serverId: 0 },
    });
  });

  it('that is over while it begins leaves nothing open', async () => {
    const agent = newAgent();
    agent.start();
    await agent.stop();
    await run(30_000);
    expect([host.sockets.size, host.ports.size]).toEqual([0, 0]);
  });

  it('takes a high incarnation where the last one can not be read', async () => {
    await put('/d/quoll/incarnation', 'damaged');
    const agent = newAgent();
    agent.start();
    await run(1_500);
    expect(incarnationOf(agent)).toBeGreaterThan(1_600_000_000);
    expect(logged).toEqual(['gossip: the incarnation can not be read, a high one is taken']);
  });

  it('says nothing at all unsealed when its keys can not be read', async () => {
    const agent = newAgent(configOf('gossip.keyFile=/d/keys'));
    agent.start();
    await run(1_000);
    expect([agent.driver, host.sockets.size]).toEqual([null, 0]);
    await put('/d/keys', KEY);
    await run(10_000);
    expect(agent.driver?.members()).toHaveLength(1);
    expect(logged).toHaveLength(1);
  });

  it('takes other keys from its file when it is told to', async () => {
    await put('/d/keys', KEY);
    const agent = newAgent(configOf('gossip.keyFile=/d/keys'));
    agent.start();
    await run(1_500);
    await disk.remove('/d/keys');
    await put('/d/keys', `${Buffer.alloc(32, 2).toString('base64')}\n`);
    await agent.reload();
    expect(logged).toEqual(['gossip: new keys']);
  });
});
