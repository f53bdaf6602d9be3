import type { Attachment, Client } from './attachment.ts';

/** A report to the leader: which sessions were heard of here. */
export interface TouchReport {
  readonly number: number;
  readonly sessions: readonly Attachment[];
}

/** A session that spoke within this part of its time-out counts as alive when a report leaves. */
const ALIVE_SHARE = 1 / 3;
/** A session is reported again after this part of its time-out. */
const REPORT_SHARE = 1 / 8;
/**
 * So much longer than its time-out a session lives where replicas report for each other: the part
 * between two reports, and some for the way.
 */
export const EXPIRY_SLACK: number = 1 / 4;

/**
 * Whether a session was attached so long after it was asked for that it has to be reported before
 * its client hears of it. The leader's clock began when the leader applied the attachment, here it
 * is applied perhaps much later: a replica whose disk hung for the time-out would tell its client
 * of a session that is about to expire. No clock began before somebody asked.
 */
export function isLateAttachment(tookMs: number, timeoutMs: number): boolean {
  return tookMs > timeoutMs * REPORT_SHARE;
}

/**
 * No zombie sessions. A client gives up two thirds of its time-out after it was last answered, and
 * the leader expires a session that it has not heard of. Were a replica to answer pings while the
 * leader hears nothing from it, the client would go on believing in a session that is gone.
 *
 * So a session is answered only while the last report that a leader with a quorum has confirmed is
 * younger than a third of the time-out. What leaves here by then is old by the client's own clock
 * before the leader's has run out: (answered < report + T/3) + 2T/3 = report + T, and the report
 * that counts for the leader is at most T/8 older, for which it allows T/4 (`EXPIRY_SLACK`).
 * A session that had been silent for longer than reports vouch for waits for one of its own.
 */
export class Freshness {
  /** When the newest confirmed report left; Infinity where nobody has to be asked. */
  confirmedMs: number = Number.NEGATIVE_INFINITY;
  private lastNumber = 0;
  /** Reports on their way: when each left. */
  private readonly sentMs = new Map<number, number>();
  private waiting = new Set<Client>();

  /** False: the request has to wait; `client` hears by `onFresh` when to look again. */
  mayAnswer(attachment: Attachment, nowMs: number): boolean {
    const { confirmedMs } = this;
    if (confirmedMs === Number.POSITIVE_INFINITY) return true;
    const windowMs = attachment.timeoutMs * ALIVE_SHARE;
    if (nowMs - attachment.lease.heardMs >= windowMs) attachment.heldSinceMs = nowMs;
    if (nowMs - confirmedMs < windowMs && confirmedMs >= attachment.heldSinceMs) return true;
    attachment.lease.heardMs = Math.max(attachment.lease.heardMs, nowMs);
    this.waiting.add(attachment.client);
    return false;
  }

  /** What to tell the leader now. */
  report(attachments: Iterable<Attachment>, nowMs: number): TouchReport {
    const sessions: Attachment[] = [];
    for (const attachment of attachments) {
      const { timeoutMs, lease, reportedMs } = attachment;
      if (nowMs - lease.heardMs > timeoutMs * ALIVE_SHARE) continue;
      if (nowMs - reportedMs < timeoutMs * REPORT_SHARE) continue;
      attachment.reportedMs = nowMs;
      sessions.push(attachment);
    }
    const number = this.nextNumber();
    this.sentMs.set(number, nowMs);
    return { number, sessions };
  }

  /** Of a report that says nothing of the sessions here: its confirmation is no word on them. */
  nextNumber(): number {
    return ++this.lastNumber;
  }

  confirmed(number: number): void {
    const sentMs = this.sentMs.get(number);
    if (sentMs === undefined) return;
    for (const older of this.sentMs.keys()) if (older <= number) this.sentMs.delete(older);
    this.raise(sentMs);
  }

  /** What was told to another leader, or on another way to it, has to be told again. */
  forget(attachments: Iterable<Attachment>): void {
    this.sentMs.clear();
    for (const attachment of attachments) attachment.reportedMs = Number.NEGATIVE_INFINITY;
  }

  /** This replica decides alone: its own word is the leader's. */
  always(): void {
    this.raise(Number.POSITIVE_INFINITY);
  }

  /** Others have to be asked from now on. */
  notAlways(nowMs: number): void {
    if (this.confirmedMs === Number.POSITIVE_INFINITY) this.confirmedMs = nowMs;
  }

  private raise(confirmedMs: number): void {
    if (confirmedMs <= this.confirmedMs) return;
    this.confirmedMs = confirmedMs;
    if (this.waiting.size === 0) return;
    const waiting = this.waiting;
    this.waiting = new Set();
    for (const client of waiting) client.onFresh();
  }
}
