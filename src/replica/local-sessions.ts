import { assert } from '../base/assert.ts';
import { PairMap } from '../base/pair-map.ts';
import type { Writer } from '../base/writer.ts';
import { Err } from '../protocol/constants.ts';
import { CommandKind } from '../state/command.ts';
import { type Outcome, Verdict } from '../state/outcome.ts';
import type { State } from '../state/state.ts';
import { Attachment, type Client } from './attachment.ts';
import type { Expiry, Lease } from './expiry.ts';
import { isLateAttachment } from './freshness.ts';
import type { SessionId, SessionIdSource } from './session-ids.ts';

/** What a connection asks for. */
export interface OpeningRequest {
  readonly timeoutMs: number;
  readonly passwordHash: Uint8Array;
  /** On the monotonic clock. */
  readonly askedMs: number;
}

/** Kept until its command has been applied. */
interface Opening extends OpeningRequest {
  readonly client: Client;
}

/** Where commands that open or attach a session go. */
export interface OpeningSink {
  begin(kind: number, high: number, low: number, generation: number, number: number): Writer;
  end(): void;
}

/** Sessions whose connection is here, and connections that are about to have one. */
export class LocalSessions {
  private readonly state: State;
  private readonly ids: SessionIdSource;
  private readonly sink: OpeningSink;
  private readonly attachments = new PairMap<Attachment>();
  /** By the number that their command carries. */
  private readonly openings = new Map<number, Opening>();
  private lastNumber: number;

  /** `firstNumber` has to differ between replicas, and between lives of one: see `Outbox`. */
  constructor(state: State, ids: SessionIdSource, sink: OpeningSink, firstNumber: number) {
    this.state = state;
    this.ids = ids;
    this.sink = sink;
    this.lastNumber = firstNumber;
  }

  get(high: number, low: number): Attachment | undefined {
    return this.attachments.get(high, low);
  }

  values(): IterableIterator<Attachment> {
    return this.attachments.values();
  }

  /** An id for a session that the log never hears of. */
  newLocalId(): SessionId {
    let id = this.ids.nextLocal();
    while (this.state.sessions.get(id.high, id.low) !== undefined) id = this.ids.nextLocal();
    return id;
  }

  /** An id that no session has; null if there is none to be had for now. */
  newId(): SessionId | null {
    let id = this.ids.next();
    while (id !== null && this.state.sessions.get(id.high, id.low) !== undefined) {
      id = this.ids.next();
    }
    return id;
  }

  /** Opens a new session for `client`, which hears of it by `onAttached`. */
  open(client: Client, request: OpeningRequest): void {
    const id = this.newId();
    if (id === null) client.onAttached(null);
    else this.submit({ client, ...request }, CommandKind.openSession, id.high, id.low, 0);
  }

  /** Attaches a known session to `client`; any older connection of it is closed at apply. */
  attach(client: Client, high: number, low: number, request: OpeningRequest): void {
    const known = this.state.sessions.get(high, low)?.generation ?? 0;
    this.submit({ client, ...request }, CommandKind.attachSession, high, low, known);
  }

  /** The connection has gone: its session lives on until it expires. */
  detach(client: Client, attachment: Attachment | null): void {
    if (client.opening > 0) this.openings.delete(client.opening);
    if (attachment === null) return;
    if (this.attachments.get(attachment.high, attachment.low) !== attachment) return;
    this.attachments.delete(attachment.high, attachment.low);
  }

  /** A session has been opened or attached, by whatever replica. */
  deliverAttachment(outcome: Outcome, lease: Lease | null): void {
    // An opening that was applied before has been delivered before.
    if (outcome.verdict === Verdict.repeat) return;
    const opening = this.openings.get(outcome.sequence);
    this.openings.delete(outcome.sequence);
    if (opening !== undefined) opening.client.opening = 0;
    if (opening !== undefined && outcome.error === Err.sessionMoved) {
      this.attachAgain(opening, outcome);
      return;
    }
    if (lease === null) {
      opening?.client.onAttached(null);
      return;
    }
    const { sessionHigh: high, sessionLow: low } = outcome;
    const before = this.attachments.get(high, low);
    if (before !== undefined) {
      this.attachments.delete(high, low);
      before.client.onDetached();
    }
    if (opening === undefined) return;
    const attachment = new Attachment(outcome, opening.client, lease);
    const tookMs = lease.heardMs - opening.askedMs;
    if (isLateAttachment(tookMs, attachment.timeoutMs)) attachment.heldSinceMs = lease.heardMs;
    this.attachments.set(high, low, attachment);
    opening.client.onAttached(attachment);
  }

  /** A leader keeps the clocks from now on; of sessions here it knows when they spoke. */
  follow(expiry: Expiry): void {
    for (const attachment of this.attachments.values()) {
      const { high, low, lease } = attachment;
      const fresh = expiry.get(high, low);
      if (fresh === undefined) continue;
      fresh.heardMs = Math.max(fresh.heardMs, lease.heardMs);
      attachment.lease = fresh;
    }
  }

  deliverReply(outcome: Outcome): void {
    const { sessionHigh: high, sessionLow: low } = outcome;
    const attachment = this.attachments.get(high, low);
    if (attachment === undefined || attachment.generation !== outcome.generation) return;
    // Sent again to a new leader after the old one had got it replicated: it was answered then.
    if (outcome.verdict === Verdict.repeat) return;
    assert(outcome.verdict === Verdict.applied, 'a write of the present attachment was skipped');
    if (outcome.closedSession) this.attachments.delete(high, low);
    attachment.client.onOutcome(outcome);
  }

  /** The session is gone, and nobody asked for it. */
  deliverExpiry(outcome: Outcome): void {
    const { sessionHigh: high, sessionLow: low } = outcome;
    const attachment = this.attachments.get(high, low);
    this.attachments.delete(high, low);
    attachment?.client.onDetached();
  }

  /** Another connection attached the session since this one asked; the later one wins. */
  private attachAgain(opening: Opening, outcome: Outcome): void {
    const { sessionHigh: high, sessionLow: low, generation } = outcome;
    this.submit(opening, CommandKind.attachSession, high, low, generation);
  }

  private submit(
    opening: Opening,
    kind: number,
    high: number,
    low: number,
    generation: number,
  ): void {
    const number = ++this.lastNumber;
    this.openings.set(number, opening);
    opening.client.opening = number;
    const writer = this.sink.begin(kind, high, low, generation, number);
    writer.i32(opening.timeoutMs);
    writer.buffer(opening.passwordHash);
    this.sink.end();
  }
}
