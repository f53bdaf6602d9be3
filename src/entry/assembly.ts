import type { ServerConfig } from '../config/server-config.ts';
import { type Disk, DiskError, isDiskError } from '../io/disk.ts';
import type { Logger } from '../io/logger.ts';
import { configurationIn } from '../paxos/configuration.ts';
import type { Entry } from '../paxos/entry.ts';
import { encodeHardState } from '../paxos/hard-state.ts';
import { openStorage, type Storage } from '../storage/storage.ts';
import { isFormatted } from '../storage/superblock.ts';
import { takesPart } from './gossip-meta.ts';
import { Life } from './life.ts';
import { Outpost } from './outpost.ts';
import { Place } from './place.ts';
import type { Ports } from './ports.ts';
import { type Recovered, recover } from './recover.ts';
import type { Beginning, Standing } from './standing.ts';
import {
  configurationOf,
  configurationIn as configurationOfMembers,
  LONE_CONFIGURATION,
  LONE_SERVER_ID,
} from './voters.ts';

export type { Ports } from './ports.ts';

/** How often a disk without space is tried again. */
const SPACE_RETRY_MS = 1_000;

export interface RunningServer {
  readonly address: string;
  readonly port: number;
  /** Answers what was accepted, writes a snapshot, closes. */
  close(): Promise<void>;
  /** Reads files again that may change while it runs: the keys of gossip. */
  reload(): Promise<void>;
  /** Resolves once the server can answer: an ensemble needs a leader first. */
  serving(): Promise<void>;
  /** Settles when the server has ended: with null after `close`, with the error that stopped it. */
  readonly done: Promise<Error | null>;
}

/** Recovers the data directory, then serves clients on it, alone or as one of an ensemble. */
export async function startReplica(config: ServerConfig, ports: Ports): Promise<RunningServer> {
  if (!config.dataDirAutocreate) await refuseMissingDirectories(ports.disk, config);
  const place = await standingOf(config, ports);
  const ensemble = place?.config ?? null;
  const server = new Server({ ...config, ensemble }, ports, place);
  try {
    await server.begin();
  } catch (error) {
    await place?.close();
    throw error;
  }
  return server;
}

/** Null for a server alone. */
async function standingOf(config: ServerConfig, ports: Ports): Promise<Standing | null> {
  const { ensemble, join, dataDir } = config;
  if (ensemble !== null) return Place.take(ports, ensemble, dataDir);
  return Outpost.take(ports, join, dataDir);
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

/** One life after the other on the same directory: a snapshot from a peer begins the next. */
class Server implements RunningServer {
  readonly done: Promise<Error | null>;
  private settle: (error: Error | null) => void = () => {};
  private readonly config: ServerConfig;
  private readonly ports: Ports;
  private readonly place: Standing | null;
  private readonly room = { isThere: true };
  private readonly repaired = new Set<string>();
  private life: Life | null = null;
  private storage: Storage | null = null;
  private clientPort: number;
  private closing = false;
  private hasFailed = false;
  private renewal: Promise<void> = Promise.resolve();

  constructor(config: ServerConfig, ports: Ports, place: Standing | null) {
    this.config = config;
    this.ports = ports;
    this.place = place;
    this.clientPort = config.clientPort;
    this.done = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  get address(): string {
    return this.life?.address ?? '';
  }

  get port(): number {
    return this.clientPort;
  }

  async begin(): Promise<void> {
    const { place, config, ports } = this;
    if (takesPart(config, place) && config.gossip?.keyFile === null) {
      ports.logger.warn({}, 'gossip is not encrypted: anybody who reaches its port may take part');
    }
    const isBlank = !(await isFormatted(ports.disk, `${config.dataDir}/quoll`));
    let beginning = place !== null && isBlank ? await place.begin(null) : null;
    const storage = await this.openStorage(beginning?.clusterId ?? null);
    this.storage = storage;
    try {
      let recovered = await this.recover(storage);
      const isEmpty = recovered.applied.slot === 0 && recovered.undecided.length === 0;
      // Whoever joins knows the members from what it has applied, and from nowhere else.
      const isLost = place?.isOutside === true && recovered.state.membership === null;
      if (place !== null && (isEmpty || isLost)) {
        beginning ??= await place.begin(storage.identity.clusterId);
        recovered = await this.found(storage, recovered, beginning);
      }
      await this.live(storage, recovered);
    } catch (error) {
      await storage.close();
      throw error;
    }
  }

  async serving(): Promise<void> {
    await this.life?.serving();
  }

  async reload(): Promise<void> {
    await this.life?.reload();
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    await this.renewal;
    await this.life?.close();
    // A life that was giving way has begun one meanwhile, which ends before the next life.
    await this.renewal;
    await this.place?.close();
    // It may have failed before its end could begin.
    this.settle(this.life?.failure ?? null);
  }

  private openStorage(clusterId: Uint8Array | null): Promise<Storage> {
    const { config, ports, room, place } = this;
    const { logger, disk, clock, secrets, checksums } = ports;
    return openStorage(disk, {
      ...ports.storageSizes,
      clock,
      checksums,
      dataDir: config.dataDir,
      ...(config.dataLogDir === config.dataDir ? {} : { dataLogDir: config.dataLogDir }),
      logger,
      identityIfBlank: {
        clusterId: clusterId ?? secrets.randomBytes(16),
        replicaId: place?.identity ?? secrets.randomBytes(16),
      },
      forceSync: config.forceSync,
      repair: place?.hasOthers ?? false,
      snapRetainCount: config.purge ? config.snapRetainCount : Number.POSITIVE_INFINITY,
      onRoom: (hasRoom) => {
        room.isThere = hasRoom;
        if (hasRoom) logger.info({}, 'there is space again: writes are accepted');
        else logger.error({}, 'no space for the log: writes are refused, reads go on; make space');
      },
    });
  }

  private async recover(storage: Storage): Promise<Recovered> {
    const { config, ports, place } = this;
    const { clock, secrets, logger, observer, prepare, levelSupported } = ports;
    const recovered = await recover({
      storage,
      clock,
      secrets,
      serverId: place?.config.serverId ?? LONE_SERVER_ID,
      maxTreeBytes: config.maxTreeBytes,
      ...(observer === undefined ? {} : { observer }),
      ...(prepare === undefined ? {} : { prepare }),
      ...(levelSupported === undefined ? {} : { levelSupported }),
      firstConfiguration: place === null ? LONE_CONFIGURATION : configurationOf(place.config),
    });
    logRecovery(logger, recovered);
    return this.configured(recovered);
  }

  /** The first entry is durable before this replica says anything to anybody. */
  private async found(
    storage: Storage,
    recovered: Recovered,
    { genesis }: Beginning,
  ): Promise<Recovered> {
    if (genesis === null) return this.configured(recovered);
    // Not what the files of this server say: it may name itself where the ensemble does not yet.
    const configuration = configurationIn(genesis.body);
    const hardState = { ...recovered.hardState, configuration };
    if (recovered.undecided.length > 0) return { ...recovered, hardState };
    await carriedOut((done) => storage.log.append([genesis], 0, done));
    await carriedOut((done) => storage.saveState(encodeHardState(hardState), done));
    return { ...recovered, hardState, undecided: [genesis] };
  }

  /**
   * Whoever joins has no server lines. Until the log brings another configuration, its members are
   * those that the state names, and before it has one, those that whoever was asked named.
   */
  private configured(recovered: Recovered): Recovered {
    const { hardState, state } = recovered;
    const isKnown = hardState.configuration.quorums.voters.length > 0;
    if (this.place?.isOutside !== true || isKnown) return recovered;
    const { membership } = state;
    const configuration =
      membership === null ? configurationOf(this.place.config) : configurationOfMembers(membership);
    return { ...recovered, hardState: { ...hardState, configuration } };
  }

  private async live(storage: Storage, recovered: Recovered): Promise<void> {
    const { config, ports, place, room } = this;
    const isEmpty = recovered.applied.slot === 0 && recovered.undecided.length === 0;
    const life = new Life({
      config,
      ports,
      storage,
      recovered,
      place,
      isIncomplete: place !== null && isEmpty,
      clientPort: this.clientPort,
      hasRoom: () => room.isThere,
      onFatal: (error) => {
        this.hasFailed = true;
        this.settle(error);
      },
      onNext: (reason) => {
        if (reason === 'installed') {
          const message = 'takes over the snapshot of another server, and begins anew with it';
          ports.logger.info({}, message);
        }
        this.renewal = this.renew();
      },
      repaired: this.repaired,
    });
    this.life = life;
    const { state } = recovered;
    const genesis = await genesisOf(storage);
    const { clusterId } = storage.identity;
    place?.serveFounding(clusterId, genesis, () => state.membership);
    await life.open();
    this.clientPort = life.port;
  }

  /** After an error nobody serves from this disk before it is recovered by another process. */
  private get isOver(): boolean {
    return this.closing || this.hasFailed;
  }

  /** The next life, from what is on disk now; a full disk is waited for (rule 29). */
  private async renew(): Promise<void> {
    try {
      await this.life?.abandon();
      await this.storage?.close();
      while (!this.isOver && !(await this.reopened())) {
        await new Promise<void>((resolve) => this.ports.clock.after(SPACE_RETRY_MS, resolve));
      }
    } catch (error) {
      this.settle(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** False if there is no space for what has to be put in order first. */
  private async reopened(): Promise<boolean> {
    let storage: Storage | null = null;
    try {
      storage = await this.openStorage(null);
      await this.live(storage, await this.recover(storage));
      this.storage = storage;
      return true;
    } catch (error) {
      await storage?.close();
      if (!isDiskError(error, 'ENOSPC')) throw error;
      this.ports.logger.error({}, 'no space to begin anew with what others sent: make space');
      return false;
    }
  }
}

/** Slot 1, for replicas that are to enter; null once the log no longer reaches back to it. */
async function genesisOf(storage: Storage): Promise<Entry | null> {
  const [first] = (await storage.readLog(1, 1)) ?? [];
  return first === undefined ? null : { ...first, body: first.body.slice() };
}

function carriedOut(task: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    task((error) => (error === null ? resolve() : reject(error)));
  });
}
