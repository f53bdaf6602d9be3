import { Prng } from '../../base/prng.ts';
import { Histogram } from '../../base/summary.ts';
import type { MemberId } from '../member.ts';
import { TUNING } from '../options.ts';
import { Cluster } from './cluster.ts';
import { LAN } from './network.ts';
import type { Node } from './node.ts';
import { TICK_MS } from './world.ts';

const PERIOD_MS = TUNING.probeTicks * TICK_MS;
const COMMIT_EVERY_MS = 50;
const BODY_BYTES = 1000;

export interface Setting {
  readonly members: number;
  readonly voters: number;
  readonly loss: number;
  readonly seed: number;
}

/** Figures of one cluster; times in milliseconds but where the name says periods. */
export interface Figures extends Setting {
  readonly messages: number;
  readonly bytes: number;
  readonly deliveryP50: number;
  readonly deliveryP99: number;
  readonly lastP50: number;
  readonly lastP99: number;
  readonly lastMax: number;
  readonly copies: number;
  /** Copies of the log that leave the leader: to the other voters, and down the tree. */
  readonly leaderCopies: number;
  readonly probePeriods: number;
  readonly suspectedMs: number;
  readonly everyoneMs: number;
  readonly crashWorstMs: number;
  readonly crashRepairMs: number;
  readonly crashKnownMs: number;
}

/** One cluster, measured in quiet, under load, while single members die, and when many do. */
export function measure(setting: Setting, samples: number): Figures {
  const cluster = begin(setting);
  cluster.run(20_000);
  const idle = measureIdle(cluster);
  load(cluster, 5_000);
  const delivery = measureDelivery(cluster, 10_000);
  const detection = measureDetection(cluster, samples);
  cluster.run(10_000);
  return { ...setting, ...idle, ...delivery, ...detection, ...measureCrash(cluster) };
}

function begin({ members, voters, loss, seed }: Setting): Cluster {
  const cluster = new Cluster(new Prng(seed).fork(), {
    voters,
    observers: members - voters,
    faults: { ...LAN, loss },
    thorough: false,
    tellsStalls: false,
  });
  cluster.startKnown();
  return cluster;
}

function sum(cluster: Cluster, of: (node: Node) => number): number {
  return cluster.nodes.reduce((total, node) => total + of(node), 0);
}

function measureIdle(cluster: Cluster): Pick<Figures, 'messages' | 'bytes'> {
  const seconds = 5;
  const total = () => ({
    messages: sum(cluster, ({ traffic }) => traffic.messages),
    bytes: sum(cluster, ({ traffic }) => traffic.bytes),
  });
  const before = total();
  cluster.run(seconds * 1000);
  const after = total();
  const share = 1 / seconds / cluster.nodes.length;
  return {
    messages: (after.messages - before.messages) * share,
    bytes: (after.bytes - before.bytes) * share,
  };
}

function load(cluster: Cluster, ms: number): void {
  for (let passed = 0; passed < ms; passed += COMMIT_EVERY_MS) {
    cluster.commit(BODY_BYTES);
    cluster.run(COMMIT_EVERY_MS);
  }
}

/** Latest arrival of each slot, by slot. */
function watchDeliveries(cluster: Cluster): { all: Histogram; last: Map<number, number> } {
  const all = new Histogram(0.1);
  const last = new Map<number, number>();
  cluster.onDelivery = (_, { slot }) => {
    const took = cluster.now - (cluster.committedAt[slot] as number);
    all.record(took);
    last.set(slot, Math.max(last.get(slot) ?? 0, took));
  };
  return { all, last };
}

function measureDelivery(
  cluster: Cluster,
  ms: number,
): Pick<
  Figures,
  'deliveryP50' | 'deliveryP99' | 'lastP50' | 'lastP99' | 'lastMax' | 'copies' | 'leaderCopies'
> {
  cluster.runUntil(() => cluster.isLevel(), 30_000);
  const begun = cluster.log.length;
  const copies = sum(cluster, ({ traffic }) => traffic.copies);
  const leaders = cluster.leader.traffic.copies;
  const { all, last } = watchDeliveries(cluster);
  load(cluster, ms);
  cluster.runUntil(() => cluster.isLevel(), 30_000);
  cluster.onDelivery = () => {};
  const entries = cluster.log.length - begun;
  const lasts = new Histogram(0.1);
  for (const took of last.values()) lasts.record(took);
  const share = 1 / entries / cluster.observers.length;
  return {
    deliveryP50: all.quantile(0.5),
    deliveryP99: all.quantile(0.99),
    lastP50: lasts.quantile(0.5),
    lastP99: lasts.quantile(0.99),
    lastMax: lasts.max,
    copies: (sum(cluster, ({ traffic }) => traffic.copies) - copies) * share,
    leaderCopies: cluster.options.voters - 1 + (cluster.leader.traffic.copies - leaders) / entries,
  };
}

interface Death {
  readonly at: number;
  probedAt: number;
  suspectedAt: number;
  readonly knows: Set<Node>;
  knownAt: number;
}

function measureDetection(
  cluster: Cluster,
  samples: number,
): Pick<Figures, 'probePeriods' | 'suspectedMs' | 'everyoneMs'> {
  const deaths: Death[] = [];
  while (deaths.length < samples) {
    const victims = Math.max(1, Math.floor(cluster.nodes.length / 50));
    deaths.push(...killAndWatch(cluster, victims));
  }
  const mean = (of: (death: Death) => number) =>
    deaths.reduce((total, death) => total + of(death) - death.at, 0) / deaths.length;
  return {
    probePeriods: mean(({ probedAt }) => probedAt) / PERIOD_MS,
    suspectedMs: mean(({ suspectedAt }) => suspectedAt),
    everyoneMs: mean(({ knownAt }) => knownAt),
  };
}

/** Kills some at a moment that nobody expects, and starts them again once everyone knows. */
function killAndWatch(cluster: Cluster, count: number): Death[] {
  const { prng } = cluster;
  cluster.run(prng.fraction() * 2 * PERIOD_MS);
  const victims = prng.shuffled(cluster.observers).slice(0, count);
  const deaths = new Map<MemberId, Death>();
  for (const victim of victims) {
    victim.crash();
    const { now } = cluster;
    deaths.set(victim.id, { at: now, probedAt: 0, suspectedAt: 0, knows: new Set(), knownAt: 0 });
  }
  cluster.onSend = (_, { to, message }) => {
    const death = deaths.get(to ?? '');
    if (message.type === 'ping' && death?.probedAt === 0) death.probedAt = cluster.now;
  };
  cluster.onChange = (observer, { kind, id }) => {
    const death = deaths.get(id);
    if (death === undefined) return;
    if (kind === 'suspected' && death.suspectedAt === 0) death.suspectedAt = cluster.now;
    if (kind !== 'died') return;
    death.knows.add(observer);
    if (death.knows.size >= cluster.running.length) death.knownAt = cluster.now;
  };
  cluster.runUntil(() => [...deaths.values()].every(({ knownAt }) => knownAt > 0), 300_000);
  cluster.onSend = () => {};
  cluster.onChange = () => {};
  for (const victim of victims) cluster.joinSoon(victim, cluster.leader);
  cluster.run(5000);
  return [...deaths.values()];
}

/** A fifth of the observers die at once under load: how late is the log, and for how long? */
function measureCrash(
  cluster: Cluster,
): Pick<Figures, 'crashWorstMs' | 'crashRepairMs' | 'crashKnownMs'> {
  load(cluster, 3000);
  cluster.runUntil(() => cluster.isLevel(), 30_000);
  const { observers, prng } = cluster;
  const victims = prng.shuffled(observers).slice(0, Math.ceil(observers.length / 5));
  for (const victim of victims) victim.crash();
  const at = cluster.now;
  const { all, last } = watchDeliveries(cluster);
  load(cluster, 10_000);
  cluster.runUntil(() => cluster.isLevel(), 30_000);
  cluster.onDelivery = () => {};
  // Repaired: from then on the last replica has what is committed within a second.
  let repairedAt = at;
  for (const [slot, took] of last) {
    const committedAt = cluster.committedAt[slot] as number;
    if (took > 1000) repairedAt = Math.max(repairedAt, committedAt + took);
  }
  const alive = cluster.running.length;
  const knows = () => cluster.running.every(({ gossip }) => gossip?.size === alive);
  cluster.runUntil(knows, 300_000, 500);
  return {
    crashWorstMs: all.max,
    crashRepairMs: repairedAt - at,
    crashKnownMs: cluster.now - at,
  };
}

export interface FalseAlarms {
  readonly lifeguard: boolean;
  readonly tellsStalls: boolean;
  /** A healthy member suspected by somebody. */
  readonly suspicions: number;
  /** A healthy member taken for dead by somebody. */
  readonly deaths: number;
}

/**
 * Some members stand still again and again, as under a starved processor: their timers fire late,
 * and before what came meanwhile is read. Nobody dies; each alarm about one of the others is false.
 */
export function measureFalseAlarms(
  members: number,
  slowShare: number,
  lifeguard: boolean,
  tellsStalls: boolean,
  seed: number,
  seconds: number,
): FalseAlarms {
  const cluster = new Cluster(new Prng(seed).fork(), {
    voters: 3,
    observers: members - 3,
    faults: LAN,
    thorough: false,
    tellsStalls,
    tuning: { lifeguard },
  });
  cluster.startKnown();
  cluster.run(20_000);
  const slow = new Set(cluster.observers.slice(0, Math.round(members * slowShare)));
  let [suspicions, deaths] = [0, 0];
  cluster.onChange = (_, { kind, id }) => {
    if (slow.has(cluster.nodeOf(id) as Node)) return;
    if (kind === 'suspected') suspicions += 1;
    if (kind === 'died') deaths += 1;
  };
  for (const node of slow) stumble(cluster, node);
  cluster.run(seconds * 1000);
  return { lifeguard, tellsStalls, suspicions, deaths };
}

function stumble(cluster: Cluster, node: Node): void {
  const { prng, events } = cluster;
  const run = () => {
    node.resume();
    events.at(cluster.now + prng.magnitude(10, 1000), stop);
  };
  const stop = () => {
    node.pause();
    events.at(cluster.now + prng.magnitude(500, 16_000), run);
  };
  events.at(cluster.now + prng.fraction() * 1000, stop);
}
