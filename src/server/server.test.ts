import { describe, expect, it } from 'vitest';
import { Reader } from '../base/reader.ts';
import { utf8Decode } from '../base/utf8.ts';
import { Err, Op, Xid } from '../protocol/constants.ts';
import type { InstantPeer } from '../sim/instant-network.ts';
import {
  connectRequest,
  createBody,
  frame,
  pathBody,
  rawFrames,
  replies,
  request,
  setBody,
} from './server.test-helper.ts';
import { concat, TestServer } from './test-server.test-helper.ts';

interface Greeting {
  timeoutMs: number;
  high: number;
  low: number;
  password: Uint8Array;
  readOnlyByte: boolean;
}

function greeting(peer: InstantPeer): Greeting {
  const reader = new Reader(rawFrames(peer)[0]);
  reader.i32();
  const [timeoutMs, high, low] = [reader.i32(), reader.i32(), reader.i32()];
  const password = reader.buffer() ?? new Uint8Array(0);
  return { timeoutMs, high, low, password, readOnlyByte: reader.remaining === 1 };
}

const xids = (peer: InstantPeer): number[] => replies(peer).map((reply) => reply.xid);

describe('sessions', () => {
  it('open with a negotiated time-out, an id of the server and a secret password', () => {
    const server = new TestServer();
    const [short, long] = [server.client(1), server.client(1_000_000)];
    expect(greeting(short)).toMatchObject({ timeoutMs: 2_000, readOnlyByte: true });
    expect(greeting(long).timeoutMs).toBe(20_000);
    expect(greeting(short).high >>> 24).toBe(1);
    expect(greeting(short).password).not.toEqual(greeting(long).password);
  });

  it('answer clients before 3.4 without the read-only byte', () => {
    const server = new TestServer();
    const peer = server.network.dial();
    peer.send(connectRequest({ readOnlyByte: false }));
    server.clock.settle();
    expect(rawFrames(peer)[0]?.length).toBe(36);
  });

  it('survive their connection, and are refused to whoever does not know the password', () => {
    const server = new TestServer();
    const first = server.client();
    server.exchange(first, request(1, Op.create, createBody('/e', 'x', 1)));
    const { high, low, password } = greeting(first);
    first.hangUp();
    const thief = server.network.dial();
    thief.send(connectRequest({ high, low, password: new Uint8Array(16) }));
    const owner = server.network.dial();
    owner.send(connectRequest({ high, low, password }));
    server.clock.settle();
    expect([greeting(thief).timeoutMs, thief.closed]).toEqual([0, true]);
    expect(greeting(owner)).toMatchObject({ high, low });
    const [reply] = server.exchange(owner, request(1, Op.exists, pathBody('/e', false)));
    expect(reply?.err).toBe(Err.ok);
  });

  it('leave their older connection when they are attached again', () => {
    const server = new TestServer();
    const older = server.client();
    const { high, low, password } = greeting(older);
    const newer = server.network.dial();
    newer.send(connectRequest({ high, low, password }));
    server.clock.settle();
    expect([older.closed, newer.closed]).toEqual([true, false]);
  });

  it('go to the last of several connections that attach them at once', () => {
    const server = new TestServer();
    const { high, low, password } = greeting(server.client());
    const racers = [1, 2, 3].map(() => server.network.dial());
    for (const racer of racers) racer.send(connectRequest({ high, low, password }));
    server.clock.settle();
    expect(racers.map((racer) => racer.closed)).toEqual([true, true, false]);
    const [reply] = server.exchange(racers[2] as InstantPeer, request(1, Op.exists, pathBody('/')));
    expect(reply?.xid).toBe(1);
  });

  it('expire when silent, with their ephemerals, and without a word to the client', () => {
    const server = new TestServer();
    const [silent, other] = [server.client(4_000), server.client(20_000)];
    server.exchange(silent, request(1, Op.create, createBody('/e', 'x', 1)));
    server.exchange(other, request(1, Op.exists, pathBody('/e', true)));
    server.clock.advance(3_900);
    expect(silent.closed).toBe(false);
    server.clock.advance(2_200);
    expect(silent.closed).toBe(true);
    expect(xids(silent)).toEqual([1]);
    expect(replies(other).at(-1)?.xid).toBe(Xid.notification);
  });

  it('live as long as pings come', () => {
    const server = new TestServer();
    const peer = server.client(4_000);
    for (let i = 0; i < 20; i++) {
      server.clock.advance(2_000);
      server.exchange(peer, request(Xid.ping, Op.ping));
    }
    expect(peer.closed).toBe(false);
    expect(xids(peer)).toEqual(Array(20).fill(Xid.ping));
  });

  it('close at the client’s wish: reply, then the end; what is behind gets no answer', () => {
    const server = new TestServer();
    const peer = server.client();
    server.exchange(
      peer,
      request(1, Op.create, createBody('/e', 'x', 1)),
      request(2, Op.closeSession),
      request(3, Op.exists, pathBody('/e', false)),
    );
    expect(xids(peer)).toEqual([1, 2]);
    expect(peer.closed).toBe(true);
    expect(server.state.sessions.size).toBe(0);
  });

  it('are refused to a client that has seen a later zxid than this server', () => {
    const server = new TestServer();
    const peer = server.network.dial();
    peer.send(connectRequest({ lastZxidSeen: 5 }));
    server.clock.settle();
    expect([peer.closed, peer.received.length]).toEqual([true, 0]);
  });
});

describe('order', () => {
  it('answers each connection in the order of its requests, reads between writes included', () => {
    const server = new TestServer();
    const peer = server.client();
    const got = server.exchange(
      peer,
      request(1, Op.create, createBody('/a', '1')),
      request(2, Op.getData, pathBody('/a', false)),
      request(3, Op.setData, setBody('/a', '2')),
      request(4, Op.getData, pathBody('/a', false)),
      request(Xid.ping, Op.ping),
      request(5, Op.delete, pathVersion('/a')),
      request(6, Op.getData, pathBody('/a', false)),
    );
    expect(got.map((reply) => [reply.xid, reply.err])).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 0],
      [Xid.ping, 0],
      [5, 0],
      [6, Err.noNode],
    ]);
    const data = [1, 3].map((i) => utf8Decode(got[i]?.body ?? new Uint8Array(5), 4, 5));
    expect(data).toEqual(['1', '2']);
  });

  it('shows a watch event before the reply to the write that caused it', () => {
    const server = new TestServer();
    const peer = server.client();
    const got = server.exchange(
      peer,
      request(1, Op.create, createBody('/a', '1')),
      request(2, Op.getData, pathBody('/a', true)),
      request(3, Op.setData, setBody('/a', '2')),
    );
    expect(got.map((reply) => reply.xid)).toEqual([1, 2, Xid.notification, 3]);
    expect(got[2]?.zxid).toBe(got[3]?.zxid);
  });

  it('acknowledges nothing before the log has it', () => {
    const server = new TestServer();
    const peer = server.client();
    server.log.automatic = false;
    server.exchange(peer, request(1, Op.create, createBody('/a', '1')));
    expect(xids(peer)).toEqual([]);
    expect(server.state.tree.count).toBe(4);
    server.log.finish();
    server.clock.settle();
    expect(xids(peer)).toEqual([1]);
  });

  it('gathers what comes while the disk is busy into one slot', () => {
    const server = new TestServer();
    const peers = [server.client(), server.client(), server.client()];
    server.log.automatic = false;
    const before = server.log.entries.length;
    peers.forEach((peer, i) => {
      server.exchange(peer, request(1, Op.create, createBody(`/${i}`, '')));
    });
    expect(server.log.entries.length).toBe(before + 1);
    server.log.finish();
    server.clock.settle();
    expect(server.log.entries.length).toBe(before + 2);
    server.log.finish();
    server.clock.settle();
    expect(peers.map(xids)).toEqual([[1], [1], [1]]);
  });

  it('stops at the first failed append, and acknowledges nothing of it', () => {
    const server = new TestServer();
    const peer = server.client();
    server.log.automatic = false;
    server.exchange(peer, request(1, Op.create, createBody('/a', '1')));
    server.log.finish(new Error('EIO'));
    server.clock.settle();
    expect(server.fatal.map((error) => error.message)).toEqual(['EIO']);
    expect(xids(peer)).toEqual([]);
  });
});

describe('bad input', () => {
  it('closes at a length that is negative or above the limit, and harms nobody else', () => {
    for (const length of [-1, -2_147_483_648, 10_001]) {
      const server = new TestServer();
      const [bad, good] = [server.client(), server.client()];
      bad.send(Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length));
      server.clock.settle();
      expect(bad.closed).toBe(true);
      server.exchange(good, request(1, Op.exists, pathBody('/', false)));
      expect(xids(good)).toEqual([1]);
    }
  });

  it('accepts a frame of exactly the longest length', () => {
    const server = new TestServer();
    const peer = server.client();
    const overhead = request(1, Op.create, createBody('/a', '')).length - 4;
    server.exchange(peer, request(1, Op.create, createBody('/a', 'x'.repeat(10_000 - overhead))));
    expect(replies(peer)[0]?.err).toBe(Err.ok);
  });

  it('closes at frames too short to have a header', () => {
    for (const bytes of [[], [1], [0, 0, 0, 1, 0, 0, 0]]) {
      const server = new TestServer();
      const peer = server.client();
      peer.send(frame((writer) => writer.raw(Uint8Array.from(bytes))));
      server.clock.settle();
      expect(peer.closed).toBe(true);
    }
  });

  it('answers an unknown operation with Unimplemented, in its place, and closes', () => {
    for (const opcode of [0, 10, 13, 20, 99, -10, -1, 2_147_483_647]) {
      const server = new TestServer();
      const peer = server.client();
      const got = server.exchange(
        peer,
        request(1, Op.create, createBody('/a', '')),
        request(2, opcode),
        request(3, Op.exists, pathBody('/a', false)),
      );
      expect(got.map(({ xid, zxid, err }) => [xid, zxid, err])).toEqual([
        [1, 2, 0],
        [2, -1, Err.unimplemented],
      ]);
      expect(peer.closed).toBe(true);
    }
  });

  it('answers a body that cannot be decoded with MarshallingError, without a zxid', () => {
    const server = new TestServer();
    const peer = server.client();
    const got = server.exchange(
      peer,
      request(1, Op.create, createBody('/a', '')),
      request(2, Op.setData, (writer) => writer.i32(50)),
      request(3, Op.getData, (writer) => writer.i32(-7)),
      request(4, Op.setData, setBody('/a', 'x')),
    );
    expect(got.map(({ xid, zxid, err }) => [xid, zxid, err])).toEqual([
      [1, 2, 0],
      [2, 2, Err.marshallingError],
      [3, 2, Err.marshallingError],
      [4, 3, 0],
    ]);
  });

  it('understands frames however they are cut', () => {
    const bytes = concat([
      connectRequest(),
      request(1, Op.create, createBody('/a', 'hello')),
      request(2, Op.getData, pathBody('/a', false)),
    ]);
    for (let size = 1; size <= 40; size++) {
      const server = new TestServer();
      const peer = server.network.dial();
      for (let at = 0; at < bytes.length; at += size) {
        peer.send(bytes.subarray(at, at + size));
        if (size % 2 === 0) server.clock.settle();
      }
      server.clock.settle();
      expect(xids(peer)).toEqual([1, 2]);
    }
  });

  it('closes a connection that never completes its handshake', () => {
    const server = new TestServer();
    const [silent, half] = [server.network.dial(), server.network.dial()];
    half.send(connectRequest().subarray(0, 20));
    server.clock.advance(7_000);
    expect([silent.closed, half.closed]).toEqual([true, true]);
    expect(server.context.connections.size).toBe(0);
  });

  it('stops executing requests of a client that does not read, and resumes with it', () => {
    const server = new TestServer();
    const peer = server.client();
    server.exchange(peer, request(1, Op.create, createBody('/a', 'x'.repeat(9_000))));
    peer.reading = false;
    const reads = Array.from({ length: 1_000 }, (_, i) =>
      request(2 + i, Op.getData, pathBody('/a', false)),
    );
    server.exchange(peer, ...reads);
    const [connection] = server.context.connections;
    expect(connection?.bufferedBytes).toBeLessThan(2 ** 21);
    const other = server.client();
    expect(server.exchange(other, request(1, Op.exists, pathBody('/a', false)))).toHaveLength(1);
    peer.resumeReading();
    server.clock.settle();
    expect(xids(peer)).toEqual(Array.from({ length: 1_001 }, (_, i) => i + 1));
  });

  it('limits connections in all and per address', () => {
    const server = new TestServer({ connectionsMax: 3, connectionsPerAddressMax: 2 });
    const closed = ['1.1.1.1', '1.1.1.1', '1.1.1.1', '2.2.2.2', '3.3.3.3'].map(
      (address) => server.network.dial(address).closed,
    );
    expect(closed).toEqual([false, false, true, false, true]);
    expect(server.context.counters.connectionsRejected).toBe(2);
  });

  it('gives the place of a closed connection to another', () => {
    const server = new TestServer({ connectionsPerAddressMax: 1 });
    const first = server.network.dial();
    expect(server.network.dial().closed).toBe(true);
    first.hangUp();
    expect(server.network.dial().closed).toBe(false);
  });
});

describe('full', () => {
  it('disk: refuses writes with an error, in order, and goes on with reads', () => {
    const server = new TestServer();
    const peer = server.client();
    server.exchange(peer, request(1, Op.create, createBody('/a', '1')));
    server.writable = false;
    server.exchange(
      peer,
      request(2, Op.setData, setBody('/a', '2')),
      request(3, Op.getData, pathBody('/a', false)),
    );
    server.writable = true;
    const got = server.exchange(peer, request(4, Op.setData, setBody('/a', '3')));
    expect(got.map(({ xid, err }) => [xid, err])).toEqual([
      [1, 0],
      [2, Err.systemError],
      [3, 0],
      [4, 0],
    ]);
  });

  it('disk: lets sessions in that only want to read, as long as the log can note them', () => {
    const server = new TestServer();
    server.writable = false;
    const peer = server.client();
    const got = server.exchange(peer, request(1, Op.exists, pathBody('/', false)));
    expect(got.map(({ err }) => err)).toEqual([0]);
    server.attachable = false;
    expect(server.client().closed).toBe(true);
    expect(peer.closed).toBe(false);
  });

  it('memory: refuses what takes more, accepts what frees some', () => {
    const server = new TestServer();
    const peer = server.client();
    server.exchange(peer, request(1, Op.create, createBody('/a', '1')));
    server.memoryFull = true;
    const got = server.exchange(
      peer,
      request(2, Op.create, createBody('/b', '')),
      request(3, Op.delete, pathVersion('/a')),
    );
    expect(got.map(({ xid, err }) => [xid, err])).toEqual([
      [1, 0],
      [2, Err.quotaExceeded],
      [3, 0],
    ]);
  });
});

describe('four-letter words and authentication', () => {
  it('answers a word and closes', () => {
    const server = new TestServer();
    const peer = server.network.dial();
    peer.send(Uint8Array.from('ruok', (c) => c.charCodeAt(0)));
    server.clock.settle();
    expect(utf8Decode(peer.received, 0, peer.received.length)).toBe('imok');
    expect(peer.closed).toBe(true);
  });

  it('accepts digests, refuses unknown schemes and ends the connection', () => {
    const server = new TestServer();
    const peer = server.client();
    const auth = (scheme: string, secret: string): Uint8Array =>
      request(Xid.auth, Op.auth, (writer) => {
        writer.i32(0);
        writer.ustring(scheme);
        writer.ustring(secret);
      });
    server.exchange(peer, auth('digest', 'bob:pw'), auth('digest', 'super:admin'));
    const got = server.exchange(peer, request(1, Op.whoAmI), auth('world', ''));
    expect(got.map(({ xid, zxid, err }) => [xid, zxid, err])).toEqual([
      [Xid.auth, 0, 0],
      [Xid.auth, 0, 0],
      [1, 1, 0],
      [Xid.auth, 0, Err.authFailed],
    ]);
    const text = utf8Decode(got[2]?.body ?? new Uint8Array(0), 0, got[2]?.body.length ?? 0);
    for (const word of ['ip', '127.0.0.1', 'digest', 'bob', 'super']) expect(text).toContain(word);
    expect(text).not.toContain('=');
    expect(peer.closed).toBe(true);
  });

  it('lets a request that waits ask as who the client was when it sent it', () => {
    const server = new TestServer();
    const peer = server.client();
    const carol = request(Xid.auth, Op.auth, (writer) => {
      writer.i32(0);
      writer.ustring('digest');
      writer.ustring('carol:pw');
    });
    const create = request(1, Op.create, createBody('/a', ''));
    const got = server.exchange(peer, create, request(2, Op.whoAmI), carol, request(3, Op.whoAmI));
    const texts = got.map(({ xid, body }) => [xid, utf8Decode(body, 0, body.length)] as const);
    const shown = new Map(texts);
    expect(shown.get(2)).not.toContain('carol');
    expect(shown.get(3)).toContain('carol');
  });

  it('enforces a scheme where the configuration asks for one', () => {
    const server = new TestServer({ enforceAuthSchemes: ['digest'] });
    const peer = server.client();
    const got = server.exchange(peer, request(1, Op.exists, pathBody('/', false)));
    expect(got.map(({ zxid, err }) => [zxid, err])).toEqual([
      [0, Err.sessionClosedRequireSaslAuth],
    ]);
    expect(peer.closed).toBe(true);
  });

  it('asks who is on this machine for no other scheme', () => {
    const server = new TestServer({ enforceAuthSchemes: ['digest'] });
    const peer = server.client();
    const token = request(Xid.auth, Op.auth, (writer) => {
      writer.i32(0);
      writer.ustring('local');
      writer.ustring('a token');
    });
    const got = server.exchange(peer, token, request(1, Op.exists, pathBody('/', false)));
    expect(got.map(({ err }) => err)).toEqual([Err.ok, Err.ok]);
  });
});

function pathVersion(
  path: string,
  version = -1,
): (writer: import('../base/writer.ts').Writer) => void {
  return (writer) => {
    writer.ustring(path);
    writer.i32(version);
  };
}
