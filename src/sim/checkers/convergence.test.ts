import { describe, expect, it } from 'vitest';
import { DecidedLog } from '../decided.ts';
import { checkConvergence } from './convergence.ts';

function logOf(times: readonly number[]): DecidedLog {
  const log = new DecidedLog();
  for (const [i, atUs] of times.entries()) decide(log, 1, i + 1, atUs);
  return log;
}

function decide(log: DecidedLog, server: number, slot: number, atUs: number): void {
  const hash = new Uint8Array(32).fill(slot);
  log.decided(server, { slot, round: 1, replica: 1, kind: 0, body: new Uint8Array(0), hash }, atUs);
}

describe('replicas in the end', () => {
  const standings = [1, 2, 3].map((id) => ({ id, isExcused: id === 3 }));
  const members = new Set([1, 2, 3]);

  it('have everything that was decided long enough ago', () => {
    const log = logOf([10, 20]);
    decide(log, 2, 1, 11);
    expect(checkConvergence(log, members, standings, 15)).toEqual([]);
    expect(checkConvergence(log, members, standings, 20)).toHaveLength(1);
    decide(log, 2, 2, 21);
    expect(checkConvergence(log, members, standings, 20)).toEqual([]);
  });

  it('may lack anything if they have left', () => {
    expect(checkConvergence(logOf([10]), new Set([1]), standings, 20)).toEqual([]);
  });
});
