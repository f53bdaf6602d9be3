import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../../base/utf8.ts';
import { Err, Event, Op } from '../../protocol/constants.ts';
import { CommandKind } from '../../state/command.ts';
import { Verdict } from '../../state/outcome.ts';
import { Model } from '../../state/testing/model.ts';
import type { Fired } from '../history.ts';
import { checkAnswers } from './answers.ts';
import { checkEphemerals } from './ephemerals.ts';
import { callOf, commandOf, evidenceOf, STAT, watchOf } from './evidence.test-helper.ts';
import { checkExactlyOnce } from './exactly-once.ts';
import { checkExpiry } from './expiry.ts';
import { checkLocks } from './locks.ts';
import { checkGhosts, checkPings } from './pings.ts';
import { checkRealTime, checkSync } from './real-time.ts';
import { checkWriteReplies, ReadReplies } from './replies.ts';
import { checkSessionOrder, checkZxids } from './session-order.ts';
import { checkSilence } from './silence.ts';
import { checkWatches } from './watches.ts';

const CLOSED = { closedSession: true, zxid: 5 };

describe('replies to writes', () => {
  const call = callOf({ xid: 1, zxid: 7, err: Err.noNode });
  const told = { zxid: 7, error: Err.noNode };

  it('pass when they are what the log gives', () => {
    expect(checkWriteReplies(evidenceOf({ calls: [call] }, [commandOf({}, told)]))).toEqual([]);
  });

  it('fail when zxid, error or body differ', () => {
    for (const other of [
      { ...told, zxid: 8 },
      { ...told, error: 0 },
    ]) {
      const found = checkWriteReplies(evidenceOf({ calls: [call] }, [commandOf({}, other)]));
      expect(found).toHaveLength(1);
    }
    const right = callOf({ xid: 1, zxid: 7, reply: { stat: STAT } });
    const body = right.replyBytes.slice();
    const log = [commandOf({}, { zxid: 7, body })];
    expect(checkWriteReplies(evidenceOf({ calls: [right] }, log))).toEqual([]);
    body[9] = 1;
    expect(checkWriteReplies(evidenceOf({ calls: [right] }, log))).toHaveLength(1);
  });

  it('fail when an acknowledged write is not in the log, but for one refused without space', () => {
    expect(checkWriteReplies(evidenceOf({ calls: [call] }))).toHaveLength(1);
    const refused = callOf({ err: Err.systemError });
    expect(checkWriteReplies(evidenceOf({ calls: [refused] }))).toEqual([]);
    const unanswered = callOf({ outcome: 'unknown' });
    expect(checkWriteReplies(evidenceOf({ calls: [unanswered] }))).toEqual([]);
  });

  it('come from the one command that is applied, not from a repeat', () => {
    const repeat = commandOf({ slot: 2 }, { zxid: 9, verdict: Verdict.repeat });
    const log = [commandOf({}, told), repeat];
    expect(checkWriteReplies(evidenceOf({ calls: [call] }, log))).toEqual([]);
    expect(checkWriteReplies(evidenceOf({ calls: [call] }, [repeat]))).toHaveLength(1);
  });

  it('fail when the log holds what nobody sent', () => {
    expect(checkWriteReplies(evidenceOf({}, [commandOf({ cxid: 99 })]))).toHaveLength(1);
  });
});

describe('replies to reads', () => {
  const request = { path: '/zookeeper', watch: false };
  const stat = new Model().stat('/zookeeper');
  const verdict = (fields: Parameters<typeof callOf>[0]): number => {
    const history = evidenceOf({ calls: [callOf({ request, zxid: 0, ...fields })] }).history;
    const reads = new ReadReplies(history);
    reads.visit(new Model());
    return reads.finish().length;
  };

  it('pass when they show the state at their zxid', () => {
    expect(verdict({ opcode: Op.exists, reply: { stat } })).toBe(0);
    expect(verdict({ opcode: Op.getData, reply: { data: new Uint8Array(0), stat } })).toBe(0);
    const reply = { children: ['quota', 'config'], stat };
    expect(verdict({ opcode: Op.getChildren2, reply })).toBe(0);
    const missing = { path: '/no', watch: false };
    expect(verdict({ opcode: Op.exists, request: missing, err: Err.noNode })).toBe(0);
  });

  it('fail when anything in them is another, or the zxid never was', () => {
    const later = { ...stat, version: 1 };
    expect(verdict({ opcode: Op.exists, reply: { stat: later } })).toBe(1);
    expect(verdict({ opcode: Op.exists, err: Err.noNode })).toBe(1);
    expect(verdict({ opcode: Op.getData, reply: { data: utf8Encode('x'), stat } })).toBe(1);
    const children = ['quota', 'other'];
    expect(verdict({ opcode: Op.getChildren2, reply: { children, stat } })).toBe(1);
    expect(verdict({ opcode: Op.exists, reply: { stat }, zxid: 3 })).toBe(1);
  });
});

describe('real time', () => {
  const early = callOf({ invokedUs: 0, endedUs: 10, zxid: 1 });

  it('agrees with zxids of writes that overlap, in either order', () => {
    const overlapping = callOf({ invokedUs: 5, endedUs: 20, zxid: 2 });
    expect(checkRealTime(evidenceOf({ calls: [early, overlapping] }))).toEqual([]);
    const swapped = callOf({ invokedUs: 5, endedUs: 20, zxid: 0.5 });
    expect(checkRealTime(evidenceOf({ calls: [early, swapped] }))).toEqual([]);
  });

  it('says nothing of what was refused for want of space: that zxid is of another write', () => {
    const refused = callOf({ invokedUs: 20, endedUs: 30, zxid: 0.5, err: Err.systemError });
    expect(checkRealTime(evidenceOf({ calls: [early, refused] }))).toEqual([]);
  });

  it('fails when a write that ended before another began has the higher zxid', () => {
    const calls = [
      callOf({ invokedUs: 20, endedUs: 30, zxid: 5 }),
      callOf({ invokedUs: 0, endedUs: 90, zxid: 6 }),
      callOf({ invokedUs: 0, endedUs: 10, zxid: 7 }),
    ];
    expect(checkRealTime(evidenceOf({ calls }))).toHaveLength(1);
  });

  it('is what a sync must catch up with', () => {
    const write = callOf({ endedUs: 10, zxid: 8 });
    const sync = { opcode: Op.sync, request: { path: '/' } };
    const fresh = callOf({ ...sync, invokedUs: 11, endedUs: 12, zxid: 8 });
    const stale = callOf({ ...sync, invokedUs: 11, endedUs: 12, zxid: 7 });
    const during = callOf({ ...sync, invokedUs: 9, endedUs: 12, zxid: 7 });
    expect(checkSync(evidenceOf({ calls: [write, fresh, during] }))).toEqual([]);
    expect(checkSync(evidenceOf({ calls: [write, stale] }))).toHaveLength(1);
  });
});

describe('the order of a session', () => {
  it('is that of its calls, in the log and in the replies', () => {
    const log = [commandOf({ cxid: 1 }), commandOf({ cxid: 2, sequence: 2 })];
    expect(checkSessionOrder(evidenceOf({}, log))).toEqual([]);
    expect(checkSessionOrder(evidenceOf({}, log.toReversed()))).toHaveLength(1);
    const again = commandOf({ cxid: 1 }, { verdict: Verdict.repeat });
    expect(checkSessionOrder(evidenceOf({}, [...log, again]))).toEqual([]);
    const calls = [callOf({ zxid: 5 }), callOf({ zxid: 4 })];
    expect(checkSessionOrder(evidenceOf({ calls }))).toHaveLength(1);
    expect(checkSessionOrder(evidenceOf({ calls: calls.toReversed() }))).toEqual([]);
  });

  it('never goes back in what it is told', () => {
    const one = { client: 'c1', session: 1n, what: 'read' } as const;
    const other = { ...one, session: 2n };
    const good = [
      { ...one, zxid: 4 },
      { ...other, zxid: 1 },
      { ...one, zxid: 4 },
    ];
    expect(checkZxids(evidenceOf({ arrivals: good }))).toEqual([]);
    const late = { ...one, what: 'event', zxid: 3 } as const;
    expect(checkZxids(evidenceOf({ arrivals: [...good, late] }))).toHaveLength(1);
  });

  it('fail when an event comes behind a reply that showed its change, not when before it', () => {
    const reply = { client: 'c1', session: 1n, zxid: 4, what: 'read' } as const;
    const event = { ...reply, what: 'event' } as const;
    expect(checkZxids(evidenceOf({ arrivals: [event, event, reply] }))).toEqual([]);
    expect(checkZxids(evidenceOf({ arrivals: [reply, event] }))).toHaveLength(1);
  });
});

describe('exactly once', () => {
  it('fails when a request is applied twice, and not when a repeat is refused', () => {
    const twice = [commandOf({ slot: 1 }), commandOf({ slot: 2 })];
    expect(checkExactlyOnce(evidenceOf({}, twice))).toHaveLength(1);
    const repeat = [commandOf({ slot: 1 }), commandOf({ slot: 2 }, { verdict: Verdict.repeat })];
    expect(checkExactlyOnce(evidenceOf({}, repeat))).toEqual([]);
  });

  it('fails when a value is seen with two zxids', () => {
    const read = (mzxid: number): ReturnType<typeof callOf> =>
      callOf({
        opcode: Op.getData,
        request: { path: '/r/0', watch: false },
        reply: { data: utf8Encode('c1-1'), stat: { ...STAT, mzxid } },
      });
    expect(checkExactlyOnce(evidenceOf({ calls: [read(3), read(3)] }))).toEqual([]);
    expect(checkExactlyOnce(evidenceOf({ calls: [read(3), read(4)] }))).toHaveLength(1);
  });

  it('fails when a version is given to two writers', () => {
    const write = (version: number): ReturnType<typeof callOf> =>
      callOf({ reply: { stat: { ...STAT, version } } });
    expect(checkExactlyOnce(evidenceOf({ calls: [write(1), write(2)] }))).toEqual([]);
    expect(checkExactlyOnce(evidenceOf({ calls: [write(1), write(1)] }))).toHaveLength(1);
  });
});

describe('ephemerals', () => {
  const stat = { ...STAT, czxid: 2, ephemeralOwner: 1n };
  const created = callOf({ opcode: Op.create2, zxid: 2, reply: { path: '/e', stat } });
  const request = { path: '/e', watch: false };
  const seen = (zxid: number): ReturnType<typeof callOf> =>
    callOf({ opcode: Op.exists, request, zxid, reply: { stat } });
  const missed = (zxid: number): ReturnType<typeof callOf> =>
    callOf({ opcode: Op.exists, request, zxid, err: Err.noNode });
  const closing = commandOf({ kind: CommandKind.expireSession }, CLOSED);

  it('are there until their session is closed', () => {
    const calls = [created, seen(4), missed(5)];
    expect(checkEphemerals(evidenceOf({ calls }, [closing]))).toEqual([]);
  });

  it('fail when they outlive it', () => {
    expect(checkEphemerals(evidenceOf({ calls: [created, seen(5)] }, [closing]))).toHaveLength(1);
  });

  it('fail when they are gone before, unless somebody deleted them', () => {
    const calls = [created, missed(4)];
    expect(checkEphemerals(evidenceOf({ calls }, [closing]))).toHaveLength(1);
    const deleted = commandOf({ session: 2n }, { zxid: 3, changes: ['deleted /e'] });
    expect(checkEphemerals(evidenceOf({ calls }, [deleted, closing]))).toEqual([]);
  });
});

describe('pings', () => {
  const closing = commandOf({ decidedUs: 1_000 }, CLOSED);
  const ping = (sentUs: number): { session: bigint; sentUs: number; answeredUs: number } => ({
    session: 1n,
    sentUs,
    answeredUs: sentUs + 1,
  });

  it('may be answered until the session is closed and the bound is over, and not longer', () => {
    expect(checkPings(evidenceOf({ pings: [ping(1_500)] }, [closing]), 500)).toEqual([]);
    expect(checkPings(evidenceOf({ pings: [ping(1_501)] }, [closing]), 500)).toHaveLength(1);
    expect(checkPings(evidenceOf({ pings: [ping(9_999)] }), 500)).toEqual([]);
    const opening = commandOf({ opening: { timeoutMs: 3, hash: '' } });
    const found = (sentUs: number): number =>
      checkPings(evidenceOf({ pings: [ping(sentUs)] }, [opening, closing]), 500).length;
    expect([found(2_500), found(2_501)]).toEqual([0, 1]);
  });
});

describe('expiry', () => {
  const opening = { timeoutMs: 1_000, hash: '' };
  const log = (decidedUs: number): ReturnType<typeof commandOf>[] => [
    commandOf({ kind: CommandKind.openSession, opening }),
    commandOf({ kind: CommandKind.expireSession, decidedUs }, CLOSED),
  ];
  const pings = [{ session: 1n, sentUs: 500_000, answeredUs: 500_001 }];

  it('comes a time-out after the client was heard of, not earlier', () => {
    expect(checkExpiry(evidenceOf({ pings }, log(1_500_000)), true)).toEqual([]);
    expect(checkExpiry(evidenceOf({ pings }, log(1_300_000)), true)).toHaveLength(1);
    const calls = [callOf({ invokedUs: 800_000, endedUs: 800_001 })];
    expect(checkExpiry(evidenceOf({ calls }, log(1_500_000)), true)).toHaveLength(1);
  });

  it('may come earlier where the leader hears of clients from others, but not much', () => {
    expect(checkExpiry(evidenceOf({ pings }, log(1_220_000)), false)).toEqual([]);
    expect(checkExpiry(evidenceOf({ pings }, log(1_200_000)), false)).toHaveLength(1);
  });

  it('may be under way for long once it was right to propose it', () => {
    const late = [...pings, { session: 1n, sentUs: 1_490_000, answeredUs: 1_490_001 }];
    expect(checkExpiry(evidenceOf({ pings: late }, log(1_500_000)), true)).toEqual([]);
  });

  it('does not mind what is answered after it', () => {
    const late = [{ session: 1n, sentUs: 1_600_000, answeredUs: 1_600_001 }];
    expect(checkExpiry(evidenceOf({ pings: late }, log(1_500_000)), true)).toEqual([]);
  });
});

describe('a connection that its session has left', () => {
  const kind = CommandKind.attachSession;
  const log = [commandOf({ kind, slot: 7, decidedUs: 900 })];
  const verdict = (sentUs: number, appliedSlot: number): number => {
    const ghostPings = [{ session: 1n, movedUs: 1_000, sentUs, appliedSlot }];
    return checkGhosts(evidenceOf({ ghostPings }, log), 500).length;
  };

  it('may answer until the bound is over, and not longer', () => {
    expect([verdict(1_500, 7), verdict(1_501, 7)]).toEqual([0, 1]);
  });

  it('may answer while its server has not heard of the move', () => {
    expect([verdict(9_000, 6), verdict(9_000, 7)]).toEqual([0, 1]);
  });
});

describe('locks', () => {
  const hold = (client: string, atUs: number): { client: string; node: string; atUs: number } => ({
    client,
    node: `/locks/${client}`,
    atUs,
  });

  it('pass from one to the next', () => {
    const holds = [hold('a', 1), hold('a', 5), hold('b', 6), hold('b', 7)];
    expect(checkLocks(evidenceOf({ holds }))).toEqual([]);
  });

  it('fail when two hold one at a time', () => {
    const holds = [hold('a', 1), hold('b', 3), hold('a', 5), hold('b', 6)];
    expect(checkLocks(evidenceOf({ holds })).length).toBeGreaterThan(0);
  });
});

describe('watches', () => {
  const log = [
    commandOf({}, { zxid: 2, changes: ['changed /r'] }),
    commandOf({}, { zxid: 3, changes: ['created /r/x'] }),
    commandOf({}, { zxid: 4, changes: ['deleted /r/x'] }),
    commandOf({}, { zxid: 5, changes: ['deleted /r'] }),
  ];
  const event = (type: number, zxid: number, path = '/r'): Fired => ({ type, zxid, path });
  const changed = event(Event.nodeDataChanged, 2);
  const children = event(Event.nodeChildrenChanged, 3);
  const verdict = (fields: Parameters<typeof watchOf>[0]): number =>
    checkWatches(evidenceOf({ watches: [watchOf(fields)] }, log)).length;

  it('that fire once tell the first change behind their zxid', () => {
    expect(verdict({ fired: [changed] })).toBe(0);
    expect(verdict({ kind: 'child', fired: [children] })).toBe(0);
    expect(verdict({ setZxid: 2, fired: [event(Event.nodeDeleted, 5)] })).toBe(0);
    expect(verdict({ fired: [] })).toBe(1);
    expect(verdict({ fired: [event(Event.nodeDeleted, 5)] })).toBe(1);
    expect(verdict({ kind: 'child', fired: [changed] })).toBe(1);
    expect(verdict({ path: '/other', fired: [event(Event.nodeCreated, 3, '/other')] })).toBe(1);
  });

  it('owe nothing beyond what their client has seen', () => {
    expect(verdict({ fired: [], seenZxid: 1 })).toBe(0);
  });

  it('that were set again are told about the state that is found', () => {
    expect(verdict({ fired: [event(Event.nodeDeleted, -1)] })).toBe(0);
  });

  it('that last tell everything, in order', () => {
    const all = [
      changed,
      children,
      event(Event.nodeChildrenChanged, 4),
      event(Event.nodeDeleted, 5),
    ];
    expect(verdict({ kind: 'persistent', fired: all })).toBe(0);
    expect(verdict({ kind: 'persistent', fired: all.slice(1) })).toBe(1);
    expect(verdict({ kind: 'persistent', fired: all.slice(0, 3) })).toBe(1);
    expect(verdict({ kind: 'persistent', fired: [...all, changed] })).toBe(1);
    const below = [
      changed,
      event(Event.nodeCreated, 3, '/r/x'),
      event(Event.nodeDeleted, 4, '/r/x'),
      event(Event.nodeDeleted, 5),
    ];
    expect(verdict({ kind: 'recursive', fired: below })).toBe(0);
    expect(verdict({ kind: 'recursive', fired: below.toReversed() })).toBe(1);
  });
});

describe('answers', () => {
  const call = callOf({ outcome: 'pending', invokedUs: 1_000_000 });

  it('fail when a call waits for long in good conditions', () => {
    const { history } = evidenceOf({ calls: [call] });
    expect(checkAnswers(history, 9_000_000, 5_000_000)).toHaveLength(1);
    expect(checkAnswers(history, 4_000_000, 5_000_000)).toEqual([]);
    expect(checkAnswers(history, 9_000_000, 0)).toEqual([]);
  });

  it('pass for a client that takes long to notice that its connection is broken', () => {
    const { history } = evidenceOf({ calls: [call], careless: new Set(['c1']) });
    expect(checkAnswers(history, 9_000_000, 5_000_000)).toEqual([]);
  });
});

describe('silence', () => {
  const opening = { timeoutMs: 1_000, hash: '' };
  const opened = commandOf({ kind: CommandKind.openSession, opening });
  const abandoned = new Map([[1n, 1_000_000]]);
  const aged = (age: number, decidedUs: number) =>
    commandOf({ kind: CommandKind.sessionAges, decidedUs, ages: [{ session: 1n, age }] });

  it('fails when a session whose client is gone is never expired', () => {
    const closed = commandOf({ kind: CommandKind.expireSession }, CLOSED);
    const open = evidenceOf({ abandoned }, [opened]);
    expect(checkSilence(open, 20_000_000, 5_000_000)).toHaveLength(1);
    expect(checkSilence(open, 3_000_000, 5_000_000)).toEqual([]);
    expect(checkSilence(open, 20_000_000, 0)).toEqual([]);
    expect(
      checkSilence(evidenceOf({ abandoned }, [opened, closed]), 20_000_000, 5_000_000),
    ).toEqual([]);
  });

  it('fails when a leader takes it for one that has spoken again', () => {
    const revived = evidenceOf({ abandoned }, [opened, aged(3, 8_000_000), aged(0, 9_000_000)]);
    expect(checkSilence(revived, 10_000_000, 0)).toHaveLength(1);
    const older = evidenceOf({ abandoned }, [opened, aged(2, 8_000_000), aged(3, 9_000_000)]);
    expect(checkSilence(older, 10_000_000, 0)).toEqual([]);
    // What it had sent may have been under way.
    const early = evidenceOf({ abandoned }, [opened, aged(3, 2_000_000), aged(0, 3_000_000)]);
    expect(checkSilence(early, 10_000_000, 0)).toEqual([]);
  });
});
