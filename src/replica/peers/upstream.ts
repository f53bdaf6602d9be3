import type { Reader } from '../../base/reader.ts';
import type { Clock } from '../../io/clock.ts';
import { type Ballot, NO_BALLOT } from '../../paxos/ballot.ts';
import { takeEntries } from '../../paxos/codec.ts';
import type { GrantedIds } from '../granted-ids.ts';
import type { Chunk } from '../outbox.ts';
import type { PeerPort, Touch } from '../peer-port.ts';
import type { Replica } from '../replica.ts';
import { Broadcast, type Tree } from './broadcast.ts';
import { takeBytes } from './fields.ts';
import { FrameType } from './frames.ts';
import type { Hello } from './hello.ts';
import type { PeerIo } from './listener.ts';
import type { PeerAddress } from './peers.ts';
import { UpstreamLink, type UpstreamListener } from './upstream-link.ts';

const HASH_BYTES = 32;
const CHECK_EVERY_MS = 100;
/** Signs of life, and another try where something got stuck. */
const CHECKS_PER_SIGN = 5;
const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 1_000;
/** A member that comes to lead keeps its observers so long at least: leaders change back, too. */
const MOVE_CHECKS = 10;
/** The tree is as fast as that, mostly; whoever waits for a slot waits no longer for it. */
const PULL_AFTER_MS = 5;
/** A member that is stopped takes connections, and never says a word. */
const WELCOME_CHECKS = 10;
/** Checks after which a member that knows of no leader is left: others may know of one. */
const LEADERLESS_CHECKS = 5;

export interface UpstreamOptions {
  readonly io: PeerIo;
  readonly clock: Clock;
  readonly hello: Omit<Hello, 'purpose' | 'toServerId'>;
  /** The voters, as the log or whoever was asked last has them. */
  readonly voters: () => readonly PeerAddress[];
  /** A whole number from 0 to `below` - 1. */
  readonly random: (below: number) => number;
  readonly ids: GrantedIds;
  readonly fetch: (from: number) => void;
  readonly isFetching: () => boolean;
  readonly tree: Tree;
  /** Nobody lets this observer in, or can be reached, once more. */
  readonly onLost: () => void;
}

/**
 * An observer's way to the ensemble: one link, to a voter that does not lead where there is one.
 * When it breaks another voter is asked; what was under way is sent again, all of it and in order.
 */
export class Upstream implements PeerPort, UpstreamListener {
  private readonly options: UpstreamOptions;
  private readonly broadcast: Broadcast;
  private replica: Replica | null = null;
  private current: UpstreamLink | null = null;
  /** What may become the link; the present one serves until it has been welcomed. */
  private candidate: UpstreamLink | null = null;
  private nextVoter: number;
  private retryMs = RETRY_MS_MIN;
  private stopRetry: () => void = () => {};
  private stopPull: (() => void) | null = null;
  /** The last slot that somebody waits for here. */
  private wantedSlot = 0;
  private stopChecks: () => void = () => {};
  private checks = 0;
  private checksAtLeader = 0;
  private checksLeaderless = 0;
  private checksUnwelcome = 0;
  /** Whose link broke last: asked first again it would only cost time. */
  private gone: number | null = null;
  private lastCheckMs = 0;
  private isPaused = false;
  /** Who led when it was last heard of. */
  private leaderId: number | null = null;
  /** Attempts without success since the last one with. */
  private failures = 0;

  constructor(options: UpstreamOptions) {
    this.options = options;
    this.nextVoter = options.random(1_000_000);
    this.broadcast = new Broadcast(options.tree, options.io.nowMs);
    options.ids.onLow = () => this.current?.wantIds();
  }

  start(replica: Replica): void {
    const { clock, io } = this.options;
    this.replica = replica;
    this.lastCheckMs = io.nowMs();
    this.stopChecks = clock.every(CHECK_EVERY_MS, () => this.check());
    this.seek();
  }

  stop(): void {
    this.stopChecks();
    this.stopRetry();
    this.stopPull?.();
    this.replica = null;
    this.candidate?.close();
    this.current?.close();
    this.candidate = this.current = null;
  }

  isConnected(id: number): boolean {
    return this.current?.member.serverId === id;
  }

  /** Decided entries are missing here: they are asked for unless they come already. */
  catchUp(): void {
    const { current, replica } = this;
    if (current === null || replica === null || this.broadcast.isUsed) return;
    if (current.isFed || this.options.isFetching()) return;
    current.follow(replica.paxos.decidedSlot);
  }

  forward(_to: number, _ballot: Ballot, chunk: Chunk): void {
    this.current?.forward(chunk);
  }

  report(_to: number, _ballot: Ballot, number: number, touches: readonly Touch[]): void {
    this.current?.report(number, touches);
  }

  askIndex(_to: number, _ballot: Ballot, number: number): void {
    this.current?.askIndex(number);
  }

  fetch(from: number): void {
    this.options.fetch(from);
  }

  flush(): void {
    this.current?.frames?.flush();
  }

  /** The consensus has nothing to say to anybody, nobody hangs on an observer, and none leads. */
  send(): void {}
  relay(): void {}
  confirmReport(): void {}
  tellIndex(): void {}
  tellDigests(): void {}
  tellDiffers(): void {}

  onWelcome(link: UpstreamLink): void {
    const former = this.current;
    this.current = link;
    this.candidate = null;
    this.retryMs = RETRY_MS_MIN;
    this.failures = this.checksAtLeader = this.checksLeaderless = 0;
    this.isPaused = false;
    this.gone = null;
    former?.close();
    const { serverId } = link.member;
    this.options.io.logger.info({ server: serverId }, 'observes through this server');
    if (this.broadcast.isUsed) link.rest();
    else this.catchUp();
  }

  onGone(link: UpstreamLink): void {
    if (link === this.candidate) {
      this.candidate = null;
      this.failures++;
      if (this.current === null) this.retry();
      return;
    }
    this.current = null;
    this.gone = link.member.serverId;
    this.replica?.follow(null, NO_BALLOT);
    if (this.candidate === null) this.seek();
  }

  onWay(link: UpstreamLink): void {
    if (link !== this.current) return;
    this.leaderId = link.leaderId ?? this.leaderId;
    this.replica?.follow(link.leaderId, link.ballot);
  }

  onNews(link: UpstreamLink, type: number, payload: Reader): void {
    const { replica } = this;
    if (link !== this.current || replica === null) return;
    switch (type) {
      case FrameType.entries:
        this.learn(link, replica, payload);
        return;
      case FrameType.lacks:
        link.isFed = false;
        this.options.fetch(link.member.serverId);
        return;
      case FrameType.confirmReport:
        replica.onReportConfirmed(payload.f64());
        return;
      case FrameType.tellIndex:
        this.takeIndex(replica, payload.f64(), payload.f64());
        return;
      case FrameType.standing:
        this.takeStanding(replica, payload.f64(), payload.bool());
        return;
      case FrameType.sessionIds:
        this.options.ids.granted({ high: payload.i32(), low: payload.i32() });
        return;
      default:
        link.frames?.destroy();
    }
  }

  private takeIndex(replica: Replica, number: number, slot: number): void {
    replica.onTellIndex(number, slot);
    this.takeStanding(replica, slot, true);
  }

  private takeStanding(replica: Replica, slot: number, isWaitedFor: boolean): void {
    const { decidedSlot } = replica.paxos;
    this.broadcast.heard(slot, decidedSlot);
    if (!isWaitedFor || !this.broadcast.isUsed || slot <= decidedSlot) return;
    this.wantedSlot = Math.max(slot, this.wantedSlot);
    this.stopPull ??= this.options.clock.after(PULL_AFTER_MS, () => this.pull(replica));
  }

  /** A write's latency is not the tree's: its voter has what the answer is waiting for. */
  private pull(replica: Replica): void {
    this.stopPull = null;
    const { decidedSlot } = replica.paxos;
    if (decidedSlot < this.wantedSlot) this.current?.pull(decidedSlot, this.wantedSlot);
  }

  private learn(link: UpstreamLink, replica: Replica, payload: Reader): void {
    const after = { slot: payload.f64(), hash: takeBytes(payload, HASH_BYTES) };
    const hash = takeBytes(payload, HASH_BYTES);
    const entries = takeEntries(payload);
    const fits = replica.learn(after, entries, hash);
    // What is here already came by another way; a gap is asked for anew.
    if (!fits && after.slot + entries.length > replica.paxos.decidedSlot) link.isFed = false;
    if (!replica.isBehindDisk) return;
    this.isPaused = true;
    link.frames?.stream.pause();
  }

  /** Begins a connection to the next voter in turn, to the leader only where no other will do. */
  private seek(): void {
    const { io, clock, hello, voters } = this.options;
    const all = voters();
    const present = this.current?.member.serverId ?? this.gone;
    this.gone = null;
    const others = all.filter(({ serverId }) => serverId !== present);
    const followers = others.filter(({ serverId }) => serverId !== this.leaderId);
    const choice = this.failures < followers.length ? followers : others;
    const attempt = this.nextVoter++;
    const member = choice[attempt % choice.length];
    if (member === undefined) {
      if (this.current === null) this.retry();
      return;
    }
    this.checksUnwelcome = 0;
    const options = { io, clock, hello, member, listener: this };
    this.candidate = new UpstreamLink({ ...options, attempt: Math.floor(attempt / all.length) });
  }

  private retry(): void {
    const { clock, onLost } = this.options;
    if (this.replica === null) return;
    this.stopRetry();
    this.stopRetry = clock.after(this.retryMs, () => {
      if (this.candidate === null && this.current === null) this.seek();
    });
    if (this.retryMs === RETRY_MS_MAX) onLost();
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MS_MAX);
  }

  private check(): void {
    const { current, replica } = this;
    const nowMs = this.options.io.nowMs();
    // After a stall of this process signs of life wait in the socket: they are heard first.
    const wasStalled = nowMs - this.lastCheckMs > 5 * CHECK_EVERY_MS;
    this.lastCheckMs = nowMs;
    if (replica === null || wasStalled) return;
    this.giveUpUnwelcome();
    if (current === null || current !== this.current) return;
    if (this.isPaused && !this.readsOn(current, replica, nowMs)) return;
    this.leaveLeaderless(current);
    this.chooseSource(current, replica);
    current.listen(nowMs);
    if (++this.checks % CHECKS_PER_SIGN !== 0) return;
    current.sign();
    this.catchUp();
    this.leaveLeader(current);
  }

  private giveUpUnwelcome(): void {
    const { candidate } = this;
    this.checksUnwelcome = candidate === null ? 0 : this.checksUnwelcome + 1;
    if (candidate === null || this.checksUnwelcome < WELCOME_CHECKS) return;
    candidate.close();
    this.onGone(candidate);
  }

  private chooseSource(link: UpstreamLink, replica: Replica): void {
    const { broadcast } = this;
    if (!broadcast.changes(replica.paxos.decidedSlot, link.isFed)) return;
    const { logger } = this.options.io;
    if (broadcast.isUsed) {
      logger.info({}, 'has the log by gossip');
      link.rest();
    } else {
      logger.info({ server: link.member.serverId }, 'has the log from this server: gossip is late');
      this.catchUp();
    }
  }

  /** Cut off from the others, or not taken back by them yet, it serves nobody. */
  private leaveLeaderless({ leaderId }: UpstreamLink): void {
    this.checksLeaderless = leaderId === null ? this.checksLeaderless + 1 : 0;
    if (this.checksLeaderless < LEADERLESS_CHECKS || this.candidate !== null) return;
    this.checksLeaderless = 0;
    this.seek();
  }

  private readsOn({ frames }: UpstreamLink, replica: Replica, nowMs: number): boolean {
    if (replica.isBehindDisk || frames === null) return false;
    this.isPaused = false;
    // What was not read could not be heard.
    frames.heardMs = nowMs;
    frames.stream.resume();
    return true;
  }

  /** The log leaves the leader once for each of its observers: it should have none. */
  private leaveLeader({ member, leaderId }: UpstreamLink): void {
    const { voters, random } = this.options;
    this.checksAtLeader = member.serverId === leaderId ? this.checksAtLeader + 1 : 0;
    const isDue = this.checksAtLeader > MOVE_CHECKS && random(MOVE_CHECKS) === 0;
    if (isDue && this.candidate === null && voters().length > 1) this.seek();
  }
}
