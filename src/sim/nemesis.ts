import type { Prng } from '../base/prng.ts';
import { ENSEMBLE_FAULTS, FAULTS, LIES, type Victims } from './faults.ts';
import type { Options } from './options.ts';
import type { SimServer } from './server.ts';
import type { World } from './world.ts';

/** Of what the nemesis does, where it may. */
const LIE_SHARE = 0.2;
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
  /** Servers whose disk has lied. Nobody says when it is repaired, so they count to the end. */
  readonly lying: Set<SimServer> = new Set<SimServer>();

  constructor(world: World, victims: Victims, options: Options) {
    this.world = world;
    this.victims = victims;
    this.options = options;
    this.prng = world.prng.fork();
    if (options.faults.length > 0) this.later();
  }

  /** More disks have lied than the ensemble can bear: now only that this is found counts. */
  get hasExceededBudget(): boolean {
    return this.lying.size > this.options.lyingDisksMax;
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
    if (prng.chance(LIE_SHARE) && this.mayLie.length > 0) {
      this.lie(prng.pick(this.mayLie));
      return;
    }
    const name = prng.pick(options.faults);
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

  private get mayLie(): readonly SimServer[] {
    const { options, lying } = this;
    const { servers } = this.victims.cluster;
    if (options.detectsOnly || lying.size < options.lyingDisksMax) return servers;
    return [...lying];
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
