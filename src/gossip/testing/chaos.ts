import { Prng } from '../../base/prng.ts';
import type { Tuning } from '../options.ts';
import { Violation } from './checks.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import type { Node } from './node.ts';

export interface RunOptions {
  /** Bounds of the number of members. */
  readonly membersMin?: number;
  readonly membersMax?: number;
  readonly faultsMs?: number;
  readonly tuning?: Partial<Tuning>;
}

export interface RunResult {
  readonly members: number;
  readonly committed: number;
  readonly died: number;
  readonly refuted: number;
  readonly fetched: number;
  /** From the end of the faults to one view, and to one log. */
  readonly viewMs: number;
  readonly logMs: number;
}

/** Exchanges come often, so that a run need not be long to see what only they repair. */
const TUNING: Partial<Tuning> = { exchangeTicks: 100 };

/** How long one view may take: news of a death needs a suspicion, and a cut an exchange. */
const VIEW_MS_MAX = 180_000;
const LOG_MS_MAX = 30_000;
const FAULTS_MS = 40_000;

type Fault = 'crash' | 'restart' | 'leave' | 'join' | 'pause' | 'cut' | 'heal' | 'massacre';

/**
 * One seeded run: faults in any mixture first, every invariant checked at each step; then the
 * faults end, and all must come to hold one view and the whole log.
 */
export function run(seed: number, options: RunOptions = {}): RunResult {
  // The first number of a generator is the same for all small seeds; a fork's is not.
  return new Chaos(new Prng(seed).fork(), options).run();
}

class Chaos {
  private readonly prng: Prng;
  private readonly cluster: Cluster;
  private readonly faultsMs: number;
  private readonly weights: readonly (readonly [Fault, number])[];
  private readonly faultEveryMs: number;
  private readonly commitEveryMs: number;
  private died = 0;

  constructor(prng: Prng, options: RunOptions) {
    this.prng = prng;
    const members = prng.magnitude(options.membersMin ?? 2, options.membersMax ?? 40);
    const drawn = drawOptions(prng, members);
    this.cluster = new Cluster(prng, {
      ...drawn,
      tuning: { ...TUNING, ...drawn.tuning, ...options.tuning },
    });
    this.faultsMs = options.faultsMs ?? FAULTS_MS;
    this.weights = drawWeights(prng);
    this.faultEveryMs = prng.magnitude(300, 10_000);
    this.commitEveryMs = prng.magnitude(20, 2000);
    this.cluster.onChange = (_, { kind }) => {
      if (kind === 'died') this.died += 1;
    };
  }

  run(): RunResult {
    const { cluster, prng } = this;
    if (prng.chance(0.5)) cluster.startKnown();
    else cluster.startJoining();
    const end = cluster.now + this.faultsMs;
    this.repeat(this.faultEveryMs, end, () => this.fault());
    this.repeat(this.commitEveryMs, end, () => this.commit());
    cluster.run(this.faultsMs);
    return this.recover();
  }

  private repeat(meanMs: number, end: number, act: () => void): void {
    const { cluster, prng } = this;
    const again = () => {
      if (cluster.now >= end) return;
      act();
      cluster.events.at(cluster.now + 1 + prng.exponential(meanMs), again);
    };
    again();
  }

  private commit(): void {
    const { cluster, prng } = this;
    if (cluster.leader.isUp) cluster.commit(prng.magnitude(1, 20_000));
  }

  private fault(): void {
    const { prng } = this;
    const total = this.weights.reduce((sum, [, weight]) => sum + weight, 0);
    let at = prng.fraction() * total;
    for (const [name, weight] of this.weights) {
      at -= weight;
      if (at >= 0) continue;
      this.happen(name);
      return;
    }
  }

  private happen(fault: Fault): void {
    const { cluster, prng } = this;
    const { running } = cluster;
    const node = running.length === 0 ? cluster.leader : prng.pick(running);
    if (fault === 'crash') node.crash();
    else if (fault === 'leave') node.leave();
    else if (fault === 'restart') this.restart(prng.pick(cluster.nodes));
    else if (fault === 'join' && cluster.nodes.length < 60) this.restart(cluster.add('observer'));
    else if (fault === 'pause') this.pause(node);
    else if (fault === 'cut') this.cut();
    else if (fault === 'heal') cluster.network.partition(null);
    else if (fault === 'massacre') {
      for (const each of running) if (prng.chance(0.2)) each.crash();
    }
  }

  private restart(node: Node): void {
    const { cluster, prng } = this;
    const others = cluster.running.filter((each) => each !== node);
    cluster.joinSoon(node, others.length > 0 ? prng.pick(others) : cluster.leader);
  }

  private pause(node: Node): void {
    const { cluster, prng } = this;
    node.pause();
    cluster.events.at(cluster.now + prng.magnitude(100, 20_000), () => node.resume());
  }

  private cut(): void {
    const { cluster, prng } = this;
    const share = prng.fraction();
    // Members that come later are on one side too.
    const groups = Array.from({ length: 64 }, () => (prng.chance(share) ? 1 : 0));
    cluster.network.partition(groups);
  }

  /** Safety, then liveness: a healed network and at least the leader. */
  private recover(): RunResult {
    const { cluster } = this;
    cluster.network.partition(null);
    cluster.network.faults = { ...cluster.network.faults, loss: 0.01, duplication: 0 };
    for (const node of cluster.running) node.resume();
    cluster.run(3000);
    if (!cluster.leader.isUp) this.restart(cluster.leader);
    cluster.run(1001);
    for (const node of cluster.running) cluster.catchUp(node);
    cluster.commit(100);
    const viewMs = this.settle(() => cluster.isConverged(), VIEW_MS_MAX, 'one view');
    const logMs = this.settle(() => cluster.isLevel(), LOG_MS_MAX, 'one log');
    const { running, nodes } = cluster;
    return {
      members: running.length,
      committed: cluster.log.length,
      died: this.died,
      refuted: running.reduce((sum, { gossip }) => sum + (gossip?.counters.refutations ?? 0), 0),
      fetched: nodes.reduce((sum, { fetches }) => sum + fetches, 0),
      viewMs,
      logMs,
    };
  }

  private settle(holds: () => boolean, msMax: number, what: string): number {
    try {
      return this.cluster.runUntil(holds, msMax, 250);
    } catch (error) {
      throw new Violation(`${what}: not within ${msMax} ms\n${describe(this.cluster)}`, {
        cause: error,
      });
    }
  }
}

function drawOptions(prng: Prng, members: number): ClusterOptions {
  const voters = Math.min(prng.pick([1, 3, 5]), members - 1);
  const delayMsMax = prng.magnitude(1, 60);
  return {
    voters,
    observers: members - voters,
    faults: {
      loss: prng.chance(0.3) ? 0 : prng.fraction() * 0.2,
      duplication: prng.chance(0.5) ? 0 : prng.fraction() * 0.1,
      delayMsMin: delayMsMax * prng.fraction(),
      delayMsMax,
    },
    tuning: prng.chance(0.3) ? { tombstoneTicks: prng.magnitude(300, 3000) } : {},
    thorough: true,
    tellsStalls: prng.chance(0.5),
  };
}

function drawWeights(prng: Prng): (readonly [Fault, number])[] {
  const faults: readonly Fault[] = ['crash', 'leave', 'join', 'pause', 'cut', 'massacre'];
  const drawn = faults.map((fault) => [fault, prng.chance(0.5) ? prng.fraction() : 0] as const);
  return [...drawn, ['restart', 1], ['heal', 0.5]];
}

function describe(cluster: Cluster): string {
  const { running } = cluster;
  const lines = running.map(({ id, gossip, slot }) => {
    const alive = [...(gossip?.members ?? [])].filter(({ status }) => status === 'alive').length;
    const links = gossip?.neighbours.length ?? 0;
    const name = id.replace(/^0+/, '');
    return `${name}.${gossip?.incarnation}: ${gossip?.size} members, ${alive} others alive, slot ${slot}, ${links} neighbours`;
  });
  return [`${running.length} running, log ${cluster.log.length}`, ...lines].join('\n');
}
