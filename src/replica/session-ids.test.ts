import { expect, it } from 'vitest';
import { SessionIds } from './session-ids.ts';

function take(serverId: number, wallMs: number, count: number): string[] {
  const ids = new SessionIds(serverId, wallMs);
  return Array.from({ length: count }, () => {
    ids.advance();
    return `${ids.high >>> 0}:${ids.low >>> 0}`;
  });
}

it('no two servers ever make the same session id, nor one server after a restart', () => {
  const all = [1, 2, 254].flatMap((id) => [...take(id, 1e12, 1_000), ...take(id, 1e12 + 1, 1_000)]);
  expect(new Set(all).size).toBe(6_000);
});

it('an id has its server in the top byte, and counts on over the lower half', () => {
  const ids = new SessionIds(3, 1e12);
  ids.low = -1;
  const { high } = ids;
  ids.advance();
  expect([ids.high, ids.low]).toEqual([high + 1, 0]);
  expect(ids.high >>> 24).toBe(3);
});

it('the id that marks containers is no session', () => {
  const ids = new SessionIds(128, 2 ** 40);
  expect([ids.high, ids.low]).toEqual([-2_147_483_648, 1]);
});
