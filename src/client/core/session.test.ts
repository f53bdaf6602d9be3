import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../base/reader.ts';
import { utf8Encode } from '../../base/utf8.ts';
import { AddWatchMode, Op, Xid } from '../../protocol/constants.ts';
import type { RecordOf } from '../../protocol/records.ts';
import { Call } from './call.ts';
import { Rig, TIMEOUT_MS } from './session.test-helper.ts';

const THIRD_MS = TIMEOUT_MS / 3;

describe('a session', () => {
  it('begins with the whole list, and asks for a new session', () => {
    const rig = new Rig();
    expect(rig.session.state).toBe('connecting');
    const request = rig.open();
    expect(request).toMatchObject({ timeOut: TIMEOUT_MS, sessionId: 0n, lastZxidSeen: 0 });
    rig.welcome();
    expect(rig.told).toEqual(['connected']);
    expect(rig.session.sessionId).toBe(0x1234n);
  });

  it('tries every host before any host again, each time after a wait that may be longer', () => {
    const rig = new Rig();
    const waitsMs: number[] = [];
    for (let attempt = 0; attempt < 30; attempt++) {
      rig.cut();
      waitsMs.push(rig.session.wakeAtMs - rig.nowMs);
      rig.wake();
    }
    for (let from = 0; from + 3 <= rig.dialled.length; from += 3) {
      expect(rig.dialled.slice(from, from + 3).sort()).toEqual(['a', 'b', 'c']);
    }
    expect(Math.max(...waitsMs.slice(0, 3))).toBeLessThan(20);
    expect(Math.max(...waitsMs)).toBeLessThan(1_000);
    expect(Math.max(...waitsMs.slice(20))).toBeGreaterThan(200);
  });

  it('gives a dial and a greeting their share of the time-out, and no more', () => {
    const rig = new Rig();
    rig.pass(THIRD_MS);
    expect([rig.session.state, rig.isConnected]).toEqual(['connecting', false]);
    rig.wake();
    expect(rig.dialled).toHaveLength(2);
    rig.open();
    rig.pass(THIRD_MS);
    expect(rig.isConnected).toBe(false);
  });

  it('comes back to its session on another server, with the last zxid that a reply has shown', () => {
    const rig = Rig.attached();
    rig.reply(rig.submit(Op.exists, '/a'));
    rig.notify('nodeCreated', '/unknown');
    rig.cut();
    const request = rig.reconnect();
    expect(request.sessionId).toBe(0x1234n);
    expect(request.passwd).toEqual(new Uint8Array(16).fill(5));
    expect(request.lastZxidSeen).toBe(11);
    expect(rig.told).toEqual(['connected', '/a: 0', 'suspended', 'connected']);
    expect(rig.dialled[0]).not.toBe(rig.dialled[1]);
  });

  it('that the server has closed is lost, and another begins', () => {
    const rig = Rig.attached();
    rig.cut();
    rig.submit(Op.exists, '/waits');
    rig.wake();
    rig.open();
    rig.welcome(0);
    expect(rig.told).toEqual(['connected', 'suspended', 'lost', '/waits: -112 notSent']);
    rig.sessionId = 0x99n;
    const request = rig.reconnect();
    expect(request).toMatchObject({ sessionId: 0n, lastZxidSeen: 0 });
    expect(rig.session.sessionId).toBe(0x99n);
    expect(rig.told.at(-1)).toBe('connected');
  });

  it('that no server has heard of for 4/3 of its time-out is lost by the clock alone', () => {
    const rig = Rig.attached();
    rig.cut();
    const since = rig.nowMs;
    while (rig.session.state !== 'lost') {
      rig.wake();
      if (rig.session.wakeAtMs > rig.nowMs) rig.cut();
    }
    expect(rig.nowMs - since).toBe(4 * THIRD_MS);
    expect(rig.reconnect().sessionId).toBe(0n);
  });

  it('that was given up is not taken by a greeting that was under way', () => {
    const rig = Rig.attached();
    rig.cut();
    rig.pass(4 * THIRD_MS - 100);
    rig.open();
    rig.pass(100);
    expect([rig.session.state, rig.isConnected]).toEqual(['lost', false]);
    rig.sessionId = 0x99n;
    expect(rig.reconnect().sessionId).toBe(0n);
    expect(rig.session.state).toBe('connected');
  });

  it('that has expired by the word of a reply is lost', () => {
    const rig = Rig.attached();
    rig.reply(rig.submit(Op.setData, '/a', { data: '' }), -112);
    expect(rig.told).toEqual(['connected', '/a: -112', 'suspended', 'lost']);
    expect(rig.reconnect().sessionId).toBe(0n);
  });

  it('of a read-only server is no other server’s', () => {
    const rig = new Rig({ canBeReadOnly: true });
    expect(rig.open().readOnly).toBe(true);
    rig.welcome(TIMEOUT_MS, true);
    expect(rig.session.isReadOnly).toBe(true);
    rig.cut();
    expect(rig.reconnect().sessionId).toBe(0n);
    expect(rig.session.isReadOnly).toBe(false);
    expect(rig.told).toEqual(['connected', 'suspended', 'connected']);
  });

  it('of a server with a high number comes back as well', () => {
    const rig = new Rig();
    rig.sessionId = 0xfe00_0000_0000_0001n;
    rig.open();
    rig.welcome();
    expect(rig.session.sessionId).toBe(0xfe00_0000_0000_0001n);
    rig.cut();
    expect(BigInt.asUintN(64, rig.reconnect().sessionId)).toBe(0xfe00_0000_0000_0001n);
    expect(rig.session.state).toBe('connected');
  });

  it('takes no session but its own', () => {
    const rig = Rig.attached();
    rig.cut();
    rig.wake();
    rig.open();
    rig.sessionId = 0x66n;
    expect(() => rig.welcome()).toThrow(DecodeError);
  });

  it('leaves a server that answers a greeting with a bare header', () => {
    const rig = new Rig({ canBeReadOnly: true });
    rig.open();
    rig.header(0, 5, -119);
    expect([rig.isConnected, rig.session.state]).toEqual([false, 'connecting']);
    rig.reconnect();
    expect(rig.session.state).toBe('connected');
  });
});

describe('liveness', () => {
  it('pings when nothing has been sent for a third of the time-out', () => {
    const rig = Rig.attached();
    rig.wake();
    expect(rig.nowMs).toBe(1_000 + THIRD_MS);
    expect(rig.requests()).toMatchObject([{ xid: Xid.ping, type: Op.ping }]);
    rig.header(Xid.ping, 500);
    rig.reply(rig.submit(Op.exists, '/a'));
    rig.sent();
    rig.pass(THIRD_MS - 1);
    expect(rig.sent()).toEqual([]);
    rig.pass(1);
    expect(rig.sent()).toEqual(['ping']);
    expect(rig.session.lastZxid).toBe(11);
  });

  it('gives a connection up that has been silent for two thirds, after one more look', () => {
    const rig = Rig.attached();
    rig.wake();
    rig.pass(THIRD_MS);
    expect(rig.isConnected).toBe(true);
    rig.wake();
    expect([rig.isConnected, rig.session.state]).toEqual([false, 'suspended']);
  });

  it('does not, if the process was stopped and the answer waits in its socket', () => {
    const rig = Rig.attached();
    rig.wake();
    rig.pass(60_000);
    rig.header(Xid.ping, 500);
    rig.wake();
    rig.header(Xid.ping, 500);
    expect([rig.isConnected, rig.session.state]).toEqual([true, 'connected']);
  });

  it('counts from when the newest answered request was sent', () => {
    const rig = new Rig();
    rig.open();
    rig.pass(300);
    expect(rig.session.liveness.provenMs).toBe(Number.NEGATIVE_INFINITY);
    rig.welcome();
    expect(rig.session.liveness.provenMs).toBe(1_000);
    rig.pass(200);
    const call = rig.submit(Op.exists, '/a');
    rig.pass(500);
    rig.reply(call);
    expect(rig.session.liveness.provenMs).toBe(1_500);
    rig.wake();
    const pingedMs = rig.nowMs;
    rig.pass(100);
    rig.header(Xid.ping, 500);
    expect(rig.session.liveness.provenMs).toBe(pingedMs);
  });
});

describe('calls when the connection breaks', () => {
  it('that only read are sent again, in their order', () => {
    const rig = Rig.attached();
    rig.submit(Op.getData, '/a');
    rig.submit(Op.getChildren, '/b');
    rig.sent();
    rig.submit(Op.sync, '/c');
    rig.cut();
    rig.submit(Op.exists, '/d');
    rig.reconnect();
    expect(rig.sent()).toEqual(['getData /a', 'getChildren /b', 'sync /c', 'exists /d']);
    expect(rig.told).toEqual(['connected', 'suspended', 'connected']);
  });

  it('that write and have left are in doubt, and say so', () => {
    const rig = Rig.attached();
    rig.submit(Op.setData, '/a', { data: '1' });
    rig.sent();
    rig.cut();
    expect(rig.told).toEqual(['connected', 'suspended', '/a: -4 unknown']);
    rig.reconnect();
    expect(rig.sent()).toEqual([]);
  });

  it('that write and have not left wait, as they are', () => {
    const rig = Rig.attached();
    rig.submit(Op.exists, '/r');
    rig.submit(Op.create, '/a', { data: 'one', acl: [] });
    rig.submit(Op.setData, '/b', { data: 'two', argument: 3 });
    rig.cut();
    const late = rig.submit(Op.setData, '/c', { data: 'three', argument: 4 });
    rig.reconnect();
    const requests = rig.requests();
    expect(requests.map(({ body }) => (body as RecordOf<'SetDataRequest'>).path)).toEqual([
      '/r',
      '/a',
      '/b',
      '/c',
    ]);
    expect(requests[1]?.body).toMatchObject({ data: utf8Encode('one') });
    expect(requests[2]?.body).toMatchObject({ data: utf8Encode('two'), version: 3 });
    expect(requests[3]?.body).toMatchObject({ data: utf8Encode('three'), version: 4 });
    const xids = requests.map(({ xid }) => xid);
    expect(xids).toEqual([...xids].sort((a, b) => a - b));
    expect(late.xid).toBe(xids.at(-1));
    expect(rig.told).toEqual(['connected', 'suspended', 'connected']);
  });

  it('that were pipelined behind a write in doubt are not sent: they may rely on it', () => {
    const rig = Rig.attached();
    rig.submit(Op.setData, '/a', { data: '1' });
    rig.sent();
    rig.submit(Op.setData, '/b', { data: '2' });
    rig.submit(Op.getData, '/c');
    rig.cut();
    expect(rig.told.slice(2)).toEqual(['/a: -4 unknown', '/b: -4 notSent']);
    rig.reconnect();
    expect(rig.sent()).toEqual(['getData /c']);
  });

  it('are not sent behind a write either that its caller has given up', () => {
    const rig = Rig.attached();
    const given = rig.submit(Op.setData, '/a', { data: '1' });
    rig.sent();
    rig.session.abandon(given, -7);
    rig.submit(Op.setData, '/b', { data: '2' });
    rig.cut();
    expect(rig.told.filter((line) => line.startsWith('/b'))).toEqual(['/b: -4 notSent']);
  });

  it('that remove a watch have done so: the server forgets them with the connection', () => {
    const rig = Rig.attached();
    rig.submit(Op.removeWatches, '/a', { argument: 3 });
    rig.sent();
    rig.cut();
    expect(rig.told.slice(2)).toEqual(['/a: 0']);
  });

  it('are not answered twice, and none is forgotten, when it breaks again and again', () => {
    const rig = Rig.attached();
    const read = rig.submit(Op.getData, '/a');
    for (let i = 0; i < 4; i++) {
      rig.sent();
      rig.cut();
      rig.reconnect();
    }
    rig.reply(read);
    expect(rig.told.filter((line) => line.startsWith('/a'))).toEqual(['/a: 0']);
    expect(rig.session.pendingCalls).toBe(0);
  });

  it('that take every connection down with them are given up', () => {
    const rig = Rig.attached();
    rig.submit(Op.getData, '/poison');
    for (let i = 0; i < 5; i++) {
      expect(rig.sent().filter((line) => line.startsWith('getData'))).toHaveLength(1);
      rig.cut();
      rig.reconnect();
    }
    expect(rig.sent()).toEqual([]);
    expect(rig.told.filter((line) => line.startsWith('/'))).toEqual(['/poison: -4 unknown']);
  });

  it('that set a lasting watch and are given up leave none behind', () => {
    const rig = Rig.attached();
    rig.submit(Op.addWatch, '/poison', { watcher: rig.target('w') });
    for (let i = 0; i < 5; i++) {
      rig.sent();
      rig.cut();
      rig.reconnect();
    }
    expect(rig.session.watching.table.isEmpty).toBe(true);
  });

  it('that were refused because the session has moved were not carried out', () => {
    const rig = Rig.attached();
    const write = rig.submit(Op.setData, '/a', { data: '1' });
    const read = rig.submit(Op.sync, '/b');
    rig.sent();
    rig.reply(write, -118);
    expect(rig.isConnected).toBe(false);
    expect(rig.told.slice(1)).toEqual(['/a: -118 notSent', 'suspended']);
    rig.reconnect();
    expect(rig.sent()).toEqual(['sync /b']);
    expect(read.isSettled).toBe(false);
  });
});

describe('deadlines', () => {
  it('end a call that was sent, and its answer is nobody’s', () => {
    const rig = Rig.attached();
    const call = rig.submit(Op.setData, '/a', { data: '', deadlineMs: 1_050 });
    rig.submit(Op.exists, '/b');
    expect(rig.session.wakeAtMs).toBe(1_050);
    rig.wake();
    expect(rig.told.slice(1)).toEqual(['/a: -7 unknown']);
    rig.reply(call);
    expect(rig.told.slice(1)).toEqual(['/a: -7 unknown']);
    expect(rig.session.pendingCalls).toBe(1);
  });

  it('end a call that waits, which then is not sent', () => {
    const rig = new Rig();
    rig.submit(Op.setData, '/a', { data: '', deadlineMs: 1_050 });
    rig.submit(Op.setData, '/b', { data: '', deadlineMs: 2_000 });
    rig.wake();
    expect(rig.told).toEqual(['/a: -7 notSent']);
    expect(rig.session.wakeAtMs).toBe(2_000);
    rig.open();
    rig.welcome();
    expect(rig.sent()).toEqual(['setData /b']);
  });
});

describe('watches', () => {
  it('are set where the answer says that there is something to watch', () => {
    const rig = Rig.attached();
    const read = (op: number, path: string, err: number): void => {
      rig.reply(rig.submit(op, path, { argument: 1, watcher: rig.target(`${op}`) }), err);
    };
    read(Op.getData, '/none', -101);
    read(Op.exists, '/none', -101);
    read(Op.getChildren2, '/a', 0);
    read(Op.exists, '/a', 0);
    rig.told.length = 0;
    rig.notify('nodeCreated', '/none');
    rig.notify('nodeChildrenChanged', '/a');
    rig.notify('nodeDataChanged', '/a');
    rig.notify('nodeDeleted', '/a');
    expect(rig.told).toEqual(['3: created /none', '12: childrenChanged /a', '3: dataChanged /a']);
  });

  it('are set again on a new connection, in front of everything else', () => {
    const rig = Rig.attached();
    const watch = (op: number, path: string, err = 0): void => {
      rig.reply(rig.submit(op, path, { argument: 1, watcher: rig.target('w') }), err);
    };
    watch(Op.getData, '/data');
    watch(Op.exists, '/exist', -101);
    watch(Op.getChildren, '/child');
    const { zxid } = rig;
    rig.cut();
    rig.submit(Op.sync, '/');
    rig.sent();
    rig.reconnect();
    const [reset, next] = rig.requests();
    expect(reset).toMatchObject({ xid: Xid.setWatches, type: Op.setWatches });
    expect(reset?.body).toEqual({
      relativeZxid: zxid,
      dataWatches: ['/data'],
      existWatches: ['/exist'],
      childWatches: ['/child'],
    });
    expect(next?.type).toBe(Op.sync);
  });

  it('that last are told to look again, once the server has set them', () => {
    const rig = Rig.attached({ chroot: '/root' });
    const add = (path: string, argument: number, name: string): void => {
      rig.reply(rig.submit(Op.addWatch, path, { argument, watcher: rig.target(name) }));
    };
    add('/a', AddWatchMode.persistent, 'p');
    add('/', AddWatchMode.persistentRecursive, 'r');
    rig.cut();
    rig.sent();
    rig.reconnect();
    const [reset] = rig.requests();
    expect(reset?.type).toBe(Op.setWatches2);
    expect(reset?.body).toMatchObject({
      persistentWatches: ['/root/a'],
      persistentRecursiveWatches: ['/root'],
    });
    rig.told.length = 0;
    rig.header(Xid.setWatches, 12);
    expect(rig.told).toEqual(['p: resync /a', 'r: resync /']);
    rig.notify('nodeDataChanged', '/root/a');
    expect(rig.told.slice(2)).toEqual(['r: dataChanged /a', 'p: dataChanged /a']);
  });

  it('by the thousand are set again in frames that every server takes', () => {
    const rig = Rig.attached({ frameBytesMax: 1_000_000 });
    const path = (i: number): string => `/${'long-'.repeat(40)}${i}`;
    for (let i = 0; i < 2_000; i++) {
      const watcher = rig.target(`${i}`);
      rig.reply(rig.submit(Op.getData, path(i), { argument: 1, watcher }));
    }
    rig.sent();
    rig.cut();
    rig.reconnect();
    const requests = rig.requests();
    const paths = requests.flatMap(({ body }) => (body as RecordOf<'SetWatches'>).dataWatches);
    expect(new Set(paths).size).toBe(2_000);
    expect(requests.length).toBeGreaterThan(3);
    const zxids = requests.map(({ body }) => (body as RecordOf<'SetWatches'>).relativeZxid);
    expect(new Set(zxids).size).toBe(1);
    for (const { body } of requests) {
      const { dataWatches } = body as RecordOf<'SetWatches'>;
      expect((dataWatches ?? []).join().length).toBeLessThan(131_072);
    }
  });

  it('survive their session: in the next one, whatever there is to tell is told', () => {
    const rig = Rig.attached();
    const watcher = rig.target('w');
    rig.reply(rig.submit(Op.getData, '/a', { argument: 1, watcher }));
    rig.cut();
    rig.wake();
    rig.open();
    rig.welcome(0);
    rig.sessionId = 0x99n;
    rig.sent();
    rig.reconnect();
    expect(rig.requests()[0]?.body).toMatchObject({ relativeZxid: 0, dataWatches: ['/a'] });
  });

  it('whose request fails are not set', () => {
    const rig = Rig.attached();
    const watcher = rig.target('w');
    rig.reply(rig.submit(Op.addWatch, '/a', { watcher }), -5);
    rig.reply(rig.submit(Op.getData, '/a', { argument: 1, watcher }), -102);
    rig.notify('nodeDataChanged', '/a');
    expect(rig.told).toEqual(['connected', '/a: -5', '/a: -102']);
    expect(rig.session.watching.table.isEmpty).toBe(true);
  });
});

describe('signing in', () => {
  const credential = (name: string): Call => {
    const call = new Call(Op.auth, name, () => null);
    call.body = utf8Encode(`\0\0\0\0\0\0\0\x06digest\0\0\0\x01${name}`);
    call.xid = Xid.auth;
    return call;
  };

  it('happens on each connection, before anything else', () => {
    const rig = new Rig();
    rig.session.credentials.preset(credential('p'));
    rig.submit(Op.exists, '/a');
    rig.open();
    rig.welcome();
    expect(rig.sent()).toEqual(['auth', 'exists /a']);
    rig.session.submitCredential(credential('q'), rig.nowMs);
    rig.header(Xid.auth, 0);
    rig.header(Xid.auth, 0);
    rig.cut();
    rig.sent();
    rig.reconnect();
    expect(rig.sent()).toEqual(['auth', 'auth', 'exists /a']);
  });

  it('that is refused at once concerns its caller alone', () => {
    const rig = Rig.attached();
    rig.session.submitCredential(credential('q'), rig.nowMs);
    rig.header(Xid.auth, 0, -115);
    expect(rig.told).toEqual(['connected', 'q: -115']);
    rig.cut();
    rig.sent();
    rig.reconnect();
    expect(rig.sent()).toEqual([]);
  });

  it('that was good and is refused later ends the client', () => {
    const rig = Rig.attached();
    rig.session.submitCredential(credential('q'), rig.nowMs);
    rig.header(Xid.auth, 0);
    rig.cut();
    rig.submit(Op.exists, '/a');
    rig.reconnect();
    rig.header(Xid.auth, 0, -115);
    expect(rig.session.state).toBe('closed');
    expect(rig.told.slice(-2)).toEqual(['/a: -115 unknown', 'closed']);
  });
});

describe('SASL', () => {
  const sasl = (...answers: readonly (Uint8Array | 'proved' | 'refused')[]): Rig => {
    let steps = 0;
    const step = (): Uint8Array | 'proved' | 'refused' => answers[steps++] ?? 'refused';
    const rig = new Rig({ sasl: () => ({ start: () => Uint8Array.of(1), step }) });
    rig.submit(Op.exists, '/a');
    rig.open();
    rig.welcome();
    return rig;
  };
  const token = (rig: Rig): Uint8Array | null => {
    const [request] = rig.requests();
    if (request?.type !== Op.sasl) throw new Error(`operation ${request?.type}`);
    return (request.body as RecordOf<'GetSASLRequest'>).token;
  };

  it('comes before everything else, as many steps as it takes', () => {
    const rig = sasl(Uint8Array.of(2), 'proved');
    expect(token(rig)).toEqual(Uint8Array.of(1));
    rig.header(1, 0, 0, Uint8Array.of(0, 0, 0, 1, 9));
    expect(token(rig)).toEqual(Uint8Array.of(2));
    expect(rig.told).toEqual([]);
    rig.header(2, 0, 0, Uint8Array.of(0, 0, 0, 1, 9));
    expect(rig.sent()).toEqual(['exists /a']);
    expect(rig.told).toEqual(['connected']);
  });

  it.each([
    ['the server refuses', [], -115, []],
    ['the server does not know SASL', [], 0, [255, 255, 255, 255]],
    ['the server can not prove itself', ['refused'], 0, [0, 0, 0, 0]],
  ] as const)('ends the client where %s', (_, answers, err, body) => {
    const rig = sasl(...answers);
    rig.header(1, 0, err, Uint8Array.from(body));
    expect(rig.told).toEqual(['/a: -115 notSent', 'closed']);
  });
});

describe('closing', () => {
  const close = (rig: Rig): Call => {
    const call = new Call(Op.closeSession, 'close', () => null);
    rig.session.close(call, rig.nowMs);
    rig.pass(0);
    return call;
  };

  it('waits for what was asked before', () => {
    const rig = Rig.attached();
    const write = rig.submit(Op.setData, '/a', { data: '' });
    const call = close(rig);
    rig.submit(Op.exists, '/late');
    expect(rig.sent()).toEqual(['setData /a', 'closeSession']);
    rig.reply(write);
    rig.reply(call);
    expect(rig.told).toEqual(['connected', '/late: -116 notSent', '/a: 0', 'close: 0', 'closed']);
    rig.submit(Op.exists, '/later');
    expect(rig.told.at(-1)).toBe('/later: -116 notSent');
    expect(rig.session.pendingCalls).toBe(0);
    expect(rig.isConnected).toBe(false);
    expect(rig.session.wakeAtMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('stays closed when the server says meanwhile that the session has expired', () => {
    const rig = Rig.attached();
    const write = rig.submit(Op.setData, '/a', { data: '' });
    close(rig);
    rig.reply(write, -112);
    expect(rig.told.slice(1)).toEqual(['/a: -112', 'close: 0', 'closed']);
    rig.pass(100_000);
    expect(rig.dialled).toHaveLength(1);
  });

  it('does not wait for a server that says nothing', () => {
    const rig = Rig.attached();
    close(rig);
    rig.pass(2_000);
    expect(rig.told).toEqual(['connected', 'close: 0', 'closed']);
  });

  it('ends at once where there is no connection', () => {
    const rig = new Rig();
    rig.submit(Op.exists, '/a');
    close(rig);
    expect(rig.told).toEqual(['/a: -116 notSent', 'closed', 'close: 0']);
    rig.pass(100_000);
    expect(rig.dialled).toHaveLength(1);
  });

  it('ends watches', () => {
    const rig = Rig.attached();
    rig.reply(rig.submit(Op.addWatch, '/a', { watcher: rig.target('w') }));
    rig.reply(close(rig));
    expect(rig.told.slice(2)).toEqual(['close: 0', 'closed', 'w: end']);
  });
});

describe('replies', () => {
  it('that nobody waits for, or of another order, are not of this protocol', () => {
    const rig = Rig.attached();
    expect(() => rig.header(1, 5)).toThrow(DecodeError);
    const other = Rig.attached();
    other.submit(Op.exists, '/a');
    const second = other.submit(Op.exists, '/b');
    expect(() => other.reply(second)).toThrow(DecodeError);
  });

  it('come in any pieces', () => {
    const rig = Rig.attached();
    const calls = [rig.submit(Op.exists, '/a'), rig.submit(Op.exists, '/b')];
    const bytes: number[] = [];
    for (const { xid } of calls) {
      bytes.push(0, 0, 0, 16, 0, 0, 0, xid, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0);
    }
    for (const byte of bytes) rig.receive(Uint8Array.of(byte));
    expect(rig.told).toEqual(['connected', '/a: 0', '/b: 0']);
  });

  it('that are too long are skipped', () => {
    const rig = Rig.attached({ frameBytesMax: 50 });
    const long = rig.submit(Op.getData, '/a');
    const short = rig.submit(Op.exists, '/b');
    rig.reply(long, 0, new Uint8Array(1_000));
    expect(long.isCut).toBe(true);
    rig.reply(short);
    expect(rig.told).toEqual(['connected', '/a: 0', '/b: 0']);
    expect(short.isCut).toBe(false);
  });
});
