import { describe, expect, it } from 'vitest';
import { Err, Op, Xid } from '../protocol/constants.ts';
import type { InstantPeer } from '../sim/instant-network.ts';
import { ConnectionThrottle } from './connection-throttle.ts';
import {
  connectRequest,
  createBody,
  frame,
  pathBody,
  replies,
  request,
  setBody,
} from './server.test-helper.ts';
import { THROTTLE_OFF } from './test-context.test-helper.ts';
import { concat, TestServer } from './test-server.test-helper.ts';

const set = (xid: number, bytes = 1): Uint8Array =>
  request(xid, Op.setData, setBody('/a', 'x'.repeat(bytes)));
const get = (xid: number): Uint8Array => request(xid, Op.getData, pathBody('/a', false));
const xids = (peer: InstantPeer): number[] => replies(peer).map((reply) => reply.xid);
const lengthOf = (bytes: Uint8Array): number => bytes.length - 4;

/** A server with a node `/a` and clients with sessions, whose log now waits for the test. */
function serverWith(
  limits: ConstructorParameters<typeof TestServer>[0],
  clients: number,
): { server: TestServer; peers: InstantPeer[] } {
  const server = new TestServer(limits);
  const peers = Array.from({ length: clients }, () => server.client());
  server.exchange(peers[0] as InstantPeer, request(1, Op.create, createBody('/a', '')));
  server.log.automatic = false;
  return { server, peers };
}

function finishAll(server: TestServer): void {
  server.log.automatic = true;
  server.log.finish();
  server.clock.settle();
}

describe('the limit of requests in flight', () => {
  it('stops reading from whoever waits for an answer, and from nobody else', () => {
    const { server, peers } = serverWith({ outstandingMax: 3 }, 3);
    const [first, second, third] = peers as [InstantPeer, InstantPeer, InstantPeer];
    server.exchange(first, set(2), set(3), set(4), set(5), get(6));
    expect(server.context.inFlight.requests).toBe(3);
    expect([first.paused, second.paused]).toEqual([true, false]);
    server.exchange(second, get(1), set(2), get(3));
    expect(xids(second)).toEqual([1]);
    expect([server.context.inFlight.requests, second.paused]).toEqual([4, true]);
    server.exchange(third, get(1));
    expect(xids(third)).toEqual([1]);
    finishAll(server);
    expect([xids(first), xids(second)]).toEqual([
      [1, 2, 3, 4, 5, 6],
      [1, 2, 3],
    ]);
    expect(server.context.inFlight.requests).toBe(0);
    expect([first.paused, second.paused]).toEqual([false, false]);
  });

  it('forgets what a connection waited for once it is gone', () => {
    const { server, peers } = serverWith({ outstandingMax: 3 }, 2);
    const [first, second] = peers as [InstantPeer, InstantPeer];
    server.exchange(first, set(2), set(3), get(4));
    first.hangUp();
    expect(server.context.inFlight.requests).toBe(0);
    server.exchange(second, set(1), set(2), set(3));
    expect(server.context.inFlight.requests).toBe(3);
    finishAll(server);
    expect(xids(second)).toEqual([1, 2, 3]);
    expect(server.context.inFlight.requests).toBe(0);
  });
});

describe('large requests', () => {
  const large = lengthOf(set(1, 1_000));
  const limits = { largeRequestBytes: large - 1, largeRequestsBytesMax: 2 * large };

  it('in flight beyond the limit close the connection that brings one more', () => {
    const { server, peers } = serverWith(limits, 2);
    const [first, second] = peers as [InstantPeer, InstantPeer];
    server.exchange(first, set(2, 1_000), set(3, 999), set(4, 1_000));
    expect(server.context.inFlight.largeBytes).toBe(2 * large);
    server.exchange(second, set(1, 999));
    expect(second.closed).toBe(false);
    server.exchange(second, set(2, 1_000));
    expect([first.closed, second.closed]).toEqual([false, true]);
    expect(server.context.counters.largeRequestsRejected).toBe(1);
    finishAll(server);
    expect(xids(first)).toEqual([1, 2, 3, 4]);
    expect(server.context.inFlight.largeBytes).toBe(0);
  });

  it('are refused as soon as their length is known', () => {
    const { server, peers } = serverWith(limits, 2);
    const [first, second] = peers as [InstantPeer, InstantPeer];
    server.exchange(first, set(2, 1_000), set(3, 1_000));
    second.send(set(1, 1_000).subarray(0, 4));
    expect(second.closed).toBe(true);
  });

  it('make room with their outcome, an error in its place, and the end of their connection', () => {
    const { server, peers } = serverWith({ ...limits, largeRequestsBytesMax: 3 * large }, 3);
    const [first, second, third] = peers as [InstantPeer, InstantPeer, InstantPeer];
    server.exchange(first, set(2, 1_000), set(3, 1_000));
    server.log.finish();
    server.clock.settle();
    expect(server.context.inFlight.largeBytes).toBe(0);
    server.exchange(second, set(1, 1_000));
    const malformed = request(2, Op.create, (writer) => {
      for (let i = 0; i < 300; i++) writer.i32(-7);
    });
    server.exchange(second, malformed);
    expect(server.context.inFlight.largeBytes).toBe(large + lengthOf(malformed));
    second.hangUp();
    expect(server.context.inFlight.largeBytes).toBe(0);
    server.exchange(third, set(1, 1_000), set(2, 1_000));
    finishAll(server);
    expect([xids(third), server.context.inFlight.largeBytes]).toEqual([[1, 2], 0]);
  });

  it('that are answered at once hold nothing', () => {
    const { server, peers } = serverWith(limits, 1);
    const [first] = peers as [InstantPeer];
    const padded = request(2, Op.exists, (writer) => {
      pathBody('/a', false)(writer);
      writer.raw(new Uint8Array(2_000), 0, 2_000);
    });
    server.exchange(first, padded);
    expect([xids(first), server.context.inFlight.largeBytes]).toEqual([[1, 2], 0]);
  });

  it('wait for their turn like others, and count while they do', () => {
    const { server, peers } = serverWith(limits, 1);
    const [first] = peers as [InstantPeer];
    const padded = request(3, Op.exists, (writer) => {
      pathBody('/a', false)(writer);
      writer.raw(new Uint8Array(1_100), 0, 1_100);
    });
    server.exchange(first, set(2), padded);
    expect(server.context.inFlight.largeBytes).toBe(lengthOf(padded));
    finishAll(server);
    expect([xids(first), server.context.inFlight.largeBytes]).toEqual([[1, 2, 3], 0]);
  });
});

describe('the throttle of new connections', () => {
  it('closes the connection at its ConnectRequest, without reply, and counts it', () => {
    const options = { ...THROTTLE_OFF, tokens: 2, fillTimeMs: 1_000 };
    const server = new TestServer({}, { throttle: new ConnectionThrottle(options, 0, () => 1) });
    const peers = Array.from({ length: 3 }, () => server.client());
    expect(peers.map((peer) => [peer.closed, peer.received.length > 0])).toEqual([
      [false, true],
      [false, true],
      [true, false],
    ]);
    expect(server.context.counters).toMatchObject({
      connectionsRejected: 1,
      connectionsDropped: 0,
    });
    expect(server.state.sessions.size).toBe(2);
    server.clock.advance(1_000);
    expect(server.client().closed).toBe(false);
  });

  it('tells new sessions from those that come back', () => {
    const options = { ...THROTTLE_OFF, tokens: 3, fillTimeMs: 1e9, weightEnabled: true };
    const server = new TestServer({}, { throttle: new ConnectionThrottle(options, 0, () => 1) });
    const back = server.network.dial();
    back.send(connectRequest({ high: 1, low: 1 }));
    expect(server.context.throttle.deficit).toBe(2);
    expect(server.client().closed).toBe(true);
  });
});

describe('a connection that ends', () => {
  it('has got the answers to all that came before its closeSession, in order', () => {
    const { server, peers } = serverWith({}, 1);
    const [first] = peers as [InstantPeer];
    server.exchange(first, set(2), get(3), get(4), set(5), get(6), request(7, Op.closeSession));
    finishAll(server);
    expect(xids(first)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(first.closed).toBe(true);
  });

  it('gets no answer behind its last one, though outcomes still come', () => {
    const { server, peers } = serverWith({}, 1);
    const [first] = peers as [InstantPeer];
    server.exchange(first, set(2), request(3, 999), set(4), set(5));
    first.reading = false;
    finishAll(server);
    first.resumeReading();
    expect(replies(first).map(({ xid, err }) => [xid, err])).toEqual([
      [1, 0],
      [2, 0],
      [3, Err.unimplemented],
    ]);
    expect([first.closed, server.context.inFlight.requests]).toEqual([true, 0]);
  });

  it('has as long to take its last answer as others have for their handshake', () => {
    const server = new TestServer({ handshakeTimeoutMs: 5_000 });
    const peer = server.client(20_000);
    server.clock.advance(6_000);
    peer.reading = false;
    server.exchange(peer, request(1, Op.closeSession));
    server.clock.advance(4_000);
    expect(peer.closed).toBe(false);
    server.clock.advance(2_000);
    expect(peer.closed).toBe(true);
    expect(server.context.counters.sessionlessExpired).toBe(0);
  });
});

it('identities may not make commands longer than a record of the log', () => {
  const server = new TestServer({ frameBytesMax: 50_000 });
  const peer = server.client();
  const auth = (user: string): Uint8Array =>
    frame((writer) => {
      writer.i32(Xid.auth);
      writer.i32(Op.auth);
      writer.i32(0);
      writer.ustring('digest');
      writer.ustring(`${user}:secret`);
    });
  server.exchange(peer, auth('a'.repeat(40_000)));
  expect(peer.closed).toBe(false);
  peer.send(concat([auth('b'.repeat(40_000))]));
  server.clock.settle();
  expect(replies(peer).map(({ err }) => err)).toEqual([0, Err.authFailed]);
  expect(peer.closed).toBe(true);
});
