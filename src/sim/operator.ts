import { Err, Op } from '../protocol/constants.ts';
import type { RecordOf } from '../protocol/records.ts';
import type { Actor } from './actor.ts';
import type { Cluster } from './cluster.ts';
import { textOf } from './commands.ts';
import { type Role, serverLine } from './config.ts';
import type { Call } from './history.ts';
import type { SimServer } from './server.ts';
import type { TraceFields } from './trace.ts';

const CONFIG_PATH = '/zookeeper/config';
const TRY_AGAIN_MS = 300;
/** A joiner has to have followed before it may vote. */
const TRIES = 10;
const VOTERS_MIN = 2;

interface Members {
  readonly roles: ReadonlyMap<number, Role>;
  /** The version of the configuration, for compare-and-set. */
  readonly version: number;
}

/**
 * Who changes the ensemble, as its super user and over the wire, as everything else. Its calls are
 * in the history with those of all other clients.
 */
export class Operator {
  private readonly actor: Actor;
  private readonly cluster: Cluster;
  private readonly note: (what: string, fields: TraceFields) => void;
  private isBusy = false;

  constructor(actor: Actor, cluster: Cluster, note: (what: string, fields: TraceFields) => void) {
    this.note = note;
    this.actor = actor;
    this.cluster = cluster;
  }

  /** One change of the configuration: who joins, leaves, gets or loses a vote. */
  async change(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    await this.changeOnce();
    this.isBusy = false;
  }

  /** As `quoll replace N`, until the server, blank, is a member again; then it catches up. */
  async replace(server: SimServer): Promise<void> {
    const { actor, cluster } = this;
    // Somebody may have removed it meanwhile: then it comes back as anybody does.
    while (!server.isServing) {
      await this.reconfig({ joiningServers: `replace.${server.id}` });
      await actor.client.pause(TRY_AGAIN_MS);
    }
    const target = cluster.decided.lastSlot;
    while (cluster.decided.reachedBy(server.id) < target) await actor.client.pause(TRY_AGAIN_MS);
  }

  private async changeOnce(): Promise<void> {
    const { prng, client } = this.actor;
    const members = await this.members();
    if (members === null) return;
    const request = this.draw(members);
    const curConfigId = prng.chance(0.5) ? members.version : -1;
    for (let tries = 0; tries < TRIES; tries++) {
      // A reconfig right behind a write may not be judged by the state before that write.
      if (prng.chance(0.5)) void this.actor.set('/r/0', this.actor.freshValue());
      const call = await this.reconfig({ ...request, curConfigId });
      const isEarly = call.outcome === 'answered' && call.err === Err.newConfigNoQuorum;
      if (!isEarly) return;
      await client.pause(TRY_AGAIN_MS);
    }
  }

  private draw({ roles }: Members): Partial<RecordOf<'ReconfigRequest'>> {
    const { prng } = this.actor;
    const all = [...this.cluster.servers, ...this.cluster.spares];
    const server = prng.pick(all);
    this.cluster.enlist(server);
    const role = roles.get(server.id);
    const voters = [...roles.values()].filter((each) => each === 'participant').length;
    const mayLose = role !== 'participant' || voters > VOTERS_MIN;
    if (role !== undefined && mayLose && prng.chance(0.5)) {
      return { leavingServers: String(server.id) };
    }
    const next: Role = !mayLose || prng.chance(0.7) ? 'participant' : 'observer';
    const line = `server.${server.id}=${serverLine(server.id, next)}`;
    if (prng.chance(0.7)) return { joiningServers: line };
    const rest = [...roles].filter(([id]) => id !== server.id);
    const lines = rest.map(([id, each]) => `server.${id}=${serverLine(id, each)}`);
    return { newMembers: [...lines, line].join(',') };
  }

  /** Null: the ensemble did not say. */
  private async members(): Promise<Members | null> {
    const call = await this.actor.get(CONFIG_PATH);
    if (call.outcome !== 'answered' || call.err !== Err.ok) return null;
    const text = textOf((call.reply as RecordOf<'GetDataResponse'>).data) ?? '';
    const found = [...text.matchAll(/^server\.(\d+)=.*:(participant|observer);/gm)];
    const roles = new Map(found.map(([, id, role]) => [Number(id), role as Role]));
    const version = /^version=([0-9a-f]+)$/m.exec(text)?.[1];
    return version === undefined ? null : { roles, version: Number.parseInt(version, 16) };
  }

  private async reconfig(request: Partial<RecordOf<'ReconfigRequest'>>): Promise<Call> {
    const { client } = this.actor;
    const nothing = { joiningServers: null, leavingServers: null, newMembers: null };
    const call = await client.call(Op.reconfig, { ...nothing, curConfigId: -1, ...request });
    const { outcome, err } = call;
    this.note('has asked for another configuration', { ...request, outcome, err });
    return call;
  }
}
