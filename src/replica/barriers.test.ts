import { describe, expect, it } from 'vitest';
import { Barriers } from './barriers.ts';
import { TestClient } from './group.test-helper.ts';

function asked(barriers: Barriers, ...clients: TestClient[]): number {
  for (const client of clients) barriers.request(client);
  const number = barriers.takeQuestion(0);
  if (number === null) throw new Error('there is nothing to ask');
  return number;
}

function passed(...clients: TestClient[]): number[] {
  return clients.map(({ told }) => told.length);
}

describe('barriers', () => {
  it('of one turn share one question, which is asked once', () => {
    const barriers = new Barriers();
    const [a, b] = [new TestClient(), new TestClient()];
    const number = asked(barriers, a, b);
    expect(barriers.takeQuestion(0)).toBeNull();
    barriers.answered(number, 7);
    barriers.applied(7);
    expect([passed(a, b), barriers.isEmpty]).toEqual([[1, 1], true]);
  });

  it('are passed once the slot that the leader named has been applied, not before', () => {
    const barriers = new Barriers();
    const client = new TestClient();
    barriers.answered(asked(barriers, client), 7);
    barriers.applied(6);
    expect(passed(client)).toEqual([0]);
    barriers.applied(9);
    expect(passed(client)).toEqual([1]);
  });

  it('are passed in the order in which they were asked for', () => {
    const barriers = new Barriers();
    const [a, b] = [new TestClient(), new TestClient()];
    const [first, second] = [asked(barriers, a), asked(barriers, b)];
    barriers.answered(second, 5);
    barriers.applied(5);
    expect(passed(a, b)).toEqual([0, 0]);
    barriers.answered(first, 4);
    barriers.applied(5);
    expect(passed(a, b)).toEqual([1, 1]);
  });

  it('are asked for again, as one, when there is another leader; old answers are void', () => {
    const barriers = new Barriers();
    const clients = [new TestClient(), new TestClient(), new TestClient()] as const;
    const [a, b, c] = clients;
    const old = [asked(barriers, a), asked(barriers, b)];
    barriers.request(c);
    barriers.askAgain();
    const number = barriers.takeQuestion(0) as number;
    // The leader before knew only of slot 3; the next one's clients may have written since.
    for (const one of old) barriers.answered(one, 3);
    barriers.applied(3);
    expect(passed(...clients)).toEqual([0, 0, 0]);
    barriers.answered(number, 4);
    barriers.applied(4);
    expect(passed(...clients)).toEqual([1, 1, 1]);
  });

  it('that were answered stay answered over a change of leaders', () => {
    const barriers = new Barriers();
    const client = new TestClient();
    barriers.answered(asked(barriers, client), 7);
    barriers.askAgain();
    expect(barriers.takeQuestion(0)).toBeNull();
    barriers.applied(7);
    expect(passed(client)).toEqual([1]);
  });

  it('believe the first answer to a question', () => {
    const barriers = new Barriers();
    const client = new TestClient();
    const number = asked(barriers, client);
    barriers.answered(number, 7);
    barriers.answered(number, 5);
    barriers.applied(5);
    expect(passed(client)).toEqual([0]);
  });

  it('are asked for again when no answer has come for long', () => {
    const barriers = new Barriers();
    const client = new TestClient();
    const first = asked(barriers, client);
    expect(barriers.askLostAgain(900)).toBe(false);
    expect(barriers.askLostAgain(1_100)).toBe(true);
    const second = barriers.takeQuestion(1_100) as number;
    expect(second).not.toBe(first);
    barriers.answered(second, 1);
    expect(barriers.askLostAgain(9_000)).toBe(false);
    barriers.applied(1);
    expect(passed(client)).toEqual([1]);
  });
});
