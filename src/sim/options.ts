import { Prng } from '../base/prng.ts';
import { ENSEMBLE_FAULTS, FAULTS } from './faults.ts';
import { STEP_NAMES } from './workload.ts';

/** All that a run is, besides the code. Drawn from the seed, unless the command line says more. */
export interface Options {
  readonly seed: number;
  readonly servers: number;
  readonly clients: number;
  readonly timeoutsMs: readonly number[];
  /** Clients whose clock is so slow that they ping too late, and trust a session that is gone. */
  readonly carelessClients: number;
  readonly thinkMs: number;
  readonly steps: readonly string[];
  readonly faults: readonly string[];
  readonly faultEveryMs: number;
  /** The budget: how many servers may have a disk that lies at one time. */
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
  /** A planted bug, never drawn: disks that call synced what is not. It must be found. */
  readonly forgetfulDisks: boolean;
}

/** A server's, until ensembles say theirs. */
const ELECTION_TIMEOUT_MS = 1_000;
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

export function drawOptions(seed: number, said: Partial<Options> = {}): Options {
  const prng = new Prng(seed).fork();
  const servers = said.servers ?? 1;
  const clients = prng.between(1, 6);
  const detectsOnly = servers < 3 && prng.chance(0.1);
  const faults = [...Object.keys(FAULTS), ...(servers > 2 ? Object.keys(ENSEMBLE_FAULTS) : [])];
  return {
    seed,
    servers,
    clients,
    timeoutsMs: Array.from({ length: clients }, () => prng.magnitude(400, 4_000)),
    carelessClients: prng.chance(0.2) ? 1 : 0,
    thinkMs: prng.magnitude(2, 200),
    steps: some(prng, STEP_NAMES),
    faults: prng.chance(0.05) ? [] : some(prng, faults),
    faultEveryMs: prng.magnitude(200, 5_000),
    lyingDisksMax: Math.floor((servers - 1) / 2),
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
      `snapSizeLimitInKb=${prng.pick([4, 64, 4_096])}`,
      `globalOutstandingLimit=${prng.pick([10, 1_000])}`,
    ],
    forgetfulDisks: false,
    ...said,
  };
}
