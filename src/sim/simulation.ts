import { AssertionError } from '../base/assert.ts';
import type { Checksums } from '../io/checksums.ts';
import { DiskError, isDiskError } from '../io/disk.ts';
import type { Peer } from '../io/network.ts';
import type { Secrets } from '../io/secrets.ts';
import { Err } from '../protocol/constants.ts';
import { ReplacedError } from '../replica/peers/founding.ts';
import { StorageError } from '../storage/errors.ts';
import { Actor } from './actor.ts';
import { check } from './check.ts';
import { SimClient } from './client.ts';
import { Cluster, type Failure } from './cluster.ts';
import { SUPER_AUTH } from './config.ts';
import { History } from './history.ts';
import { moveNearWraps, WORN_SESSIONS } from './near-wraps.ts';
import { Nemesis } from './nemesis.ts';
import { NetworkWorld, SimNetwork } from './network.ts';
import { Operator } from './operator.ts';
import type { Options } from './options.ts';
import { SimProcess } from './process.ts';
import { ProcessClock } from './process-clock.ts';
import type { SimServer } from './server.ts';
import { Trace } from './trace.ts';
import { act, visit } from './workload.ts';
import { World } from './world.ts';

/** What the platform does better than we could, and does alike every time. */
export interface Platform {
  readonly checksums: Checksums;
  readonly hashes: Secrets;
}

/** As exit codes of TigerBeetle's VOPR have it. */
export const Verdict = { ok: 0, crash: 127, liveness: 128, correctness: 129 } as const;

export interface Result {
  readonly verdict: number;
  /** Why; empty if all is well. */
  readonly reasons: readonly string[];
  readonly hash: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly calls: number;
  readonly slots: number;
}

/** It thinks of pinging when the server has long given it up. */
const CARELESS_RATE = 0.2;

/** Everybody has heard everything by then. */
const SETTLING_MS = 5_000;
const OPERATOR_TIMEOUT_MS = 2_000;

/** One run: faults and safety first, then no faults and liveness, then the checkers. */
export class Simulation {
  private readonly options: Options;
  private readonly world: World;
  private readonly network: NetworkWorld;
  private readonly cluster: Cluster;
  private readonly history = new History();
  private readonly clients: SimProcess[] = [];
  private nemesis: Nemesis | null = null;
  private visitors = 0;
  /** Nobody calls anything any more, and sessions are kept. */
  private isQuiet = false;
  /** The time in which everybody could hear everything is over. */
  private isSettled = false;

  constructor(options: Options, platform: Platform, print: ((line: string) => void) | null = null) {
    this.options = options;
    this.world = new World(options.seed, new Trace(print));
    this.network = new NetworkWorld(this.world);
    this.network.fragmentation = options.fragmentation;
    const { servers: size, retainBytes, chunkBytes, nearWraps } = options;
    const surroundings = { world: this.world, network: this.network, ...platform };
    const setup = {
      messageSizes: { retainBytes, chunkBytes },
      ...(nearWraps ? { prepare: moveNearWraps } : {}),
    };
    this.cluster = new Cluster(surroundings, { ...options, size, setup });
    this.cluster.mayEnd = (failure) => this.mayEnd(failure);
  }

  async run(): Promise<Result> {
    try {
      return await this.runPhases();
    } catch (error) {
      return this.result(Verdict.crash, [error instanceof Error ? `${error.stack}` : `${error}`]);
    }
  }

  private async runPhases(): Promise<Result> {
    const { options, world, network, cluster } = this;
    cluster.start();
    for (const timeoutMs of options.timeoutsMs) this.runs(this.addActor(timeoutMs));
    const victims = {
      cluster,
      network,
      clients: this.clients,
      operator: this.addOperator(),
      addVisitors: (count: number) => this.addVisitors(count),
      prng: world.prng.fork(),
    };
    const nemesis = new Nemesis(world, victims, options);
    this.nemesis = nemesis;
    await world.run(options.safetyMs * 1_000, this.hasFindings);
    if (nemesis.hasExceededBudget) return this.judgeDetection();
    if (this.findings().length > 0) return this.judge();
    nemesis.stop();
    this.heal();
    if (!(await this.makesProgress())) {
      const limit = `${options.livenessMs} ms after the last fault`;
      return this.result(Verdict.liveness, [`no write was answered within ${limit}`]);
    }
    this.isQuiet = true;
    await world.run(SETTLING_MS * 1_000, this.hasFindings);
    this.isSettled = !this.hasFindings();
    return this.judge();
  }

  /** Good conditions for everybody; processes that do not run are started. */
  private heal(): void {
    this.network.links.heal();
    this.cluster.finishUpgrade();
    for (const server of this.cluster.everyone) this.cluster.startLater(server, 0);
  }

  /**
   * Somebody who was never part of the trouble writes, through a server that was part of no more of
   * it than ends: one whose disk has lied may be kept out by the others for good, and whoever dials
   * it waits for as long as a client waits for a silent server (seed 1001503 of commit 7eac9a3).
   */
  private async makesProgress(): Promise<boolean> {
    const { nemesis, cluster } = this;
    const unsound = cluster.servers.filter((server) => nemesis?.isUnsound(server) === true);
    const names = unsound.map(({ name }) => name);
    const sound = cluster.peers.filter(({ host }) => !names.includes(host));
    const probe = this.addClient('probe', 4_000, null, sound);
    let isDone = false;
    const write = async (): Promise<void> => {
      while (!isDone) {
        const call = await probe.create(`/probe-${probe.freshValue()}`);
        isDone = call.outcome === 'answered' && call.err === Err.ok;
        if (!isDone) await probe.client.pause(20);
      }
    };
    void write();
    await this.world.run(this.options.livenessMs * 1_000, () => isDone);
    return isDone;
  }

  /** A client's program that throws is a mistake of the simulator's. */
  private runs(program: Promise<unknown>): void {
    program.catch((error: unknown) => {
      this.history.breaches.push(error instanceof Error ? `${error.stack}` : String(error));
    });
  }

  private async addActor(timeoutMs: number): Promise<void> {
    const actor = this.addClient(`c${this.clients.length + 1}`, timeoutMs);
    await act(actor, this.options.steps, this.options.thinkMs, () => this.isQuiet);
  }

  private addOperator(): Operator {
    const { world, cluster } = this;
    const actor = this.addClient('operator', OPERATOR_TIMEOUT_MS, SUPER_AUTH);
    return new Operator(actor, cluster, (what, fields) =>
      world.trace.note(world.nowUs, 'operator', what, fields),
    );
  }

  private addVisitors(count: number): void {
    for (let i = 0; i < count; i++) this.runs(visit(this.addClient(`v${++this.visitors}`, 2_000)));
  }

  private addClient(
    name: string,
    timeoutMs: number,
    auth: string | null = null,
    servers: readonly Peer[] = this.cluster.peers,
  ): Actor {
    const { world, network, history, cluster } = this;
    const process = new SimProcess(world, name);
    const isCareless = auth === null && this.clients.length < this.options.carelessClients;
    const worn = WORN_SESSIONS[this.clients.length];
    const rate = isCareless ? CARELESS_RATE : 1 + (world.prng.fraction() - 0.5) / 50;
    this.clients.push(process);
    const client = new SimClient({
      name,
      clock: new ProcessClock(process, { wallAheadMs: 0, rate }),
      network: new SimNetwork(process, network.addHost(name)),
      prng: world.prng.fork(),
      servers: world.prng.shuffled(servers),
      timeoutMs,
      history,
      isCareless,
      ...(this.options.nearWraps && worn !== undefined ? { firstSession: worn } : {}),
      auth,
      nowUs: () => world.nowUs,
      appliedSlotOf: (host) => cluster.appliedSlotOf(host),
    });
    return new Actor(client, world.prng.fork());
  }

  /** What need not wait for the end. */
  private findings(): string[] {
    const { failures } = this.cluster;
    const ends = failures.map(({ server, error }) => `${server.name} ended: ${error}`);
    return [...this.history.breaches, ...this.cluster.decided.breaches, ...ends];
  }

  private readonly hasFindings = (): boolean =>
    this.history.breaches.length +
      this.cluster.decided.breaches.length +
      this.cluster.failures.length >
    0;

  private mayEnd({ server, error, wasBlank }: Failure): boolean {
    const { nemesis } = this;
    if (isDiskError(error, 'EIO')) return true;
    // A blank disk without space can't be formatted.
    if (isDiskError(error, 'ENOSPC') && wasBlank) return true;
    // The ensemble knows its number as another replica's, until that one is replaced.
    if (error instanceof ReplacedError && nemesis?.wiped.has(server) === true) return true;
    // Whose disk has lied may say so, and refuse to serve.
    return nemesis?.lying.has(server) === true && !(error instanceof AssertionError);
  }

  private judge(): Result {
    const { nemesis, cluster, world } = this;
    const { servers, nearWraps } = this.options;
    const standings = cluster.everyone.map((server) => ({
      id: server.id,
      follows: cluster.joined.includes(server),
      isExcused: !this.isQuiet || nemesis?.isUnsound(server) === true,
    }));
    // Whose disk has lied may be kept out by the others for good.
    const isWhole = this.isSettled && standings.every(({ isExcused }) => !isExcused);
    const wrong = check(this.history, cluster.decided, {
      isAlone: servers === 1,
      nearWraps,
      standings,
      runningLevels: isWhole ? cluster.servers.map(levelOf) : [],
      endUs: world.nowUs,
      quietUs: this.isSettled ? SETTLING_MS * 1_000 : 0,
    });
    const reasons = [...this.findings(), ...wrong];
    return this.result(reasons.length === 0 ? Verdict.ok : Verdict.correctness, reasons);
  }

  /** A disk has lied, and no redundancy is left: an error that says so is all that can be asked. */
  private judgeDetection(): Result {
    const wrong = this.cluster.failures.filter(
      ({ error }) => !(error instanceof StorageError) && !(error instanceof DiskError),
    );
    const reasons = wrong.map(({ server, error }) => `${server.name} ended: ${error}`);
    return this.result(reasons.length === 0 ? Verdict.ok : Verdict.crash, reasons);
  }

  private result(verdict: number, reasons: readonly string[]): Result {
    const { world } = this;
    for (const reason of reasons) world.trace.note(world.nowUs, 'checker', reason);
    return {
      verdict,
      reasons,
      hash: world.trace.hash,
      events: world.count,
      virtualMs: Math.round(world.nowUs / 1_000),
      calls: this.history.calls.length,
      slots: this.cluster.decided.lastSlot,
    };
  }
}

/** Who does not serve can't say that it can follow. */
function levelOf({ isServing, runningLevel }: SimServer): number {
  return isServing ? runningLevel : 1;
}
