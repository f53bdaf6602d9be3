import type { ServerConfig } from '../config/server-config.ts';
import type { Checksums } from '../io/checksums.ts';
import type { Clock } from '../io/clock.ts';
import { type Disk, DiskError, isDiskError } from '../io/disk.ts';
import type { Logger } from '../io/logger.ts';
import type { Network } from '../io/network.ts';
import type { Secrets } from '../io/secrets.ts';
import type { Configuration } from '../paxos/configuration.ts';
import { Paxos } from '../paxos/paxos.ts';
import type { Observer } from '../replica/observer.ts';
import { NO_PEERS } from '../replica/peer-port.ts';
import { Reaper } from '../replica/reaper.ts';
import { Replica } from '../replica/replica.ts';
import { SessionIds } from '../replica/session-ids.ts';
import { Snapshotter } from '../replica/snapshotter.ts';
import { createFourLetterWords } from '../server/four-letter/words.ts';
import { ClientPort } from '../server/server.ts';
import { CommandFlag } from '../state/command.ts';
import { chainHash } from '../storage/record.ts';
import { openStorage, type Storage } from '../storage/storage.ts';
import { BUILT_AT, VERSION } from './build.ts';
import { createContext, randomFraction } from './context.ts';
import { collectFacts, type ProcessFacts, SILENT_PROCESS } from './facts.ts';
import { type Recovered, recover } from './recover.ts';
import { ReplicaStore } from './store.ts';

/** How long a server that is told to stop waits for writes under way. */
const DRAIN_MS_MAX = 10_000;

/** The id of a server that no configuration names. */
const LONE_SERVER_ID = 1;
const LONE_CONFIGURATION: Configuration = {
  id: 1,
  quorums: {
    voters: [{ id: LONE_SERVER_ID, weight: 1, group: 0 }],
    electionSize: 0,
    writeSize: 0,
    hierarchical: false,
  },
  observers: [],
};

/** All that a replica has of the world. The simulator puts its own in the place of Node.js. */
export interface Ports {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  readonly secrets: Secrets;
  readonly checksums: Checksums;
  readonly logger: Logger;
  /** What the process tells of itself; absent: nothing. */
  readonly process?: ProcessFacts;
  readonly observer?: Observer;
}

export interface RunningServer {
  readonly address: string;
  readonly port: number;
  /** Answers what was accepted, writes a snapshot, closes. */
  close(): Promise<void>;
  /** Settles when the server has ended: with null after `close`, with the error that stopped it. */
  readonly done: Promise<Error | null>;
}

/** Recovers the data directory, then serves clients on it. */
export async function startReplica(config: ServerConfig, ports: Ports): Promise<RunningServer> {
  const { logger, disk, clock, secrets, checksums } = ports;
  const room = { isThere: true };
  if (!config.dataDirAutocreate) await refuseMissingDirectories(disk, config);
  const storage = await openStorage(disk, {
    clock,
    checksums,
    dataDir: config.dataDir,
    ...(config.dataLogDir === config.dataDir ? {} : { dataLogDir: config.dataLogDir }),
    logger,
    identityIfBlank: {
      clusterId: secrets.randomBytes(16),
      replicaId: secrets.randomBytes(16),
    },
    forceSync: config.forceSync,
    snapRetainCount: config.purge ? config.snapRetainCount : Number.POSITIVE_INFINITY,
    onRoom: (hasRoom) => {
      room.isThere = hasRoom;
      if (hasRoom) logger.info({}, 'there is space again: writes are accepted');
      else logger.error({}, 'no space for the log: writes are refused, reads go on; make space');
    },
  });
  try {
    const recovered = await recover({
      storage,
      clock,
      secrets,
      serverId: LONE_SERVER_ID,
      maxTreeBytes: config.maxTreeBytes,
      firstConfiguration: LONE_CONFIGURATION,
    });
    logRecovery(logger, recovered);
    const server = new Server(config, ports, storage, recovered, () => room.isThere);
    await server.open();
    return server;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** An empty directory in place of one whose disk is not mounted would look like a fresh start. */
async function refuseMissingDirectories(disk: Disk, config: ServerConfig): Promise<void> {
  for (const directory of [config.dataDir, config.dataLogDir]) {
    try {
      await disk.list(directory);
    } catch (error) {
      if (!isDiskError(error, 'ENOENT')) throw error;
      const message =
        `${directory} does not exist, and datadir.autocreate=false forbids to create it: ` +
        'mount its disk, or create it';
      throw new DiskError('ENOENT', directory, message);
    }
  }
}

function logRecovery(logger: Logger, recovered: Recovered): void {
  const { snapshotSlot, applied, loadMs, replayMs, replayedCommands, state } = recovered;
  const znodes = state.tree.count;
  const times = { loadMs: Math.round(loadMs), replayMs: Math.round(replayMs) };
  logger.info(
    { snapshotSlot, slot: applied.slot, znodes, ...times, replayedCommands },
    'recovered',
  );
}

/** A recovered replica with its client port and its timers. */
class Server implements RunningServer {
  readonly done: Promise<Error | null>;
  private settle: (error: Error | null) => void = () => {};
  private readonly config: ServerConfig;
  private readonly ports: Ports;
  private readonly storage: Storage;
  private readonly replica: Replica;
  private readonly snapshotter: Snapshotter;
  private readonly reaper: Reaper;
  private readonly clientPort: ClientPort;
  private readonly stopMeasuring: () => void;
  private stopSweep: () => void = () => {};
  private lastHash: Uint8Array;
  private ended = false;

  constructor(
    config: ServerConfig,
    ports: Ports,
    storage: Storage,
    recovered: Recovered,
    hasRoom: () => boolean,
  ) {
    this.config = config;
    this.ports = ports;
    this.storage = storage;
    this.lastHash = recovered.applied.hash;
    this.done = new Promise((resolve) => {
      this.settle = resolve;
    });
    const { state, snapshotSlot } = recovered;
    const { clock, secrets, logger } = ports;
    const logBytesMax = config.snapSizeLimitBytes;
    const onFatal = (error: Error): void => this.fail(error);
    const snapshots = { state, storage, logger, clock, logBytesMax, snapshotSlot, onFatal };
    this.snapshotter = new Snapshotter(snapshots);
    this.replica = this.createReplica(recovered);
    this.reaper = new Reaper(this.replica, config.containers);
    const measured = collectFacts({
      config,
      build: { version: VERSION, builtAt: BUILT_AT },
      clock,
      process: ports.process ?? SILENT_PROCESS,
      storage,
      snapshotter: this.snapshotter,
      recovered,
      clientPort: () => this.port,
    });
    this.stopMeasuring = measured.stop;
    const fourLetterWord = createFourLetterWords(measured.facts);
    const { replica } = this;
    const isExhausted = (): boolean => storage.log.isExhausted;
    this.clientPort = new ClientPort(
      createContext({ config, replica, secrets, hasRoom, isExhausted, fourLetterWord }),
    );
  }

  get address(): string {
    return this.clientPort.address;
  }

  get port(): number {
    return this.clientPort.port;
  }

  async open(): Promise<void> {
    const { clock, network } = this.ports;
    await this.clientPort.open(network, {
      host: this.config.clientPortAddress,
      port: this.config.clientPort,
      backlog: this.config.listenBacklog,
    });
    this.reaper.start();
    // After the turn's input: when the loop was stalled, pings that wait in sockets count first.
    this.stopSweep = clock.every(this.config.tickTimeMs, () =>
      clock.afterTurn(() => this.replica.sweepSessions()),
    );
  }

  async close(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    const { clock } = this.ports;
    this.clientPort.quiesce();
    this.stopTimers();
    const isIdle = await this.drained();
    // One turn more, so that the last replies leave before their connections are closed.
    await new Promise<void>((resolve) => clock.afterTurn(() => clock.afterTurn(resolve)));
    // In the middle of a slot an image would be exact at none.
    if (isIdle) await this.snapshotter.finish(this.replica.state.slot, this.lastHash);
    await this.clientPort.close();
    if (isIdle) await this.storage.close();
    this.settle(null);
  }

  private createReplica(recovered: Recovered): Replica {
    const { config, storage } = this;
    const { clock, checksums, logger, observer } = this.ports;
    const { state } = recovered;
    const { secrets } = this.ports;
    return new Replica({
      serverId: LONE_SERVER_ID,
      state,
      paxos: new Paxos({
        id: LONE_SERVER_ID,
        chain: chainHash(checksums),
        random: (below) => Math.floor(randomFraction(secrets) * below),
        heartbeatTicks: 5,
        electionTicks: 40,
        retainBytes: 0,
        state: recovered.hardState,
        applied: recovered.applied,
        entries: recovered.undecided,
        damaged: storage.isDamaged,
      }),
      store: new ReplicaStore(storage),
      peers: NO_PEERS,
      firstNumber: firstNumberOf(secrets),
      clock,
      sessionIds: new SessionIds(1, clock.wallMs()),
      tickTimeMs: config.tickTimeMs,
      flags: flagsOf(config),
      slowAppends: {
        thresholdMs: config.fsyncWarningThresholdMs,
        report: (tookMs, bytes) => {
          const fields = { ms: Math.round(tookMs), bytes };
          logger.warn(fields, 'the disk was slow to take a write to the log');
        },
      },
      onFatal: (error) => this.fail(error),
      onApplied: (entry) => {
        this.lastHash = entry.hash;
        observer?.onDecided(entry);
        observer?.onApplied(entry.slot, state.tree.digestHigh, state.tree.digestLow);
        this.snapshotter.applied(entry.slot, entry.hash);
      },
    });
  }

  /** The log can't be trusted any more: nobody is answered from here on. */
  private fail(error: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.stopTimers();
    void this.clientPort.close().finally(() => this.settle(error));
  }

  private async drained(): Promise<boolean> {
    const { clock, logger } = this.ports;
    const isIdle = await new Promise<boolean>((resolve) => {
      const giveUp = clock.after(DRAIN_MS_MAX, () => resolve(false));
      this.replica.whenIdle(() => {
        giveUp();
        resolve(true);
      });
    });
    const waited = { waitedMs: DRAIN_MS_MAX };
    if (!isIdle) logger.warn(waited, 'the disk does not answer: writes stay unanswered');
    return isIdle;
  }

  private stopTimers(): void {
    this.reaper.stop();
    this.stopSweep();
    this.stopMeasuring();
  }
}

function flagsOf(config: ServerConfig): number {
  return (
    (config.enforceQuota ? CommandFlag.enforceQuota : 0) |
    (config.extendedTypesEnabled ? CommandFlag.extendedTypes : 0) |
    (config.skipACL ? CommandFlag.skipACL : 0) |
    (config.digestEnabled ? 0 : CommandFlag.digestDisabled) |
    (config.reconfigEnabled ? CommandFlag.reconfigEnabled : 0) |
    (config.ensemble?.standaloneEnabled === true ? CommandFlag.standaloneEnabled : 0)
  );
}

/** Far from those of every earlier life, so that none of its commands is taken for one of this. */
function firstNumberOf(secrets: Secrets): number {
  return Math.floor(randomFraction(secrets) * 2 ** 32) * 2 ** 20;
}
