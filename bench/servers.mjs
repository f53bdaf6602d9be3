// The servers under test: Quoll, Apache ZooKeeper, and one that somebody else runs. Both of ours
// get a configuration file with the same content; only ports and data directory differ.
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fourLetterWord, untilAnswered } from './client.mjs';
import { end, launch } from './processes.mjs';

const JARS = '/usr/share/java';
const JAR_NAMES = [
  ...['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-log4j12', 'log4j-1.2', 'netty-all'],
  ...['metrics-core', 'snappy-java', 'commons-cli'],
];
const LOG4J = `log4j.rootLogger=WARN, A
log4j.appender.A=org.apache.log4j.ConsoleAppender
log4j.appender.A.layout=org.apache.log4j.PatternLayout
`;

export function configuration(port, dataDir, serverLines = []) {
  return `tickTime=2000
initLimit=10
syncLimit=5
dataDir=${dataDir}
clientPort=${port}
clientPortAddress=127.0.0.1
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=*
${serverLines.map((line) => `${line}\n`).join('')}`;
}

function requireFile(file, message) {
  if (!existsSync(file)) throw new Error(message);
}

function quollCommand(root, config) {
  return [process.execPath, [join(root, 'dist', 'quoll.js'), 'serve', config]];
}

function zookeeperCommand(config, directory) {
  const log4j = join(directory, 'log4j.properties');
  writeFileSync(log4j, LOG4J);
  const classpath = JAR_NAMES.map((name) => join(JARS, `${name}.jar`)).join(':');
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
  return [
    'java',
    ['-Xmx2g', `-Dlog4j.configuration=file:${log4j}`, '-cp', classpath, main, config],
  ];
}

function isAlive(child) {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A server that this run starts and ends. Its data directory outlives the process. */
export class OwnServer {
  constructor(name, root, directory) {
    this.name = name;
    this.root = root;
    this.directory = directory;
    this.dataDir = join(this.directory, 'data');
    this.child = null;
    if (name === 'quoll')
      requireFile(join(root, 'dist', 'quoll.js'), 'Quoll is not built: run npm run build first.');
    else
      requireFile(
        join(JARS, 'zookeeper.jar'),
        "Apache ZooKeeper is not there: install Debian's package zookeeper.",
      );
  }

  get pid() {
    return this.child?.pid;
  }

  get pids() {
    return this.child ? [this.child.pid] : [];
  }

  get address() {
    return `127.0.0.1:${this.port}`;
  }

  wipe() {
    rmSync(this.directory, { recursive: true, force: true });
    mkdirSync(this.dataDir, { recursive: true, mode: 0o700 });
  }

  /** Starts the process and waits until it serves `path`; returns how long that took. */
  async start(path = '/zookeeper') {
    this.port = await freePort();
    this.configure();
    const started = performance.now();
    this.spawn();
    await this.answered(path);
    const startMs = performance.now() - started;
    this.version ??= await this.readVersion();
    return startMs;
  }

  configure(serverLines) {
    const text = configuration(this.port, this.dataDir, serverLines);
    writeFileSync(join(this.directory, 'zoo.cfg'), text);
  }

  spawn() {
    const config = join(this.directory, 'zoo.cfg');
    const [command, args] =
      this.name === 'quoll'
        ? quollCommand(this.root, config)
        : zookeeperCommand(config, this.directory);
    const log = openSync(join(this.directory, 'server.log'), 'a');
    this.child = launch(command, args, { stdio: ['ignore', log, log] });
  }

  async answered(path) {
    await untilAnswered(this.port, path, () => isAlive(this.child));
  }

  /** A server that is not measured must not take a share of the cores from the one that is. */
  pause() {
    this.child?.kill('SIGSTOP');
  }

  resume() {
    this.child?.kill('SIGCONT');
  }

  async stop(signal) {
    if (this.child) await end(this.child, signal);
    this.child = null;
  }

  async readVersion() {
    if (this.name === 'quoll')
      return JSON.parse(readFileSync(join(this.root, 'package.json'), 'utf8')).version;
    const text = await fourLetterWord(this.port, 'srvr');
    return /version: ([\w.]+)/i.exec(text)?.[1] ?? 'unknown';
  }
}

/** A server that somebody else runs: only what can be seen from outside is measured. */
export class OtherServer {
  constructor(address) {
    this.name = 'server';
    this.address = address;
    this.pids = [];
    this.version = address;
  }

  wipe() {}
  start() {}
  pause() {}
  resume() {}
  stop() {}
}
