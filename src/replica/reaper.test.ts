import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../base/utf8.ts';
import { Op } from '../protocol/constants.ts';
import { createBody, pathBody, request } from '../server/server.test-helper.ts';
import { TestServer } from '../server/test-server.test-helper.ts';
import { Reaper, type ReaperOptions } from './reaper.ts';

const CONTAINER = 4;

/** A server with so many containers, of which the child has gone if they ever had one. */
function serverWith(
  containers: number,
  options: Partial<ReaperOptions>,
  hadChild = true,
): TestServer {
  const server = new TestServer();
  const client = server.client(20_000);
  let xid = 0;
  for (let i = 0; i < containers; i++) {
    const [path, child] = [`/c${i}`, `/c${i}/x`];
    server.exchange(client, request(++xid, Op.createContainer, createBody(path, '', CONTAINER)));
    if (!hadChild) continue;
    const gone = request(++xid, Op.delete, (writer) => {
      pathBody(child)(writer);
      writer.i32(-1);
    });
    server.exchange(client, request(++xid, Op.create, createBody(child, '')), gone);
  }
  const all = { checkIntervalMs: 1_000, maxPerMinute: 60_000, maxNeverUsedIntervalMs: 0 };
  new Reaper(server.replica, { ...all, ...options }).start();
  return server;
}

function containersLeft(server: TestServer): number {
  let left = 0;
  for (let i = 0; i < 1_000; i++) {
    const path = utf8Encode(`/c${i}`);
    if (server.state.find(path, 0, path.length) !== 0) left++;
  }
  return left;
}

/** Containers that are left after each of these times. */
function leftAfter(server: TestServer, ...timesMs: number[]): number[] {
  return timesMs.map((ms) => {
    server.clock.advance(ms);
    return containersLeft(server);
  });
}

describe('the reaper', () => {
  it('looks at every interval', () => {
    const server = serverWith(3, { checkIntervalMs: 5_000 });
    expect(leftAfter(server, 4_999, 1)).toEqual([3, 0]);
  });

  it('removes no more than allowed per minute, when it looks rarely', () => {
    const server = serverWith(10, { checkIntervalMs: 30_000, maxPerMinute: 6 });
    expect(leftAfter(server, 30_000, 30_000, 60_000)).toEqual([7, 4, 0]);
  });

  it('removes no more than allowed per minute, when it looks often', () => {
    const server = serverWith(10, { checkIntervalMs: 100, maxPerMinute: 6 });
    expect(leftAfter(server, 9_000, 2_000, 49_500)).toEqual([10, 9, 4]);
  });

  it('does not save up for a rush what an idle hour would have allowed', () => {
    const server = serverWith(0, { checkIntervalMs: 10_000, maxPerMinute: 6 });
    server.clock.advance(3_600_000);
    const client = server.client(20_000);
    for (let i = 0; i < 5; i++) {
      const gone = request(3 * i + 3, Op.delete, (writer) => {
        pathBody(`/c${i}/x`)(writer);
        writer.i32(-1);
      });
      const container = request(3 * i + 1, Op.createContainer, createBody(`/c${i}`, '', CONTAINER));
      server.exchange(client, container, request(3 * i + 2, Op.create, createBody(`/c${i}/x`, '')));
      server.exchange(client, gone);
    }
    expect(leftAfter(server, 10_000)).toEqual([4]);
  });

  it('leaves containers that never had a child, unless told how long they may wait', () => {
    expect(leftAfter(serverWith(2, {}, false), 100_000)).toEqual([2]);
    const server = serverWith(2, { maxNeverUsedIntervalMs: 5_000 }, false);
    expect(leftAfter(server, 5_000, 1_000)).toEqual([2, 0]);
  });
});
