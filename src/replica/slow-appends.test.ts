import { expect, it } from 'vitest';
import { Op } from '../protocol/constants.ts';
import { createBody, request } from '../server/server.test-helper.ts';
import { TestServer } from '../server/test-server.test-helper.ts';

it('appends that take longer than the threshold are reported and counted, others are not', () => {
  const reports: [number, number][] = [];
  const report = (tookMs: number, bytes: number): void => void reports.push([tookMs, bytes]);
  const server = new TestServer({}, { slowAppends: { thresholdMs: 1_000, report } });
  const client = server.client();
  server.log.automatic = false;
  for (const [xid, tookMs] of [1_000, 1_001].entries()) {
    client.send(request(xid, Op.create, createBody(`/${xid}`, 'x')));
    server.clock.settle();
    server.clock.advance(tookMs);
    server.log.finish();
    server.clock.settle();
  }
  const bytes = server.log.entries.at(-1)?.body.length;
  expect(reports).toEqual([[1_001, bytes]]);
  expect(server.replica.stats.slowAppends).toBe(1);
  server.replica.stats.reset();
  expect(server.replica.stats.slowAppends).toBe(0);
});
