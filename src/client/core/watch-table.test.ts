import { describe, expect, it } from 'vitest';
import type { WatchKind, WatchTarget } from './watch-table.ts';
import { WatchTable } from './watch-table.ts';

const KINDS: readonly WatchKind[] = ['data', 'exist', 'child', 'persistent', 'recursive'];

/** A table with one watch of each kind on the path, and what was told to whom. */
function table(path: string): {
  table: WatchTable;
  fire: WatchTable['fire'];
  left: () => string[];
} {
  const made = new WatchTable();
  for (const kind of KINDS) made.add(kind, path, targetOf(kind));
  return {
    table: made,
    fire: (type, where) => made.fire(type, where),
    left: () => KINDS.filter((kind) => made.tables[kind].size > 0),
  };
}

const targets = new Map<string, WatchTarget>();
function targetOf(name: string): WatchTarget {
  const target = targets.get(name) ?? { onEvent: () => {}, onEnd: () => {} };
  targets.set(name, target);
  return target;
}

function names(told: ReadonlySet<WatchTarget>): string[] {
  return [...targets].filter(([, target]) => told.has(target)).map(([name]) => name);
}

describe('an event', () => {
  it.each([
    ['created', ['data', 'exist', 'persistent', 'recursive'], ['child']],
    ['dataChanged', ['data', 'exist', 'persistent', 'recursive'], ['child']],
    ['deleted', ['data', 'exist', 'child', 'persistent', 'recursive'], []],
    ['childrenChanged', ['child', 'persistent'], ['data', 'exist']],
  ] as const)('%s is told to %j, and ends those that are one-shot', (type, told, oneShot) => {
    const { fire, left } = table('/a');
    expect(names(fire(type, '/a'))).toEqual(told);
    expect(left()).toEqual([
      ...KINDS.filter((kind) => (oneShot as readonly string[]).includes(kind)),
      'persistent',
      'recursive',
    ]);
  });

  it('below a path is told to recursive watches alone', () => {
    for (const root of ['/a', '/']) {
      const { fire } = table(root);
      expect(names(fire('created', '/a/b/c'))).toEqual(['recursive']);
      expect(names(fire('childrenChanged', '/a/b'))).toEqual([]);
    }
    expect(names(table('/a').fire('created', '/ab'))).toEqual([]);
  });

  it('is told once to whoever watches in several ways', () => {
    const made = new WatchTable();
    for (const kind of KINDS) made.add(kind, '/a', targetOf('one'));
    made.add('recursive', '/', targetOf('one'));
    expect(made.fire('deleted', '/a').size).toBe(1);
  });
});

describe('a watch', () => {
  it('is the last of its kind on its path, or is not', () => {
    const made = new WatchTable();
    made.add('persistent', '/a', targetOf('one'));
    made.add('persistent', '/a', targetOf('two'));
    expect(made.remove('persistent', '/a', targetOf('one'))).toBe(false);
    expect(made.remove('persistent', '/a', targetOf('one'))).toBe(false);
    expect(made.remove('persistent', '/a', targetOf('two'))).toBe(true);
    expect(made.isEmpty).toBe(true);
  });
});
