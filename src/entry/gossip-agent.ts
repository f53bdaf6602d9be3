import type { GossipConfig, ServerConfig } from '../config/server-config.ts';
import { isRoot, type Member, type Meta } from '../gossip/member.ts';
import { TUNING } from '../gossip/options.ts';
import type { Change, ChangeKind } from '../gossip/output.ts';
import { DiskError } from '../io/disk.ts';
import type { Anchor, Entry } from '../paxos/entry.ts';
import { parseAddress } from '../replica/gossip/address.ts';
import { GossipDriver, type Incarnations } from '../replica/gossip/driver.ts';
import type { Replica } from '../replica/replica.ts';
import { Turn } from '../replica/turn.ts';
import type { Membership } from '../state/membership.ts';
import { loadIncarnation, saveIncarnation } from '../storage/incarnation.ts';
import { chainHash } from '../storage/record.ts';
import type { Storage } from '../storage/storage.ts';
import { KeyFile } from './gossip-keys.ts';
import {
  endpointOf,
  fanoutOf,
  type GossipEndpoint,
  isSameMeta,
  metaOf,
  takesPart,
  voterAddresses,
} from './gossip-meta.ts';
import type { Ports } from './ports.ts';
import type { Standing } from './standing.ts';
import { LONE_SERVER_ID } from './voters.ts';

/** How often this server looks at what it says of itself. */
const LOOK_EVERY_MS = 1_000;
/** Gossip that could not begin, or that failed, begins anew after so long. */
const RETRY_MS = 10_000;

const NEWS: Readonly<Partial<Record<ChangeKind, string>>> = {
  joined: 'gossip: a server is there',
  suspected: 'gossip: a server does not answer',
  cleared: 'gossip: a server answers again',
  died: 'gossip: a server is dead',
  left: 'gossip: a server has left',
};

/** Until it has looked where it is. */
const NOWHERE: GossipEndpoint = { listenHost: undefined, host: '', port: 0, bulkAddress: '' };

export interface AgentOptions {
  readonly config: ServerConfig;
  readonly ports: Ports;
  readonly storage: Storage;
  /** Null for a server alone. */
  readonly place: Standing | null;
  readonly replica: Replica;
  readonly membership: () => Membership | null;
  /** Everything up to here has been applied. */
  readonly applied: () => Anchor;
  readonly clientPort: () => number;
  /** In thousandths of what this server bears. */
  readonly load: () => number;
}

/** One server's part in gossip, for one life. Nothing waits for it, and nothing fails with it. */
export class GossipAgent {
  /** The next slots, each once and in order, for a replica that reads by gossip. */
  onDeliveries: (entries: readonly Entry[], after: Anchor) => void = () => {};
  /** Nobody near has the next slot any more. */
  onFetchFrom: (member: Member) => void = () => {};
  /** Null until it has begun, and after a failure. */
  driver: GossipDriver | null = null;
  private readonly options: AgentOptions;
  private readonly gossip: GossipConfig;
  private endpoint: GossipEndpoint = NOWHERE;
  private readonly keyFile: KeyFile | null;
  private readonly turn: Turn;
  private meta: Meta | null = null;
  private fanout: number = TUNING.degreeMax;
  private trouble: string | null = null;
  private isOver = false;
  private stopLooking: () => void = () => {};
  private callOff: () => void = () => {};

  private constructor(options: AgentOptions, gossip: GossipConfig) {
    const { ports, place } = options;
    const { disk, clock, logger } = ports;
    this.options = options;
    this.gossip = gossip;
    this.turn = place?.io.turn ?? new Turn(clock);
    const path = gossip.keyFile;
    const onKeys = (keys: readonly Uint8Array[]): void => this.driver?.setKeys(keys);
    this.keyFile = path === null ? null : new KeyFile({ disk, clock, logger, path, onKeys });
  }

  /** Null for a server that takes no part. */
  static for(options: AgentOptions): GossipAgent | null {
    const { config, place, ports } = options;
    const isPart = takesPart(config, place) && ports.datagrams !== undefined;
    return isPart && config.gossip !== null ? new GossipAgent(options, config.gossip) : null;
  }

  get currentMeta(): Meta {
    const { replica, clientPort, load } = this.options;
    const { endpoint, serverId } = this;
    return metaOf({ endpoint, replica, serverId, clientPort: clientPort(), load: load() });
  }

  /** Begins in the background. */
  start(): void {
    const { clock } = this.options.ports;
    this.stopLooking = clock.every(LOOK_EVERY_MS, () => this.look());
    void this.begin();
  }

  announce(entry: Entry): void {
    this.driver?.announce(entry);
  }

  /** The configuration is another one, or it is read for the first time. */
  membersChanged(): void {
    this.driver?.keepAsking(this.voters);
    this.look();
  }

  /** Tells what has changed. */
  look(): void {
    const { driver } = this;
    if (driver === null) return;
    const fanout = fanoutOf(this.options.replica, this.serverId);
    if (fanout !== this.fanout) driver.limitFanout(fanout);
    this.fanout = fanout;
    const meta = this.currentMeta;
    if (this.meta !== null && isSameMeta(meta, this.meta)) return;
    this.meta = meta;
    driver.setMeta(meta);
  }

  /** The file of keys may have changed. */
  async reload(): Promise<void> {
    await this.keyFile?.look();
  }

  /** Says goodbye, a second at most, and ends. */
  async leave(): Promise<void> {
    this.end();
    await this.driver?.leave();
    this.driver = null;
  }

  async stop(): Promise<void> {
    this.end();
    await this.driver?.stop();
    this.driver = null;
  }

  private get serverId(): number {
    return this.options.place?.config.serverId ?? LONE_SERVER_ID;
  }

  private end(): void {
    this.isOver = true;
    this.stopLooking();
    this.callOff();
    this.keyFile?.stop();
  }

  private async begin(): Promise<void> {
    if (this.isOver) return;
    let driver: GossipDriver | null = null;
    try {
      const keys = (await this.keyFile?.begin()) ?? [];
      const { place } = this.options;
      const endpoint = await endpointOf(this.gossip, place, () => this.ownAddress());
      driver = this.newDriver(keys, endpoint);
      this.driver = driver;
      await driver.start();
    } catch (error) {
      this.failed(error);
      return;
    }
    if (this.isOver || this.driver !== driver) {
      await driver.stop();
      return;
    }
    this.trouble = null;
    this.fanout = TUNING.degreeMax;
    this.membersChanged();
    driver.join(this.voters);
  }

  private get voters(): string[] {
    const { place, membership } = this.options;
    return voterAddresses(place, membership());
  }

  /** The one that packets to a voter leave from. */
  private ownAddress(): Promise<string> {
    const { datagrams } = this.options.ports;
    const voter = parseAddress(this.voters[0] ?? '');
    if (voter === null || datagrams === undefined) throw new Error('no voter is known yet');
    return datagrams.addressTowards(voter);
  }

  private newDriver(keys: readonly Uint8Array[], endpoint: GossipEndpoint): GossipDriver {
    const { ports, storage, place, applied } = this.options;
    const { network, checksums, clock, logger, secrets } = ports;
    const { datagrams, ciphers = null } = ports;
    const { replicaId, clusterId } = storage.identity;
    if (datagrams === undefined) throw new Error('there is no way to send packets');
    const nowMs = () => clock.monotonicMs();
    const driver = new GossipDriver({
      io: place?.io ?? { network, checksums, turn: this.turn, logger, nowMs },
      ...{ clock, datagrams, secrets, ciphers, keys, clusterId },
      chain: chainHash(checksums),
      incarnations: this.incarnations,
      id: hexOf(replicaId),
      host: endpoint.listenHost,
      port: endpoint.port,
      metaAt: (port) => {
        this.endpoint = { ...endpoint, port };
        this.meta = this.currentMeta;
        return this.meta;
      },
      anchor: applied(),
      onFailed: (error) => this.failed(error),
    });
    driver.onDeliveries = (entries, after) => this.onDeliveries(entries, after);
    driver.onFetchFrom = (member) => this.onFetchFrom(member);
    driver.onChange = (change) => this.note(change, driver);
    return driver;
  }

  /** What an operator looks for; of those that only read there may be thousands. */
  private note({ kind, id, incarnation, member }: Change, driver: GossipDriver): void {
    const message = NEWS[kind];
    if (message === undefined) return;
    const meta = member?.meta ?? driver.members().find((row) => row.id === id)?.meta ?? null;
    const { logger } = this.options.ports;
    const fields = { server: meta?.serverId, address: meta?.address, id, incarnation };
    if (meta !== null && isRoot(meta)) logger.info(fields, message);
    else logger.debug(fields, message);
  }

  private get incarnations(): Incarnations {
    const { config, ports } = this.options;
    const { disk, checksums, clock, logger } = ports;
    const save = (incarnation: number) =>
      saveIncarnation(disk, checksums, config.dataDir, incarnation);
    return {
      save,
      next: async () => {
        const last = await loadIncarnation(disk, checksums, config.dataDir);
        if (last === null)
          logger.warn({}, 'gossip: the incarnation can not be read, a high one is taken');
        // Seconds grow faster than anybody starts: higher than what was counted from 1 before.
        const incarnation = (last ?? Math.floor(clock.wallMs() / 1_000)) + 1;
        await save(incarnation);
        return incarnation;
      },
    };
  }

  private failed(error: unknown): void {
    this.driver = null;
    this.keyFile?.stop();
    if (this.isOver) return;
    const { clock, logger, observer } = this.options.ports;
    const trouble = String(error);
    if (trouble !== this.trouble) {
      logger.error({ error }, 'gossip: it can not go on, and begins anew in a while');
    }
    this.trouble = trouble;
    if (!(error instanceof DiskError)) observer?.onGossipFailed?.(error);
    this.callOff = clock.after(RETRY_MS, () => void this.begin());
  }
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
