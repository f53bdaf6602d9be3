import { Prng } from '../base/prng.ts';
import { ENSEMBLE_FAULTS, FAULTS } from './faults.ts';
import { WIPE } from './nemesis.ts';
import { STEP_NAMES } from './workload.ts';

/** All that a run is, besides the code. Drawn from the seed, unless the command line says more. */
export interface Options {
  readonly seed: number;
  /** Servers that found the ensemble, observers included. */
  readonly servers: number;
  readonly observers: number;
  /** Servers that may join later. */
  readonly spares: number;
  /** Observers that no configuration names. */
  readonly joined: number;
  readonly clients: number;
  readonly timeoutsMs: readonly number[];
  /** Clients whose clock is so slow that they ping too late, and trust a session that is gone. */
  readonly carelessClients: number;
  readonly thinkMs: number;
  readonly steps: readonly string[];
  readonly faults: readonly string[];
  readonly faultEveryMs: number;
  /** The budget: how many servers may have a disk that lies at one time, where voters bear it. */
  readonly lyingDisksMax: number;
  /** True: lies beyond the budget are told, and nothing is checked but that they are found. */
  readonly detectsOnly: boolean;
  readonly safetyMs: number;
  /** Progress must come this long after the last fault has ended. */
  readonly livenessMs: number;
  readonly fragmentation: number;
  /** Seconds that a machine's clock counts in a true one. */
  readonly clockRates: readonly number[];
  readonly lines: readonly string[];
  /** Lines of zoo.cfg that only one server has. */
  readonly ownLines: readonly (readonly string[])[];
  /** Entries that a leader keeps for those behind: with little of it, snapshots are sent. */
  readonly retainBytes: number;
  readonly chunkBytes: number;
  /** The state begins with counters that are about to wrap. */
  readonly nearWraps: boolean;
  /** Servers tell each other who is there. */
  readonly gossip: boolean;
  /** A planted bug, never drawn: disks that call synced what is not. It must be found. */
  readonly forgetfulDisks: boolean;
}

/** What the product takes when nobody says otherwise. */
const ELECTION_TIMEOUT_MS = 800;
const LIVENESS_ELECTION_TIMEOUTS = 4;

/**
 * Swarm testing (Groce et al., ISSTA 2012): each run leaves out about half of what is possible.
 * What many faults at once hide, few faults show; a run without writes never fills the disk.
 */
function some<T>(prng: Prng, all: readonly T[]): T[] {
  const share = prng.fraction();
  const chosen = all.filter(() => prng.chance(share));
  return chosen.length > 0 ? chosen : [prng.pick(all)];
}

/** Three mostly, because that is what most will run. */
function drawSize(prng: Prng): number {
  return prng.pick([3, 3, 3, 3, 3, 1, 5]);
}

/** What operators have different on different servers, on purpose or not; a later line counts. */
function drawOwnLines(prng: Prng): string[] {
  const possible = [
    'enforceQuota=true',
    'extendedTypesEnabled=true',
    'skipACL=yes',
    'reconfigEnabled=false',
    'jute.maxbuffer=2000',
    'minSessionTimeout=1000',
    'maxSessionTimeout=1500',
    'snapSizeLimitInKb=8',
    'globalOutstandingLimit=10',
  ];
  return possible.filter(() => prng.chance(0.3));
}

/**
 * Who decides: a majority mostly, else sizes of quorums that differ, or groups and weights. Those
 * who may join later have a group ahead of time, or their files would be refused.
 */
function drawQuorums(prng: Prng, voters: number, all: number): string[] {
  if (voters < 3 || !prng.chance(0.3)) return [];
  if (prng.chance(0.5)) {
    // The file of one who may join later names one voter more.
    const count = all > voters ? voters + 1 : voters;
    const election = prng.between(1 + count - voters, voters);
    const write = prng.between(count + 1 - election, voters);
    return [`quoll.electionQuorumSize=${election}`, `quoll.writeQuorumSize=${write}`];
  }
  const ids = Array.from({ length: all }, (_, i) => i + 1);
  const groups = prng.between(1, 3);
  const groupOf = (id: number): number => ((id - 1) % groups) + 1;
  // The first of each group has some, so that there is no group without any.
  const weightOf = (id: number): number => prng.between(id <= groups ? 1 : 0, 3);
  return [
    ...Array.from({ length: groups }, (_, i) => i + 1).map(
      (group) => `group.${group}=${ids.filter((id) => groupOf(id) === group).join(':')}`,
    ),
    ...ids.map((id) => `weight.${id}=${weightOf(id)}`),
  ];
}

export function drawOptions(seed: number, said: Partial<Options> = {}): Options {
  const root = new Prng(seed);
  const prng = root.fork();
  const servers = said.servers ?? drawSize(prng);
  const clients = prng.between(1, 6);
  const detectsOnly = servers < 3 && prng.chance(0.1);
  const several = [...Object.keys(ENSEMBLE_FAULTS), WIPE];
  const possible = [...Object.keys(FAULTS), ...(servers > 2 ? several : [])];
  const faults = said.faults ?? (prng.chance(0.05) ? [] : some(prng, possible));
  const reconfigures = faults.includes('reconfigure');
  const observers = servers > 3 || (servers > 2 && prng.chance(0.1)) ? prng.below(2) : 0;
  const spares = reconfigures ? prng.between(0, 2) : 0;
  return {
    seed,
    servers,
    observers,
    spares,
    clients,
    timeoutsMs: Array.from({ length: clients }, () => prng.magnitude(400, 4_000)),
    carelessClients: prng.chance(0.2) ? 1 : 0,
    thinkMs: prng.magnitude(2, 200),
    steps: some(prng, STEP_NAMES),
    faults,
    faultEveryMs: prng.magnitude(200, 5_000),
    lyingDisksMax: Math.floor((servers - observers - 1) / 2),
    detectsOnly,
    safetyMs: prng.magnitude(2_000, 20_000),
    livenessMs: ELECTION_TIMEOUT_MS * LIVENESS_ELECTION_TIMEOUTS,
    fragmentation: prng.pick([0, 0.05, 0.5]),
    clockRates: Array.from({ length: servers }, () =>
      prng.chance(0.5) ? 1 : 1 + (prng.fraction() - 0.5) / 10,
    ),
    lines: [
      'tickTime=200',
      'minSessionTimeout=400',
      'maxSessionTimeout=4000',
      'maxClientCnxns=0',
      'znode.container.checkIntervalMs=500',
      'reconfigEnabled=true',
      `snapSizeLimitInKb=${prng.pick([16, 64, 4_096])}`,
      `globalOutstandingLimit=${prng.pick([10, 1_000])}`,
      ...drawQuorums(root.fork(), servers - observers, servers + spares),
    ],
    ownLines: prng.chance(0.5) ? [] : Array.from({ length: servers }, () => drawOwnLines(prng)),
    retainBytes: prng.pick([1_000, 100_000, 16_777_216]),
    chunkBytes: prng.pick([500, 20_000, 1_048_576]),
    nearWraps: prng.chance(0.2),
    // Drawn last, so that seeds without any are what they were.
    joined: servers > 1 && prng.chance(0.3) ? prng.between(1, 2) : 0,
    forgetfulDisks: false,
    gossip: servers > 1 && prng.chance(0.5),
    ...said,
  };
}
