import { Summary } from '../base/summary.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { Clock } from '../io/clock.ts';
import type { Replica } from '../replica/replica.ts';
import type { Snapshotter } from '../replica/snapshotter.ts';
import {
  type ConfFacts,
  type EnsembleFacts,
  type GossipFacts,
  type LoopDelay,
  type ServerFacts,
  type StorageFacts,
  versionText,
} from '../server/facts.ts';
import type { Storage } from '../storage/storage.ts';
import type { Recovered } from './recover.ts';
import type { Role } from './role.ts';

/** How old the sizes of the directories may be when somebody asks. */
const SIZES_EVERY_MS = 5_000;

/** Bytes below a directory, sampled beside the loop. */
export interface MeasuredDirectory {
  readonly bytes: number;
  sample(): Promise<void>;
}

/** What only the process can tell of itself and its machine. */
export interface ProcessFacts {
  measureDirectory(directory: string): MeasuredDirectory;
  /** Null where nobody measures it. */
  measureLoopDelay(): (LoopDelay & { stop(): void }) | null;
  environment(): readonly (readonly [key: string, value: string])[];
  /** -1 where the platform does not tell. */
  openFileDescriptors(): number;
  maxFileDescriptors(): number;
}

/** A process that tells nothing, as a simulated one. */
export const SILENT_PROCESS: ProcessFacts = {
  measureDirectory: () => ({ bytes: 0, sample: () => Promise.resolve() }),
  measureLoopDelay: () => null,
  environment: () => [],
  openFileDescriptors: () => -1,
  maxFileDescriptors: () => -1,
};

export interface Build {
  readonly version: string;
  /** ISO 8601. */
  readonly builtAt: string;
}

export interface FactsOptions {
  readonly config: ServerConfig;
  readonly build: Build;
  readonly clock: Clock;
  readonly process: ProcessFacts;
  readonly storage: Storage;
  readonly snapshotter: Snapshotter;
  readonly recovered: Recovered;
  readonly replica: Replica;
  /** Null for a server alone. */
  readonly company: {
    readonly facts: EnsembleFacts;
    readonly role: Role;
    readonly id: number;
  } | null;
  /** Null for a server that takes no part. */
  readonly gossip: GossipFacts | null;
  /** The port that was opened, which the configuration may leave to chance. */
  readonly clientPort: () => number;
}

/** What four-letter words and metrics tell of this process; `stop` ends the measuring. */
export function collectFacts(options: FactsOptions): { facts: ServerFacts; stop: () => void } {
  const { config, build, clock, process } = options;
  const conf = confFacts(config, options);
  const data = process.measureDirectory(conf.dataDir);
  const log = process.measureDirectory(conf.dataLogDir);
  const sample = (): void => {
    void data.sample();
    void log.sample();
  };
  sample();
  const stopSampling = clock.every(SIZES_EVERY_MS, sample);
  const loopDelay = process.measureLoopDelay();
  const facts: ServerFacts = {
    version: versionText(build.version, build.builtAt),
    whitelist: config.fourLetterWhitelist,
    conf,
    ensemble: options.company?.facts ?? null,
    gossip: options.gossip,
    startedMs: clock.monotonicMs(),
    storage: storageFacts(options),
    loopDelay,
    mode: () => options.company?.role.mode ?? 'standalone',
    serving: () => options.company?.role.isServing ?? options.replica.hasLeader,
    dataDirBytes: () => data.bytes,
    logDirBytes: () => log.bytes,
    environment: () => process.environment(),
    openFileDescriptors: () => process.openFileDescriptors(),
    maxFileDescriptors: () => process.maxFileDescriptors(),
  };
  const stop = (): void => {
    stopSampling();
    loopDelay?.stop();
  };
  return { facts, stop };
}

/** Like ZooKeeper's, the directories are those below the configured ones that hold the files. */
function confFacts(
  config: ServerConfig,
  { clientPort, company }: Pick<FactsOptions, 'clientPort' | 'company'>,
): ConfFacts {
  return {
    get clientPort() {
      return clientPort();
    },
    secureClientPort: -1,
    dataDir: `${config.dataDir}/quoll`,
    dataLogDir: `${config.dataLogDir}/quoll`,
    tickTimeMs: config.tickTimeMs,
    maxClientCnxns: config.maxClientCnxns,
    minSessionTimeoutMs: config.minSessionTimeoutMs,
    maxSessionTimeoutMs: config.maxSessionTimeoutMs,
    listenBacklog: config.listenBacklog ?? -1,
    serverId: company?.id ?? 0,
  };
}

function storageFacts({ storage, snapshotter, recovered }: FactsOptions): StorageFacts {
  const { loadMs, replayMs, replayedCommands } = recovered;
  return {
    snapshotMs: snapshotter.tookMs,
    snapshotLoadMs: only(loadMs),
    replayedCommands: only(replayedCommands),
    replayMs: only(replayMs),
    loadMs: only(loadMs + replayMs),
    snapshotsFailed: () => snapshotter.failed,
    snapshotCount: () => storage.snapshots.list().length,
    logBytes: () => storage.bytesSinceSnapshot,
  };
}

function only(value: number): Summary {
  const summary = new Summary();
  summary.record(value);
  return summary;
}
