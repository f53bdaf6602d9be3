import type { Observer } from '../replica/observer.ts';
import { CLIENT_PORT, simulatedConfig } from './config.ts';
import { DecidedLog } from './decided.ts';
import { SimServer, type Surroundings } from './server.ts';

export interface ClusterOptions {
  readonly size: number;
  /** Lines of zoo.cfg beside those that every simulated server has. */
  readonly lines: readonly string[];
  /** How much faster than true time each server's clock runs. */
  readonly clockRates: readonly number[];
  readonly forgetfulDisks: boolean;
}

/** A process that has ended with an error. */
export interface Failure {
  readonly server: SimServer;
  readonly error: unknown;
  /** There was nothing on its disk yet that it could have served. */
  readonly wasBlank: boolean;
}

/** How long systemd, or whoever starts processes again, waits. */
const RESTART_US = 100_000;

/** The servers of one ensemble, and what they agree on. */
export class Cluster {
  readonly servers: readonly SimServer[];
  readonly decided: DecidedLog = new DecidedLog();
  /** Processes that ended with an error, oldest first. */
  readonly failures: Failure[] = [];
  private readonly surroundings: Surroundings;
  private readonly starts = new Map<SimServer, () => void>();

  constructor(surroundings: Surroundings, options: ClusterOptions) {
    this.surroundings = surroundings;
    this.servers = Array.from({ length: options.size }, (_, i) => {
      const id = i + 1;
      return new SimServer(surroundings, {
        id,
        name: `s${id}`,
        config: simulatedConfig(options.lines, id, options.size),
        clockRate: options.clockRates[i] ?? 1,
        forgetfulDisk: options.forgetfulDisks,
        observer: this.observerOf(id),
        onExit: (server, error) => this.exited(server, error),
      });
    });
  }

  get peers(): { host: string; port: number }[] {
    return this.servers.map(({ name }) => ({ host: name, port: CLIENT_PORT }));
  }

  start(): void {
    for (const server of this.servers) this.startNow(server);
  }

  /** Starts the server's process again after a while, unless it runs by then. */
  startLater(server: SimServer, delayUs: number = RESTART_US): void {
    this.starts.get(server)?.();
    const event = this.surroundings.world.schedule(delayUs, () => this.startNow(server));
    this.starts.set(server, () => {
      event.task = null;
    });
  }

  private startNow(server: SimServer): void {
    if (server.process !== null) return;
    server.start();
  }

  private exited(server: SimServer, error: unknown): void {
    if (error !== null) {
      this.failures.push({ server, error, wasBlank: !server.hasServed });
    }
    this.startLater(server);
  }

  private observerOf(id: number): Observer {
    const { world } = this.surroundings;
    return {
      onDecided: (entry) => {
        world.trace.mixBytes(entry.hash);
        this.decided.decided(id, entry, world.nowUs);
      },
      onRecovering: (slot) => this.decided.recovering(id, slot),
      onApplied: (slot, high, low) => {
        world.trace.mix(high);
        world.trace.mix(low);
        this.decided.applied(id, slot, high, low);
      },
    };
  }
}
