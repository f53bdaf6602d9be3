import type { Prng } from '../../base/prng.ts';
import type { Events } from './events.ts';

export interface NetworkFaults {
  /** Share of packets lost; of a stream's messages, share that waits for a retransmission. */
  readonly loss: number;
  readonly duplication: number;
  readonly delayMsMin: number;
  readonly delayMsMax: number;
}

export const LAN: NetworkFaults = { loss: 0, duplication: 0, delayMsMin: 0.5, delayMsMax: 5 };

/** TCP's shortest retransmission time-out on Linux; it doubles with each further loss. */
const RETRANSMIT_MS = 200;

/** A gigabit a second leaves each member. */
const BYTES_PER_MS = 125_000;

/** Who can hear whom, and when. Members are numbers here. */
export class Network {
  faults: NetworkFaults;
  private readonly prng: Prng;
  private readonly events: Events;
  /** Members of different groups do not hear each other; nobody is in a group: all do. */
  private groups: readonly number[] | null = null;
  private readonly streamsUntil = new Map<number, number>();
  private readonly uplinksUntil = new Map<number, number>();

  constructor(prng: Prng, events: Events, faults: NetworkFaults) {
    this.prng = prng;
    this.events = events;
    this.faults = faults;
  }

  partition(groups: readonly number[] | null): void {
    this.groups = groups;
  }

  reaches(from: number, to: number): boolean {
    return this.groups === null || this.groups[from] === this.groups[to];
  }

  packet(from: number, to: number, deliver: () => void): void {
    const { prng, faults, events } = this;
    const copies = faults.duplication > 0 && prng.chance(faults.duplication) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (faults.loss > 0 && prng.chance(faults.loss)) continue;
      events.at(events.now + this.delay(), () => {
        if (this.reaches(from, to)) deliver();
      });
    }
  }

  /** In order, and late instead of lost; what is under way when a network is cut is lost. */
  stream(from: number, to: number, bytes: number, deliver: () => void): void {
    const { prng, faults, events } = this;
    let late = 0;
    for (let wait = RETRANSMIT_MS; faults.loss > 0 && prng.chance(faults.loss); wait *= 2) {
      late += wait;
    }
    const left = Math.max(events.now, this.uplinksUntil.get(from) ?? 0) + bytes / BYTES_PER_MS;
    this.uplinksUntil.set(from, left);
    const link = from * 65_536 + to;
    const arrives = Math.max(left + this.delay() + late, this.streamsUntil.get(link) ?? 0);
    this.streamsUntil.set(link, arrives);
    events.at(arrives, () => {
      if (this.reaches(from, to)) deliver();
    });
  }

  private delay(): number {
    const { delayMsMin, delayMsMax } = this.faults;
    return delayMsMin + this.prng.fraction() * (delayMsMax - delayMsMin);
  }
}
