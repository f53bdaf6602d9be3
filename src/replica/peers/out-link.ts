import type { Reader } from '../../base/reader.ts';
import type { Clock } from '../../io/clock.ts';
import type { Peer } from '../../io/network.ts';
import { dial } from './dial.ts';
import { type FrameHandler, type FrameStream, FrameType } from './frames.ts';
import { type Hello, sameId, takeId } from './hello.ts';
import type { PeerIo } from './listener.ts';

const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 500;
/** Nothing heard for so long: the other host, or the way to it, is gone without a word. */
export const SILENCE_MS_MAX = 2_500;

export interface OutLinkOptions {
  readonly io: PeerIo;
  readonly clock: Clock;
  /** Where the other server may be reached, in the order to be tried. Names are resolved anew. */
  readonly addresses: readonly Peer[];
  readonly hello: Hello;
  /** The identity that the other one must have; null: whichever. */
  readonly identity: Uint8Array | null;
  readonly onOpen: () => void;
  readonly onClosed: () => void;
}

/**
 * The way to one other replica: dials it, again and again, until `close`. Only what this replica
 * sends travels on it, but for signs of life.
 */
export class OutLink implements FrameHandler {
  readonly serverId: number;
  /** Null while there is no connection. */
  frames: FrameStream | null = null;
  /** Why the other one did not let us in, as it says; null if it did. */
  refusal: string | null = null;
  private readonly options: OutLinkOptions;
  private dialled: FrameStream | null = null;
  /** The identity of whoever is at the other end. */
  private welcomedBy: Uint8Array | null = null;
  private nextAddress = 0;
  private retryMs = RETRY_MS_MIN;
  private giveUp: () => void = () => {};
  private isClosed = false;

  constructor(options: OutLinkOptions) {
    this.options = options;
    this.serverId = options.hello.toServerId;
    this.dial();
  }

  /**
   * Whether this is the way to `member` as it is now: a reconfiguration may have moved it, or have
   * taken its vote. Then it may be whichever replica, and a link that goes on to ask for the one
   * that had the vote would refuse a server for ever whose disk is lost after that.
   */
  leadsTo(addresses: readonly Peer[], identity: Uint8Array | null): boolean {
    const { options } = this;
    // Before the log is read the identity of the other one is what it says it is.
    const present = this.welcomedBy ?? options.identity;
    const isSame = identity !== null && (present === null || sameId(identity, present));
    return (
      (isSame || (identity === null && options.identity === null)) &&
      addresses.length === options.addresses.length &&
      addresses.every(({ host, port }, i) => {
        const known = options.addresses[i];
        return host === known?.host && port === known.port;
      })
    );
  }

  /** Looks whether the connection still lives, and tells the other side that this one does. */
  check(nowMs: number): void {
    const frames = this.dialled;
    if (frames === null) return;
    if (nowMs - frames.heardMs > SILENCE_MS_MAX) {
      frames.destroy();
      return;
    }
    if (this.frames === null) return;
    frames.begin(FrameType.alive);
    frames.end();
  }

  close(): void {
    this.isClosed = true;
    this.giveUp();
    this.dialled?.destroy();
  }

  onFrame(type: number, payload: Reader): void {
    if (type === FrameType.refused) {
      this.refuse(payload.ustring() ?? '');
      return;
    }
    if (type !== FrameType.welcome || this.frames !== null || this.dialled === null) return;
    const { identity } = this.options;
    const welcomedBy = takeId(payload);
    if (identity !== null && !sameId(welcomedBy, identity)) {
      this.refuse('it is another replica than the one that the configuration names');
      return;
    }
    this.welcomedBy = welcomedBy;
    this.refusal = null;
    this.retryMs = RETRY_MS_MIN;
    this.dialled.trust();
    this.frames = this.dialled;
    this.options.onOpen();
  }

  onClose(): void {
    const wasOpen = this.frames !== null;
    this.frames = null;
    this.dialled = null;
    this.welcomedBy = null;
    if (this.isClosed) return;
    if (wasOpen) this.options.onClosed();
    this.retry();
  }

  private refuse(reason: string): void {
    const { io } = this.options;
    if (reason !== this.refusal) {
      io.logger.warn({ server: this.serverId, reason }, 'another server refuses this one');
    }
    this.refusal = reason;
    this.retryMs = RETRY_MS_MAX;
    this.dialled?.destroy();
  }

  private dial(): void {
    const { io, clock, addresses } = this.options;
    const address = addresses[this.nextAddress++ % addresses.length];
    if (address === undefined) return;
    const begin = (frames: FrameStream): FrameHandler => {
      this.dialled = frames;
      return this;
    };
    this.giveUp = dial(io, clock, address, this.options.hello, begin, () => this.retry(), false);
  }

  private retry(): void {
    if (this.isClosed) return;
    this.giveUp = this.options.clock.after(this.retryMs, () => this.dial());
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MS_MAX);
  }
}
