import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config/load.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { RunningServer } from '../entry/server.ts';
import type { ProcessLogger } from './logging.ts';
import { type ServeHost, serve, servingLine } from './serve.ts';
import { Kept } from './terminal.test-helper.ts';

class ProcessEnded extends Error {}

/** A process that serves, as far as `serve` sees it. */
class Stage extends Kept {
  closes = 0;
  reloads = 0;
  started = 0;
  exitCode: number | null = null;
  readonly logged: string[] = [];
  signal: (name: string) => void = () => {};
  hangUp: () => void = () => {
    this.exitCode = 129;
  };
  uncaught: (error: unknown) => void = () => {};
  settle: (error: Error | null) => void = () => {};
  closeResult: () => Promise<void> = async () => this.settle(null);
  startResult: () => Promise<void> = async () => {};

  readonly host: ServeHost = {
    terminal: this.terminal,
    createLogger: () => this.logger(),
    startServer: async () => this.start(),
    onSignal: (callback) => {
      this.signal = callback;
    },
    onReload: (callback) => {
      this.hangUp = callback;
    },
    onUncaught: (callback) => {
      this.uncaught = callback;
    },
    exit: (code) => {
      this.exitCode = code;
      throw new ProcessEnded();
    },
  };

  private logger(): ProcessLogger {
    const log =
      (level: string) =>
      (_: unknown, message: string): void => {
        this.logged.push(`${level} ${message}`);
      };
    return {
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
      open: async () => {},
      close: async () => {
        this.logged.push('close');
      },
      flush: () => {
        this.logged.push('flush');
      },
    };
  }

  private async start(): Promise<RunningServer> {
    this.started += 1;
    await this.startResult();
    return {
      address: '127.0.0.1',
      port: 4321,
      serving: async () => {},
      done: new Promise((resolve) => {
        this.settle = resolve;
      }),
      reload: async () => {
        this.reloads += 1;
      },
      close: () => {
        this.closes += 1;
        return this.closeResult();
      },
    };
  }
}

function load(...definitions: string[]): ReturnType<typeof loadConfig> {
  return loadConfig({
    file: null,
    readFile: () => Buffer.alloc(32).toString('base64'),
    environment: {},
    definitions,
    flags: [],
    memoryBytes: 2 ** 32,
  });
}

/** Everything that promises have to say by now has been said. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('serving', () => {
  it('reads files again when it is told to, and goes on', async () => {
    const stage = new Stage();
    const code = serve(load('gossip.keyFile=/keys'), stage.host);
    await settled();
    stage.hangUp();
    expect([stage.reloads, stage.closes]).toEqual([1, 0]);
    stage.signal('SIGTERM');
    expect(await code).toBe(0);
  });

  it('leaves a closed terminal what it is when there is nothing to read again', async () => {
    const stage = new Stage();
    const code = serve(load(), stage.host);
    await settled();
    stage.hangUp();
    expect([stage.reloads, stage.exitCode]).toEqual([0, 129]);
    stage.signal('SIGTERM');
    await code;
  });

  it('prints one line on how to connect, and ends in order on a signal', async () => {
    const stage = new Stage();
    const code = serve(load('quoll.purge=false'), stage.host);
    await settled();
    expect(stage.out).toMatch(
      /^Quoll \S+ serves 127\.0\.0\.1:4321, .*zkCli\.sh -server 127\.0\.0\.1:4321\n$/,
    );
    expect(stage.closes).toBe(0);
    stage.signal('SIGTERM');
    expect(await code).toBe(0);
    expect(stage.closes).toBe(1);
    expect(stage.logged).toEqual(['info stopping', 'close']);
  });

  it('exits at once on a second signal', async () => {
    const stage = new Stage();
    stage.closeResult = () => new Promise(() => {});
    void serve(load(), stage.host);
    await settled();
    stage.signal('SIGINT');
    expect(() => stage.signal('SIGINT')).toThrow(ProcessEnded);
    expect([stage.closes, stage.exitCode]).toEqual([1, 1]);
  });

  it('closes after the start when the signal comes during it', async () => {
    const stage = new Stage();
    let finishStart = (): void => {};
    stage.startResult = () =>
      new Promise((resolve) => {
        finishStart = resolve;
      });
    const code = serve(load(), stage.host);
    await settled();
    stage.signal('SIGTERM');
    expect(stage.closes).toBe(0);
    finishStart();
    expect(await code).toBe(0);
    expect(stage.closes).toBe(1);
  });

  it('exits with 1 when closing fails, and says why', async () => {
    const stage = new Stage();
    stage.closeResult = () => Promise.reject(new Error('disk gone'));
    const code = serve(load(), stage.host);
    await settled();
    stage.signal('SIGTERM');
    expect(await code).toBe(1);
    expect(stage.logged).toContain('error the server has ended');
  });

  it('exits with 1 when the server ends by itself', async () => {
    const stage = new Stage();
    const code = serve(load(), stage.host);
    await settled();
    stage.settle(new Error('assertion'));
    expect(await code).toBe(1);
  });

  it('says what to do when the disk fails while it serves', async () => {
    const stage = new Stage();
    const code = serve(load(), stage.host);
    await settled();
    stage.settle(Object.assign(new Error('EIO, sync /d/log'), { code: 'EIO', path: '/d/log' }));
    expect(await code).toBe(3);
    expect(stage.err).toContain('error: EIO, sync /d/log. The disk fails: check the disk');
  });

  it('exits with 3 when the data directory cannot be used', async () => {
    const stage = new Stage();
    const denied = Object.assign(new Error('EACCES, mkdir /d'), { code: 'EACCES', path: '/d' });
    stage.startResult = () => Promise.reject(denied);
    expect(await serve(load(), stage.host)).toBe(3);
    expect(stage.err).toContain('error: EACCES, mkdir /d. The user of this process needs');
    expect(stage.out).toBe('');
  });

  it('starts nothing from a configuration with errors', async () => {
    const stage = new Stage();
    expect(await serve(load('tickTime=x'), stage.host)).toBe(2);
    expect(stage.started).toBe(0);
  });

  it('logs what the configuration gives reason to warn of', async () => {
    const stage = new Stage();
    const code = serve(load('skipACL=yes', 'snapCount=7'), stage.host);
    await settled();
    expect(stage.logged).toEqual(['info configuration', 'warn configuration']);
    stage.signal('SIGTERM');
    await code;
  });

  it('logs an error that nobody caught before the process ends', async () => {
    const stage = new Stage();
    void serve(load(), stage.host);
    await settled();
    expect(() => stage.uncaught(new Error('bug'))).toThrow(ProcessEnded);
    expect(stage.exitCode).toBe(1);
    expect(stage.logged.slice(-2)).toEqual(['error unexpected error, the process ends', 'flush']);
  });
});

describe('the line that says how to connect', () => {
  function line(address: string): string {
    const config = load().config;
    if (config === null) throw new Error('no configuration');
    const shown: ServerConfig = config;
    return servingLine(shown, { address, port: 2181 }, false);
  }

  it('names an address that a client can use when all are served', () => {
    expect(line('::')).toContain('localhost:2181 and all other addresses');
    expect(line('0.0.0.0')).toContain('-server localhost:2181\n');
  });

  it('puts IPv6 addresses in brackets', () => {
    expect(line('::1')).toContain('-server [::1]:2181\n');
  });
});
