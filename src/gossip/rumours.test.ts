import { describe, expect, it } from 'vitest';
import { factBytes } from './codec-facts.ts';
import { Rumours } from './rumours.ts';
import { Suspicion, suspicionTicks } from './suspicion.ts';
import { statusFact } from './testing/lone.ts';
import { idOf } from './testing/world.ts';

const ROOM = 10_000;

describe('rumours', () => {
  it('are told as often as the limit says, then dropped', () => {
    const rumours = new Rumours();
    rumours.put(statusFact(1, 'dead'));
    for (let i = 0; i < 3; i++) expect(rumours.take(ROOM, 3, null).length).toBe(1);
    expect(rumours.take(ROOM, 3, null)).toEqual([]);
    expect(rumours.size).toBe(0);
  });

  it('take the place of older ones about the same member, and begin anew', () => {
    const rumours = new Rumours();
    rumours.put(statusFact(1, 'suspect'));
    rumours.take(ROOM, 2, null);
    rumours.put(statusFact(1, 'dead'));
    expect(rumours.size).toBe(1);
    expect(rumours.take(ROOM, 2, null)).toMatchObject([{ status: 'dead' }]);
    expect(rumours.take(ROOM, 2, null)).toMatchObject([{ status: 'dead' }]);
  });

  it('that were told least go first, and never beyond the room there is', () => {
    const rumours = new Rumours();
    const room = 2 * factBytes(statusFact(1, 'dead'));
    rumours.put(statusFact(1, 'dead'));
    rumours.take(ROOM, 9, null);
    for (const index of [2, 3, 4]) rumours.put(statusFact(index, 'dead'));
    const told = [rumours.take(room, 9, null), rumours.take(room + 20, 9, null)];
    expect(told.map((facts) => facts.map(({ id }) => id))).toEqual([
      [idOf(2), idOf(3)],
      [idOf(4), idOf(1)],
    ]);
  });

  it('are not told to the one they are about', () => {
    const rumours = new Rumours();
    rumours.put(statusFact(1, 'dead'));
    expect(rumours.take(ROOM, 2, idOf(1))).toEqual([]);
    expect(rumours.take(ROOM, 2, idOf(2)).length).toBe(1);
  });
});

/** Lifeguard, section IV-B, equation 1. */
describe('the time of a suspicion', () => {
  it('goes from the longest to the shortest with the logarithm of the confirmations', () => {
    const times = [0, 1, 2, 3].map((confirmations) => suspicionTicks(80, 480, confirmations, 3));
    expect(times).toEqual([480, 280, 163, 80]);
  });

  it('is the shortest where nobody could confirm', () => {
    expect(suspicionTicks(80, 480, 0, 0)).toBe(80);
  });

  it('counts from its beginning, and an accuser once', () => {
    const suspicion = new Suspicion(idOf(1), 1000, 80, 480, 3);
    expect(suspicion.deadline).toBe(1480);
    expect([suspicion.confirm(idOf(1)), suspicion.confirm(idOf(2))]).toEqual([false, true]);
    expect(suspicion.deadline).toBe(1280);
    suspicion.restart(1100);
    expect(suspicion.deadline).toBe(1380);
  });
});
