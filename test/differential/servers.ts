import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { Op } from '../../src/protocol/constants.ts';
import { Caller } from './caller.ts';
import { classPath } from './jars.ts';
import type { Address } from './link.ts';

/** Starts the servers to be compared, on free loopback ports, and ends those it started. */

export interface Server {
  readonly address: Address;
  /** Ends it and starts it again with an empty data directory. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * `HOST:PORT` of a server that runs, or one to start: `quoll`, `quoll=FILE` for another bundle than
 * dist/quoll.js, `quoll-3` for an ensemble of three that is asked through a follower,
 * `zookeeper-3.9.5`, `zookeeper-3.8`.
 */
export async function serverFor(what: string, settings: Settings): Promise<Server> {
  const ensemble = /^quoll-([2-9])((?:=.*)?)$/.exec(what);
  if (ensemble !== null) {
    return StartedEnsemble.start(`quoll${ensemble[2]}`, Number(ensemble[1]), settings);
  }
  const address = /^(.+):(\d+)$/.exec(what);
  if (address === null) return Started.start(what, settings);
  const [, host, port] = address;
  const nothing = (): Promise<void> => Promise.resolve();
  const running = { host: String(host), port: Number(port) };
  return { address: running, restart: nothing, stop: nothing };
}

export type Settings = Readonly<Record<string, string>>;

/** Nothing expires or is reaped by itself: lock-step mode needs every zxid to have its cause. */
export const STILL: Settings = {
  tickTime: '2000',
  minSessionTimeout: '30000',
  maxSessionTimeout: '600000',
  'znode.container.checkIntervalMs': '86400000',
};

/** Sessions expire and empty containers go within a second. */
export const BRISK: Settings = {
  tickTime: '200',
  minSessionTimeout: '400',
  maxSessionTimeout: '60000',
  'znode.container.checkIntervalMs': '300',
};

const COMMON: Settings = {
  maxClientCnxns: '0',
  'admin.enableServer': 'false',
  '4lw.commands.whitelist': '*',
  enforceQuota: 'true',
  extendedTypesEnabled: 'true',
  forceSync: 'no',
  preAllocSize: '4096',
  'DigestAuthenticationProvider.superDigest': 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=',
};

/** ZooKeeper reads these from JVM properties only. */
const JVM_ONLY = /^znode\./;
const START_MS = 30_000;
const FOLDER = resolve('.tmp/differential');

/** Ended with this process, however it ends. */
const started = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

class Started implements Server {
  readonly address: Address;
  private readonly what: string;
  private readonly settings: Settings;
  private readonly folder: string;
  private readonly serverId: number;
  private child: ChildProcess | undefined;

  /** `serverId` is that of a member of an ensemble, 0 for a server alone. */
  constructor(what: string, settings: Settings, port: number, serverId = 0) {
    this.what = what;
    this.settings = { ...COMMON, ...settings };
    this.address = { host: '127.0.0.1', port };
    this.serverId = serverId;
    mkdirSync(FOLDER, { recursive: true });
    this.folder = mkdtempSync(join(FOLDER, `${what.replace(/=.*/, '')}-`));
  }

  static async start(what: string, settings: Settings): Promise<Server> {
    const server = new Started(what, settings, await freePort());
    await server.launch();
    return server;
  }

  async restart(): Promise<void> {
    await this.end();
    await this.launch();
  }

  async stop(): Promise<void> {
    await this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async launch(): Promise<void> {
    rmSync(join(this.folder, 'data'), { recursive: true, force: true });
    mkdirSync(join(this.folder, 'data'), { recursive: true });
    if (this.serverId > 0) writeFileSync(join(this.folder, 'data/myid'), `${this.serverId}\n`);
    const config = join(this.folder, 'zoo.cfg');
    writeFileSync(config, this.configuration());
    const [command, ...args] = this.command(config);
    const log = createWriteStream(join(this.folder, 'log'), { flags: 'a' });
    const child = spawn(String(command), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.child = child;
    started.add(child);
    await this.serving(child);
  }

  private configuration(): string {
    const { port } = this.address;
    const own = {
      dataDir: join(this.folder, 'data'),
      clientPort: String(port),
      clientPortAddress: '127.0.0.1',
    };
    const lines = Object.entries({ ...this.settings, ...own });
    return lines.map(([key, value]) => `${key}=${value}\n`).join('');
  }

  private command(config: string): string[] {
    const quoll = /^quoll(?:=(.*))?$/.exec(this.what);
    if (quoll !== null) {
      return [process.execPath, resolve(quoll[1] ?? 'dist/quoll.js'), 'serve', config];
    }
    const version = this.what.replace(/^zookeeper-/, '');
    const properties = Object.entries(this.settings).filter(([key]) => JVM_ONLY.test(key));
    const options = properties.map(([key, value]) => `-D${key}=${value}`);
    const main = 'org.apache.zookeeper.server.ZooKeeperServerMain';
    const heap = ['-Xmx512m', '-XX:+UseSerialGC'];
    return ['java', ...heap, ...options, '-cp', classPath(version), main, config];
  }

  private async serving(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline) {
      if (child.exitCode !== null) break;
      if (await serves(this.address)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${this.what} does not start; see ${join(this.folder, 'log')}`);
  }

  async end(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    started.delete(child);
  }
}

/** Several servers that form one ensemble, behind the address of one that follows. */
class StartedEnsemble implements Server {
  private readonly members: readonly Started[];
  private follower: Started;

  private constructor(members: readonly [Started, ...Started[]]) {
    this.members = members;
    this.follower = members[0];
  }

  static async start(what: string, size: number, settings: Settings): Promise<Server> {
    const lines: Record<string, string> = {};
    const ports: number[] = [];
    for (let id = 1; id <= size; id++) {
      const [port, quorum, election] = [await freePort(), await freePort(), await freePort()];
      lines[`server.${id}`] = `127.0.0.1:${quorum}:${election}:participant;127.0.0.1:${port}`;
      ports.push(port);
    }
    const own = { ...settings, ...lines };
    const [first, ...others] = ports.map((port, i) => new Started(what, own, port, i + 1));
    const ensemble = new StartedEnsemble([first as Started, ...others]);
    await ensemble.launch();
    return ensemble;
  }

  get address(): Address {
    return this.follower.address;
  }

  async restart(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end()));
    await this.launch();
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
  }

  private async launch(): Promise<void> {
    await Promise.all(this.members.map((member) => member.launch()));
    for (const member of this.members) {
      const told = await fourLetterWord(member.address, 'srvr');
      if (told.includes('Mode: follower')) this.follower = member;
    }
  }
}

function fourLetterWord({ host, port }: Address, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let told = '';
    const socket = connect(port, host, () => socket.write(word));
    socket.on('data', (chunk) => {
      told += String(chunk);
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(told));
  });
}

/** True if it opens a session. */
async function serves(address: Address): Promise<boolean> {
  const caller = await Caller.open(address, 1000);
  if (!caller.answered) return false;
  await caller.call(Op.closeSession, null);
  caller.cut();
  return true;
}

/** The system gives a port again that was closed, and who asked for it may not listen there yet. */
const given = new Set<number>();

async function freePort(): Promise<number> {
  const port = await new Promise<number>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
  if (given.has(port)) return freePort();
  given.add(port);
  return port;
}
