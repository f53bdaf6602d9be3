import type { Options } from '../options.ts';

/** A change of one expression of one source file, made while the planted build is bundled. */
export interface Edit {
  /** Below `src`. */
  readonly file: string;
  /** Has to occur exactly once, so that no planted bug outlives the code that it was planted in. */
  readonly find: string;
  readonly replace: string;
}

/** A mistake that others made, or that a careless change would bring back. */
export interface PlantedBug {
  /** What the planted build does wrong. */
  readonly name: string;
  readonly layer: 'consensus' | 'storage' | 'replica' | 'sessions' | 'server' | 'state';
  /** What that breaks: the rule, the paper, or where it happened. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  /** Options that it needs, where the default swarm would take too long. */
  readonly focus?: Partial<Options>;
  /** Faults made worse, in the healthy build as well. */
  readonly faultEdits?: readonly Edit[];
  /** Found within a few seconds: part of what CI runs. */
  readonly isFast?: boolean;
}

export function edit(file: string, find: string, replace: string): Edit {
  return { file, find, replace };
}

const LINES: readonly string[] = [
  'tickTime=200',
  'minSessionTimeout=400',
  'maxSessionTimeout=4000',
  'maxClientCnxns=0',
  'reconfigEnabled=true',
];

/** Elections take a quarter of the usual time, so that a run of seconds sees many. */
export const FAST_ELECTIONS: readonly string[] = [
  ...LINES,
  'quoll.electionTimeoutMs=200',
  'quoll.heartbeatIntervalMs=40',
];

/** Snapshots are frequent. */
export const SMALL_SNAPSHOTS: readonly string[] = [...FAST_ELECTIONS, 'snapSizeLimitInKb=4'];

/** Faults after which somebody else leads, one fast upon the other. */
export const LEADERS_CHANGE: Partial<Options> = {
  safetyMs: 5_000,
  clients: 4,
  timeoutsMs: [2_000, 2_000, 2_000, 2_000],
  thinkMs: 5,
  lines: FAST_ELECTIONS,
  faultEveryMs: 150,
  faults: ['kill', 'pause', 'partition', 'oneWay', 'shutDown', 'slowDisk'],
  lyingDisksMax: 0,
};

/** Quorums that take turns; what only one of them has is lost with it, where it can be. */
export const TAKING_TURNS: Partial<Options> = {
  ...LEADERS_CHANGE,
  safetyMs: 8_000,
  clients: 6,
  timeoutsMs: [4_000, 4_000, 4_000, 4_000, 4_000, 4_000],
  faultEveryMs: 800,
  faults: ['takingTurns'],
  steps: ['write', 'stream', 'pipeline'],
};

/**
 * A leader proposes on, however much is undecided. That it waits behind two slots is for speed; the
 * consensus does not count on it, and what leaders have that others lack is longer without it.
 */
export const DEEP_PIPELINE: readonly Edit[] = [
  edit(
    'replica/proposer.ts',
    'const SLOTS_UNDECIDED_MAX = 2;',
    'const SLOTS_UNDECIDED_MAX = 1_000;',
  ),
];

/** Faults after which a disk shows what had been made durable. */
export const PROCESSES_DIE: Partial<Options> = {
  ...LEADERS_CHANGE,
  faultEveryMs: 200,
  faults: ['kill', 'powerOff', 'powerOffAll', 'slowDisk'],
};

/** So little that catching up takes many messages, and the log or a snapshot of a peer. */
export const LITTLE_MEMORY: Partial<Options> = { retainBytes: 2_000, chunkBytes: 200 };
