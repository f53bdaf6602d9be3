import type { Prng } from '../../base/prng.ts';
import type { Message } from '../messages.ts';

export interface Packet {
  readonly from: number;
  readonly to: number;
  readonly message: Message;
}

export interface LinkFaults {
  /** Links behave like TCP streams: in order, and what is lost is lost with the connection. */
  readonly inOrder: boolean;
  readonly loss: number;
  readonly duplication: number;
}

/** More is not kept: a network forgets, and so the oldest go. */
const PACKETS_MAX = 300;

/** Messages on their way. One-way and partial partitions are sets of links that carry nothing. */
export class Links {
  faults: LinkFaults;
  private readonly prng: Prng;
  private packets: Packet[] = [];
  private readonly cut = new Set<number>();

  constructor(prng: Prng, faults: LinkFaults) {
    this.prng = prng;
    this.faults = faults;
  }

  get size(): number {
    return this.packets.length;
  }

  carries(from: number, to: number): boolean {
    return !this.cut.has(from * 256 + to);
  }

  send(packet: Packet): void {
    if (!this.carries(packet.from, packet.to)) return;
    if (!this.faults.inOrder && this.prng.chance(this.faults.loss)) return;
    this.packets.push(packet);
    if (this.packets.length > PACKETS_MAX) this.reset(this.packets[0] as Packet);
  }

  /** The connection breaks, and everything on it is lost. */
  private reset({ from, to }: Packet): void {
    if (this.faults.inOrder) this.forget(from, to);
    else this.packets.shift();
  }

  forget(from: number, to: number): void {
    this.packets = this.packets.filter((packet) => packet.from !== from || packet.to !== to);
  }

  /** A process ended, and its connections with it; messages outlive it where they may be late. */
  forgetOf(id: number): void {
    if (!this.faults.inOrder) return;
    this.packets = this.packets.filter(({ from, to }) => from !== id && to !== id);
  }

  block(from: number, to: number): void {
    this.cut.add(from * 256 + to);
    this.forget(from, to);
  }

  heal(): void {
    this.cut.clear();
  }

  /** Takes a message out of the network; any of them, unless links are in order. */
  take(): Packet | null {
    const { prng, packets, faults } = this;
    if (packets.length === 0) return null;
    let at = prng.below(packets.length);
    const chosen = packets[at] as Packet;
    if (faults.inOrder) {
      at = packets.findIndex(({ from, to }) => from === chosen.from && to === chosen.to);
      return packets.splice(at, 1)[0] as Packet;
    }
    if (!prng.chance(faults.duplication)) packets.splice(at, 1);
    return chosen;
  }

  /** Everything under way, in order of sending. */
  takeAll(): Packet[] {
    return this.takeWhere(() => true);
  }

  takeWhere(wanted: (packet: Packet) => boolean): Packet[] {
    const taken = new Set(this.packets.filter(wanted));
    this.packets = this.packets.filter((packet) => !taken.has(packet));
    return [...taken];
  }
}
