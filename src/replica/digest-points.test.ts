import { describe, expect, it } from 'vitest';
import { DigestPoints } from './digest-points.ts';

function zxids(points: DigestPoints): number[] {
  const list: number[] = [];
  points.forEach((zxid) => {
    list.push(zxid);
  });
  return list;
}

describe('digest points', () => {
  it('are taken once at every 128th zxid, whatever comes without a zxid of its own', () => {
    const points = new DigestPoints();
    for (const zxid of [0, 127, 128, 128, 129, 256]) {
      points.note(zxid, { digestHigh: zxid, digestLow: 1 });
    }
    expect(zxids(points)).toEqual([128, 256]);
  });

  it('go on in the next epoch, and the oldest are forgotten', () => {
    const points = new DigestPoints();
    for (let i = 1; i <= 1_030; i++) {
      points.note(2 ** 32 + 128 * i, { digestHigh: i, digestLow: 0 });
    }
    const kept = zxids(points);
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([
      1_024,
      2 ** 32 + 128 * 7,
      2 ** 32 + 128 * 1_030,
    ]);
  });
});
