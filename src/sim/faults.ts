import type { Prng } from '../base/prng.ts';
import type { Cluster } from './cluster.ts';
import { SECTOR_BYTES } from './inode.ts';
import type { NetworkWorld } from './network.ts';
import type { Operator } from './operator.ts';
import type { SimProcess } from './process.ts';
import type { SimServer } from './server.ts';
import { takingTurns } from './taking-turns.ts';

/** What faults may touch. */
export interface Victims {
  readonly cluster: Cluster;
  readonly network: NetworkWorld;
  /** Processes of clients. */
  readonly clients: readonly SimProcess[];
  readonly operator: Operator;
  /** So many new clients connect, do little, and leave. */
  readonly addVisitors: (count: number) => void;
  readonly prng: Prng;
  /** Faults that this run may have. */
  readonly faults: readonly string[];
  /** Gives it a blank disk, if the budget allows one more. */
  readonly wipe: (server: SimServer) => void;
}

/** Begins a fault; the result ends it. */
type Fault = (victims: Victims) => () => void;

const ROLLING_LOOK_US = 50_000;
const CROWD_MAX = 40;
/** Of a version that knows more than the one that runs at first. */
const LEVEL_NEXT = 2;

const servers = ({ cluster }: Victims): string[] => cluster.everyone.map(({ name }) => name);
const everybody = ({ network }: Victims): string[] => network.hostNames;
const oneOf = ({ cluster, prng }: Victims): SimServer => prng.pick(cluster.everyone);

/** A fault of one server that lasts until its process is started again. */
function stopping(stop: (server: SimServer, victims: Victims) => void): Fault {
  return (victims) => {
    const server = oneOf(victims);
    stop(server, victims);
    return () => victims.cluster.startLater(server, victims.prng.between(1, 50_000));
  };
}

/** The two sides of a cut: some hosts, and all others. */
function sides(victims: Victims): [string[], string[]] {
  const hosts = victims.prng.shuffled(everybody(victims));
  const count = victims.prng.between(1, Math.max(1, hosts.length - 1));
  return [hosts.slice(0, count), hosts.slice(count)];
}

function partition(victims: Victims, change: (one: string[], other: string[]) => void): () => void {
  const [one, other] = sides(victims);
  change(one, other);
  return () => victims.network.links.heal();
}

/** Two servers hear each other only through a third (Cloudflare 2020; OmniPaxos, section 2). */
function chained(victims: Victims): () => void {
  const [first, , ...rest] = victims.prng.shuffled(servers(victims));
  if (first !== undefined) victims.network.links.split([first], rest.slice(0, 1));
  return () => victims.network.links.heal();
}

/** Every server hears one, and no other: that one alone can gather a quorum. */
function quorumLoss(victims: Victims): () => void {
  const [, ...others] = victims.prng.shuffled(servers(victims));
  for (const server of others) {
    const rest = others.filter((other) => other !== server);
    victims.network.links.split([server], rest);
  }
  return () => victims.network.links.heal();
}

/** The link goes up and down, faster than anybody's time-out. */
function flapping(victims: Victims): () => void {
  const { network, prng } = victims;
  const [one, other] = sides(victims);
  let isOver = false;
  const flap = (isCut: boolean): void => {
    if (isOver) return;
    network.links.change(one, other, { isCut });
    network.links.change(other, one, { isCut });
    network.world.schedule(prng.between(10_000, 300_000), () => flap(!isCut));
  };
  flap(true);
  return () => {
    isOver = true;
    network.links.heal();
  };
}

/** One server hears clients and no server: it is behind by more than the others keep. */
function leftBehind(victims: Victims): () => void {
  const [first, ...others] = victims.prng.shuffled(servers(victims));
  victims.network.links.split([first as string], others);
  return () => victims.network.links.heal();
}

/** SIGTERM to one after the other, each as soon as the one before it serves again. */
function rollingRestart({ cluster, network: { world }, prng }: Victims): () => void {
  const waiting = prng.shuffled(cluster.everyone);
  let isOver = false;
  const next = (): void => {
    const server = waiting.pop();
    if (server === undefined) return;
    const { process } = server;
    server.shutDown();
    const look = (): void => {
      if (isOver) return;
      if (server.isServing && server.process !== process) next();
      else world.schedule(ROLLING_LOOK_US, look);
    };
    look();
  };
  next();
  return () => {
    isOver = true;
  };
}

/** No client reaches a server; then all come at once, and many more with them. */
function stampede(victims: Victims): () => void {
  const { network, prng, addVisitors } = victims;
  addVisitors(prng.between(5, CROWD_MAX));
  const known = servers(victims);
  const others = everybody(victims).filter((name) => !known.includes(name));
  network.links.split(known, others);
  return () => network.links.heal();
}

/**
 * The next version is installed on one server, and on all that join from now on. Those that observe
 * without being configured have it first: no leader asks what they can follow.
 */
function upgrade(victims: Victims): () => void {
  const { servers: all, spares, joined } = victims.cluster;
  for (const observer of joined.filter(({ level }) => level < LEVEL_NEXT)) {
    observer.level = LEVEL_NEXT;
    observer.crashAndRestart();
  }
  const left = all.filter(({ level }) => level < LEVEL_NEXT);
  const server = left.length > 0 ? victims.prng.pick(left) : oneOf(victims);
  for (const each of [server, ...spares]) each.level = LEVEL_NEXT;
  server.shutDown();
  return () => victims.cluster.startLater(server, victims.prng.between(1, 50_000));
}

function slowDisk(victims: Victims): () => void {
  const server = oneOf(victims);
  server.speed.slowness = victims.prng.magnitude(3, 1_000);
  return () => {
    server.speed.slowness = 1;
  };
}

/** Leaves less room than the next segment takes, or none at all. */
function fullDisk(victims: Victims): () => void {
  const server = oneOf(victims);
  server.disk.capacityBytes = server.disk.usedBytes() + victims.prng.pick([0, 1_000, 20_000]);
  return () => {
    server.disk.capacityBytes = Number.POSITIVE_INFINITY;
  };
}

/** One operation fails with EIO: the process must end, and trust the disk over its memory. */
function diskError(victims: Victims): () => void {
  const server = oneOf(victims);
  const doomed = victims.prng.pick(['write', 'sync', 'syncDirectory', 'rename', 'remove']);
  server.disk.fault = (operation) => {
    if (operation !== doomed) return null;
    server.disk.fault = () => null;
    return 'EIO';
  };
  return () => {
    server.disk.fault = () => null;
  };
}

function clockStep(victims: Victims): () => void {
  const server = oneOf(victims);
  const ms = victims.prng.magnitude(1, 100_000_000);
  server.clock.wallAheadMs += victims.prng.chance(0.5) ? ms : -ms;
  return () => {};
}

/** Every event takes its process so long that it never quite keeps up. */
function slowProcess(victims: Victims): () => void {
  const { process } = oneOf(victims);
  if (process !== null) process.eventCostUs = victims.prng.magnitude(100, 3_000);
  return () => {
    if (process !== null) process.eventCostUs = 0;
  };
}

function pause(victims: Victims): () => void {
  const server = oneOf(victims);
  server.pause();
  return () => server.resume();
}

/** A client that is stopped may wake up as a holder of what others hold by then. */
function pauseClient({ clients, prng }: Victims): () => void {
  const client = prng.pick(clients);
  client.pause();
  return () => client.resume();
}

/** Faults that a lone server survives, too. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  kill: stopping((server) => server.kill()),
  powerOff: stopping((server) => server.powerOff()),
  powerOffAll: (victims) => {
    for (const server of victims.cluster.everyone) server.powerOff();
    return () => {
      for (const server of victims.cluster.everyone) victims.cluster.startLater(server);
    };
  },
  shutDown: stopping((server) => server.shutDown()),
  pause,
  pauseClient,
  slowProcess,
  clockStep,
  partition: (victims) =>
    partition(victims, (one, other) => victims.network.links.split(one, other)),
  oneWay: (victims) =>
    partition(victims, (one, other) => victims.network.links.change(one, other, { isCut: true })),
  slowLinks: (victims) => {
    const latencyUs = victims.prng.magnitude(5_000, 800_000);
    return partition(victims, (one, other) =>
      victims.network.links.change(one, other, { latencyUs, jitterUs: latencyUs / 2 }),
    );
  },
  narrowLinks: (victims) =>
    partition(victims, (one, other) =>
      victims.network.links.change(one, other, { bytesPerMs: victims.prng.magnitude(1, 100) }),
    ),
  lossyLinks: (victims) => {
    const loss = victims.prng.fraction() / 2;
    return partition(victims, (one, other) => victims.network.links.change(one, other, { loss }));
  },
  flapping,
  slowDisk,
  fullDisk,
  diskError,
  rollingRestart,
  upgrade,
  stampede,
};

/** Faults between servers, which take several. */
export const ENSEMBLE_FAULTS: Readonly<Record<string, Fault>> = {
  chained,
  quorumLoss,
  leftBehind,
  takingTurns,
  /** Somebody joins, leaves, gets or loses a vote, whatever else is going on. */
  reconfigure: ({ operator }) => {
    void operator.change();
    return () => {};
  },
};

/**
 * Disks that lie. At most a minority of servers may have one, counted until it is repaired: beyond
 * that nothing can be promised but that the lie is found.
 */
export const LIES: Readonly<Record<string, (server: SimServer, prng: Prng) => void>> = {
  flippedBit: ({ disk }, prng) => {
    const path = prng.pick(disk.paths());
    const bits = disk.contentOf(path).length * 8;
    if (bits > 0) disk.flipBit(path, prng.below(bits));
  },
  zeroedRange: ({ disk }, prng) => {
    const path = prng.pick(disk.paths());
    const from = prng.below(disk.contentOf(path).length + 1);
    disk.zeroRange(path, from, from + prng.magnitude(1, 10_000));
  },
  misdirectedWrite: ({ disk }, prng) => {
    const path = prng.pick(disk.paths());
    const sectors = Math.ceil(disk.contentOf(path).length / SECTOR_BYTES);
    const place = (): number => prng.below(sectors + 1) * SECTOR_BYTES;
    disk.misdirect(path, place(), place(), SECTOR_BYTES * prng.between(1, 4));
  },
  lostEntry: ({ disk }, prng) => disk.loseEntry(prng.pick(disk.paths())),
  /** Found at once, because the log is read again at once. */
  damagedLog: (server, prng) => {
    const segments = server.disk.paths().filter((path) => path.includes('/log/'));
    const path = prng.pick(segments.length > 0 ? segments : server.disk.paths());
    const bits = server.disk.contentOf(path).length * 8;
    if (bits > 0) server.disk.flipBit(path, prng.below(bits));
    server.crashAndRestart();
  },
};
