import type { Prng } from '../base/prng.ts';
import { bears, isMember } from './budget.ts';
import { ENSEMBLE_FAULTS, FAULTS, LIES, type Victims } from './faults.ts';
import type { Options } from './options.ts';
import type { SimServer } from './server.ts';
import type { World } from './world.ts';

/** Of what the nemesis does, where it may. */
const LIE_SHARE = 0.2;
/** A disk is lost for good: no fault that ends by itself. */
export const WIPE = 'wipe';
const RECONFIGURE = 'reconfigure';
const FAULT_MS_MIN = 20;
const FAULT_MS_MAX = 5_000;

/** Begins faults and ends them, at times that the seed has drawn. */
export class Nemesis {
  private readonly world: World;
  private readonly victims: Victims;
  private readonly options: Options;
  private readonly prng: Prng;
  private readonly ends = new Set<() => void>();
  private isOver = false;
  /** Servers whose disk has lied. Nobody says when it is repaired, so they count until replaced. */
  readonly lying: Set<SimServer> = new Set<SimServer>();
  /** Servers that have lost their disk and do not have everything back yet. */
  readonly wiped: Set<SimServer> = new Set<SimServer>();

  constructor(world: World, victims: Omit<Victims, 'faults' | 'wipe'>, options: Options) {
    this.world = world;
    this.victims = {
      ...victims,
      faults: options.faults,
      wipe: (server) => {
        if (this.mayLose(server)) this.wipe(server);
      },
    };
    this.options = options;
    this.prng = world.prng.fork();
    if (options.faults.length > 0) this.later();
  }

  /** More disks have lied than the ensemble can bear: now only that this is found counts. */
  get hasExceededBudget(): boolean {
    return this.unsound.size > this.options.lyingDisksMax;
  }

  isUnsound(server: SimServer): boolean {
    return this.lying.has(server) || this.wiped.has(server);
  }

  /** What stood on the disks of these can't be counted on. */
  private get unsound(): Set<SimServer> {
    return new Set([...this.lying, ...this.wiped]);
  }

  /** Ends what is under way, and begins nothing any more. */
  stop(): void {
    this.isOver = true;
    for (const end of this.ends) end();
    this.ends.clear();
  }

  private later(): void {
    this.world.schedule(this.prng.exponential(this.options.faultEveryMs * 1_000), () => {
      if (this.isOver) return;
      this.strike();
      this.later();
    });
  }

  private strike(): void {
    const { options, prng } = this;
    if (prng.chance(LIE_SHARE) && this.maySuffer.length > 0) {
      this.lie(prng.pick(this.maySuffer));
      return;
    }
    const name = prng.pick(options.faults);
    if (name === WIPE) {
      const may = this.maySuffer.filter((server) => this.mayLose(server));
      if (may.length > 0) this.wipe(prng.pick(may));
      return;
    }
    // What is a minority of these voters might be none of the next.
    if (name === RECONFIGURE && this.unsound.size > 0) return;
    const begin = FAULTS[name] ?? ENSEMBLE_FAULTS[name];
    if (begin === undefined) throw new Error(`there is no fault ${name}`);
    const forMs = prng.magnitude(FAULT_MS_MIN, FAULT_MS_MAX);
    this.note(name, { forMs });
    const heal = begin(this.victims);
    const end = (): void => {
      if (!this.ends.delete(end)) return;
      this.note(`${name} ends`);
      heal();
    };
    this.ends.add(end);
    this.world.schedule(forMs * 1_000, end);
  }

  /** Whose disk may be lost, or lie: as many as whoever is left can do without. */
  private get maySuffer(): readonly SimServer[] {
    const { options, unsound } = this;
    const { cluster, operator } = this.victims;
    // Whose founder loses its disk before the others have heard of it founds another ensemble
    // (seed 91 of 2026-11-25): nobody has lost anything, but slot 1 of two ensembles is not one.
    if (!cluster.hasFormed) return [];
    if (options.detectsOnly) return cluster.servers;
    const configuration = cluster.decided.settledConfiguration;
    const isSettled = configuration !== null && operator.isSettled;
    if (!isSettled || unsound.size >= options.lyingDisksMax) return [...unsound];
    return cluster.servers.filter(
      (server) =>
        isMember(configuration, server.id) &&
        bears(configuration, new Set([...unsound, server].map(({ id }) => id))),
    );
  }

  private mayLose(server: SimServer): boolean {
    return this.maySuffer.includes(server) && !this.wiped.has(server);
  }

  /** A new disk, and what an operator does then. It ends what an earlier disk has lied, too. */
  private wipe(server: SimServer): void {
    const { cluster, operator } = this.victims;
    this.note(WIPE, { server: server.name });
    this.wiped.add(server);
    // What the old disk has lied is gone with it; what the new one lies from here on counts.
    this.lying.delete(server);
    server.wipe();
    cluster.startLater(server);
    void operator.replace(server).then(() => {
      this.note('has everything back', { server: server.name });
      this.wiped.delete(server);
    });
  }

  private lie(server: SimServer): void {
    if (server.disk.paths().length === 0) return;
    const name = this.prng.pick(Object.keys(LIES));
    this.lying.add(server);
    this.note(name, { server: server.name });
    LIES[name]?.(server, this.prng);
  }

  private note(what: string, fields: Record<string, number | string> = {}): void {
    this.world.trace.note(this.world.nowUs, 'nemesis', what, fields);
  }
}
