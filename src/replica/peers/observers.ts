import { OBSERVERS_MAX } from '../../base/limits.ts';
import type { Clock } from '../../io/clock.ts';
import type { Anchor, Entry } from '../../paxos/entry.ts';
import type { Replica } from '../replica.ts';
import type { SessionIds } from '../session-ids.ts';
import { type FrameHandler, type FrameStream, FrameType } from './frames.ts';
import { type Greeting, type Hello, Purpose, sameId } from './hello.ts';
import type { PeerIo, PeerListener } from './listener.ts';
import { ObserverLink } from './observer-link.ts';
import { Tail } from './tail.ts';

const CHECK_EVERY_MS = 500;

export interface ObserversOptions {
  readonly io: PeerIo;
  readonly clock: Clock;
  readonly listener: PeerListener;
  readonly identity: Uint8Array;
  /** Why a replica may not connect; null: it may. */
  readonly refuse: (hello: Hello) => string | null;
  /** Out of which observers are granted some. */
  readonly sessionIds: SessionIds;
  /** What has been applied at the start. */
  readonly applied: Anchor;
}

/** A member's side of the observers that hang on it and that nobody has configured. */
export class Observers {
  private readonly options: ObserversOptions;
  private readonly links = new Map<number, ObserverLink>();
  private readonly tail: Tail;
  private stopChecks: () => void = () => {};
  private lastCheckMs = 0;

  constructor(options: ObserversOptions) {
    this.options = options;
    this.tail = new Tail(options.applied);
  }

  get count(): number {
    return this.links.size;
  }

  start(replica: Replica): void {
    const { listener, clock, io } = this.options;
    this.lastCheckMs = io.nowMs();
    listener.serve(Purpose.observing, (hello, frames) => this.accept(replica, hello, frames));
    this.stopChecks = clock.every(CHECK_EVERY_MS, () => this.check());
  }

  stop(): void {
    this.stopChecks();
    this.options.listener.serve(Purpose.observing, null);
    for (const link of [...this.links.values()]) link.close();
  }

  /** Entries are decided and durable here. */
  decided(entries: readonly Entry[]): void {
    if (this.links.size === 0) {
      const last = entries[entries.length - 1];
      if (last !== undefined) this.tail.skip(last);
      return;
    }
    this.tail.add(entries);
    for (const link of this.links.values()) link.push();
  }

  private accept(replica: Replica, hello: Greeting, frames: FrameStream): FrameHandler | string {
    const { identity, sessionIds, io } = this.options;
    const reason = this.options.refuse(hello) ?? this.refuse(hello, replica.state.level);
    if (reason !== null) return reason;
    const origin = hello.serverId;
    const { tail } = this;
    const link = new ObserverLink({
      hello,
      frames,
      replica,
      tail,
      sessionIds,
      nowMs: io.nowMs,
      onClosed: () => this.links.delete(origin),
    });
    this.links.set(origin, link);
    frames.begin(FrameType.welcome).raw(identity);
    frames.end();
    link.open();
    return link;
  }

  /**
   * Marks name their observer by a number of 31 bits, so two with the same one can't hang here. One
   * that comes back while its former connection seems alive waits until that has been found dead:
   * it may just as well be a copy of its directory.
   */
  private refuse(hello: Greeting, level: number): string | null {
    if (hello.level < level) return 'it is of an older version than this ensemble works as';
    const present = this.links.get(hello.serverId);
    if (present === undefined) {
      return this.links.size < OBSERVERS_MAX ? null : 'it has as many observers as it can take';
    }
    if (sameId(present.identity, hello.identity)) {
      return 'an observer of the same identity is connected: if it is another process, its data directory is a copy, which must not be started';
    }
    return `another observer has the number ${hello.serverId}`;
  }

  private check(): void {
    const nowMs = this.options.io.nowMs();
    // After a stall of this process signs of life wait in the sockets: they are heard first.
    const wasStalled = nowMs - this.lastCheckMs > 2 * CHECK_EVERY_MS;
    this.lastCheckMs = nowMs;
    for (const link of [...this.links.values()]) link.check(nowMs, wasStalled);
  }
}
