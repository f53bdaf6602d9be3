import { describe, expect, it } from 'vitest';
import { findBug, PLANTED_BUGS } from './testing/planted-bugs.ts';

describe('planted bugs', () => {
  it.each(PLANTED_BUGS)('finds that $name', (bug) => {
    expect(findBug(bug, bug.seedsMax)).not.toBeNull();
  });
});
