import { DecodeError, type Reader } from '../../base/reader.ts';
import type { Clock } from '../../io/clock.ts';
import { takeEntries } from '../../paxos/codec.ts';
import type { Anchor, Unchained } from '../../paxos/entry.ts';
import { dial } from './dial.ts';
import { takeBytes } from './fields.ts';
import { type FrameHandler, type FrameStream, FrameType } from './frames.ts';
import { type Hello, Purpose } from './hello.ts';
import type { PeerIo } from './listener.ts';
import type { PeerAddress } from './peers.ts';

const HASH_BYTES = 32;
/** Nothing came for so long: another one is asked. */
const SILENCE_MS_MAX = 5_000;

/** Takes a snapshot's bytes, in order. */
export interface SnapshotSink {
  write(bytes: Uint8Array): Promise<void>;
  /** Ends this life of the replica; the next one begins with what was taken. */
  finish(): Promise<unknown>;
  abort(): Promise<void>;
}

export interface FetchTarget {
  /** What is to be fetched follows this. */
  readonly learnFrom: Anchor;
  /** False if the entries do not fit. */
  learn(after: Anchor, entries: readonly Unchained[], hash: Uint8Array): boolean;
  /** True while so much waits for the disk that no more should come. */
  readonly isBehindDisk: boolean;
  beginInstall(announced: Anchor & { zxid: number; bytes: number }): Promise<SnapshotSink | null>;
}

export interface FetcherOptions {
  readonly io: PeerIo;
  readonly clock: Clock;
  readonly hello: Omit<Hello, 'purpose' | 'toServerId'>;
  readonly peers: () => readonly PeerAddress[];
  readonly target: FetchTarget;
  /** A transfer has ended; it may have brought nothing. */
  readonly onEnd?: (helped: boolean) => void;
}

/** Fetches decided entries, or a snapshot, from one peer after the other until one has helped. */
export class Fetcher {
  private readonly options: FetcherOptions;
  private current: Transfer | null = null;
  private next = 0;

  constructor(options: FetcherOptions) {
    this.options = options;
  }

  get isBusy(): boolean {
    return this.current !== null;
  }

  /** Begins with `from`; while a transfer is under way nothing changes. */
  start(from: number): void {
    if (this.current !== null) return;
    const peers = this.options.peers();
    const preferred = peers.findIndex(({ serverId }) => serverId === from);
    // The one that told is asked first; when that did not help, each other one in turn.
    const index = this.next === 0 && preferred >= 0 ? preferred : this.next % peers.length;
    const peer = peers[index];
    if (peer === undefined) return;
    this.next++;
    const transfer = new Transfer(this.options, peer, (helped) => {
      if (this.current === transfer) this.current = null;
      if (helped) this.next = 0;
      this.options.onEnd?.(helped);
    });
    this.current = transfer;
    transfer.begin();
  }

  stop(): void {
    this.current?.stop();
    this.current = null;
  }
}

class Transfer implements FrameHandler {
  private readonly options: FetcherOptions;
  private readonly peer: PeerAddress;
  private readonly onEnd: (helped: boolean) => void;
  private frames: FrameStream | null = null;
  private end: () => void = () => {};
  private stopWatching: () => void = () => {};
  private sink: SnapshotSink | null = null;
  private bytesLeft = 0;
  /** What has arrived is dealt with one after the other: the disk is slower than the network. */
  private work: Promise<void> = Promise.resolve();
  private helped = false;
  private isOver = false;

  constructor(options: FetcherOptions, peer: PeerAddress, onEnd: (helped: boolean) => void) {
    this.options = options;
    this.peer = peer;
    this.onEnd = onEnd;
  }

  begin(): void {
    this.stopWatching = this.options.clock.every(100, () => this.watch());
    this.dial(0);
  }

  /** A host may be reachable by one of its addresses only: all are tried before another peer is. */
  private dial(nth: number): void {
    const { io, clock, hello } = this.options;
    const { serverId: toServerId, addresses } = this.peer;
    const address = addresses[nth];
    if (address === undefined) {
      this.finish();
      return;
    }
    const greeting = { ...hello, purpose: Purpose.fetch, toServerId };
    this.end = dial(
      io,
      clock,
      address,
      greeting,
      (frames) => {
        this.frames = frames;
        // Behind the greeting, which is written when this returns.
        clock.afterTurn(() => this.ask());
        return this;
      },
      () => this.dial(nth + 1),
    );
  }

  stop(): void {
    this.finish();
  }

  onFrame(type: number, payload: Reader): void {
    switch (type) {
      case FrameType.entries:
        this.takeEntries(payload);
        return;
      case FrameType.snapshot:
        this.takeSnapshot(payload);
        return;
      case FrameType.snapshotChunk:
        this.takeChunk(payload.bytes.subarray(payload.at, payload.end));
        return;
      default:
        this.end();
    }
  }

  onClose(): void {
    void this.work.then(() => this.finish());
  }

  private ask(): void {
    if (this.isOver || this.frames === null) return;
    const { slot } = this.options.target.learnFrom;
    this.frames.begin(FrameType.fetch).f64(slot + 1);
    this.frames.end();
  }

  private takeEntries(payload: Reader): void {
    const after = { slot: payload.f64(), hash: takeBytes(payload, HASH_BYTES) };
    const hash = takeBytes(payload, HASH_BYTES);
    if (!this.options.target.learn(after, takeEntries(payload), hash)) return;
    this.helped = true;
    if (this.options.target.isBehindDisk) this.frames?.stream.pause();
  }

  private takeSnapshot(payload: Reader): void {
    const slot = payload.f64();
    const hash = takeBytes(payload, HASH_BYTES).slice();
    const announced = { slot, hash, zxid: payload.f64(), bytes: payload.f64() };
    this.bytesLeft = announced.bytes;
    this.inOrder(async () => {
      this.sink = await this.options.target.beginInstall(announced);
      if (this.sink === null) this.end();
    });
  }

  private takeChunk(bytes: Uint8Array): void {
    this.bytesLeft -= bytes.length;
    if (this.bytesLeft < 0) throw new DecodeError('a snapshot longer than announced');
    const isLast = this.bytesLeft === 0;
    this.inOrder(async () => {
      await this.sink?.write(bytes);
      if (!isLast || this.sink === null) return;
      const { sink } = this;
      this.sink = null;
      this.helped = true;
      await sink.finish();
    });
  }

  private inOrder(task: () => Promise<void>): void {
    this.frames?.stream.pause();
    this.work = this.work.then(task).then(
      () => this.frames?.stream.resume(),
      (error: unknown) => {
        this.options.io.logger.warn({ error }, 'could not take over a snapshot of another server');
        this.end();
      },
    );
  }

  private watch(): void {
    const { frames } = this;
    if (frames === null) return;
    if (this.sink === null && !this.options.target.isBehindDisk) frames.stream.resume();
    if (this.options.io.nowMs() - frames.heardMs > SILENCE_MS_MAX) this.end();
  }

  private finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.stopWatching();
    this.end();
    void this.sink?.abort();
    this.onEnd(this.helped);
  }
}
