import type { EnsembleConfig } from '../config/server-config.ts';
import type { Entry } from '../paxos/entry.ts';
import { printEnsemble } from '../protocol/ensemble-text.ts';
import { Founding, serveFounding } from '../replica/peers/founding.ts';
import { serveJoining } from '../replica/peers/joining.ts';
import { type PeerIo, PeerListener } from '../replica/peers/listener.ts';
import { Strangers } from '../replica/peers/strangers.ts';
import { Turn } from '../replica/turn.ts';
import { type Membership, membershipText } from '../state/membership.ts';
import { loadOrCreateIdentity } from '../storage/identity.ts';
import { chainHash } from '../storage/record.ts';
import type { CompanionOptions, Companions } from './companions.ts';
import { Company } from './company.ts';
import { genesisBody, genesisEntry } from './genesis.ts';
import type { Ports } from './ports.ts';
import type { Beginning, Standing } from './standing.ts';
import { foundingText, lineOf, peerAddresses } from './voters.ts';

/** A member's place among others: who it is, where it listens, whom it knows. */
export class Place implements Standing {
  readonly isOutside = false;
  readonly config: EnsembleConfig;
  readonly identity: Uint8Array;
  readonly listener: PeerListener;
  readonly io: PeerIo;
  readonly line: string;
  readonly strangers: Strangers = new Strangers();
  private readonly ports: Ports;
  private readonly text: string;

  private constructor(ports: Ports, config: EnsembleConfig, identity: Uint8Array) {
    this.ports = ports;
    this.config = config;
    this.identity = identity;
    const { network, checksums, logger, clock } = ports;
    const turn = new Turn(clock);
    const nowMs = (): number => clock.monotonicMs();
    this.io = { network, checksums, turn, logger, nowMs, level: ports.levelSupported };
    this.listener = new PeerListener(this.io, config.serverId);
    this.line = lineOf(config.servers, config.serverId);
    this.text = foundingText(config);
  }

  get hasOthers(): boolean {
    return this.config.servers.length > 1;
  }

  /** Finds out who this replica is, and opens the port for the others. */
  static async take(ports: Ports, config: EnsembleConfig, dataDir: string): Promise<Place> {
    const { disk, checksums, secrets } = ports;
    const fresh = secrets.randomBytes(16);
    const identity = await loadOrCreateIdentity(disk, checksums, dataDir, fresh);
    const place = new Place(ports, config, identity);
    const own = config.servers.find(({ id }) => id === config.serverId)?.addresses[0];
    if (own === undefined) throw new Error(`no server line names server ${config.serverId}`);
    const host = config.quorumListenOnAllIPs ? undefined : own.host;
    await place.listener.open(host, own.quorumPort);
    return place;
  }

  /**
   * For a replica that has nothing yet: founds the ensemble or finds it. `clusterId` is the one
   * that its directory was formatted for, if a crash came right after.
   */
  async begin(clusterId: Uint8Array | null): Promise<Beginning> {
    const { config, identity, listener, io, line, text, ports } = this;
    const { servers, serverId } = config;
    ports.logger.info({ server: serverId }, 'blank: waits for the other servers');
    const others = peerAddresses(servers, null).filter((peer) => peer.serverId !== serverId);
    const voters = servers.filter(({ role }) => role === 'participant').map(({ id }) => id);
    const options = { io, clock: ports.clock, listener, serverId, identity, line, text };
    const founding = new Founding({ ...options, voters, others });
    const entrance = await founding.enter();
    const chain = chainHash(ports.checksums);
    if (entrance.kind === 'found') {
      const id = clusterId ?? ports.secrets.randomBytes(16);
      const body = genesisBody(config, id, entrance.identities);
      return { clusterId: id, genesis: genesisEntry(chain, serverId, body) };
    }
    const { ensemble } = entrance;
    const { genesis, founder } = ensemble;
    if (genesis === null) return { clusterId: ensemble.clusterId, genesis: null };
    return { clusterId: ensemble.clusterId, genesis: genesisEntry(chain, founder, genesis) };
  }

  serveFounding(
    clusterId: Uint8Array,
    genesis: Entry | null,
    membership: () => Membership | null,
  ): void {
    const { identity, text, listener } = this;
    const note = () => {
      const members = (membership()?.members ?? []).map(({ id, identity: known, role }) => ({
        serverId: id,
        identity: known,
        isVoter: role === 'participant',
      }));
      const founder = genesis?.replica ?? 0;
      const body = genesis?.body ?? null;
      return { identity, text, ensemble: { clusterId, members, founder, genesis: body } };
    };
    serveFounding(listener, note, (hello) => this.strangers.note(hello));
    serveJoining(listener, () => {
      const known = membership();
      const text = known === null ? printEnsemble(this.config, 0) : membershipText(known);
      const [founder, body] = [genesis?.replica ?? 0, genesis?.body ?? null];
      return { clusterId, founder, membershipText: text, genesis: body };
    });
  }

  companions(options: CompanionOptions): Companions {
    return new Company({ ...options, place: this });
  }

  async close(): Promise<void> {
    await this.listener.close();
  }
}
