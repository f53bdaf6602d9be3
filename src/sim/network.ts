import type { Prng } from '../base/prng.ts';
import type {
  Listener,
  ListenOptions,
  Network,
  Peer,
  Stream,
  StreamHandler,
} from '../io/network.ts';
import type { BoundSocket } from './datagrams.ts';
import { Links } from './links.ts';
import type { SimProcess } from './process.ts';
import { Endpoint, joined } from './tcp.ts';
import type { World } from './world.ts';

type Accept = (stream: Stream) => StreamHandler | null;

/** After this long without an answer a kernel gives up dialling, and sending. */
const GIVE_UP_US = 20_000_000;
const EPHEMERAL_PORT_FIRST = 32_768;
const DIAL_AGAIN_US = 1_000_000;

/** A machine on the network. */
export interface Host {
  readonly name: string;
  readonly address: string;
  readonly network: NetworkWorld;
  /** False: its power is off, nothing comes back from it. */
  isUp: boolean;
  readonly ports: Map<number, { readonly process: SimProcess; readonly accept: Accept }>;
  /** Those for packets, whose ports are others than those for streams. */
  readonly sockets: Map<number, BoundSocket>;
  readonly endpoints: Set<Endpoint>;
  nextPort: number;
}

/** All hosts and the links between them. */
export class NetworkWorld {
  readonly world: World;
  readonly prng: Prng;
  readonly links: Links = new Links();
  readonly giveUpUs: number = GIVE_UP_US;
  /** Share of writes that come in two pieces, one after the other. */
  fragmentation = 0.05;
  /** Share of packets that come twice. */
  duplication = 0.01;
  private readonly hosts = new Map<string, Host>();
  private chance: Prng | null = null;

  constructor(world: World) {
    this.world = world;
    this.prng = world.prng.fork();
  }

  addHost(name: string): Host {
    const host: Host = {
      name,
      address: `10.0.0.${this.hosts.size + 1}`,
      network: this,
      isUp: true,
      ports: new Map(),
      sockets: new Map(),
      endpoints: new Set(),
      nextPort: EPHEMERAL_PORT_FIRST,
    };
    this.hosts.set(name, host);
    return host;
  }

  /** Only runs that have packets draw from it, so that others stay what they were. */
  get packetPrng(): Prng {
    this.chance ??= this.world.prng.fork();
    return this.chance;
  }

  get hostNames(): string[] {
    return [...this.hosts.keys()];
  }

  find(nameOrAddress: string): Host | null {
    const byName = this.hosts.get(nameOrAddress);
    if (byName !== undefined) return byName;
    return [...this.hosts.values()].find((host) => host.address === nameOrAddress) ?? null;
  }

  /** The process is dead; its kernel closes what it had open. */
  closeAllOf(process: SimProcess, host: Host): void {
    for (const [port, listening] of host.ports) {
      if (listening.process === process) host.ports.delete(port);
    }
    for (const [port, socket] of host.sockets) {
      if (socket.process === process) host.sockets.delete(port);
    }
    for (const end of [...host.endpoints]) if (end.process === process) end.destroy();
  }

  /** The power of a host goes off: nobody is told. */
  powerOff(host: Host): void {
    host.isUp = false;
    host.ports.clear();
    host.sockets.clear();
    for (const end of [...host.endpoints]) end.vanish();
  }
}

/** The network as a process of one host sees it. */
export class SimNetwork implements Network {
  private readonly process: SimProcess;
  private readonly host: Host;

  constructor(process: SimProcess, host: Host) {
    this.process = process;
    this.host = host;
  }

  listen(options: ListenOptions, accept: Accept): Promise<Listener> {
    const { host, process } = this;
    const port = options.port === 0 ? host.nextPort++ : options.port;
    if (host.ports.has(port)) {
      return Promise.reject(new Error(`EADDRINUSE: ${host.name}:${port} is taken`));
    }
    const ends = new Set<Endpoint>();
    host.ports.set(port, {
      process,
      accept: (stream) => {
        ends.add(stream as Endpoint);
        return accept(stream);
      },
    });
    const close = (): Promise<void> => {
      host.ports.delete(port);
      for (const end of ends) end.destroy();
      return Promise.resolve();
    };
    return Promise.resolve({ address: options.host ?? '0.0.0.0', port, close });
  }

  connect(
    peer: Peer,
    open: (stream: Stream) => StreamHandler,
    failed: (error: Error) => void,
  ): () => void {
    const dial = new Dial(this.process, this.host, peer, open, failed);
    dial.begin();
    return () => dial.giveUp();
  }
}

/** One attempt to connect: packets that are lost are sent again, until the kernel gives up. */
class Dial {
  private readonly process: SimProcess;
  private readonly host: Host;
  private readonly peer: Peer;
  private readonly open: (stream: Stream) => StreamHandler;
  private readonly failed: (error: Error) => void;
  private readonly sinceUs: number;
  private isOver = false;

  constructor(
    process: SimProcess,
    host: Host,
    peer: Peer,
    open: (stream: Stream) => StreamHandler,
    failed: (error: Error) => void,
  ) {
    this.process = process;
    this.host = host;
    this.peer = peer;
    this.open = open;
    this.failed = failed;
    this.sinceUs = process.world.nowUs;
  }

  begin(): void {
    const target = this.host.network.find(this.peer.host);
    if (target === null) this.fail('ENOTFOUND');
    else this.send(target);
  }

  giveUp(): void {
    this.isOver = true;
  }

  private send(target: Host): void {
    if (this.isOver || !this.process.isAlive) return;
    const { world, links, giveUpUs } = this.host.network;
    const there = links.of(this.host.name, target.name);
    const back = links.of(target.name, this.host.name);
    if (there.isCut || back.isCut || !target.isUp) {
      if (world.nowUs - this.sinceUs >= giveUpUs) this.fail('ETIMEDOUT');
      else world.schedule(DIAL_AGAIN_US, () => this.send(target));
      return;
    }
    world.schedule(there.latencyUs, () => this.arrive(target, back.latencyUs));
  }

  private arrive(target: Host, backUs: number): void {
    if (!this.process.isAlive) return;
    const { world } = this.host.network;
    const listening = target.ports.get(this.peer.port);
    if (!target.isUp) this.send(target);
    else if (listening === undefined) world.schedule(backUs, () => this.fail('ECONNREFUSED'));
    else {
      const port = this.host.nextPort++;
      const near = new Endpoint(this.host, this.process, target.address, this.peer.port);
      const far = new Endpoint(target, listening.process, this.host.address, port);
      joined(near, far);
      far.process.schedule(0, () => {
        const handler = far.isClosed ? null : listening.accept(far);
        if (handler === null) far.destroy();
        else far.attach(handler);
      });
      world.schedule(backUs, () => this.established(near));
    }
  }

  private established(near: Endpoint): void {
    this.process.schedule(0, () => {
      if (this.isOver) near.destroy();
      else {
        this.isOver = true;
        near.attach(this.open(near));
      }
    });
  }

  private fail(code: string): void {
    this.process.schedule(0, () => {
      if (this.isOver) return;
      this.isOver = true;
      this.failed(new Error(`${code}: ${this.peer.host}:${this.peer.port}`));
    });
  }
}
