import { assert } from '../base/assert.ts';
import { viewOf } from '../base/bytes.ts';
import { PairMap } from '../base/pair-map.ts';
import { Reader } from '../base/reader.ts';
import type { Writer } from '../base/writer.ts';
import type { Clock } from '../io/clock.ts';
import type { Decider, Entry } from '../paxos/decider.ts';
import { Err, Op } from '../protocol/constants.ts';
import { CommandHeader, CommandKind } from '../state/command.ts';
import { Identities } from '../state/identities.ts';
import { type Outcome, Verdict } from '../state/outcome.ts';
import type { State } from '../state/state.ts';
import { Attachment, type Client } from './attachment.ts';
import { Batches } from './batches.ts';
import { DigestPoints } from './digest-points.ts';
import { Expiry } from './expiry.ts';
import type { SessionIds } from './session-ids.ts';
import { ReplicaStats } from './stats.ts';
import { Turn } from './turn.ts';
import { Watches } from './watches.ts';

/** The log, as far as the loop needs it. */
export interface AppendLog {
  append(entries: readonly Entry[], decidedSlot: number, done: (error: Error | null) => void): void;
}

export interface ReplicaOptions {
  readonly state: State;
  readonly decider: Decider;
  readonly log: AppendLog;
  readonly clock: Clock;
  readonly sessionIds: SessionIds;
  readonly tickTimeMs: number;
  /** CommandFlag bits of this server's configuration, stamped into every command. */
  readonly flags: number;
  /** Appends that take longer are counted and reported; absent: none is. */
  readonly slowAppends?: {
    readonly thresholdMs: number;
    readonly report: (tookMs: number, bytes: number) => void;
  };
  /** The log can no longer be trusted: the process has to stop and recover from disk. */
  readonly onFatal: (error: Error) => void;
  /** Called between two slots, never in the middle of one: the place to begin a snapshot. */
  readonly onApplied: (entry: Entry) => void;
}

/** Apply yields to the loop after this long, so that reads and pings wait no longer than that. */
const APPLY_SLICE_MS = 4;
const CLOCK_EVERY_COMMANDS = 64;

/** What a connection asked for, kept until its command has been applied. */
interface Opening {
  readonly client: Client;
  readonly timeoutMs: number;
  readonly passwordHash: Uint8Array;
}

/**
 * The one loop: commands in, the decider stepped, its obligations carried out in an order that
 * keeps promises behind durability. A reply is written only by `apply`, and `apply` sees only
 * what the decider calls decided, which it does only after `written`.
 */
export class Replica {
  readonly state: State;
  readonly watches: Watches = new Watches();
  readonly expiry: Expiry;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly stats: ReplicaStats = new ReplicaStats();
  readonly digestPoints: DigestPoints = new DigestPoints();
  /** About when the outcome that is being delivered came to be, on the monotonic clock. */
  appliedMs = 0;
  private appendedAtMs = 0;
  private readonly options: ReplicaOptions;
  private readonly batches = new Batches();
  private readonly header = new CommandHeader();
  private readonly attachments = new PairMap<Attachment>();
  /** Connections whose opening or attaching is under way, by the number their command carries. */
  private readonly opening = new Map<number, Opening>();
  private openings = 0;
  private readonly proposed: Writer[] = [];
  private appending: readonly Entry[] = [];
  private readonly decided: Entry[] = [];
  private readonly reader = new Reader();
  private readonly command = new Reader();
  private applying = false;
  private onIdle: (() => void) | null = null;
  private readonly onWritten: (error: Error | null) => void = (error) => this.written(error);
  private readonly applyMore: () => void = () => this.applySlice();

  constructor(options: ReplicaOptions) {
    this.options = options;
    this.state = options.state;
    this.clock = options.clock;
    this.expiry = new Expiry(options.tickTimeMs, options.clock.monotonicMs());
    this.turn = new Turn(options.clock);
    this.turn.before(() => this.propose());
    const nowMs = options.clock.monotonicMs();
    for (const session of options.state.sessions.values()) {
      this.expiry.start(session.high, session.low, session.timeoutMs, nowMs);
    }
  }

  get flags(): number {
    return this.options.flags;
  }

  /** Commands gathered or under way, in bytes: what back-pressure goes by. */
  get pendingBytes(): number {
    let bytes = this.batches.pendingBytes;
    for (const batch of this.proposed) bytes += batch.at;
    return bytes;
  }

  /** Opens a new session for `client`, which hears of it by `onAttached`. */
  openSession(client: Client, timeoutMs: number, passwordHash: Uint8Array): void {
    const ids = this.options.sessionIds;
    do ids.advance();
    while (this.state.sessions.get(ids.high, ids.low) !== undefined);
    this.submitOpening(client, CommandKind.openSession, ids.high, ids.low, timeoutMs, passwordHash);
  }

  /** Attaches a known session to `client`; any older connection of it is closed at apply. */
  attachSession(
    client: Client,
    high: number,
    low: number,
    timeoutMs: number,
    passwordHash: Uint8Array,
  ): void {
    const known = this.state.sessions.get(high, low)?.generation ?? 0;
    const kind = CommandKind.attachSession;
    this.submitOpening(client, kind, high, low, timeoutMs, passwordHash, known);
  }

  /** The connection has gone: its session lives on until it expires, its watches don't. */
  detach(client: Client, attachment: Attachment | null): void {
    this.watches.drop(client);
    if (client.opening > 0) this.opening.delete(client.opening);
    if (attachment === null) return;
    if (this.attachments.get(attachment.high, attachment.low) !== attachment) return;
    this.attachments.delete(attachment.high, attachment.low);
  }

  /** Submits a write; its outcome comes by `onOutcome`, in the order of submission. */
  submitWrite(
    attachment: Attachment,
    opcode: number,
    cxid: number,
    identities: Identities,
    body: Uint8Array,
    from: number,
    to: number,
  ): void {
    const writer = this.begin(CommandKind.write, opcode, cxid, attachment, identities);
    writer.raw(body, from, to);
    this.end();
  }

  /** Submits a write that this replica, as the leader, refuses with `code`. */
  submitReject(attachment: Attachment, opcode: number, cxid: number, code: number): void {
    const writer = this.begin(CommandKind.reject, opcode, cxid, attachment, Identities.none);
    writer.i32(code);
    this.end();
  }

  /** Proposes to remove an empty container or an outlived TTL node. */
  submitReap(path: Uint8Array): void {
    const writer = this.beginAlone(CommandKind.reapNode, 0, 0);
    writer.buffer(path);
    this.end();
  }

  /**
   * Looks for silent sessions. Run it after the input of the turn has been handled: when the loop
   * itself was stalled, pings that wait in the sockets are heard before anyone is accused.
   */
  sweepSessions(): void {
    this.expiry.sweep(this.clock.monotonicMs(), (lease) => {
      const session = this.state.sessions.get(lease.high, lease.low);
      if (session === undefined) return;
      this.beginAlone(CommandKind.expireSession, lease.high, lease.low, session.generation);
      this.end();
    });
  }

  /** Calls back once everything submitted so far has been applied and nothing is under way. */
  whenIdle(task: () => void): void {
    this.onIdle = task;
    this.turn.wake();
  }

  private submitOpening(
    client: Client,
    kind: number,
    high: number,
    low: number,
    timeoutMs: number,
    passwordHash: Uint8Array,
    generation = 0,
  ): void {
    const number = ++this.openings;
    this.opening.set(number, { client, timeoutMs, passwordHash });
    client.opening = number;
    const writer = this.beginAlone(kind, high, low, generation, number);
    writer.i32(timeoutMs);
    writer.buffer(passwordHash);
    this.end();
  }

  private begin(
    kind: number,
    opcode: number,
    cxid: number,
    attachment: Attachment,
    identities: Identities,
  ): Writer {
    const header = this.header;
    header.kind = kind;
    header.opcode = opcode;
    header.cxid = cxid;
    header.sessionHigh = attachment.high;
    header.sessionLow = attachment.low;
    header.generation = attachment.generation;
    header.sequence = ++attachment.sequence;
    return this.stamp(identities.encoded);
  }

  private beginAlone(kind: number, high: number, low: number, generation = 0, number = 0): Writer {
    const header = this.header;
    header.kind = kind;
    header.opcode = kind === CommandKind.expireSession ? Op.closeSession : 0;
    header.cxid = 0;
    header.sessionHigh = high;
    header.sessionLow = low;
    header.generation = generation;
    header.sequence = number;
    return this.stamp(Identities.none.encoded);
  }

  private stamp(identities: Uint8Array): Writer {
    this.header.flags = this.options.flags;
    this.header.timeMs = this.clock.wallMs();
    const writer = this.batches.open();
    this.header.encode(writer, identities);
    return writer;
  }

  private end(): void {
    this.batches.close();
    this.stats.commandsProposed++;
    this.turn.wake();
  }

  /** One append is outstanding at a time: while the disk works, the next batch gathers. */
  private propose(): void {
    if (this.appending.length > 0) return;
    const batch = this.batches.take();
    if (batch === null) {
      this.reportIdle();
      return;
    }
    this.proposed.push(batch);
    this.stats.batchBytes.record(batch.at);
    this.options.decider.propose(batch.written());
    this.step();
  }

  private step(): void {
    const output = this.options.decider.drain();
    for (const entry of output.decided) this.decided.push(entry);
    if (output.writes.length > 0) {
      this.appending = output.writes;
      this.appendedAtMs = this.clock.monotonicMs();
      // Everything before the first is durable, which is all it takes to be decided here.
      const decidedSlot = (output.writes[0] as Entry).slot - 1;
      this.options.log.append(output.writes, decidedSlot, this.onWritten);
    }
  }

  private written(error: Error | null): void {
    if (error !== null) {
      this.options.onFatal(error);
      return;
    }
    this.noteAppend(this.clock.monotonicMs() - this.appendedAtMs);
    const last = this.appending[this.appending.length - 1] as Entry;
    this.appending = [];
    this.options.decider.written(last.slot);
    this.step();
    // The next batch goes to the disk before this one is applied, so that both work at once.
    this.propose();
    if (!this.applying) this.applySlice();
  }

  private noteAppend(tookMs: number): void {
    this.stats.appendMs.record(tookMs);
    const { slowAppends } = this.options;
    if (slowAppends === undefined || tookMs <= slowAppends.thresholdMs) return;
    this.stats.slowAppends++;
    const bytes = this.appending.reduce((sum, entry) => sum + entry.body.length, 0);
    slowAppends.report(tookMs, bytes);
  }

  private applySlice(): void {
    this.appliedMs = this.clock.monotonicMs();
    const deadlineMs = this.appliedMs + APPLY_SLICE_MS;
    this.applying = true;
    while (this.decided.length > 0) {
      const entry = this.decided[0] as Entry;
      if (!this.applyEntry(entry, deadlineMs)) {
        this.clock.afterTurn(this.applyMore);
        return;
      }
      this.decided.shift();
      this.batches.release(this.proposed.shift() as Writer);
      this.state.applied(entry.slot);
      this.options.onApplied(entry);
    }
    this.applying = false;
    this.reportIdle();
  }

  /** False if time ran out before the entry's last command; call again to go on. */
  private applyEntry(entry: Entry, deadlineMs: number): boolean {
    const reader = this.reader;
    if (reader.bytes !== entry.body) {
      reader.reset(entry.body, viewOf(entry.body), 0, entry.body.length);
    }
    for (let count = 1; reader.remaining > 0; count++) {
      const length = reader.i32();
      const from = reader.at;
      reader.skip(length);
      this.command.reset(reader.bytes, reader.view, from, from + length);
      this.deliver(this.state.apply(this.command));
      if (count % CLOCK_EVERY_COMMANDS !== 0) continue;
      this.appliedMs = this.clock.monotonicMs();
      if (this.appliedMs > deadlineMs && reader.remaining > 0) return false;
    }
    return true;
  }

  /** Watch events first, then the reply: a client never reads a change before its event. */
  private deliver(outcome: Outcome): void {
    this.stats.commandsApplied++;
    this.digestPoints.note(outcome.zxid, this.state.tree);
    this.watches.match(outcome.changes, outcome.zxid);
    switch (outcome.kind) {
      case CommandKind.openSession:
      case CommandKind.attachSession:
        this.deliverAttachment(outcome);
        return;
      case CommandKind.write:
      case CommandKind.reject:
        this.deliverReply(outcome);
        return;
      case CommandKind.expireSession:
        if (!outcome.closedSession) return;
        this.stats.sessionsExpired++;
        this.dropSession(outcome)?.client.onDetached();
        return;
      default:
        return;
    }
  }

  private deliverAttachment(outcome: Outcome): void {
    // An opening that was applied before has been delivered before.
    if (outcome.verdict === Verdict.repeat) return;
    const opening = this.opening.get(outcome.sequence);
    this.opening.delete(outcome.sequence);
    const client = opening?.client;
    if (client !== undefined) client.opening = 0;
    if (opening !== undefined && outcome.error === Err.sessionMoved) {
      this.attachAgain(opening, outcome);
      return;
    }
    if (outcome.error !== 0) {
      client?.onAttached(null);
      return;
    }
    const { sessionHigh: high, sessionLow: low } = outcome;
    const lease = this.expiry.start(high, low, outcome.timeoutMs, this.clock.monotonicMs());
    const before = this.attachments.get(high, low);
    if (before !== undefined) {
      this.attachments.delete(high, low);
      before.client.onDetached();
    }
    if (client === undefined) return;
    const attachment = new Attachment(outcome, client, lease);
    this.attachments.set(high, low, attachment);
    client.onAttached(attachment);
  }

  /** Another connection attached the session since this one asked; the later one wins. */
  private attachAgain(opening: Opening, outcome: Outcome): void {
    const { client, timeoutMs, passwordHash } = opening;
    const { sessionHigh: high, sessionLow: low, generation } = outcome;
    const kind = CommandKind.attachSession;
    this.submitOpening(client, kind, high, low, timeoutMs, passwordHash, generation);
  }

  private deliverReply(outcome: Outcome): void {
    const attachment = outcome.closedSession
      ? this.dropSession(outcome)
      : this.attachments.get(outcome.sessionHigh, outcome.sessionLow);
    if (attachment === undefined || attachment.generation !== outcome.generation) return;
    assert(outcome.verdict === Verdict.applied, 'a write of the present attachment was skipped');
    attachment.client.onOutcome(outcome);
  }

  private dropSession(outcome: Outcome): Attachment | undefined {
    const { sessionHigh: high, sessionLow: low } = outcome;
    this.expiry.stop(high, low);
    const attachment = this.attachments.get(high, low);
    this.attachments.delete(high, low);
    return attachment;
  }

  private reportIdle(): void {
    if (this.onIdle === null || this.applying || this.appending.length > 0) return;
    if (this.decided.length > 0 || this.batches.pendingBytes > 0) return;
    const task = this.onIdle;
    this.onIdle = null;
    task();
  }
}
