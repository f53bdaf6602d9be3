import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PLANTED_BUGS } from './list.ts';

/** As the bundler makes the edits: one after the other, each where its text occurs once. */
function misplaced({ edits, faultEdits = [] }: (typeof PLANTED_BUGS)[number]): string[] {
  const texts = new Map<string, string>();
  return [...faultEdits, ...edits].flatMap(({ file, find, replace }) => {
    const path = new URL(`../../${file}`, import.meta.url);
    const text = texts.get(file) ?? readFileSync(path, 'utf8');
    texts.set(
      file,
      text.replace(find, () => replace),
    );
    const count = text.split(find).length - 1;
    return count === 1 ? [] : [`${file} has ${count} times: ${find}`];
  });
}

describe('planted bugs', () => {
  it.each(PLANTED_BUGS)('can be planted: $name', (bug) => {
    expect(bug.edits.length).toBeGreaterThan(0);
    expect(misplaced(bug)).toEqual([]);
  });

  it('have names that differ', () => {
    expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).toBe(PLANTED_BUGS.length);
  });
});
