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
  /** `group.G=…` and `weight.N=…`; none where a majority decides. */
  readonly groups: ReadonlyMap<number, string>;
  readonly weights: ReadonlyMap<number, string>;
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
  /** A change that nobody has answered may still come about. */
  private mayHaveChanged = false;

  constructor(actor: Actor, cluster: Cluster, note: (what: string, fields: TraceFields) => void) {
    this.note = note;
    this.actor = actor;
    this.cluster = cluster;
  }

  /** No change is under way, and none can come about any more. */
  get isSettled(): boolean {
    return !this.isBusy && !this.mayHaveChanged;
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
      if (call.outcome !== 'answered') this.mayHaveChanged = true;
      const isEarly = call.outcome === 'answered' && call.err === Err.newConfigNoQuorum;
      if (!isEarly) return;
      await client.pause(TRY_AGAIN_MS);
    }
  }

  private draw({ roles, groups, weights }: Members): Partial<RecordOf<'ReconfigRequest'>> {
    const { prng } = this.actor;
    const all = [...this.cluster.servers, ...this.cluster.spares];
    const server = prng.pick(all);
    this.cluster.enlist(server);
    const role = roles.get(server.id);
    const voters = [...roles.values()].filter((each) => each === 'participant').length;
    const mayLose = role !== 'participant' || voters > VOTERS_MIN;
    const isHierarchical = groups.size > 0;
    if (!isHierarchical && role !== undefined && mayLose && prng.chance(0.5)) {
      return { leavingServers: String(server.id) };
    }
    const next: Role = !mayLose || prng.chance(0.7) ? 'participant' : 'observer';
    const line = `server.${server.id}=${serverLine(server.id, next)}`;
    if (!isHierarchical && prng.chance(0.7)) return { joiningServers: line };
    const rest = [...roles].filter(([id]) => id !== server.id);
    const lines = rest.map(([id, each]) => `server.${id}=${serverLine(id, each)}`);
    // Of groups ZooKeeper takes only the whole list.
    const members = mayLose && isHierarchical && prng.chance(0.5) ? lines : [...lines, line];
    return { newMembers: [...members, ...groupLines(groups, weights, server.id)].join(',') };
  }

  /** Null: the ensemble did not say. */
  private async members(): Promise<Members | null> {
    const call = await this.actor.get(CONFIG_PATH);
    if (call.outcome !== 'answered' || call.err !== Err.ok) return null;
    const text = textOf((call.reply as RecordOf<'GetDataResponse'>).data) ?? '';
    const found = [...text.matchAll(/^server\.(\d+)=.*:(participant|observer);/gm)];
    const roles = new Map(found.map(([, id, role]) => [Number(id), role as Role]));
    const groups = numbered(text, 'group');
    const weights = numbered(text, 'weight');
    const version = /^version=([0-9a-f]+)$/m.exec(text)?.[1];
    if (version === undefined) return null;
    return { roles, groups, weights, version: Number.parseInt(version, 16) };
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

/** What stands behind `NAME.N=`, by N. */
function numbered(text: string, name: string): Map<number, string> {
  const found = text.matchAll(new RegExp(`^${name}\\.(\\d+)=(.*)$`, 'gm'));
  return new Map([...found].map(([, number, value]) => [Number(number), value as string]));
}

/** Groups and weights as they are; whoever is in none yet joins the last one. */
function groupLines(
  groups: ReadonlyMap<number, string>,
  weights: ReadonlyMap<number, string>,
  id: number,
): string[] {
  const isIn = [...groups.values()].some((ids) => ids.split(':').includes(String(id)));
  const last = Math.max(...groups.keys());
  return [
    ...[...groups].map(
      ([group, ids]) => `group.${group}=${!isIn && group === last ? `${ids}:${id}` : ids}`,
    ),
    ...[...weights].map(([each, weight]) => `weight.${each}=${weight}`),
  ];
}
