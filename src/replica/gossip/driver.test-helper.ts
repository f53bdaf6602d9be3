import { Prng } from '../../base/prng.ts';
import type { Meta } from '../../gossip/member.ts';
import type { Change } from '../../gossip/output.ts';
import { silentLogger } from '../../io/logger.ts';
import { NodeChecksums } from '../../io/node/checksums.ts';
import { NodeCiphers } from '../../io/node/ciphers.ts';
import { NodeSecrets } from '../../io/node/secrets.ts';
import type { Anchor, Entry } from '../../paxos/entry.ts';
import { SimDatagrams } from '../../sim/datagrams.ts';
import { type Host, NetworkWorld, SimNetwork } from '../../sim/network.ts';
import { SimProcess } from '../../sim/process.ts';
import { ProcessClock } from '../../sim/process-clock.ts';
import { SimSecrets } from '../../sim/secrets.ts';
import { World } from '../../sim/world.ts';
import { chainHash, GENESIS_HASH } from '../../storage/record.ts';
import { Turn } from '../turn.ts';
import { GossipDriver } from './driver.ts';

const PORT = 3888;
const checksums = new NodeChecksums();
const chain = chainHash(checksums);

/** Entries from slot 1 on. */
export function logOf(count: number): Entry[] {
  const log: Entry[] = [];
  let hash = GENESIS_HASH;
  for (let slot = 1; slot <= count; slot++) {
    const body = new Uint8Array([slot]);
    hash = chain(hash, slot, 1, 0, 1, body);
    log.push({ slot, round: 1, replica: 1, kind: 0, body, hash });
  }
  return log;
}

export function anchorOf(log: readonly Entry[], slot: number): Anchor {
  return { slot, hash: log[slot - 1]?.hash ?? GENESIS_HASH };
}

interface MachineOptions {
  readonly role?: Meta['role'];
  readonly keys?: readonly Uint8Array[];
  readonly cluster?: number;
  readonly anchor?: Anchor;
  readonly port?: number;
}

/** A machine with a driver on it, which can be killed and started again. */
export class Machine {
  readonly name: string;
  readonly host: Host;
  readonly options: MachineOptions;
  readonly delivered: Entry[] = [];
  readonly afters: number[] = [];
  readonly fetches: string[] = [];
  readonly changes: Change[] = [];
  readonly failures: Error[] = [];
  process!: SimProcess;
  driver!: GossipDriver;
  /** What its disk holds. */
  incarnation = 0;
  /** Saving the incarnation takes this long. */
  saveMs = 0;
  private readonly world: World;
  private readonly index: number;
  private readonly prng: Prng;

  constructor(world: World, network: NetworkWorld, index: number, options: MachineOptions) {
    this.world = world;
    this.index = index;
    this.name = `m${index}`;
    this.options = options;
    this.prng = new Prng(index);
    this.host = network.addHost(this.name);
  }

  get id(): string {
    return this.index.toString(16).padStart(32, '0');
  }

  get address(): string {
    return `${this.name}:${PORT}`;
  }

  get meta(): Meta {
    const { role = 'voter' } = this.options;
    return {
      role,
      serverId: role === 'voter' ? this.index : 0,
      address: this.address,
      bulkAddress: `${this.name}:2888`,
      clientPort: 2181,
      version: '0.1.0',
      ...{ leader: 0, leaderRound: 0, load: 0, appliedSlot: 0, appliedZxid: 0 },
    };
  }

  async start(): Promise<void> {
    const { world, host, options } = this;
    this.process = new SimProcess(world, this.name);
    host.isUp = true;
    const clock = new ProcessClock(this.process, { wallAheadMs: 0, rate: 1 });
    const network = new SimNetwork(this.process, host);
    const nowMs = () => clock.monotonicMs();
    const turn = new Turn(clock);
    this.driver = new GossipDriver({
      io: { network, checksums, turn, logger: silentLogger, nowMs },
      clock,
      datagrams: new SimDatagrams(this.process, host),
      secrets: new SimSecrets(this.prng.fork(), new NodeSecrets()),
      ciphers: new NodeCiphers(),
      chain,
      incarnations: {
        next: async () => ++this.incarnation,
        save: (incarnation) =>
          new Promise((resolve) => {
            clock.after(this.saveMs, () => {
              this.incarnation = incarnation;
              resolve();
            });
          }),
      },
      id: this.id,
      clusterId: new Uint8Array(16).fill(options.cluster ?? 1),
      host: undefined,
      port: options.port ?? PORT,
      keys: options.keys ?? [],
      metaAt: () => this.meta,
      anchor: options.anchor ?? anchorOf([], 0),
      onFailed: (error) => this.failures.push(error),
    });
    this.driver.onDeliveries = (entries, after) => {
      this.delivered.push(...entries);
      this.afters.push(after.slot);
    };
    this.driver.onFetchFrom = ({ id }) => this.fetches.push(id);
    this.driver.onChange = (change) => this.changes.push(change);
    await this.driver.start();
  }

  kill(): void {
    this.process.kill();
    this.host.network.closeAllOf(this.process, this.host);
  }

  /** What this one takes another one for. */
  statusOf(other: Machine): string {
    const row = this.driver.members().find(({ id }) => id === other.id);
    return row === undefined ? 'unknown' : `${row.status} ${row.incarnation}`;
  }

  get dropped(): Record<string, number> {
    const all = Object.entries(this.driver.frames?.dropped ?? {});
    return Object.fromEntries(all.filter(([, count]) => count > 0));
  }
}

/** Machines on one simulated network. */
export class Machines {
  readonly world: World;
  readonly network: NetworkWorld;
  readonly all: Machine[] = [];

  constructor(seed = 1) {
    this.world = new World(seed);
    this.network = new NetworkWorld(this.world);
  }

  /** Starts one more, which asks all that there are. */
  async add(options: MachineOptions = {}): Promise<Machine> {
    const machine = new Machine(this.world, this.network, this.all.length + 1, options);
    this.all.push(machine);
    await this.start(machine);
    return machine;
  }

  async addMany(count: number, options: MachineOptions = {}): Promise<Machine[]> {
    const added: Machine[] = [];
    for (let i = 0; i < count; i++) added.push(await this.add(options));
    return added;
  }

  async start(machine: Machine): Promise<void> {
    await machine.start();
    const addresses = this.all.map(({ address }) => address);
    machine.driver.join(addresses);
    machine.driver.keepAsking(addresses);
  }

  run(ms: number): Promise<void> {
    return this.world.run(ms * 1_000);
  }

  /** Runs until it is so; the virtual milliseconds that it took. */
  async until(isSo: () => boolean, limitMs = 60_000): Promise<number> {
    const fromUs = this.world.nowUs;
    while (!isSo()) {
      const tookMs = (this.world.nowUs - fromUs) / 1_000;
      if (tookMs > limitMs) throw new Error(`it never came to be: ${isSo}`);
      await this.run(10);
    }
    return (this.world.nowUs - fromUs) / 1_000;
  }
}
