import { describe, expect, it } from 'vitest';
import { Prng } from '../base/prng.ts';
import { Cluster, type ClusterOptions } from './testing/cluster.ts';
import { measure, measureFalseAlarms } from './testing/measure.ts';
import { LAN } from './testing/network.ts';

function clusterOf(observers: number, options: Partial<ClusterOptions> = {}): Cluster {
  return new Cluster(new Prng(7).fork(), {
    ...{ voters: 3, observers, faults: LAN, thorough: true, tellsStalls: false },
    ...options,
  });
}

describe('a cluster', () => {
  it('forms from one address that everyone knows', () => {
    const cluster = clusterOf(30);
    cluster.startJoining();
    expect(cluster.runUntil(() => cluster.isConverged(), 30_000)).toBeLessThan(10_000);
  });

  it('forms without a single packet: where UDP is blocked, streams do', () => {
    const cluster = clusterOf(7, { faults: { ...LAN, loss: 0 } });
    cluster.network.packet = () => {};
    cluster.startJoining();
    cluster.runUntil(() => cluster.isConverged(), 60_000);
    for (let i = 0; i < 20; i++) cluster.commit(100);
    cluster.runUntil(() => cluster.isLevel(), 10_000);
    const [victim] = cluster.observers;
    victim?.crash();
    cluster.runUntil(() => cluster.isConverged(), 30_000);
  });

  /** Found by seed 118 of the fuzz test: each half had as many neighbours as it wanted. */
  it('that was cut for long has one log again once it is whole', () => {
    const cluster = clusterOf(29, { tuning: { exchangeTicks: 100 } });
    cluster.startKnown();
    cluster.run(10_000);
    cluster.network.partition(cluster.nodes.map(({ index }) => (index < 16 ? 0 : 1)));
    cluster.runUntil(() => cluster.running.every(({ gossip }) => gossip?.size === 16), 90_000);
    for (let i = 0; i < 20; i++) cluster.commit(100);
    cluster.network.partition(null);
    cluster.runUntil(() => cluster.isConverged(), 60_000);
    cluster.runUntil(() => cluster.isLevel(), 30_000);
  });

  it('tells one that left from one that died', () => {
    const cluster = clusterOf(9);
    cluster.startKnown();
    cluster.run(5000);
    const kinds = new Set<string>();
    cluster.onChange = (_, { kind }) => kinds.add(kind);
    cluster.observers[3]?.leave();
    cluster.run(30_000);
    expect([...kinds]).toEqual(['left']);
    expect(cluster.isConverged()).toBe(true);
  });

  it('feeds a newcomer whose log ends where nobody has it any more, by a snapshot', () => {
    const cluster = clusterOf(9);
    cluster.startKnown();
    for (let i = 0; i < 40; i++) cluster.commit(1_000_000);
    cluster.runUntil(() => cluster.isLevel(), 30_000);
    const newcomer = cluster.add('observer');
    cluster.joinSoon(newcomer, cluster.leader);
    cluster.run(1000);
    cluster.runUntil(() => cluster.isLevel(), 30_000);
    expect(newcomer.fetches).toBe(1);
  });

  it('learns of what one member says of itself', () => {
    const cluster = clusterOf(20);
    cluster.startKnown();
    const [, , , node] = cluster.nodes;
    node?.step((gossip) => gossip.setMeta({ ...gossip.meta, leader: 2, leaderRound: 5 }));
    node?.step((gossip) => gossip.setMeta({ ...gossip.meta, load: 77 }));
    const id = node?.id ?? '';
    const known = (of: 'leader' | 'load', value: number) => () =>
      cluster.running.every((each) => each === node || each.gossip?.find(id)?.meta[of] === value);
    expect(cluster.runUntil(known('leader', 2), 10_000)).toBeLessThan(3000);
    cluster.runUntil(known('load', 77), 30_000);
  });
});

/** The figures of docs/gossip.md at a size that a test can afford. */
describe('measured', () => {
  it('a cluster costs little, finds the dead, and passes the log on', () => {
    const figures = measure({ members: 30, voters: 3, loss: 0.05, seed: 3 }, 4);
    expect(figures.messages).toBeLessThan(15);
    expect(figures.probePeriods).toBeLessThan(1.7 * 1.5);
    expect(figures.everyoneMs).toBeLessThan(15_000);
    expect(figures.lastP99).toBeLessThan(1000);
    expect(figures.copies).toBeLessThan(1.2);
    expect(figures.leaderCopies).toBeLessThan(5);
    expect(figures.crashRepairMs).toBeLessThan(3000);
  });

  it('Lifeguard takes fewer healthy members for dead', () => {
    const [off, on] = [false, true].map((lifeguard) =>
      measureFalseAlarms(20, 0.2, lifeguard, false, 1, 120),
    );
    expect(off?.deaths).toBeGreaterThan(0);
    expect(on?.deaths).toBeLessThan((off?.deaths ?? 0) / 4);
  });
});
