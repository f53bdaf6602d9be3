import { describe, expect, it } from 'vitest';
import { Outcome } from '../state/outcome.ts';
import { Attachment } from './attachment.ts';
import { EXPIRY_SLACK, Freshness, isLateAttachment } from './freshness.ts';
import { TestClient } from './group.test-helper.ts';

const TIMEOUT_MS = 1_200;
/** A client gives up so long after it was last answered. */
const CLIENT_PATIENCE_MS = (TIMEOUT_MS * 2) / 3;

function attachmentOf(low: number, heardMs: number): { client: TestClient; one: Attachment } {
  const client = new TestClient();
  const outcome = new Outcome();
  outcome.sessionLow = low;
  outcome.timeoutMs = TIMEOUT_MS;
  const lease = { high: 0, low, timeoutMs: TIMEOUT_MS, heardMs, bucket: 0 };
  return { client, one: new Attachment(outcome, client, lease) };
}

function reported(freshness: Freshness, nowMs: number, ...attachments: Attachment[]): number[] {
  return freshness.report(attachments, nowMs).sessions.map(({ low }) => low);
}

describe('a session is answered', () => {
  it('only while a report that a leader confirmed is younger than a third of the time-out', () => {
    const freshness = new Freshness();
    const { one } = attachmentOf(1, 1_000);
    expect(freshness.mayAnswer(one, 1_000)).toBe(false);
    const { number } = freshness.report([one], 1_000);
    freshness.confirmed(number);
    for (const nowMs of [1_000, 1_399]) expect(freshness.mayAnswer(one, nowMs)).toBe(true);
    one.lease.heardMs = 1_399;
    expect(freshness.mayAnswer(one, 1_400)).toBe(false);
  });

  it('by the time at which the report left, not by that of its confirmation', () => {
    // The report left at 0, its confirmation was held up until 1,000. The leader expires the
    // session at 1,500, and were it answered until 1,400, its client would trust it until 2,200.
    const freshness = new Freshness();
    const { one } = attachmentOf(1, 0);
    const { number } = freshness.report([one], 0);
    one.lease.heardMs = 1_000;
    freshness.confirmed(number);
    expect(freshness.mayAnswer(one, 1_000)).toBe(false);
  });

  it('never so late that its client trusts it longer than the leader keeps it', () => {
    // Cut off at every possible time, with a client that speaks at every possible interval.
    for (const everyMs of [10, 90, 399]) {
      for (let cutMs = 600; cutMs < 1_100; cutMs += 13) {
        const freshness = new Freshness();
        const { one } = attachmentOf(1, 0);
        let leaderHeardMs = 0;
        let answeredMs = 0;
        for (let nowMs = 0; nowMs < 4_000; nowMs++) {
          if (nowMs % 100 === 0) {
            const { number, sessions } = freshness.report([one], nowMs);
            if (nowMs < cutMs) {
              if (sessions.length > 0) leaderHeardMs = nowMs;
              freshness.confirmed(number);
            }
          }
          if (nowMs % everyMs !== 0) continue;
          if (freshness.mayAnswer(one, nowMs)) answeredMs = nowMs;
          one.lease.heardMs = nowMs;
        }
        const trustedUntilMs = answeredMs + CLIENT_PATIENCE_MS;
        expect(trustedUntilMs).toBeLessThan(leaderHeardMs + TIMEOUT_MS * (1 + EXPIRY_SLACK));
      }
    }
  });

  it('only after a report of its own, if it had been silent for longer than reports vouch for', () => {
    // Silent since 0, it was in no report for long; those of others were confirmed all the time.
    // The leader is about to expire it, whatever was confirmed at 1,100.
    const freshness = new Freshness();
    const { client, one } = attachmentOf(1, 0);
    const { one: other } = attachmentOf(2, 1_100);
    const early = freshness.report([one, other], 1_100);
    expect(early.sessions).toEqual([other]);
    freshness.confirmed(early.number);
    expect(freshness.mayAnswer(one, 1_150)).toBe(false);
    expect(freshness.mayAnswer(other, 1_150)).toBe(true);
    const own = freshness.report([one], 1_200);
    expect(own.sessions).toEqual([one]);
    freshness.confirmed(own.number);
    expect([client.told, freshness.mayAnswer(one, 1_201)]).toEqual([['fresh'], true]);
  });

  it('always where nobody has to be asked, and no longer once there are others', () => {
    const freshness = new Freshness();
    const { one } = attachmentOf(1, 0);
    freshness.always();
    expect(freshness.mayAnswer(one, 1e9)).toBe(true);
    one.lease.heardMs = 1e9;
    freshness.notAlways(1e9);
    expect(freshness.mayAnswer(one, 1e9 + 399)).toBe(true);
    one.lease.heardMs = 1e9 + 399;
    expect(freshness.mayAnswer(one, 1e9 + 400)).toBe(false);
  });

  it('after its attachment at once, unless that took so long that the leader may be far ahead', () => {
    expect(isLateAttachment(140, TIMEOUT_MS)).toBe(false);
    expect(isLateAttachment(160, TIMEOUT_MS)).toBe(true);
  });
});

describe('reports to the leader', () => {
  it('name who has spoken lately, and each of them no more often than is needed', () => {
    const freshness = new Freshness();
    const { one } = attachmentOf(1, 1_000);
    const { one: silent } = attachmentOf(2, 500);
    expect(reported(freshness, 1_000, one, silent)).toEqual([1]);
    expect(reported(freshness, 1_100, one, silent)).toEqual([]);
    expect(reported(freshness, 1_150, one, silent)).toEqual([1]);
    expect(reported(freshness, 1_500, one, silent)).toEqual([]);
  });

  it('are told anew to another leader, and what the old one still confirms says nothing', () => {
    const freshness = new Freshness();
    const { one } = attachmentOf(1, 1_000);
    const { number } = freshness.report([one], 1_000);
    freshness.forget([one]);
    freshness.confirmed(number);
    expect(freshness.confirmedMs).toBe(Number.NEGATIVE_INFINITY);
    expect(reported(freshness, 1_010, one)).toEqual([1]);
  });

  it('never take back what was confirmed, in whatever order confirmations come', () => {
    const freshness = new Freshness();
    const [first, second] = [freshness.report([], 100), freshness.report([], 200)];
    freshness.confirmed(second.number);
    freshness.confirmed(first.number);
    freshness.confirmed(99);
    expect(freshness.confirmedMs).toBe(200);
  });

  it('let those go on who wait, once, and not before they may', () => {
    const freshness = new Freshness();
    const { client, one } = attachmentOf(1, 1_000);
    freshness.mayAnswer(one, 1_000);
    freshness.mayAnswer(one, 1_001);
    expect(client.told).toEqual([]);
    freshness.confirmed(freshness.report([one], 1_002).number);
    freshness.confirmed(freshness.report([one], 1_102).number);
    expect(client.told).toEqual(['fresh']);
  });
});
