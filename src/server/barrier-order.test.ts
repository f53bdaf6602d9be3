import { describe, expect, it } from 'vitest';
import { Reader } from '../base/reader.ts';
import { Op } from '../protocol/constants.ts';
import type { Client } from '../replica/attachment.ts';
import { createBody, pathBody, replies, request, setBody } from './server.test-helper.ts';
import { concat, TestServer } from './test-server.test-helper.ts';

/** A server whose barriers are passed when the test says so, as where a leader has to be asked. */
function serverWithBarriers() {
  const server = new TestServer();
  const peer = server.client();
  const barriers: Client[] = [];
  // From now on: as long as it knows that it is alone it leads without asking.
  Object.defineProperty(server.replica.paxos, 'isAlone', { value: false });
  server.replica.requestBarrier = (client) => barriers.push(client);
  return { server, peer, barriers };
}

describe('requests behind a sync', () => {
  it('are answered in order, each as of its place, though the leader takes its time', () => {
    const { server, peer, barriers } = serverWithBarriers();
    server.exchange(peer, request(1, Op.create, createBody('/a', 'old')));
    peer.send(
      concat([
        request(2, Op.sync, pathBody('/a')),
        request(3, Op.getData, pathBody('/a', false)),
        request(4, Op.setData, setBody('/a', 'new')),
        request(5, Op.getData, pathBody('/a', false)),
      ]),
    );
    server.clock.settle();
    expect(replies(peer).map(({ xid }) => xid)).toEqual([1]);
    barriers.shift()?.onBarrier();
    server.clock.settle();
    const told = replies(peer).slice(1);
    const dataOf = (body: Uint8Array): string | null => new Reader(body).ustring();
    expect(told.map(({ xid }) => xid)).toEqual([2, 3, 4, 5]);
    expect([1, 3].map((i) => dataOf(told[i]?.body as Uint8Array))).toEqual(['old', 'new']);
  });

  it('wait for each of several barriers', () => {
    const { server, peer, barriers } = serverWithBarriers();
    const [one, two] = [request(1, Op.sync, pathBody('/')), request(2, Op.sync, pathBody('/'))];
    peer.send(concat([one, two, request(3, Op.create, createBody('/b', ''))]));
    server.clock.settle();
    barriers.shift()?.onBarrier();
    server.clock.settle();
    expect(replies(peer).map(({ xid }) => xid)).toEqual([1]);
    barriers.shift()?.onBarrier();
    server.clock.settle();
    expect(replies(peer).map(({ xid }) => xid)).toEqual([1, 2, 3]);
  });
});
