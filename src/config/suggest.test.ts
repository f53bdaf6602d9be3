import { expect, it } from 'vitest';
import { editDistance, nearest } from './suggest.ts';

it('counts a swap of neighbours as one slip', () => {
  expect(editDistance('tickTiem', 'tickTime')).toBe(1);
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('', 'abc')).toBe(3);
});

it('finds what was most likely meant, in any case', () => {
  expect(nearest('maxclientcnxn', ['maxCnxns', 'maxClientCnxns'])).toBe('maxClientCnxns');
});

it('says nothing when nothing is close', () => {
  expect(nearest('colour', ['tickTime', 'dataDir'])).toBeNull();
});

it('does not compare texts that are too long for a slip', () => {
  expect(nearest('a'.repeat(101), ['a'.repeat(100)])).toBeNull();
});
