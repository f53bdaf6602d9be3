import { rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import type {
  Listener,
  ListenOptions,
  Network,
  Peer,
  Stream,
  StreamHandler,
} from '../io/network.ts';
import { NodeNetwork } from '../io/node/network.ts';
import { freePorts, newDirectory, TestRun } from './running-server.test-helper.ts';

/** A network that can be told to lose everything, and says how much it has carried. */
export class TestNetwork implements Network {
  isDown = false;
  bytesSent = 0;
  readonly dialled: Peer[] = [];
  readonly listened: ListenOptions[] = [];
  private readonly real = new NodeNetwork();

  listen(
    options: ListenOptions,
    accept: (stream: Stream) => StreamHandler | null,
  ): Promise<Listener> {
    this.listened.push(options);
    return this.real.listen(options, (stream) => {
      const handler = accept(this.wrap(stream));
      return handler === null ? null : this.lossy(handler);
    });
  }

  connect(
    peer: Peer,
    open: (stream: Stream) => StreamHandler,
    failed: (error: Error) => void,
  ): () => void {
    this.dialled.push(peer);
    return this.real.connect(peer, (stream) => this.lossy(open(this.wrap(stream))), failed);
  }

  private wrap(stream: Stream): Stream {
    return {
      remoteAddress: stream.remoteAddress,
      remotePort: stream.remotePort,
      write: (bytes) => {
        this.bytesSent += bytes.length;
        return this.isDown || stream.write(bytes);
      },
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      end: () => stream.end(),
      destroy: () => stream.destroy(),
    };
  }

  private lossy(handler: StreamHandler): StreamHandler {
    return {
      onData: (bytes) => {
        if (!this.isDown) handler.onData(bytes);
      },
      onDrain: () => handler.onDrain(),
      onClose: () => handler.onClose(),
    };
  }
}

interface Layout {
  readonly size?: number;
  /** Lines of one server's file alone. */
  readonly linesOf?: (id: number) => readonly string[];
  /** What stands behind the second port, such as `:observer`. */
  readonly role?: (id: number) => string;
  readonly host?: string;
}

const EVERY_MS = 20;
const PATIENCE_MS = 20_000;

/** Servers of one ensemble in this process, on free ports and directories of their own. */
export class TestEnsemble {
  readonly networks: Map<number, TestNetwork> = new Map();
  private readonly runs = new Map<number, TestRun>();
  private readonly joined = new Set<TestRun>();
  private readonly directories = new Map<number, string>();
  private readonly lines: readonly string[];
  private readonly linesOf: (id: number) => readonly string[];
  readonly ids: readonly number[];

  private constructor(lines: readonly string[], { linesOf = () => [] }: Layout, ids: number[]) {
    this.lines = lines;
    this.linesOf = linesOf;
    this.ids = ids;
    for (const id of ids) this.directories.set(id, newDirectory());
  }

  /** All of them, serving. */
  static async start(lines: readonly string[] = [], layout: Layout = {}): Promise<TestEnsemble> {
    const { size = 3, role = () => '', host = '127.0.0.1' } = layout;
    const ids = Array.from({ length: size }, (_, i) => i + 1);
    const ports = await freePorts(3 * size);
    const servers = ids.map((id) => {
      const [quorum, election, client] = ports.splice(0, 3);
      return `server.${id}=${host}:${quorum}:${election}${role(id)};127.0.0.1:${client}`;
    });
    const ensemble = new TestEnsemble([...servers, ...lines], layout, ids);
    await Promise.all(ids.map((id) => ensemble.startServer(id)));
    await Promise.all(ids.map((id) => ensemble.run(id).server.serving()));
    return ensemble;
  }

  /** Null unless it runs. */
  find(id: number): TestRun | null {
    return this.runs.get(id) ?? null;
  }

  run(id: number): TestRun {
    const run = this.runs.get(id);
    if (run === undefined) throw new Error(`server ${id} does not run`);
    return run;
  }

  directory(id: number): string {
    return this.directories.get(id) as string;
  }

  async startServer(id: number): Promise<void> {
    const directory = this.directory(id);
    const network = new TestNetwork();
    this.networks.set(id, network);
    const files = { [`${directory}/data/myid`]: `${id}\n` };
    const lines = ['clientPort=', 'clientPortAddress=', '4lw.commands.whitelist=*'];
    const all = [...lines, ...this.lines, ...this.linesOf(id)];
    this.runs.set(id, await TestRun.start(all, { directory, files, network }));
  }

  /** Where server `id` listens for others, as `--join` wants it. */
  joinAddress(id: number): string {
    const line = this.lines.find((one) => one.startsWith(`server.${id}=`)) ?? '';
    return line
      .slice(line.indexOf('=') + 1)
      .split(':', 2)
      .join(':');
  }

  /** An observer that no server line names. */
  async join(lines: readonly string[] = [], directory?: string): Promise<TestRun> {
    const through = `gossip.join=${this.ids.map((id) => this.joinAddress(id)).join(',')}`;
    const isSaid = lines.some((line) => line.startsWith('gossip.join='));
    const all = [...(isSaid ? [] : [through]), '4lw.commands.whitelist=*', ...lines];
    const run = await TestRun.start(all, directory === undefined ? {} : { directory });
    this.joined.add(run);
    return run;
  }

  /** Ends an observer that has joined; its directory stays. */
  async part(run: TestRun): Promise<string> {
    this.joined.delete(run);
    await run.end(true);
    return run.directory;
  }

  async stopServer(id: number): Promise<void> {
    const run = this.runs.get(id);
    this.runs.delete(id);
    await run?.end(true);
  }

  /** Who leads, once somebody does. */
  async leader(): Promise<number> {
    let found = 0;
    await this.until(async () => {
      for (const [id, run] of this.runs) {
        if (this.networks.get(id)?.isDown === true) continue;
        if ((await run.word('mntr')).includes('zk_peer_state\tleading - broadcast')) found = id;
      }
      return found > 0;
    });
    return found;
  }

  /** Those that run and do not lead. */
  async followers(): Promise<number[]> {
    const leader = await this.leader();
    return [...this.runs.keys()].filter((id) => id !== leader);
  }

  /** Asks again and again until it is so. */
  async until(isSo: () => Promise<boolean> | boolean): Promise<void> {
    const giveUpMs = Date.now() + PATIENCE_MS;
    while (!(await isSo())) {
      if (Date.now() > giveUpMs) throw new Error(`it never came to be: ${isSo}`);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  async end(): Promise<void> {
    for (const network of this.networks.values()) network.isDown = false;
    await Promise.all([...this.joined].map((run) => run.end()));
    await Promise.all([...this.runs.keys()].map((id) => this.stopServer(id)));
    for (const directory of this.directories.values()) rmSync(directory, { recursive: true });
  }
}

/** An ensemble that ends with the test that asks for it. */
export async function ensembleOf(
  ...args: Parameters<typeof TestEnsemble.start>
): Promise<TestEnsemble> {
  const ensemble = await TestEnsemble.start(...args);
  onTestFinished(() => ensemble.end());
  return ensemble;
}
