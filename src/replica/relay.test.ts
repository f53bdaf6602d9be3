import { describe, expect, it } from 'vitest';
import type { Ballot } from '../paxos/ballot.ts';
import { type Dependent, Relay } from './relay.ts';

const BALLOT: Ballot = { round: 7, replica: 1 };

/** An observer that remembers what it was told. */
class Ears implements Dependent {
  readonly origin: number;
  readonly told: string[] = [];
  way = 0;

  constructor(origin: number) {
    this.origin = origin;
  }

  tellWay(way: number, leader: number | null): void {
    this.way = way;
    this.told.push(`leader ${leader}`);
  }

  marked(number: number, slot: number): void {
    this.told.push(`mark ${number} at ${slot}`);
  }

  confirmReport(number: number): void {
    this.told.push(`confirmed ${number}`);
  }

  tellIndex(number: number, slot: number): void {
    this.told.push(`index ${number} is ${slot}`);
  }
}

function relayWith(...origins: number[]) {
  const relay = new Relay();
  relay.leaderIs(1, BALLOT);
  const ears = origins.map((origin) => new Ears(origin));
  for (const one of ears) {
    relay.add(one);
    one.told.length = 0;
  }
  return { relay, ears };
}

const touch = (low: number) => ({ high: 0, low });

describe('a voter, for the observers that hang on it,', () => {
  it('speaks for all of them in one report, a session that two name once', () => {
    const { relay, ears } = relayWith(300, 301);
    const [one, two] = ears as [Ears, Ears];
    relay.report(one, one.way, 5, [touch(1), touch(2)]);
    relay.report(two, two.way, 9, [touch(2), touch(3)]);
    expect(relay.takeReport(40)).toEqual([touch(1), touch(2), touch(3)]);
    expect(relay.hasReports).toBe(false);
    relay.reportConfirmed(39);
    expect([one.told, two.told]).toEqual([[], []]);
    relay.reportConfirmed(40);
    expect([one.told, two.told]).toEqual([['confirmed 5'], ['confirmed 9']]);
  });

  it('takes a later confirmation for one of what it had reported before, too', () => {
    const { relay, ears } = relayWith(300);
    const [one] = ears as [Ears];
    relay.report(one, one.way, 5, [touch(1)]);
    relay.takeReport(40);
    relay.report(one, one.way, 6, [touch(1)]);
    relay.takeReport(41);
    relay.reportConfirmed(45);
    expect(one.told).toEqual(['confirmed 5', 'confirmed 6']);
  });

  it('asks one question for all that were asked in a turn, apart from its own', () => {
    const { relay, ears } = relayWith(300, 301);
    const [one, two] = ears as [Ears, Ears];
    relay.ask(one, one.way, 1);
    relay.ask(two, two.way, 1);
    const number = relay.takeQuestion();
    expect(number).toBeLessThan(0);
    expect(relay.takeQuestion()).toBeNull();
    relay.answered(number as number, 77);
    relay.answered(number as number, 78);
    expect([one.told, two.told]).toEqual([['index 1 is 77'], ['index 1 is 77']]);
  });

  it('drops what was meant for a leader that is lost, and what it would have answered', () => {
    const { relay, ears } = relayWith(300);
    const [one] = ears as [Ears];
    const former = one.way;
    relay.report(one, former, 5, [touch(1)]);
    relay.ask(one, former, 1);
    relay.takeReport(40);
    const question = relay.takeQuestion() as number;
    relay.leaderIs(2, { round: 8, replica: 2 });
    one.told.length = 0;
    relay.reportConfirmed(40);
    relay.answered(question, 77);
    relay.report(one, former, 6, [touch(1)]);
    relay.ask(one, former, 2);
    expect([one.told, relay.hasReports, relay.takeQuestion()]).toEqual([[], false, null]);
    expect([relay.isOpen(former), relay.isOpen(one.way)]).toEqual([false, true]);
  });

  it('counts a new connection to the same leader as another way: frames may be lost', () => {
    const { relay, ears } = relayWith(300);
    const [one] = ears as [Ears];
    const former = one.way;
    relay.leaderIs(1, BALLOT);
    expect([relay.isOpen(former), relay.isOpen(one.way)]).toEqual([false, true]);
  });

  it('has no way while nobody leads', () => {
    const { relay, ears } = relayWith(300);
    relay.leaderIs(null, BALLOT);
    expect(relay.isOpen((ears[0] as Ears).way)).toBe(false);
  });

  it('tells marks to whom they are for, and nothing to who has left', () => {
    const { relay, ears } = relayWith(300, 301);
    const [one, two] = ears as [Ears, Ears];
    relay.report(two, two.way, 9, [touch(3)]);
    relay.takeReport(40);
    relay.remove(two);
    relay.reportConfirmed(40);
    relay.marked(300, 12, 99);
    relay.marked(301, 12, 99);
    expect([one.told, two.told]).toEqual([['mark 12 at 99'], []]);
  });

  it('lets a connection go that a newer one of the same observer has replaced', () => {
    const { relay, ears } = relayWith(300);
    const newer = new Ears(300);
    relay.add(newer);
    relay.remove(ears[0] as Ears);
    relay.marked(300, 1, 2);
    expect(newer.told.at(-1)).toBe('mark 1 at 2');
  });
});
