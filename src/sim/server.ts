import type { Prng } from '../base/prng.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { type RunningServer, startReplica } from '../entry/assembly.ts';
import type { MessageSizes, StorageSizes } from '../entry/ports.ts';
import type { Checksums } from '../io/checksums.ts';
import type { LogFields, Logger } from '../io/logger.ts';
import type { Secrets } from '../io/secrets.ts';
import type { Observer } from '../replica/observer.ts';
import type { State } from '../state/state.ts';
import { SimDatagrams } from './datagrams.ts';
import { SimDisk } from './disk.ts';
import { type DiskSpeed, timedBy } from './disk-timing.ts';
import { type Host, type NetworkWorld, SimNetwork } from './network.ts';
import { SimProcess } from './process.ts';
import { type MachineClock, ProcessClock } from './process-clock.ts';
import { SimSecrets } from './secrets.ts';
import type { World } from './world.ts';

/** What all machines of a simulation share. */
export interface Surroundings {
  readonly world: World;
  readonly network: NetworkWorld;
  readonly checksums: Checksums;
  readonly hashes: Secrets;
}

/** What all servers of a run have in common besides their files. */
export interface ServerSetup {
  readonly messageSizes: MessageSizes;
  readonly prepare?: (blank: State) => void;
}

export interface ServerOptions {
  readonly id: number;
  readonly name: string;
  readonly config: ServerConfig;
  readonly clockRate: number;
  readonly forgetfulDisk: boolean;
  readonly setup: ServerSetup;
  /** Told of what this server decides and applies, whichever process it runs in. */
  readonly observer: Observer;
  /** The process has ended without being told to: with an error, or null for a clean end. */
  readonly onExit: (server: SimServer, error: unknown) => void;
}

/** Small, so that a run of seconds sees many of them. */
const STORAGE_SIZES: StorageSizes = {
  segmentBytesFirst: 16_384,
  segmentBytesMax: 65_536,
  reserveBytes: 16_384,
};

/**
 * One machine with its disk and clock, and the process that serves on it: the very replica that
 * production runs, on other ports.
 */
export class SimServer {
  readonly id: number;
  readonly name: string;
  readonly host: Host;
  readonly clock: MachineClock;
  readonly speed: DiskSpeed = { slowness: 1 };
  disk: SimDisk = new SimDisk();
  process: SimProcess | null = null;
  /** The behaviour level of the version that is installed, and that of the one that runs. */
  level = 1;
  runningLevel = 1;
  /** Some process of it has served on this disk. */
  hasServed = false;
  /** Set while the process serves. */
  running: RunningServer | null = null;
  private readonly surroundings: Surroundings;
  private readonly options: ServerOptions;
  private readonly prng: Prng;

  constructor(surroundings: Surroundings, options: ServerOptions) {
    this.surroundings = surroundings;
    this.options = options;
    this.id = options.id;
    this.name = options.name;
    this.prng = surroundings.world.prng.fork();
    this.clock = { wallAheadMs: 0, rate: options.clockRate };
    this.disk.forgetful = options.forgetfulDisk;
    this.host = surroundings.network.addHost(options.name);
  }

  get isServing(): boolean {
    return this.running !== null;
  }

  /** Starts a process on what the disk holds. */
  start(): void {
    const { world, checksums, hashes } = this.surroundings;
    const process = new SimProcess(world, this.name);
    this.process = process;
    this.host.isUp = true;
    this.disk.schedule = timedBy(process, this.prng, this.speed);
    this.runningLevel = this.level;
    this.note('starts', { level: this.level });
    startReplica(this.options.config, {
      clock: new ProcessClock(process, this.clock),
      disk: this.disk,
      network: new SimNetwork(process, this.host),
      datagrams: new SimDatagrams(process, this.host),
      secrets: new SimSecrets(this.prng.fork(), hashes),
      checksums,
      logger: this.logger(process),
      observer: this.options.observer,
      storageSizes: STORAGE_SIZES,
      levelSupported: this.level,
      ...this.options.setup,
    }).then(
      (running) => this.serves(process, running),
      (error: unknown) => this.exited(process, error),
    );
  }

  /** SIGKILL: the kernel closes its connections, and what it wrote is still there. */
  kill(): void {
    this.note('is killed');
    this.endProcess();
    this.replaceDisk(this.disk.copy());
  }

  /** Killed, and started again by whoever starts it again after a crash. */
  crashAndRestart(): void {
    this.kill();
    this.options.onExit(this, null);
  }

  /** The power goes off: nobody is told, and of what was not synced any part may be gone. */
  powerOff(): void {
    this.note('loses power');
    this.surroundings.network.powerOff(this.host);
    this.endProcess();
    this.replaceDisk(this.rebooted());
  }

  pause(): void {
    this.note('is paused');
    this.process?.pause();
  }

  resume(): void {
    this.note('goes on');
    this.process?.resume();
  }

  /** SIGTERM. */
  shutDown(): void {
    this.note('is told to end');
    void this.running?.close();
  }

  /** The process is killed, and finds a new, blank disk when it is started again. */
  wipe(): void {
    this.note('gets a blank disk');
    this.endProcess();
    this.hasServed = false;
    this.replaceDisk(new SimDisk());
  }

  /** What is wrong with the device stays wrong, whoever uses it. */
  private replaceDisk(next: SimDisk): void {
    next.capacityBytes = this.disk.capacityBytes;
    next.fault = this.disk.fault;
    next.forgetful = this.disk.forgetful;
    this.disk = next;
  }

  private rebooted(): SimDisk {
    return this.disk.reboot((below) => this.prng.below(below));
  }

  private serves(process: SimProcess, running: RunningServer): void {
    if (!process.isAlive) return;
    this.running = running;
    this.hasServed = true;
    this.note('serves', { port: running.port });
    void running.done.then((error) => this.exited(process, error));
  }

  /** The process ends by itself. */
  private exited(process: SimProcess, error: unknown): void {
    if (!process.isAlive) return;
    this.note('ends', { error: error === null ? null : String(error) });
    this.endProcess();
    // After a failed sync nobody knows what the kernel still had (ATC'20, fsyncgate).
    this.replaceDisk(error === null ? this.disk.copy() : this.rebooted());
    this.options.onExit(this, error);
  }

  private endProcess(): void {
    const { process } = this;
    this.running = null;
    this.process = null;
    if (process === null) return;
    process.kill();
    this.surroundings.network.closeAllOf(process, this.host);
    this.disk.crashed = true;
  }

  private logger(process: SimProcess): Logger {
    const log =
      (level: string) =>
      (fields: LogFields, message: string): void => {
        if (process.isAlive) this.note(`logs ${level}: ${message}`, plain(fields));
      };
    return { debug: () => {}, info: log('info'), warn: log('warn'), error: log('error') };
  }

  private note(what: string, fields: Record<string, string | number | null> = {}): void {
    const { world } = this.surroundings;
    world.trace.note(world.nowUs, this.name, what, fields);
  }
}

function plain(fields: LogFields): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, String(value)]));
}
