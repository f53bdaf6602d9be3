import type { LoadedConfig } from '../config/load.ts';
import { formatSource, type Problem } from '../config/problem.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { RunningServer } from '../entry/server.ts';
import type { Logger } from '../io/logger.ts';
import { ExitCode, explain } from './exit-code.ts';
import type { ProcessLogger } from './logging.ts';
import { paint, printFailure, printProblems, type Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

/** What serving takes from the process; tests put their own in its place. */
export interface ServeHost {
  readonly terminal: Terminal;
  createLogger(config: ServerConfig): ProcessLogger;
  startServer(config: ServerConfig, logger: Logger): Promise<RunningServer>;
  /** Calls back on each request to stop, and on each error that nobody caught. */
  onSignal(callback: (signal: string) => void): void;
  /** Calls back on each request to read files again. */
  onReload(callback: () => void): void;
  onUncaught(callback: (error: unknown) => void): void;
  exit(code: number): never;
}

/** Serves until somebody stops it; the result is the exit code. */
export async function serve(loaded: LoadedConfig, host: ServeHost): Promise<number> {
  const { terminal } = host;
  const { config } = loaded;
  if (config === null) {
    printProblems(terminal, loaded.problems);
    printFailure(terminal, 'not started: the configuration has errors. Keys: quoll config --keys');
    return ExitCode.invocation;
  }
  const logger = host.createLogger(config);
  for (const problem of loaded.problems) logProblem(logger, problem);
  try {
    return await run(config, logger, host);
  } catch (error) {
    const failure = explain(error);
    await logger.close();
    printFailure(terminal, failure.message);
    return failure.code;
  } finally {
    await logger.close();
  }
}

async function run(config: ServerConfig, logger: ProcessLogger, host: ServeHost): Promise<number> {
  host.onUncaught((error) => {
    logger.error({ error }, 'unexpected error, the process ends');
    logger.flush();
    host.exit(ExitCode.unexpected);
  });
  const stop = new Stopper(logger, host);
  // Otherwise a terminal that is closed ends the server, as it ends everything.
  if (config.gossip?.keyFile != null) host.onReload(() => stop.reload());
  const server = await host.startServer(config, logger);
  stop.serverStarted(server);
  void server.serving().then(() => {
    host.terminal.out(servingLine(config, server, host.terminal.outColours));
  });
  void logger.open();
  const error = await Promise.race([server.done, stop.failure]);
  if (error === null) return ExitCode.ok;
  logger.error({ error }, 'the server has ended');
  throw error;
}

/** The first signal closes in order, one that comes during the start included. */
class Stopper {
  /** Settles only when closing fails: the server may then never say that it is done. */
  readonly failure: Promise<Error>;
  private fail: (error: Error) => void = () => {};
  private server: RunningServer | null = null;
  private isAsked = false;

  constructor(logger: ProcessLogger, host: ServeHost) {
    this.failure = new Promise((resolve) => {
      this.fail = resolve;
    });
    host.onSignal((signal) => {
      if (this.isAsked) {
        logger.warn({ signal }, 'second signal, exiting at once');
        logger.flush();
        host.exit(ExitCode.unexpected);
      }
      this.isAsked = true;
      logger.info({ signal }, 'stopping');
      this.close();
    });
  }

  serverStarted(server: RunningServer): void {
    this.server = server;
    if (this.isAsked) this.close();
  }

  /** Before there is a server, all files are still to be read. */
  reload(): void {
    void this.server?.reload();
  }

  private close(): void {
    this.server?.close().catch((error: unknown) => {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    });
  }
}

function logProblem(logger: Logger, problem: Problem): void {
  const fields = {
    key: problem.key ?? undefined,
    from: formatSource(problem.source),
    detail: problem.message,
  };
  if (problem.severity === 'warning') logger.warn(fields, 'configuration');
  else logger.info(fields, 'configuration');
}

/** One line on standard output: scripts wait for it, people copy from it. */
export function servingLine(
  config: ServerConfig,
  server: { readonly address: string; readonly port: number },
  colours: boolean,
): string {
  const isEverywhere = server.address === '::' || server.address === '0.0.0.0';
  const host = isEverywhere ? 'localhost' : server.address;
  const target = `${host.includes(':') ? `[${host}]` : host}:${server.port}`;
  const where = isEverywhere ? `${target} and all other addresses` : target;
  return (
    `Quoll ${VERSION} serves ${paint(colours, 'green', where)}, data in ${config.dataDir}. ` +
    `Connect: zkCli.sh -server ${target}\n`
  );
}
