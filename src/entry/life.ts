import type { ServerConfig } from '../config/server-config.ts';
import type { Secrets } from '../io/secrets.ts';
import type { Entry } from '../paxos/entry.ts';
import { EntryKind } from '../paxos/entry.ts';
import { Paxos } from '../paxos/paxos.ts';
import { NO_PEERS } from '../replica/peer-port.ts';
import { Reaper } from '../replica/reaper.ts';
import { Replica } from '../replica/replica.ts';
import { SessionIds } from '../replica/session-ids.ts';
import { Snapshotter } from '../replica/snapshotter.ts';
import type { ServerContext } from '../server/context.ts';
import { createFourLetterWords } from '../server/four-letter/words.ts';
import { ClientPort } from '../server/server.ts';
import { chainHash } from '../storage/record.ts';
import type { Storage } from '../storage/storage.ts';
import type { ScrubbedDamage } from '../storage/types.ts';
import { BUILT_AT, VERSION } from './build.ts';
import { flagsOf } from './command-flags.ts';
import type { Companions } from './companions.ts';
import { TICK_MS } from './company.ts';
import { createContext, loadOf, randomFraction } from './context.ts';
import { dealWithDamage } from './damage.ts';
import { ensembleFacts } from './ensemble-facts.ts';
import { collectFacts, SILENT_PROCESS } from './facts.ts';
import { GossipAgent } from './gossip-agent.ts';
import { gossipFacts } from './gossip-facts.ts';
import type { MessageSizes, Ports } from './ports.ts';
import { QuotaWarnings } from './quota-warnings.ts';
import type { Recovered } from './recover.ts';
import { Role } from './role.ts';
import type { Standing } from './standing.ts';
import { ReplicaStore } from './store.ts';
import { LONE_SERVER_ID } from './voters.ts';

/** How long a server that is told to stop waits for writes under way. */
const DRAIN_MS_MAX = 10_000;
const DRAIN_MS_MAX_WITHOUT_LEADER = 500;
/** How long a leader that is told to stop waits for another one. */
const HAND_OVER_MS_MAX = 1_000;
const HAND_OVER_EVERY_TICKS = 5;
const SERVING_POLL_MS = 5;
const MESSAGE_SIZES: MessageSizes = { retainBytes: 16_777_216, chunkBytes: 1_048_576 };

/** Why a life ends for the sake of the next one. */
export type Reason = 'installed' | 'damaged';

export interface LifeOptions {
  readonly config: ServerConfig;
  readonly ports: Ports;
  readonly storage: Storage;
  readonly recovered: Recovered;
  /** Null for a server alone. */
  readonly place: Standing | null;
  /** It may not vote before a leader has sent it everything. */
  readonly isIncomplete: boolean;
  readonly clientPort: number;
  readonly hasRoom: () => boolean;
  readonly onFatal: (error: Error) => void;
  /** Another life has to begin, with a peer's snapshot or to have a damaged log repaired. */
  readonly onNext: (why: Reason) => void;
  /** Files for whose damage that was done. */
  readonly repaired: Set<string>;
}

/** A replica from its recovery to its end: the loop, the client port, timers, and the others. */
export class Life {
  private readonly options: LifeOptions;
  private readonly replica: Replica;
  private readonly snapshotter: Snapshotter;
  private readonly reaper: Reaper;
  private readonly clientPort: ClientPort;
  private readonly context: ServerContext;
  private readonly gossip: GossipAgent | null;
  private readonly company: Companions | null;
  private readonly role: Role | null;
  private readonly stopMeasuring: () => void;
  private stopSweep: () => void = () => {};
  private lastSlot: number;
  private lastHash: Uint8Array;
  private ended = false;
  private isClosing = false;
  /** What has ended it. */
  failure: Error | null = null;
  /** Whoever waits for writes waits in vain. */
  private stopDraining: () => void = () => {};
  /** Set once another life is about to begin on the same directory: until it may. */
  private givingWay: Promise<void> | null = null;

  constructor(options: LifeOptions) {
    this.options = options;
    const { config, ports, storage, recovered, place } = options;
    const { state, snapshotSlot } = recovered;
    const { clock, secrets, logger } = ports;
    this.lastSlot = recovered.applied.slot;
    this.lastHash = recovered.applied.hash;
    const logBytesMax = config.snapSizeLimitBytes;
    const onFatal = (error: Error): void => this.fail(error);
    const snapshots = { state, storage, logger, clock, logBytesMax, snapshotSlot, onFatal };
    this.snapshotter = new Snapshotter(snapshots);
    this.company = place === null ? null : this.joinCompany(place);
    this.replica = this.createReplica();
    if (place !== null) this.replica.stats.onLeader = (leader) => this.tellLeader(leader);
    this.reaper = new Reaper(this.replica, config.containers);
    const { replica } = this;
    const ensemble = place?.config ?? null;
    const { tickTimeMs } = config;
    this.role =
      ensemble === null ? null : new Role({ ensemble, tickTimeMs, clock, logger, replica });
    this.gossip = this.joinGossip();
    const measured = collectFacts({
      config,
      build: { version: VERSION, builtAt: BUILT_AT },
      clock,
      process: ports.process ?? SILENT_PROCESS,
      storage,
      snapshotter: this.snapshotter,
      recovered,
      replica,
      company: this.companyFacts(),
      gossip: this.gossip === null ? null : gossipFacts(this.gossip),
      clientPort: () => this.port,
    });
    this.stopMeasuring = measured.stop;
    const fourLetterWord = createFourLetterWords(measured.facts);
    const isExhausted = (): boolean => storage.log.isExhausted;
    const { hasRoom } = options;
    const localToken = ports.localToken ?? null;
    this.context = createContext({
      config,
      replica,
      secrets,
      localToken,
      hasRoom,
      isExhausted,
      fourLetterWord,
      role: this.role,
    });
    this.clientPort = new ClientPort(this.context);
  }

  get address(): string {
    return this.clientPort.address;
  }

  get port(): number {
    return this.clientPort.port;
  }

  async open(): Promise<void> {
    const { config, ports, clientPort, place } = this.options;
    // Alone it leads as soon as its own disk has answered.
    if (place === null) await this.serving();
    const { clock, network } = ports;
    await this.clientPort.open(network, {
      host: config.clientPortAddress,
      port: clientPort,
      backlog: config.listenBacklog,
    });
    this.company?.start(this.replica, config, this.gossip);
    this.gossip?.start();
    this.role?.start((which) => this.clientPort.drop(which));
    this.options.storage.scrub((damage) => this.dealWith(damage));
    this.reaper.start();
    // After the turn's input: when the loop was stalled, pings that wait in sockets count first.
    this.stopSweep = clock.every(config.tickTimeMs, () =>
      clock.afterTurn(() => {
        this.leadOnlyWithRoom();
        this.replica.sweepSessions();
      }),
    );
  }

  /** Resolves once somebody leads, so that whoever asks is answered. */
  async serving(): Promise<void> {
    const { clock } = this.options.ports;
    while (!this.ended && !this.replica.hasLeader) {
      await new Promise<void>((resolve) => clock.after(SERVING_POLL_MS, resolve));
    }
  }

  /** Answers what was accepted, hands leadership over, writes a snapshot, closes. */
  async close(): Promise<void> {
    if (this.ended) return;
    if (this.givingWay !== null) {
      await this.gaveWay();
      return;
    }
    this.ended = true;
    this.isClosing = true;
    const { storage, ports } = this.options;
    const { clock } = ports;
    this.clientPort.quiesce();
    this.stopTimers();
    await this.drained();
    const isIdle = this.replica.isQuiet;
    await this.handOver();
    // One turn more, so that the last replies leave before their connections are closed.
    await new Promise<void>((resolve) => clock.afterTurn(() => clock.afterTurn(resolve)));
    this.company?.stop();
    const left = this.gossip?.leave();
    // In the middle of a slot an image would be exact at none.
    if (isIdle) await this.snapshotter.finish(() => this.snapshotPoint());
    await this.clientPort.close();
    await left;
    // The others went on meanwhile: what they sent before the links were cut is being written.
    if (isIdle && (await this.written())) await storage.close();
  }

  /** Null in the middle of a slot. */
  private snapshotPoint(): { slot: number; hash: Uint8Array } | null {
    if (!this.replica.isQuiet) return null;
    return { slot: this.replica.state.slot, hash: this.lastHash };
  }

  /** Ends without ceremony: what was not written is not written any more. */
  async abandon(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    this.stopTimers();
    this.company?.stop();
    await Promise.all([this.clientPort.close(), this.gossip?.stop()]);
  }

  /** What is read from files besides the configuration may have changed. */
  async reload(): Promise<void> {
    await this.gossip?.reload();
  }

  private companyFacts() {
    const { replica, role, company } = this;
    const ensemble = this.options.place?.config ?? null;
    if (ensemble === null || role === null) return null;
    const isConnected = (id: number): boolean => company?.isConnected(id) ?? false;
    const facts = ensembleFacts({ ensemble, replica, role, isConnected });
    return { facts, role, id: ensemble.serverId };
  }

  private joinCompany(place: Standing): Companions {
    const { ports, storage, recovered } = this.options;
    return place.companions({
      ports,
      storage,
      applied: recovered.applied,
      membership: () => recovered.state.membership,
      giveWay: (install) => this.giveWay(install, 'installed'),
      writeSnapshot: () => {
        if (storage.snapshots.newestSlot < this.replica.state.slot) this.writeSnapshot();
      },
    });
  }

  /**
   * Ends for the sake of the next life, which begins once `change` has been made to the disk, or
   * has failed. Only one may want that, and not the one who is being told to end: `close` would
   * write its snapshot and release the directory while a peer's takes the place of the log.
   */
  private giveWay(change: () => Promise<unknown>, reason: Reason): Promise<void> {
    if (this.ended) return Promise.reject(new Error('this server is about to end'));
    if (this.givingWay !== null) return Promise.reject(new Error('another life is about to begin'));
    const done = this.standAside()
      .then(change)
      .then(() => {})
      // Whether the change could be made or not, nobody is served any more.
      .finally(() => this.options.onNext(reason));
    this.givingWay = done.catch(() => {});
    return done;
  }

  /** The disk that does not answer is waited for as long as by `close`. */
  private async gaveWay(): Promise<void> {
    const { clock } = this.options.ports;
    let stop = (): void => {};
    const tooLong = new Promise<void>((resolve) => {
      stop = clock.after(DRAIN_MS_MAX, resolve);
    });
    await Promise.race([this.givingWay, tooLong]);
    stop();
  }

  /**
   * What clients were told and watch is unknown in the next life: they have to go. What is on its
   * way to the disk ends first, and nothing more begins: a snapshot that was still being written
   * would remove segments from under the next life.
   */
  private async standAside(): Promise<void> {
    this.stopTimers();
    this.clientPort.quiesce();
    await Promise.all([this.clientPort.close(), this.gossip?.stop()]);
    this.company?.cut();
    await new Promise<void>((resolve) => this.replica.whenWritten(resolve));
    await this.snapshotter.settled();
  }

  private joinGossip(): GossipAgent | null {
    const { config, ports, storage, recovered, place } = this.options;
    const { state } = recovered;
    return GossipAgent.for({
      ...{ config, ports, storage, place },
      load: () => loadOf(this.context),
      replica: this.replica,
      membership: () => state.membership,
      applied: () => ({ slot: this.lastSlot, hash: this.lastHash }),
      clientPort: () => this.port,
    });
  }

  private createReplica(): Replica {
    const { config, ports, storage, recovered, place, isIncomplete } = this.options;
    const { clock, checksums, logger, observer, secrets } = ports;
    const { state } = recovered;
    const sizes = ports.messageSizes ?? MESSAGE_SIZES;
    const quotaWarnings = new QuotaWarnings(clock, logger);
    const serverId = place?.config.serverId ?? LONE_SERVER_ID;
    return new Replica({
      serverId,
      state,
      paxos: new Paxos({
        id: serverId,
        chain: chainHash(checksums),
        random: (below) => Math.floor(randomFraction(secrets) * below),
        heartbeatTicks: Math.ceil((place?.config.heartbeatIntervalMs ?? 100) / TICK_MS),
        electionTicks: Math.ceil((place?.config.electionTimeoutMs ?? 800) / TICK_MS),
        chunkBytes: sizes.chunkBytes,
        retainBytes: place === null ? 0 : sizes.retainBytes,
        state: recovered.hardState,
        applied: recovered.applied,
        entries: recovered.undecided,
        damaged: storage.isDamaged || isIncomplete,
        isOutside: place?.isOutside ?? false,
      }),
      store: new ReplicaStore({ storage, clock, logger }),
      peers: this.company?.peers ?? NO_PEERS,
      identityOf: (id) => this.company?.identityOf(id),
      firstNumber: firstNumberOf(secrets),
      clock,
      ...(place === null ? {} : { turn: place.io.turn }),
      sessionIds: this.company?.sessionIds ?? new SessionIds(serverId, clock.wallMs()),
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
      onDispute: (slot) => this.noteDispute(slot),
      // One server says it, as with ZooKeeper.
      onSoftQuota: (quota) => {
        if (this.replica.isLeading) quotaWarnings.exceeded(quota);
      },
      onDecided: (entries) => this.company?.decided(entries),
      onApplied: (entry) => {
        observer?.onDecided(entry);
        observer?.onApplied(entry.slot, state.digestHigh, state.digestLow);
        this.applied(entry);
      },
    });
  }

  private applied(entry: Entry): void {
    this.lastSlot = entry.slot;
    this.lastHash = entry.hash;
    this.gossip?.announce(entry);
    if (entry.kind === EntryKind.configuration) {
      this.company?.membersChanged();
      this.gossip?.membersChanged();
    }
    if (this.givingWay === null) this.snapshotter.applied(entry.slot, entry.hash);
  }

  private dealWith(damage: ScrubbedDamage): void {
    if (this.ended || this.givingWay !== null) return;
    const { ports, storage, place, repaired } = this.options;
    dealWithDamage(damage, {
      logger: ports.logger,
      hasPeers: place?.hasOthers ?? false,
      snapshotSlot: () => storage.snapshots.newestSlot,
      writeSnapshot: () => this.writeSnapshot(),
      // What is wrong with the disk shows when the next life opens it.
      repair: () => void this.giveWay(async () => {}, 'damaged').catch(() => {}),
      repaired,
    });
  }

  /** Now, if nothing is being applied, else behind the slot that is. */
  private writeSnapshot(): void {
    const { slot } = this.replica.state;
    if (slot === 0) return;
    this.snapshotter.request();
    if (this.replica.isQuiet) this.snapshotter.applied(slot, this.lastHash);
  }

  private noteDispute(slot: number | null): void {
    const { logger } = this.options.ports;
    if (slot === null) {
      logger.warn({}, 'a majority agrees on the state again: writes go on');
      return;
    }
    logger.error(
      { slot },
      'the states of the servers differ and no majority says which is right: no write is decided any ' +
        'more; start the servers that are missing, or compare zk_quoll_state_digest of mntr and ' +
        'replace the one that is wrong',
    );
  }

  /** What an operator looks for first when clients complain. */
  private tellLeader(leader: number | null): void {
    const { logger, observer } = this.options.ports;
    observer?.onLeader(leader);
    if (leader === null) logger.info({}, 'no leader: writes wait');
    else logger.info({ leader }, 'a server leads');
    this.gossip?.look();
  }

  /** The log can't be trusted any more: nobody is answered from here on. */
  private fail(error: Error): void {
    this.failure ??= error;
    if (this.isClosing) {
      // No end in order: what was accepted is not answered, and whoever restarts it must know.
      this.stopDraining();
      this.options.onFatal(error);
    }
    if (this.ended) return;
    void this.abandon().finally(() => this.options.onFatal(error));
  }

  /**
   * A leader proposes as fast as its own disk takes what it proposes. Once that takes nothing any
   * more, nobody's writes would be answered, though a majority has room.
   */
  private leadOnlyWithRoom(): void {
    const { hasRoom, ports } = this.options;
    if (hasRoom() || !this.replica.isLeading || !this.replica.handOver()) return;
    ports.logger.warn({}, 'no space for the log: another server is asked to lead');
  }

  /**
   * Again and again while this replica leads: a message that is lost, or a successor that lacks
   * something yet, is no reason to leave the others without a leader for an election time-out.
   */
  private async handOver(): Promise<void> {
    const { clock } = this.options.ports;
    if (this.company === null) return;
    const giveUpMs = clock.monotonicMs() + HAND_OVER_MS_MAX;
    for (let ticks = 0; this.replica.isLeading && clock.monotonicMs() < giveUpMs; ticks++) {
      if (ticks % HAND_OVER_EVERY_TICKS === 0) this.replica.handOver();
      await new Promise<void>((resolve) => clock.after(TICK_MS, resolve));
    }
  }

  private async drained(): Promise<void> {
    const { clock, logger } = this.options.ports;
    const { hasLeader } = this.replica;
    const waitedMs = hasLeader ? DRAIN_MS_MAX : DRAIN_MS_MAX_WITHOUT_LEADER;
    const outcome = await new Promise<'idle' | 'late' | 'failed'>((resolve) => {
      const giveUp = clock.after(waitedMs, () => resolve('late'));
      const end = (how: 'idle' | 'failed'): void => {
        giveUp();
        resolve(how);
      };
      this.stopDraining = () => end('failed');
      this.replica.whenIdle(() => end('idle'));
    });
    if (outcome !== 'late') return;
    if (hasLeader) logger.warn({ waitedMs }, 'the disk does not answer: writes stay unanswered');
    else logger.warn({ waitedMs }, 'there is no leader: writes stay unanswered');
  }

  /** False if the disk does not answer. */
  private written(): Promise<boolean> {
    return new Promise((resolve) => {
      const giveUp = this.options.ports.clock.after(DRAIN_MS_MAX, () => resolve(false));
      this.replica.whenWritten(() => {
        giveUp();
        resolve(true);
      });
    });
  }

  private stopTimers(): void {
    this.reaper.stop();
    this.role?.stop();
    this.stopSweep();
    this.stopMeasuring();
  }
}

/** Far from those of every earlier life, so that none of its commands is taken for one of this. */
function firstNumberOf(secrets: Secrets): number {
  return Math.floor(randomFraction(secrets) * 2 ** 32) * 2 ** 20;
}
