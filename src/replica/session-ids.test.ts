import { expect, it } from 'vitest';
import { GrantedIds, IDS_GRANTED } from './granted-ids.ts';
import { SessionIds } from './session-ids.ts';

function take(serverId: number, wallMs: number, count: number): string[] {
  const ids = new SessionIds(serverId, wallMs);
  return Array.from({ length: count }, () => {
    const { high, low } = ids.next();
    return `${high >>> 0}:${low >>> 0}`;
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
  ids.next();
  expect([ids.high, ids.low]).toEqual([high + 1, 0]);
  expect(ids.high >>> 24).toBe(3);
});

it('the id that marks containers is no session', () => {
  const ids = new SessionIds(128, 2 ** 40);
  expect([ids.high, ids.low]).toEqual([-2_147_483_648, 1]);
});

it('a block of ids is nobody else’s', () => {
  const ids = new SessionIds(3, 1e12);
  const first = ids.next();
  const block = ids.takeBlock(1_000);
  const next = ids.next();
  expect([block.low, next.low]).toEqual([first.low + 1, first.low + 1_001]);
});

it('whoever is granted a block makes its ids, beginning with the first', () => {
  const granter = new SessionIds(3, 1e12);
  granter.low = -2;
  const first = granter.takeBlock(IDS_GRANTED);
  const granted = new GrantedIds();
  expect(granted.next()).toBeNull();
  granted.granted(first);
  expect(granted.next()).toEqual(first);
  expect(granted.next()).toEqual({ high: first.high + 1, low: 0 });
});

it('a grant that is half used asks for the next one, and none is used beyond its end', () => {
  const granted = new GrantedIds();
  let asked = 0;
  granted.onLow = () => asked++;
  granted.granted({ high: 1, low: 0 });
  for (let i = 0; i < IDS_GRANTED; i++) granted.next();
  expect(asked).toBe(1);
  expect([granted.next(), asked]).toEqual([null, 2]);
});
