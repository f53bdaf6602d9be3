import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config/load.ts';
import { type EnsembleHost, runEnsemble, type ServerProcess } from './ensemble.ts';
import { InvocationError } from './exit-code.ts';
import { Kept } from './terminal.test-helper.ts';

class FakeServer implements ServerProcess {
  stops = 0;
  output: (line: string) => void = () => {};
  log: (line: string) => void = () => {};
  exit: (code: number | null) => void = () => {};

  onOutput(callback: (line: string) => void): void {
    this.output = callback;
  }

  onLog(callback: (line: string) => void): void {
    this.log = callback;
  }

  onExit(callback: (code: number | null) => void): void {
    this.exit = callback;
  }

  stop(): void {
    this.stops++;
  }
}

/** A machine with files, signals and processes. */
class Stage extends Kept {
  readonly files = new Map<string, string>();
  readonly servers = new Map<string, FakeServer>();
  signal: (name: string) => void = () => {};
  code: number | null = null;

  readonly host: EnsembleHost = {
    terminal: this.terminal,
    files: {
      read: (path) => this.files.get(path) ?? null,
      write: (path, text) => void this.files.set(path, text),
    },
    startServer: (configFile) => {
      const server = new FakeServer();
      this.servers.set(configFile, server);
      return server;
    },
    onSignal: (callback) => {
      this.signal = callback;
    },
  };

  run(size = 3, clientPortBase = 2181, dir = 'e'): void {
    void runEnsemble({ size, dir, clientPortBase }, this.host).then((code) => {
      this.code = code;
    });
  }

  server(id: number): FakeServer {
    return this.servers.get(`e/server-${id}/zoo.cfg`) as FakeServer;
  }

  allServe(): void {
    for (const server of this.servers.values()) server.output('serves');
  }

  allExit(code: number): void {
    for (const server of this.servers.values()) server.exit(code);
  }

  async settled(): Promise<number | null> {
    await Promise.resolve();
    return this.code;
  }
}

function started(): Stage {
  const stage = new Stage();
  stage.run();
  return stage;
}

const CONNECT = '127.0.0.1:2181,127.0.0.1:2182,127.0.0.1:2183';

describe('quoll ensemble', () => {
  it('gives each server a configuration that Quoll loads, and a myid', () => {
    const stage = started();
    for (const id of [1, 2, 3]) {
      const loaded = loadConfig({
        file: `e/server-${id}/zoo.cfg`,
        readFile: (path) => stage.files.get(path) as string,
        environment: {},
        definitions: [],
        flags: [],
        memoryBytes: 2 ** 30,
      });
      expect(loaded.problems).toEqual([]);
      expect(loaded.config).toMatchObject({
        clientPort: 2180 + id,
        clientPortAddress: '127.0.0.1',
        dataDir: `e/server-${id}/data`,
        ensemble: { serverId: id },
      });
    }
    expect([...stage.servers.keys()]).toEqual([1, 2, 3].map((id) => `e/server-${id}/zoo.cfg`));
  });

  it('prints one connect string, when all serve', () => {
    const stage = started();
    stage.server(1).output('serves');
    stage.server(3).output('serves');
    stage.server(3).output('once more');
    expect(stage.out).toBe('');
    stage.server(2).output('serves');
    expect(stage.out).toBe(
      `3 servers serve ${CONNECT}. Ctrl-C ends it all.\nConnect: zkCli.sh -server ${CONNECT}\n`,
    );
  });

  it('puts the name of the server before each line of a log', () => {
    const stage = started();
    stage.server(2).log('elected');
    expect(stage.err).toBe('server.2 elected\n');
  });

  it('stops all on a signal and waits for the last one', async () => {
    const stage = started();
    stage.allServe();
    stage.signal('SIGINT');
    expect([1, 2, 3].map((id) => stage.server(id).stops)).toEqual([1, 1, 1]);
    stage.server(1).exit(0);
    stage.server(2).exit(0);
    expect(await stage.settled()).toBeNull();
    stage.server(3).exit(0);
    expect(await stage.settled()).toBe(0);
    expect(stage.err).toBe('');
  });

  it('passes a second signal on, and says that not all ended well', async () => {
    const stage = started();
    stage.allServe();
    stage.signal('SIGINT');
    stage.server(1).exit(0);
    stage.signal('SIGINT');
    expect([1, 2, 3].map((id) => stage.server(id).stops)).toEqual([1, 2, 2]);
    stage.server(2).exit(1);
    stage.server(3).exit(null);
    expect(await stage.settled()).toBe(1);
  });

  it('goes on without a server that is lost, and says how to start it again', async () => {
    const stage = started();
    stage.allServe();
    stage.server(2).exit(null);
    expect(stage.err).toBe(
      'error: server.2 was killed; start it again by: quoll serve e/server-2/zoo.cfg\n',
    );
    expect([await stage.settled(), stage.server(1).stops]).toEqual([null, 0]);
    stage.signal('SIGTERM');
    stage.server(1).exit(0);
    stage.server(3).exit(0);
    expect(await stage.settled()).toBe(0);
  });

  it('ends with an error when no server is left', async () => {
    const stage = started();
    stage.allServe();
    stage.allExit(0);
    expect(await stage.settled()).toBe(1);
  });

  it('ends, with its code, when a server can’t start', async () => {
    const stage = started();
    stage.server(1).output('serves');
    stage.server(2).exit(3);
    expect(stage.err).toBe('error: server.2 has ended with code 3\n');
    expect([stage.server(1).stops, stage.server(3).stops]).toEqual([1, 1]);
    stage.server(1).exit(0);
    stage.server(3).exit(0);
    expect(await stage.settled()).toBe(3);
    expect(stage.out).toBe('');
  });

  it('uses what is there from the last time, edited or not', () => {
    const stage = started();
    const path = 'e/server-1/zoo.cfg';
    stage.files.set(path, `${stage.files.get(path)}enforceQuota=true\n`);
    stage.run(3, 2181, 'e/');
    expect(stage.files.get(path)).toContain('enforceQuota=true');
  });

  it.each([
    [2, 2181],
    [5, 2181],
    [3, 2191],
  ])('refuses to make another ensemble of it: size %i, port %i', async (size, port) => {
    const stage = started();
    const again = (): unknown => runEnsemble({ size, dir: 'e', clientPortBase: port }, stage.host);
    expect(again).toThrow(InvocationError);
    expect(again).toThrow('e holds another ensemble: pass the --size and --client-port-base');
  });

  it.each([
    [0, 2181],
    [10, 2181],
    [1.5, 2181],
    [Number.NaN, 2181],
    [3, 0],
    [3, 64_535],
  ])('refuses size %d with port %d', (size, clientPortBase) => {
    const { host, files } = new Stage();
    expect(() => runEnsemble({ size, dir: 'e', clientPortBase }, host)).toThrow(InvocationError);
    expect(files.size).toBe(0);
  });
});
