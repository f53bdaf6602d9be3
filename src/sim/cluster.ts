import type { Observer } from '../replica/observer.ts';
import { CLIENT_PORT, type Role, simulatedConfig } from './config.ts';
import { DecidedLog } from './decided.ts';
import { type ServerSetup, SimServer, type Surroundings } from './server.ts';

export interface ClusterOptions {
  /** Servers that found the ensemble; the last ones are observers. */
  readonly size: number;
  readonly observers: number;
  /** Servers that no file names, off until they are to join. */
  readonly spares: number;
  /** Observers that no file names, and no configuration either: they join by themselves. */
  readonly joined?: number;
  /** Lines of zoo.cfg beside those that every simulated server has. */
  readonly lines: readonly string[];
  /** What only the file of one server says, and may say otherwise than the others'. */
  readonly ownLines: readonly (readonly string[])[];
  readonly setup: ServerSetup;
  /** How much faster than true time each server's clock runs. */
  readonly clockRates: readonly number[];
  readonly forgetfulDisks: boolean;
  /** Servers tell each other who is there. Nothing that is checked may depend on it. */
  readonly gossip: boolean;
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

/** Ids of observers that join: above those of members. They are the simulator's, nobody else's. */
const JOINED_ABOVE = 300;

/** The servers of one ensemble, and what they agree on. */
export class Cluster {
  /** Those that were ever part of it. */
  readonly servers: SimServer[];
  /** Those that only observe it. */
  readonly joined: SimServer[];
  readonly spares: SimServer[];
  readonly decided: DecidedLog = new DecidedLog();
  /** Processes that ended with an error which nothing that was done to them explains. */
  readonly failures: Failure[] = [];
  /** Whether an end with an error is what it should be. */
  mayEnd: (failure: Failure) => boolean = () => false;
  /** The last one that was elected. */
  leader: SimServer | null = null;
  private readonly awaiting = new Set<() => void>();
  private formed = false;
  private readonly surroundings: Surroundings;
  private readonly starts = new Map<SimServer, () => void>();

  constructor(surroundings: Surroundings, options: ClusterOptions) {
    this.surroundings = surroundings;
    const { size, observers, spares, ownLines, gossip } = options;
    const lines = gossip ? options.lines : [...options.lines, 'gossip.enabled=false'];
    const founders = new Map<number, Role>();
    for (let id = 1; id <= size; id++) {
      founders.set(id, id <= size - observers ? 'participant' : 'observer');
    }
    const serverOf = (id: number, name: string, own: readonly string[], roles: typeof founders) =>
      new SimServer(surroundings, {
        id,
        name,
        config: simulatedConfig([...lines, ...own], id, roles),
        clockRate: options.clockRates[id - 1] ?? 1,
        forgetfulDisk: options.forgetfulDisks,
        setup: options.setup,
        observer: this.observerOf(id),
        onExit: (server, error) => this.exited(server, error),
      });
    const all: SimServer[] = Array.from({ length: size + spares }, (_, i) => {
      const id = i + 1;
      // Who is to join has a file with all founders and itself, as ZooKeeper's guide has it.
      const roles = new Map<number, Role>([...founders, [id, founders.get(id) ?? 'participant']]);
      return serverOf(id, `s${id}`, ownLines[i] ?? [], roles);
    });
    const through = `gossip.join=${[...founders.keys()].map((id) => `s${id}:2888`).join(',')}`;
    this.joined = Array.from({ length: options.joined ?? 0 }, (_, i) => {
      const name = `o${i + 1}`;
      const own = [through, 'gossip.insecure=true', 'gossip.port=3888', `gossip.address=${name}`];
      return serverOf(JOINED_ABOVE + i, name, own, new Map());
    });
    this.servers = all.slice(0, size);
    this.spares = all.slice(size);
  }

  /** All machines that may run a server now. */
  get everyone(): SimServer[] {
    return [...this.servers, ...this.joined];
  }

  /** What clients are told to connect to: a server may join later, and an address be no one's. */
  get peers(): { host: string; port: number }[] {
    return [...this.everyone, ...this.spares].map(({ name }) => ({
      host: name,
      port: CLIENT_PORT,
    }));
  }

  appliedSlotOf(name: string): number {
    const server = this.everyone.find((other) => other.name === name);
    return server === undefined ? 0 : this.decided.reachedBy(server.id);
  }

  /** Every founder has the first entry: from then on a disk that is lost is missed. */
  get hasFormed(): boolean {
    this.formed ||= this.servers.every(({ id }) => this.decided.reachedBy(id) > 0);
    return this.formed;
  }

  /** Starts a spare, which follows without a vote until somebody makes it a member. */
  enlist(server: SimServer): void {
    const at = this.spares.indexOf(server);
    if (at < 0) return;
    this.spares.splice(at, 1);
    this.servers.push(server);
    this.startNow(server);
  }

  /** Those that are started from now on are of the next version; an upgrade leaves none behind. */
  finishUpgrade(): void {
    const all = [...this.everyone, ...this.spares];
    const level = Math.max(...all.map((server) => server.level));
    for (const server of all) server.level = level;
  }

  start(): void {
    for (const server of this.everyone) this.startNow(server);
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
      const failure = { server, error, wasBlank: !server.hasServed };
      if (!this.mayEnd(failure)) this.failures.push(failure);
    }
    this.startLater(server);
  }

  /** Calls back once, as soon as another one leads; the result calls it off. */
  whenSomebodyLeads(task: () => void): () => void {
    this.awaiting.add(task);
    return () => this.awaiting.delete(task);
  }

  /** It has its quorum's promises; whether the others know of it yet is another matter. */
  private leads(id: number): void {
    this.leader = this.servers.find((server) => server.id === id) ?? null;
    const tasks = [...this.awaiting];
    this.awaiting.clear();
    for (const task of tasks) task();
  }

  private observerOf(id: number): Observer {
    const { world } = this.surroundings;
    return {
      onGossipFailed: (error) => {
        const server = this.servers.find((other) => other.id === id);
        if (server !== undefined) this.failures.push({ server, error, wasBlank: false });
      },
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
      // What others have heard of who leads is old news.
      onLeader: (leaderId) => {
        if (leaderId === id) this.leads(id);
      },
    };
  }
}
