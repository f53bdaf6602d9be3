// Starts the server under test, Quoll or Apache ZooKeeper, with the same zoo.cfg, on a free
// loopback port. Both test/interop and test/durability use it.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = resolve(fileURLToPath(import.meta.url), '../../../..');
const javaDirectory = '/usr/share/java';
const zookeeperJars = [
  'zookeeper',
  'zookeeper-jute',
  'slf4j-api',
  'slf4j-simple',
  'netty-all',
  'metrics-core',
  'snappy-java',
  'commons-cli',
];

/** Absolute paths of Debian's jars, joined for `java -cp`. */
export function classPath(names) {
  return names.map((name) => `${javaDirectory}/${name}.jar`).join(':');
}

/** The system gives a port again that was closed, and who asked for it may not listen there yet. */
const given = new Set();

/** A port that was free a moment ago, another one each time. */
export async function freePort() {
  const port = await new Promise((done, failed) => {
    const probe = createServer();
    probe.on('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
  if (given.has(port)) return freePort();
  given.add(port);
  return port;
}

/** `super:admin`, as `DigestAuthenticationProvider.superDigest` wants it. */
const superDigest = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=';

/** Who may sign in by SASL at Apache ZooKeeper. */
const saslUsers = `Server {
  org.apache.zookeeper.server.auth.DigestLoginModule required user_bob="builder";
};
`;

/** How often containers and TTL nodes are looked at; the default of a minute is too slow here. */
export const reapIntervalMs = 500;

function configText(settings) {
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  return `${lines.join('\n')}\n`;
}

/** Writes zoo.cfg into `directory` and answers its path. `settings` override the defaults. */
export function writeConfig(directory, port, settings = {}) {
  mkdirSync(join(directory, 'data'), { recursive: true });
  const path = join(directory, 'zoo.cfg');
  const text = configText({
    tickTime: 2000,
    dataDir: join(directory, 'data'),
    clientPort: port,
    clientPortAddress: '127.0.0.1',
    maxClientCnxns: 0,
    'admin.enableServer': false,
    '4lw.commands.whitelist': '*',
    extendedTypesEnabled: true,
    'DigestAuthenticationProvider.superDigest': superDigest,
    // Apache ZooKeeper knows this one as a JVM property only: see `commandLine`.
    'znode.container.checkIntervalMs': reapIntervalMs,
    ...settings,
  });
  writeFileSync(path, text);
  writeFileSync(`${path}.jaas`, saslUsers);
  return path;
}

function zookeeperCommandLine(configPath) {
  return [
    'java',
    '-Xmx1g',
    '-XX:+UseSerialGC',
    `-Dznode.container.checkIntervalMs=${reapIntervalMs}`,
    `-Djava.security.auth.login.config=${configPath}.jaas`,
    '-Dzookeeper.authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-cp',
    classPath(zookeeperJars),
    'org.apache.zookeeper.server.quorum.QuorumPeerMain',
    configPath,
  ];
}

/** The command that runs a server of `kind` ('quoll' or 'zookeeper') in the foreground. */
export function commandLine(kind, configPath, binary = 'dist/quoll.js') {
  if (kind === 'zookeeper') return zookeeperCommandLine(configPath);
  return [process.execPath, resolve(projectRoot, binary), 'serve', configPath];
}

/** Sends `bytes` on a connection of its own; answers what comes back, null when nothing does. */
function ask(port, bytes, isEnough, timeoutMs = 2000) {
  return new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port });
    let input = Buffer.alloc(0);
    const finish = () => {
      socket.destroy();
      done(input.length === 0 ? null : input);
    };
    socket.setTimeout(timeoutMs, finish);
    socket.on('error', finish);
    socket.on('close', finish);
    socket.on('data', (chunk) => {
      input = Buffer.concat([input, chunk]);
      if (isEnough(input)) finish();
    });
    socket.on('connect', () => socket.write(bytes));
  });
}

/** Sends a four-letter word; answers the text, or null when nothing is listening yet. */
export async function fourLetterWord(port, word) {
  const answer = await ask(port, Buffer.from(word), () => false);
  return answer === null ? null : String(answer);
}

/**
 * A ConnectRequest for session 1 with a wrong password: a server that serves refuses it in words,
 * and no session is made, so that the server's log stays as it was.
 */
function refusedHello() {
  const frame = Buffer.alloc(49);
  frame.writeInt32BE(45, 0);
  frame.writeInt32BE(30_000, 16);
  frame.writeBigInt64BE(1n, 20);
  frame.writeInt32BE(16, 28);
  return frame;
}

async function isServing(port) {
  return (await ask(port, refusedHello(), (input) => input.length >= 40)) !== null;
}

function pauseMs(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

async function waitUntilServing(server, timeoutMs) {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline && server.exit === null) {
    if (await isServing(server.port)) return;
    await pauseMs(20);
  }
  const why = server.exit === null ? `not serving after ${timeoutMs} ms` : `exited: ${server.exit}`;
  const log = readFileSync(server.logPath, 'utf8').slice(-2000);
  server.kill('SIGKILL');
  throw new Error(`the ${server.kind} server did not start (${why}). Its log ends:\n${log}`);
}

class Server {
  constructor(kind, port, logPath, child) {
    this.kind = kind;
    this.port = port;
    this.logPath = logPath;
    this.child = child;
    this.address = `127.0.0.1:${port}`;
    this.exit = null;
    this.exited = new Promise((done) => {
      child.on('exit', (code, signal) => {
        this.exit = signal ?? `code ${code}`;
        done(this.exit);
      });
      child.on('error', (error) => {
        this.exit = String(error);
        done(this.exit);
      });
    });
  }

  kill(signal) {
    if (this.exit === null) this.child.kill(signal);
  }

  /** Ends the server: politely first, by force when that takes longer than `graceMs`. */
  async stop(graceMs = 10_000) {
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs);
    await this.exited;
    clearTimeout(timer);
  }
}

/**
 * Starts a server and waits for its first `srvr` answer, unless `wait` is false.
 * `wrapper` is put before the command line (strace and its options).
 */
export async function startServer(kind, configPath, port, options = {}) {
  const { binary, wrapper = [], logPath = `${configPath}.out`, wait = true } = options;
  const { startTimeoutMs = 60_000 } = options;
  const [program, ...args] = [...wrapper, ...commandLine(kind, configPath, binary)];
  const log = openSync(logPath, 'a');
  const child = spawn(program, args, { stdio: ['ignore', log, log], cwd: projectRoot });
  closeSync(log);
  const server = new Server(kind, port, logPath, child);
  if (wait) await waitUntilServing(server, startTimeoutMs);
  return server;
}
