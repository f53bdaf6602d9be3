import type { Victims } from './faults.ts';
import type { SimServer } from './server.ts';

/** What may befall the server that two quorums share. */
const STROKES = ['kill', 'powerOff', 'wipe'];
const LATENCY_US_MAX = 30_000;
const SLOWNESS_MAX = 1_000;
/** Of one adoption. */
const OPERATIONS_MAX = 20;
const RESTART_US_MAX = 20_000;
/** A server that nobody succeeds is let go then. */
const PATIENCE_US = 2_000_000;

/**
 * The adversary of every quorum system: one server hears clients and no server, and comes back at
 * the very moment another one is cut off. The quorums before and after share few servers, and at
 * that moment one of these may die: whatever it has forgotten, or called its own too early on a
 * slow disk, is all that those after it have to go by. Mostly it is the leader that is cut off or
 * dies, often when it has just been elected, as its entries are where few have them.
 */
export function takingTurns(victims: Victims): () => void {
  const turns = new Turns(victims);
  turns.next();
  return () => turns.end();
}

class Turns {
  private readonly victims: Victims;
  private readonly latencyUs: number;
  private out: SimServer | null = null;
  /** Both quorums of the next turn have it, and it is doomed. */
  private shared: SimServer | null = null;
  private isOver = false;
  private callOff: () => void = () => {};

  constructor(victims: Victims) {
    this.victims = victims;
    this.latencyUs = victims.prng.magnitude(200, LATENCY_US_MAX);
  }

  readonly next = (): void => {
    if (this.isOver) return;
    const { leader } = this.victims.cluster;
    const { shared } = this;
    const next = this.choose([this.out, shared]);
    const isStruck = shared !== null && this.strike(shared);
    this.cutOff(next);
    this.out = next;
    this.doom(next);
    this.later(leader === next || (isStruck && leader === shared));
  };

  end(): void {
    this.isOver = true;
    this.callOff();
    this.out?.resume();
    if (this.shared !== null) {
      this.shared.speed.slowness = 1;
      this.shared.disk.fault = () => null;
    }
    this.victims.network.links.heal();
  }

  /** Somebody may be struck at the next turn, and has a slow disk until then. */
  private doom(next: SimServer): void {
    const { prng, faults } = this.victims;
    this.shared = prng.chance(0.6) ? this.choose([next]) : null;
    if (this.shared === null || !faults.includes('slowDisk')) return;
    this.shared.speed.slowness = prng.magnitude(3, SLOWNESS_MAX);
  }

  /** One of the others, mostly the leader. */
  private choose(taken: readonly (SimServer | null)[]): SimServer {
    const { cluster, prng } = this.victims;
    const { leader, servers } = cluster;
    const others = servers.filter((server) => !taken.includes(server));
    if (leader !== null && others.includes(leader) && prng.chance(0.7)) return leader;
    return prng.pick(others.length > 0 ? others : servers);
  }

  /**
   * Who is stopped instead comes back with all that it knew, and finds out later; if it goes on
   * behind a cut, much later.
   */
  private cutOff(server: SimServer): void {
    const { prng, faults, cluster, network } = this.victims;
    const { latencyUs } = this;
    const names = cluster.servers.map(({ name }) => name);
    this.out?.resume();
    network.links.heal();
    network.links.change(names, names, { latencyUs, jitterUs: latencyUs / 4 });
    const isStopped = faults.includes('pause') && prng.chance(0.6);
    if (isStopped) server.pause();
    if (isStopped && prng.chance(0.5)) return;
    const others = names.filter((name) => name !== server.name);
    network.links.split([server.name], others);
    if (isStopped) network.world.schedule(prng.magnitude(50_000, 500_000), () => server.resume());
  }

  /** It has to do without what it did not make durable, or without its disk; it is back soon. */
  private strike(server: SimServer): boolean {
    const { cluster, prng, faults, wipe } = this.victims;
    const strokes = STROKES.filter((name) => faults.includes(name));
    const stroke = strokes.length === 0 ? null : prng.pick(strokes);
    if (stroke === 'wipe') wipe(server);
    if (stroke === 'kill') server.kill();
    if (stroke === 'powerOff') server.powerOff();
    server.speed.slowness = 1;
    server.disk.fault = () => null;
    const isDown = server.process === null;
    if (isDown) cluster.startLater(server, prng.magnitude(100, RESTART_US_MAX));
    return isDown;
  }

  /** The disk of the doomed one fails in the midst of what it writes for a new leader. */
  private breakDisk(): void {
    const { prng, faults } = this.victims;
    const server = this.shared;
    if (server === null || !faults.includes('diskError')) return;
    let left = prng.between(1, OPERATIONS_MAX);
    server.disk.fault = (operation) => {
      if (operation === 'read' || --left > 0) return null;
      server.disk.fault = () => null;
      return 'EIO';
    };
  }

  /** Either whenever it is, or just after somebody else has been elected. */
  private later(needsLeader: boolean): void {
    const { cluster, prng, network } = this.victims;
    if (!needsLeader || prng.chance(0.3)) {
      network.world.schedule(prng.magnitude(1_000, 1_500_000), this.next);
      return;
    }
    const delayUs = prng.magnitude(20, 100_000);
    let isDue = true;
    const due = (delay: number) => (): void => {
      if (!isDue) return;
      isDue = false;
      network.world.schedule(delay, this.next);
    };
    const giveUp = cluster.whenSomebodyLeads(() => {
      this.breakDisk();
      due(delayUs)();
    });
    this.callOff = giveUp;
    network.world.schedule(PATIENCE_US, () => {
      giveUp();
      due(0)();
    });
  }
}
