import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reader } from '../base/reader.ts';
import { Writer } from '../base/writer.ts';
import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { silentLogger } from '../io/logger.ts';
import type { Network } from '../io/network.ts';
import { NodeNetwork } from '../io/node/network.ts';
import { Op, Xid } from '../protocol/constants.ts';
import {
  type ConnectOptions,
  connectRequest,
  createBody,
  type Frame,
  request,
} from '../server/server.test-helper.ts';
import { type RunningServer, startServer } from './server.ts';

/** A directory for one test. */
export function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'quoll-run-'));
}

/** Ports that nobody had a moment ago, each another one. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    ports.push(typeof address === 'object' && address !== null ? address.port : 0);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}

export async function freePort(): Promise<number> {
  return (await freePorts(1))[0] ?? 0;
}

/** What the server has said: the messages of its log, and a way to wait for one. */
export class Said {
  readonly messages: string[] = [];
  private waiting: { readonly count: number; readonly text: string; resolve: () => void }[] = [];

  note(message: string): void {
    this.messages.push(message);
    this.waiting = this.waiting.filter(({ text, count, resolve }) => {
      if (this.count(text) < count) return true;
      resolve();
      return false;
    });
  }

  count(text: string): number {
    return this.messages.filter((message) => message === text).length;
  }

  /** Until the server has said it so many times. */
  times(count: number, text: string): Promise<void> {
    if (this.count(text) >= count) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ count, text, resolve }));
  }
}

/** A server on a directory of its own, from the lines of a zoo.cfg. */
export class TestRun {
  readonly server: RunningServer;
  readonly directory: string;
  readonly said: Said;
  private readonly clients: Client[] = [];

  private constructor(server: RunningServer, directory: string, said: Said) {
    this.server = server;
    this.directory = directory;
    this.said = said;
  }

  /** `$DIR` in the lines is the directory; `key=` takes a usual line away. */
  static async start(
    lines: readonly string[],
    {
      directory = newDirectory(),
      files = {},
      network = new NodeNetwork(),
    }: {
      directory?: string;
      files?: Readonly<Record<string, string>>;
      network?: Network;
    } = {},
  ): Promise<TestRun> {
    const usual = ['dataDir=$DIR/data', 'clientPort=0', 'clientPortAddress=127.0.0.1'];
    // Two lines of one key would be a slip: what the test sets replaces what is usual.
    const keys = lines.map((line) => line.split('=', 1)[0]);
    const all = [...usual.filter((line) => !keys.includes(line.split('=', 1)[0])), ...lines];
    const text = all.filter((line) => !/^[\w.]+=$/.test(line)).join('\n');
    const loaded = loadConfig({
      file: 'zoo.cfg',
      readFile: (path) =>
        files[path] ??
        (path === 'zoo.cfg' ? text.replaceAll('$DIR', directory) : readFileSync(path, 'utf8')),
      environment: {},
      definitions: [],
      flags: [],
      memoryBytes: 2 ** 32,
    });
    const { config } = loaded;
    if (config === null) throw new Error(loaded.problems.map(formatProblem).join('\n'));
    const said = new Said();
    const note = (_: unknown, message: string): void => said.note(message);
    const logger = { ...silentLogger, info: note, warn: note, error: note };
    return new TestRun(await startServer(config, { logger, network }), directory, said);
  }

  async connect(): Promise<Client> {
    const client = await Client.connect(this.server.address, this.server.port);
    this.clients.push(client);
    return client;
  }

  /** A client with a session; closed if the server would not have it. */
  async client(timeoutMs = 10_000): Promise<Client> {
    const client = await this.connect();
    await client.open(timeoutMs);
    return client;
  }

  /** The answer to a four-letter word. */
  async word(word: string): Promise<string> {
    const client = await this.connect();
    client.send(new TextEncoder().encode(word));
    await client.closed;
    return new TextDecoder().decode(client.received);
  }

  /** One figure of mntr. */
  async figure(name: string): Promise<number> {
    const line = (await this.word('mntr'))
      .split('\n')
      .find((one) => one.startsWith(`zk_${name}\t`));
    return Number(line?.split('\t')[1]);
  }

  /** Ends the server, and its directory unless that is wanted once more. */
  async end(keep = false): Promise<void> {
    for (const client of this.clients) client.destroy();
    await this.server.close();
    if (!keep) rmSync(this.directory, { recursive: true });
  }
}

/** As a ConnectResponse has it. */
export interface OpenedSession {
  readonly timeoutMs: number;
  readonly high: number;
  readonly low: number;
  readonly readOnly: boolean;
}

/** A connection that keeps what it gets. */
export class Client {
  isClosed = false;
  readonly closed: Promise<void>;
  private readonly arrived = new Writer();
  private readonly socket: Socket;
  private wake: () => void = () => {};
  private taken = 0;
  private xid = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.isClosed = true;
        this.wake();
        resolve();
      });
    });
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      this.arrived.raw(bytes, 0, bytes.length);
      this.wake();
    });
  }

  /** All that has come; valid until more comes. */
  get received(): Uint8Array {
    return this.arrived.written();
  }

  static async connect(host: string, port: number): Promise<Client> {
    const socket = connect({ host, port, noDelay: true });
    const client = new Client(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  /** The time-out that the server grants; null if it closes the connection instead. */
  async open(timeoutMs = 10_000, high = 0, low = 0): Promise<number | null> {
    return (await this.openSession({ timeoutMs, high, low }))?.timeoutMs ?? null;
  }

  /** What the server says of the session; null if it closes the connection instead. */
  async openSession(options: ConnectOptions): Promise<OpenedSession | null> {
    this.send(connectRequest(options));
    const frame = await this.frame();
    if (frame === null) return null;
    const reader = new Reader(frame);
    reader.i32();
    const timeoutMs = reader.i32();
    const [high, low] = [reader.i32(), reader.i32()];
    reader.buffer();
    return { timeoutMs, high, low, readOnly: reader.bool() };
  }

  send(...frames: Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The error of the answer; `closed` if none comes. */
  async call(opcode: number, body?: (writer: Writer) => void): Promise<number | 'closed'> {
    this.send(request(++this.xid, opcode, body));
    return (await this.reply())?.err ?? 'closed';
  }

  create(path: string, data = '', flags = 0): Promise<number | 'closed'> {
    return this.call(Op.create, createBody(path, data, flags));
  }

  async auth(scheme: string, credentials: string): Promise<number | 'closed'> {
    this.send(
      request(Xid.auth, Op.auth, (writer) => {
        writer.i32(0);
        writer.ustring(scheme);
        writer.ustring(credentials);
      }),
    );
    return (await this.reply())?.err ?? 'closed';
  }

  /** The next reply or notification; null if the connection ends before. */
  async reply(): Promise<Frame | null> {
    const bytes = await this.frame();
    if (bytes === null) return null;
    const reader = new Reader(bytes);
    const [xid, zxid, err] = [reader.i32(), reader.i64(), reader.i32()];
    return { xid, zxid, err, body: bytes.slice(reader.at) };
  }

  destroy(): void {
    this.socket.destroy();
  }

  private async frame(): Promise<Uint8Array | null> {
    for (;;) {
      const frame = this.wholeFrame();
      if (frame !== null || this.isClosed) return frame;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private wholeFrame(): Uint8Array | null {
    const reader = new Reader(this.received.subarray(this.taken));
    if (reader.remaining < 4) return null;
    const length = reader.i32();
    if (reader.remaining < length) return null;
    const from = this.taken + 4;
    this.taken = from + length;
    return this.received.slice(from, this.taken);
  }
}

/** `user:hash`, as ACLs and the key superDigest have it. */
export function digestOf(user: string, password: string, algorithm = 'sha1'): string {
  const hash = createHash(algorithm).update(`${user}:${password}`).digest('base64');
  return `${user}:${hash}`;
}
