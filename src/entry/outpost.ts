import { viewOf } from '../base/bytes.ts';
import type { EnsembleConfig, JoinConfig } from '../config/server-config.ts';
import { SERVER_ID_MAX } from '../protocol/ensemble-text.ts';
import { type JoinAddress, parseJoinAddress, printJoinAddress } from '../protocol/join-address.ts';
import { type FoundEnsemble, Joining } from '../replica/peers/joining.ts';
import type { PeerIo } from '../replica/peers/listener.ts';
import { Turn } from '../replica/turn.ts';
import { StorageError } from '../storage/errors.ts';
import { loadOrCreateIdentity } from '../storage/identity.ts';
import { readJoined, writeJoined } from '../storage/joined.ts';
import { chainHash } from '../storage/record.ts';
import { isFormatted } from '../storage/superblock.ts';
import type { CompanionOptions, Companions } from './companions.ts';
import { genesisEntry } from './genesis.ts';
import type { Ports } from './ports.ts';
import type { Beginning, Standing } from './standing.ts';
import { Tether } from './tether.ts';

/** Who joins bears a number above those that configurations give. */
const ORIGIN_MIN = SERVER_ID_MAX + 2;
const ORIGINS = 2 ** 31 - ORIGIN_MIN;

/**
 * The place of an observer that no configuration names. Members know nothing of it but its one
 * link. It votes for nothing, and its number only tells its marks from others': two with the same
 * one would both go unharmed, because marks carry numbers that no two lives share.
 */
export class Outpost implements Standing {
  readonly isOutside = true;
  readonly hasOthers = true;
  readonly identity: Uint8Array;
  readonly io: PeerIo;
  config: EnsembleConfig;
  private readonly ports: Ports;
  private readonly addresses: readonly JoinAddress[];
  private readonly dataDir: string;
  private joining: Joining | null = null;

  private constructor(options: {
    readonly ports: Ports;
    readonly config: JoinConfig;
    readonly addresses: readonly JoinAddress[];
    readonly identity: Uint8Array;
    readonly dataDir: string;
  }) {
    const { ports, config, addresses, identity, dataDir } = options;
    const { network, checksums, logger, clock } = ports;
    this.ports = ports;
    this.addresses = addresses;
    this.identity = identity;
    this.dataDir = dataDir;
    this.io = {
      network,
      checksums,
      turn: new Turn(clock),
      logger,
      nowMs: () => clock.monotonicMs(),
      level: ports.levelSupported,
    };
    const { addresses: _, ...manners } = config;
    this.config = {
      ...manners,
      serverId: originOf(identity),
      servers: [],
      hierarchical: false,
      electionQuorumSize: 0,
      writeQuorumSize: 0,
    };
  }

  /** Null if the configuration asks for none and the directory is none's. */
  static async take(ports: Ports, config: JoinConfig, dataDir: string): Promise<Outpost | null> {
    const { disk, checksums, secrets } = ports;
    const remembered = await readJoined(disk, dataDir);
    if (remembered === null && config.addresses.length === 0) return null;
    if (remembered === null && (await isFormatted(disk, `${dataDir}/quoll`))) {
      throw new StorageError('foreign', dataDir, -1, -1, TAKEN, TAKEN_ADVICE);
    }
    const known = (remembered ?? []).map(parseJoinAddress).filter((one) => typeof one !== 'string');
    const addresses = config.addresses.length > 0 ? config.addresses : known;
    const identity = await loadOrCreateIdentity(disk, checksums, dataDir, secrets.randomBytes(16));
    const outpost = new Outpost({ ports, config, addresses, identity, dataDir });
    const lines = addresses.map(printJoinAddress);
    // Nothing is written that is there: a full disk is no reason not to serve what is on it.
    if (lines.join() !== remembered?.join()) await writeJoined(disk, dataDir, lines);
    return outpost;
  }

  async begin(clusterId: Uint8Array | null): Promise<Beginning> {
    const { ports, addresses, dataDir } = this;
    ports.logger.info({ join: addresses.map(printJoinAddress) }, 'blank: looks for an ensemble');
    const found = await this.ask();
    if (clusterId !== null && !clusterId.every((byte, i) => byte === found.clusterId[i])) {
      throw new StorageError('foreign', dataDir, -1, -1, OTHER, 'Join that one, or empty it');
    }
    const { genesis, founder } = found;
    const chain = chainHash(ports.checksums);
    return {
      clusterId: found.clusterId,
      genesis: genesis === null ? null : genesisEntry(chain, founder, genesis),
    };
  }

  /** Who the members are, from whoever of the addresses says so first. */
  async ask(): Promise<FoundEnsemble> {
    const { io, ports, addresses, identity, config } = this;
    const hello = { serverId: config.serverId, identity, line: '' };
    this.joining?.stop();
    const joining = new Joining({ io, clock: ports.clock, addresses, hello });
    this.joining = joining;
    const found = await joining.find();
    this.config = { ...this.config, servers: found.servers };
    return found;
  }

  /** Nobody dials an observer. */
  serveFounding(): void {}

  companions(options: CompanionOptions): Companions {
    return new Tether({ ...options, outpost: this });
  }

  close(): Promise<void> {
    this.joining?.stop();
    return Promise.resolve();
  }
}

const TAKEN = 'it holds the data of a server that did not join anybody';
const TAKEN_ADVICE = 'An observer begins with an empty directory: give --join another --data-dir';
const OTHER = 'it holds the data of another ensemble than the one that was found';

function originOf(identity: Uint8Array): number {
  return ORIGIN_MIN + (viewOf(identity).getUint32(0) % ORIGINS);
}
