import { Prng } from '../../base/prng.ts';
import type { Entry as Carried } from '../../gossip/entry.ts';
import { Gossip } from '../../gossip/gossip.ts';
import { isRoot, type Member, type MemberId, type Meta } from '../../gossip/member.ts';
import type { Envelope } from '../../gossip/messages.ts';
import type { Change, MemberRow, Output } from '../../gossip/output.ts';
import type { Ciphers } from '../../io/ciphers.ts';
import type { Clock } from '../../io/clock.ts';
import type { DatagramSocket, Datagrams } from '../../io/datagrams.ts';
import type { Peer } from '../../io/network.ts';
import type { Secrets } from '../../io/secrets.ts';
import type { Anchor, ChainHash, Entry } from '../../paxos/entry.ts';
import type { PeerIo } from '../peers/listener.ts';
import type { Flushable } from '../turn.ts';
import { addressText, parseAddress } from './address.ts';
import { fromCarried, isGenuine } from './entries.ts';
import { Frames } from './frames.ts';
import { Herald } from './herald.ts';
import { Seal } from './seal.ts';
import { Streams } from './streams.ts';

export const GOSSIP_TICK_MS = 50;
/** A pause of so many ticks is told, and not made up for. */
const STALLED_TICKS = 4;
/** Free ports that are tried. */
const PORT_ATTEMPTS = 8;
/** Whoever leaves waits no longer than this for the news to be told. */
const LEAVE_TICKS_MAX = 20;

/** Where the incarnation is kept. */
export interface Incarnations {
  /** A higher one than any that this replica may have had, and durable. */
  next(): Promise<number>;
  save(incarnation: number): Promise<void>;
}

export interface DriverOptions {
  readonly io: PeerIo;
  readonly clock: Clock;
  readonly datagrams: Datagrams;
  readonly secrets: Secrets;
  /** Null where there is no encryption. */
  readonly ciphers: Ciphers | null;
  readonly chain: ChainHash;
  readonly incarnations: Incarnations;
  readonly id: MemberId;
  readonly clusterId: Uint8Array;
  /** Where it listens for packets and for streams; undefined: on all addresses. */
  readonly host: string | undefined;
  /** 0 picks a free one. */
  readonly port: number;
  readonly keys: readonly Uint8Array[];
  /** What it says of itself, once its port is known. */
  readonly metaAt: (port: number) => Meta;
  /** Where the log stands here. */
  readonly anchor: Anchor;
  /** Gossip can't go on, by a fault of its own or of the disk; the driver has stopped. */
  readonly onFailed: (error: Error) => void;
}

/** What runs between `start` and the end. */
interface Running {
  readonly gossip: Gossip;
  readonly frames: Frames;
  readonly seal: Seal;
  readonly streams: Streams;
  readonly socket: DatagramSocket;
}

/**
 * The loop around the gossip core: packets, streams, ticks, and what is to be done. It informs and
 * never decides (rule 46), so nothing here may end the server: what goes wrong ends the driver.
 */
export class GossipDriver implements Flushable {
  onDeliveries: (entries: readonly Entry[], after: Anchor) => void = () => {};
  onFetchFrom: (member: Member) => void = () => {};
  onChange: (change: Change) => void = () => {};
  packetsReceived = 0;
  packetsSent = 0;
  private readonly options: DriverOptions;
  private readonly herald: Herald;
  private keys: readonly Uint8Array[];
  private running: Running | null = null;
  private stopTicks: () => void = () => {};
  private lastTickMs = 0;
  /** The highest incarnation that is durable, and one that is on its way to be. */
  private saved = 0;
  private isSaving = false;
  private isStopped = false;

  constructor(options: DriverOptions) {
    this.options = options;
    this.keys = options.keys;
    this.herald = new Herald(options.anchor, isRoot(options.metaAt(options.port)));
  }

  /** Opens its ports and begins to talk. Nothing is open any more if it fails. */
  async start(): Promise<void> {
    const { options } = this;
    const { io, clock, secrets, ciphers, id, clusterId, host, port } = options;
    const incarnation = await options.incarnations.next();
    this.saved = incarnation;
    const { checksums } = io;
    const seal = new Seal({ ciphers, checksums, secrets, life: incarnation });
    seal.setKeys(this.keys);
    const frames = new Frames({ id, clusterId, checksums, seal });
    const streams = new Streams({
      ...{ io, clock, secrets, frames },
      receive: ({ from, message }) => this.step((gossip) => gossip.receive(from, message, null)),
    });
    const socket = await this.open(streams, host, port);
    const gossip = this.newGossip(incarnation, socket.port);
    this.running = { gossip, frames, seal, streams, socket };
    if (this.isStopped) {
      await this.stop();
      return;
    }
    this.lastTickMs = clock.monotonicMs();
    this.stopTicks = clock.every(GOSSIP_TICK_MS, () => this.tick());
  }

  /** Says goodbye, as long as that takes and no longer than a second, and ends. */
  async leave(): Promise<void> {
    const { clock } = this.options;
    this.step((gossip) => gossip.leave());
    for (let ticks = 0; ticks < LEAVE_TICKS_MAX && this.isTalking; ticks++) {
      await new Promise<void>((resolve) => clock.after(GOSSIP_TICK_MS, resolve));
    }
    await this.stop();
  }

  /** Ends at once. */
  async stop(): Promise<void> {
    const { running } = this;
    this.isStopped = true;
    this.running = null;
    this.stopTicks();
    await Promise.all([running?.socket.close(), running?.streams.close()]);
  }

  join(seeds: readonly string[]): void {
    this.step((gossip) => gossip.join(seeds));
  }

  keepAsking(addresses: readonly string[]): void {
    this.step((gossip) => gossip.keepAsking(addresses));
  }

  setMeta(meta: Meta): void {
    this.herald.setRoot(isRoot(meta));
    this.step((gossip) => gossip.setMeta(meta));
  }

  limitFanout(max: number): void {
    this.step((gossip) => gossip.limitFanout(max));
  }

  setKeys(keys: readonly Uint8Array[]): void {
    this.keys = keys;
    this.running?.seal.setKeys(keys);
  }

  /** A decided entry that is here, by whatever way it came: every one, in order. */
  announce(entry: Entry): void {
    if (this.herald.announce(entry)) this.options.io.turn.add(this);
  }

  /** Somebody waits here for this slot, which is decided. */
  need(slot: number): void {
    this.step((gossip) => gossip.need(slot));
  }

  /** A snapshot was installed. */
  reset(anchor: Anchor): void {
    this.herald.reset(anchor);
    this.step((gossip) => gossip.reset(anchor));
  }

  /** This one first; empty unless it runs. */
  members(): MemberRow[] {
    return this.running?.gossip.rows ?? [];
  }

  find(id: MemberId): Member | undefined {
    return this.running?.gossip.find(id);
  }

  get gossip(): Gossip | null {
    return this.running?.gossip ?? null;
  }

  get frames(): Frames | null {
    return this.running?.frames ?? null;
  }

  /** Where it listens; 0 until it does. */
  get port(): number {
    return this.running?.socket.port ?? 0;
  }

  get streamCount(): number {
    return this.running?.streams.count ?? 0;
  }

  /** At the end of a turn: what was announced in it, as one. */
  flush(): void {
    this.step((gossip) => this.herald.tell(gossip));
  }

  private get isTalking(): boolean {
    const gossip = this.running?.gossip;
    return gossip !== undefined && gossip.size > 1 && !gossip.isQuiet;
  }

  /** Packets and streams have the same port. */
  private async open(
    streams: Streams,
    host: string | undefined,
    wanted: number,
  ): Promise<DatagramSocket> {
    for (let attempt = 1; ; attempt++) {
      const socket = await this.options.datagrams.open({ host, port: wanted }, (bytes, from) =>
        this.onPacket(bytes, from),
      );
      try {
        await streams.open(host, socket.port);
        return socket;
      } catch (error) {
        await socket.close();
        // What is free for packets may be taken for streams.
        const isTaken = wanted === 0 && /EADDRINUSE/.test(String(error));
        if (!isTaken || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  private newGossip(incarnation: number, port: number): Gossip {
    const { id, metaAt, chain, secrets } = this.options;
    const seed = secrets.randomBytes(4);
    const prng = new Prng(new DataView(seed.buffer, seed.byteOffset, 4).getUint32(0));
    const { anchor } = this.herald;
    return new Gossip({
      ...{ id, incarnation, meta: metaAt(port), anchor },
      isGenuine: (entry) => isGenuine(chain, entry),
      random: () => prng.fraction(),
    });
  }

  private onPacket(bytes: Uint8Array, from: Peer): void {
    const { running } = this;
    if (running === null || this.isSaving) return;
    this.packetsReceived += 1;
    const frame = running.frames.openPacket(bytes);
    if (frame === null) return;
    this.step((gossip) => gossip.receive(frame.from, frame.message, addressText(from)));
  }

  /**
   * Ticks that were missed are told as one pause: a driver that made up for them would let a slow
   * process accuse the healthy, whose answers wait in its sockets (rule 36).
   */
  private tick(): void {
    const nowMs = this.options.clock.monotonicMs();
    const passed = Math.round((nowMs - this.lastTickMs) / GOSSIP_TICK_MS);
    if (this.isSaving) return;
    this.lastTickMs = nowMs;
    if (passed < STALLED_TICKS) this.step((gossip) => gossip.tick());
    else this.step((gossip) => gossip.stalled(passed));
  }

  private step(act: (gossip: Gossip) => void): void {
    const { running } = this;
    if (running === null) return;
    const { gossip } = running;
    let output: Output;
    try {
      act(gossip);
      if (this.isSaving) return;
      if (gossip.incarnation > this.saved) {
        this.save(gossip.incarnation);
        return;
      }
      output = gossip.drain();
      for (const envelope of output.sends) this.send(running, envelope);
    } catch (error) {
      this.fail(error);
      return;
    }
    this.tell(gossip, output);
  }

  /** Nobody hears of an incarnation that a crash could make this replica forget. */
  private save(incarnation: number): void {
    this.isSaving = true;
    this.options.incarnations.save(incarnation).then(
      () => {
        this.isSaving = false;
        this.saved = incarnation;
        if (this.running !== null) this.running.seal.life = incarnation;
        this.step(() => {});
      },
      (error: unknown) => this.fail(error),
    );
  }

  private send(running: Running, { address, message, stream }: Envelope): void {
    if (stream) {
      running.streams.send(address, message);
      return;
    }
    const to = parseAddress(address);
    const packet = to === null ? null : running.frames.packet(message);
    if (to === null || packet === null) return;
    this.packetsSent += 1;
    running.socket.send(to, packet);
  }

  private tell(gossip: Gossip, { changes, deliveries, fetchFrom }: Output): void {
    if (changes.length > 0 && this.herald.setReaders(hasReaders(gossip))) {
      this.options.io.turn.add(this);
    }
    for (const change of changes) this.onChange(change);
    this.deliver(deliveries);
    const source = fetchFrom === null ? undefined : gossip.find(fetchFrom);
    if (source !== undefined) this.onFetchFrom(source);
  }

  /** Runs without a gap, one by one: in between others may have come by another way. */
  private deliver(deliveries: readonly Carried[]): void {
    let run: Entry[] = [];
    let after: Anchor | null = null;
    for (const carried of deliveries) {
      const entry = fromCarried(carried);
      if (entry === null) continue;
      const last = run.at(-1);
      if (after !== null && last?.slot !== entry.slot - 1) {
        this.onDeliveries(run, after);
        run = [];
        after = null;
      }
      after ??= { slot: entry.slot - 1, hash: carried.previous };
      run.push(entry);
    }
    const last = run.at(-1);
    if (after === null || last === undefined) return;
    this.herald.delivered(last);
    this.onDeliveries(run, after);
  }

  private fail(error: unknown): void {
    if (this.isStopped) return;
    void this.stop();
    this.options.onFailed(error instanceof Error ? error : new Error(String(error)));
  }
}

/** Whether anybody reads the log by gossip. */
function hasReaders(gossip: Gossip): boolean {
  for (const { meta } of gossip.members) if (!isRoot(meta)) return true;
  return false;
}
