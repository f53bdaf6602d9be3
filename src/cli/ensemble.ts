import {
  type EnsembleArguments,
  type EnsembleFiles,
  type LocalEnsemble,
  type LocalServer,
  layOut,
} from './ensemble-files.ts';
import { ExitCode } from './exit-code.ts';
import { type Colour, paint, printFailure, type Terminal } from './terminal.ts';

/** A server in a process of its own. */
export interface ServerProcess {
  /** `quoll serve` prints a line on its standard output once it serves. */
  onOutput(callback: (line: string) => void): void;
  onLog(callback: (line: string) => void): void;
  /** Null: a signal ended it. */
  onExit(callback: (code: number | null) => void): void;
  stop(): void;
}

/** What running an ensemble takes from the process; tests put their own in its place. */
export interface EnsembleHost {
  readonly terminal: Terminal;
  readonly files: EnsembleFiles;
  startServer(configFile: string): ServerProcess;
  /** Calls back on each request to stop. */
  onSignal(callback: (signal: string) => void): void;
}

const PREFIX_COLOURS: readonly Colour[] = ['cyan', 'green', 'yellow'];

/** Runs servers until somebody stops them or none is left; the result is the exit code. */
export function runEnsemble(wanted: EnsembleArguments, host: EnsembleHost): Promise<number> {
  const ensemble = layOut(wanted, host.files);
  return new Promise((resolve) => new Runner(ensemble, host, resolve).start());
}

class Runner {
  private readonly ensemble: LocalEnsemble;
  private readonly host: EnsembleHost;
  private readonly resolve: (code: number) => void;
  private readonly running = new Map<number, ServerProcess>();
  private readonly serving = new Set<number>();
  private isComplete = false;
  private isStopping = false;
  private code: number = ExitCode.ok;

  constructor(ensemble: LocalEnsemble, host: EnsembleHost, resolve: (code: number) => void) {
    this.ensemble = ensemble;
    this.host = host;
    this.resolve = resolve;
  }

  start(): void {
    // Passed on each time: a server takes the second signal for "at once".
    this.host.onSignal(() => this.stop());
    for (const server of this.ensemble.servers) this.startServer(server);
  }

  private startServer(server: LocalServer): void {
    const { terminal } = this.host;
    const child = this.host.startServer(server.configFile);
    this.running.set(server.id, child);
    const colour = PREFIX_COLOURS[(server.id - 1) % PREFIX_COLOURS.length] as Colour;
    const prefix = paint(terminal.errColours, colour, `server.${server.id}`);
    child.onLog((line) => terminal.err(`${prefix} ${line}\n`));
    child.onOutput(() => this.served(server));
    child.onExit((code) => this.ended(server, code));
  }

  private served(server: LocalServer): void {
    this.serving.add(server.id);
    const { servers, connectString } = this.ensemble;
    if (this.isComplete || this.serving.size < servers.length) return;
    this.isComplete = true;
    const { terminal } = this.host;
    const where = paint(terminal.outColours, 'green', connectString);
    const who = servers.length === 1 ? 'One server serves' : `${servers.length} servers serve`;
    terminal.out(`${who} ${where}. Ctrl-C ends it all.\n`);
    terminal.out(`Connect: zkCli.sh -server ${connectString}\n`);
  }

  /**
   * One that is lost while all serve is what ensembles are for: the others go on. One that can't
   * even start would leave the user with less than was asked for.
   */
  private ended(server: LocalServer, code: number | null): void {
    const { terminal } = this.host;
    this.running.delete(server.id);
    this.serving.delete(server.id);
    const clean = this.isStopping && code === ExitCode.ok;
    if (!clean) {
      const how = code === null ? 'was killed' : `has ended with code ${code}`;
      const cure = `start it again by: quoll serve ${server.configFile}`;
      printFailure(terminal, `server.${server.id} ${how}${this.isComplete ? `; ${cure}` : ''}`);
      if (this.isStopping || !this.isComplete) this.code ||= code || ExitCode.unexpected;
      if (!this.isComplete && !this.isStopping) this.stop();
    }
    if (this.running.size > 0) return;
    this.resolve(this.isStopping ? this.code : ExitCode.unexpected);
  }

  private stop(): void {
    this.isStopping = true;
    for (const child of this.running.values()) child.stop();
  }
}
