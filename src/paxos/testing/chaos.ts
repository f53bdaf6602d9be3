import { Prng } from '../../base/prng.ts';
import { type Ballot, sameBallot } from '../ballot.ts';
import { type Configuration, isVoter, quorumsOf } from '../configuration.ts';
import { Cluster, type ClusterOptions, describeMember } from './cluster.ts';
import { check } from './ghost.ts';
import { HONEST, type Hooks, type Member } from './member.ts';

/** How often each thing happens in a run, relative to each other; drawn anew for each run. */
export interface Weights {
  readonly deliver: number;
  readonly disk: number;
  readonly tick: number;
  readonly propose: number;
  readonly fetch: number;
  readonly read: number;
  readonly crash: number;
  readonly start: number;
  readonly partition: number;
  readonly heal: number;
  readonly reconfigure: number;
  readonly handOver: number;
  readonly damage: number;
  readonly trim: number;
  readonly pause: number;
}

/** An entry that has to be decided everywhere, and who proposed it. */
interface Goal {
  readonly ballot: Ballot;
  readonly slot: number;
}

export interface RunOptions {
  readonly hooks?: Hooks;
  readonly trace?: (line: string) => void;
  readonly steps?: number;
  /** Makes some things likelier than the draw: what a bug needs to show. */
  readonly focus?: Partial<Weights>;
}

export interface RunResult {
  readonly chosen: number;
  readonly configurations: number;
  /** Ticks from the end of the faults to the last replica's having decided. */
  readonly recoveryTicks: number;
}

const STEPS = 800;
const SPARES = [11, 12, 13];
export const ELECTION_TICKS = 10;
const HEARTBEAT_TICKS = 2;
/** Four election time-outs, each of which lasts up to half as long again. */
const RECOVERY_TICKS_MAX = 4 * ELECTION_TICKS * 1.5;

/**
 * One seeded run: faults in any mixture first, every invariant checked after each step; then the
 * faults end, and the ensemble must decide within a bounded time.
 */
export function run(seed: number, options: RunOptions = {}): RunResult {
  // The first number of a generator is the same for all small seeds; a fork's is not.
  const prng = new Prng(seed).fork();
  const chaos = new Chaos(prng, options);
  const steps = options.steps ?? STEPS;
  for (let step = 0; step < steps; step++) chaos.step();
  return chaos.recover();
}

class Chaos {
  private readonly prng: Prng;
  private readonly cluster: Cluster;
  private readonly weights: readonly (readonly [keyof Weights, number])[];
  private readonly total: number;
  private readonly drifts = new Map<number, number>();

  constructor(prng: Prng, { hooks = HONEST, trace, focus = {} }: RunOptions) {
    this.prng = prng;
    const options = drawOptions(prng, hooks, trace ?? null);
    this.cluster = new Cluster(prng, options);
    const weights = { ...drawWeights(prng), ...focus };
    this.weights = Object.entries(weights) as [keyof Weights, number][];
    this.total = this.weights.reduce((sum, [, weight]) => sum + weight, 0);
    for (const id of options.ids) this.drifts.set(id, 0.4 + prng.fraction() * 0.6);
  }

  step(): void {
    let at = this.prng.fraction() * this.total;
    for (const [name, weight] of this.weights) {
      at -= weight;
      if (at >= 0) continue;
      this.happen(name);
      return;
    }
  }

  private happen(name: keyof Weights): void {
    const { prng, cluster } = this;
    const { running } = cluster;
    if (running.length === 0 || name === 'start') {
      this.startOne();
      return;
    }
    const member = prng.pick(running);
    switch (name) {
      case 'deliver': {
        const packet = cluster.links.take();
        if (packet !== null) cluster.deliver(packet);
        return;
      }
      case 'disk':
        member.completeWrite();
        return;
      case 'tick':
        for (const each of running) {
          if (prng.chance(this.drifts.get(each.id) as number)) each.step((paxos) => paxos.tick());
        }
        return;
      case 'propose':
        for (const each of running) cluster.propose(each);
        return;
      case 'fetch':
        if (prng.chance(0.5)) cluster.answerFetch();
        else cluster.deliverFetched();
        return;
      case 'read':
        for (const each of running) each.askToRead();
        return;
      case 'crash':
        cluster.crash(prng.chance(0.5) ? (cluster.leader ?? member) : member);
        return;
      case 'partition':
        this.partition();
        return;
      case 'heal':
        cluster.heal();
        return;
      default:
        this.rareEvent(name, member);
    }
  }

  private rareEvent(name: keyof Weights, member: Member): void {
    const { prng, cluster } = this;
    switch (name) {
      case 'reconfigure':
        for (const each of cluster.running) this.reconfigure(each);
        return;
      case 'handOver':
        cluster.leader?.step((paxos) => paxos.handOver());
        return;
      case 'damage': {
        const victim = prng.pick(cluster.all);
        if (victim.isUp) cluster.crash(victim);
        cluster.damage(victim);
        return;
      }
      case 'trim': {
        const { storage, applied } = member;
        const slot = storage.base.slot + prng.below(applied - storage.base.slot + 1);
        storage.trim(slot, cluster.ghost.configurationBehind(slot));
        return;
      }
      default:
        cluster.trace(`pause ${member.id}`);
        member.isPaused = true;
    }
  }

  private startOne(): void {
    const { prng, cluster } = this;
    const still = cluster.all.filter(({ isRunning }) => !isRunning);
    if (still.length === 0) return;
    const member = prng.pick(still);
    this.resume(member);
  }

  private resume(member: Member): void {
    if (!member.isUp) this.cluster.start(member);
    else if (member.isPaused) {
      member.isPaused = false;
      member.step((paxos) => paxos.stalled());
    }
  }

  /** One link, one way; a replica; halves; a chain; or all but the links of one replica. */
  private partition(): void {
    const { prng, cluster } = this;
    const ids = prng.shuffled(cluster.all.map(({ id }) => id));
    const [first = 0, second = 0] = ids;
    const kind = prng.below(5);
    cluster.trace(`partition ${kind} ${ids}`);
    const half = new Set(ids.slice(0, ids.length >> 1));
    for (const [i, a] of ids.entries()) {
      for (const [j, b] of ids.entries()) {
        const isCut =
          (kind === 0 && a === first && b === second) ||
          (kind === 1 && (a === first || b === first)) ||
          (kind === 2 && half.has(a) !== half.has(b)) ||
          (kind === 3 && Math.abs(i - j) > 1) ||
          (kind === 4 && a !== first && b !== first);
        if (isCut && a !== b) cluster.links.block(a, b);
      }
    }
  }

  private reconfigure(member: Member): void {
    const { prng, cluster } = this;
    if (member.paxos?.isOpen !== true) return;
    const { id, quorums } = member.paxos.configuration;
    const voters = prng.shuffled(quorums.voters.map((voter) => voter.id));
    const others = prng.shuffled(
      cluster.all.map((other) => other.id).filter((other) => !voters.includes(other)),
    );
    const removed = prng.below(Math.min(voters.length, 3));
    const added = prng.below(Math.min(others.length, 2) + 1);
    const next = [...voters.slice(removed), ...others.slice(0, added)];
    const observers = others.slice(added).filter(() => prng.chance(0.3));
    cluster.reconfigure(member, { ...drawConfiguration(prng, next), id: id + 1, observers });
  }

  /**
   * Everyone comes up, every message arrives, every write completes: whoever leads then must get
   * an entry decided at every voter in bounded time (OmniPaxos, section 5, liveness).
   */
  recover(): RunResult {
    const { cluster } = this;
    cluster.trace('recover');
    cluster.links.faults = { inOrder: true, loss: 0, duplication: 0 };
    cluster.links.heal();
    for (const member of cluster.all) this.resume(member);
    for (const member of cluster.all) cluster.connect(member);
    let goal: Goal | null = null;
    for (let ticks = 1; ticks <= RECOVERY_TICKS_MAX; ticks++) {
      this.calmTick();
      goal = this.proposeGoal(goal);
      if (goal !== null && this.hasReached(goal.slot)) {
        const configurations = cluster.ghost.configuration.id;
        return { chosen: cluster.ghost.chosenUpTo, configurations, recoveryTicks: ticks };
      }
    }
    const states = cluster.all.map((member) => {
      const { role, decidedSlot, lastSlot, isDamaged } = member.paxos as NonNullable<
        Member['paxos']
      >;
      const sees = `${role} decided ${decidedSlot} last ${lastSlot}${isDamaged ? ' damaged' : ''}`;
      return `  ${member.id}: ${sees} | ${describeMember(member)}`;
    });
    const voters = cluster.ghost.configuration.quorums.voters.map(({ id }) => id);
    check(false, 'liveness', `nothing new is decided by ${voters}\n${states.join('\n')}`);
  }

  /** The time that one tick stands for is long against a message or a write. */
  private calmTick(): void {
    const { cluster } = this;
    for (const member of cluster.all) member.step((paxos) => paxos.tick());
    for (let round = 0; round < 4; round++) {
      for (const packet of cluster.links.takeAll()) cluster.deliver(packet);
      for (const member of cluster.all) {
        while (member.storage.queue.length > 0) member.completeWrite();
      }
      for (let i = cluster.fetches.length; i > 0; i--) cluster.answerFetch();
      for (let i = cluster.fetched.length; i > 0; i--) cluster.deliverFetched();
      for (const member of cluster.all) {
        if (member.paxos?.wantsOpening === true) cluster.propose(member);
      }
    }
  }

  /** One entry for each leader: what one proposed may be lost with it. */
  private proposeGoal(goal: Goal | null): Goal | null {
    const { leader, ghost } = this.cluster;
    if (leader?.paxos?.isOpen !== true) return goal;
    const { ballot, configuration } = leader.paxos;
    if (configuration.id !== ghost.configuration.id) return goal;
    if (goal !== null && sameBallot(goal.ballot, ballot)) return goal;
    const slot = leader.propose();
    return slot === null ? goal : { ballot, slot };
  }

  private hasReached(goal: number): boolean {
    const { ghost, all } = this.cluster;
    return all
      .filter(({ id }) => isVoter(ghost.configuration, id))
      .every(({ paxos, applied }) => paxos !== null && applied >= goal);
  }
}

function drawOptions(
  prng: Prng,
  hooks: Hooks,
  trace: ((line: string) => void) | null,
): ClusterOptions {
  const voters = Array.from({ length: prng.pick([1, 2, 3, 3, 3, 4, 5, 5]) }, (_, i) => i + 1);
  const genesis = { ...drawConfiguration(prng, voters), id: 1, observers: [] };
  return {
    genesis,
    ids: [...voters, ...SPARES.slice(0, prng.below(SPARES.length + 1))],
    links: {
      inOrder: prng.chance(0.4),
      loss: prng.chance(0.5) ? 0.05 + prng.fraction() * 0.2 : 0,
      duplication: prng.chance(0.5) ? 0.05 + prng.fraction() * 0.3 : 0,
    },
    heartbeatTicks: HEARTBEAT_TICKS,
    electionTicks: ELECTION_TICKS,
    retainBytes: prng.pick([0, 12, 30, 1000]),
    chunkBytes: prng.pick([1, 7, 1000]),
    hooks,
    trace,
  };
}

/** Majorities, or sizes that meet, or groups with weights. */
function drawConfiguration(prng: Prng, ids: readonly number[]): Pick<Configuration, 'quorums'> {
  const kind = prng.below(6);
  const hierarchical = kind === 0;
  const voters = ids.map((id) => ({
    id,
    weight: hierarchical ? prng.below(3) : 1,
    group: hierarchical ? prng.below(3) : 0,
  }));
  const writeSize = kind === 1 ? prng.between(1, ids.length) : 0;
  const electionSize = kind === 1 ? ids.length - writeSize + 1 : 0;
  if (hierarchical && voters.every(({ weight }) => weight === 0)) {
    return drawConfiguration(prng, ids);
  }
  const quorums = { voters, electionSize, writeSize, hierarchical };
  quorumsOf({ id: 0, quorums, observers: [] });
  return { quorums };
}

/** Each kind of fault is there in some runs and not in others: they hide each other's effects. */
function drawWeights(prng: Prng): Weights {
  const sometimes = (weight: number) => (prng.chance(0.5) ? prng.magnitude(0.1, weight) : 0);
  return {
    deliver: prng.pick([60, 150, 300]),
    disk: prng.pick([10, 30, 60, 100]),
    tick: prng.pick([2, 4, 8, 16, 30]),
    propose: prng.pick([3, 8]),
    fetch: 6,
    read: prng.pick([1, 5, 15]),
    crash: sometimes(5),
    start: prng.pick([2, 4, 8]),
    partition: sometimes(4),
    heal: prng.pick([0.3, 1, 3]),
    reconfigure: sometimes(8),
    handOver: sometimes(4),
    damage: sometimes(4),
    trim: sometimes(8),
    pause: sometimes(1.5),
  };
}
