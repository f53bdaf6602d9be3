import { describe, expect, it } from 'vitest';
import { utf8Decode, utf8Encode } from '../base/utf8.ts';
import type { Acl } from '../state/acl.ts';
import { ChangeKind, Changes } from '../state/outcome.ts';
import { type PathWatch, type Watcher, Watches, WatchMode } from './watches.ts';

const NAMES = ['', 'created', 'deleted', 'changed', 'children'];
const SECRET = { id: 9 } as unknown as Acl;
const OPEN = { id: 0 } as unknown as Acl;

class Listener implements Watcher {
  readonly watched: Set<PathWatch> = new Set();
  lastTrigger = 0;
  heard: string[] = [];
  mayRead(acl: Acl): boolean {
    return acl !== SECRET;
  }
  notify(type: number, path: Uint8Array, from: number, to: number): void {
    this.heard.push(`${NAMES[type]} ${utf8Decode(path, from, to)}`);
  }
  take(): string[] {
    const { heard } = this;
    this.heard = [];
    return heard;
  }
}

function change(watches: Watches, kind: number, path: string, acl = OPEN, parent = OPEN): void {
  const changes = new Changes();
  const bytes = utf8Encode(path);
  changes.add(kind, bytes, 0, bytes.length, acl, parent);
  watches.match(changes, 1);
}

/** The table of protocol section 9.3: who hears what, for a watch held on /p/x. */
function hears(mode: number, at: string, ...steps: [number, string][]): string[][] {
  const watches = new Watches();
  const listener = new Listener();
  watches.add(listener, at, mode);
  return steps.map(([kind, path]) => {
    change(watches, kind, path);
    return listener.take();
  });
}

const { created, deleted, dataChanged } = ChangeKind;

describe('watches (protocol 9.2 to 9.4)', () => {
  it('tell a data watch of one change or of the deletion, once', () => {
    expect(hears(WatchMode.data, '/p/x', [dataChanged, '/p/x'], [dataChanged, '/p/x'])).toEqual([
      ['changed /p/x'],
      [],
    ]);
    expect(hears(WatchMode.data, '/p/x', [created, '/p/x/k'], [deleted, '/p/x'])).toEqual([
      [],
      ['deleted /p/x'],
    ]);
  });

  it('tell a child watch of a created or deleted child, once', () => {
    expect(
      hears(WatchMode.child, '/p/x', [dataChanged, '/p/x'], [created, '/p/x/k'], [deleted, '/p/x']),
    ).toEqual([[], ['children /p/x'], []]);
    expect(hears(WatchMode.child, '/', [created, '/a'])).toEqual([['children /']]);
  });

  it('tell of a deletion once, even if data and child were watched, and consume both', () => {
    const both = WatchMode.data | WatchMode.child;
    expect(hears(both, '/p/x', [deleted, '/p/x'], [created, '/p/x'], [deleted, '/p/x'])).toEqual([
      ['deleted /p/x'],
      [],
      [],
    ]);
  });

  it('keep a persistent watch through everything, the deletion of its node included', () => {
    expect(
      hears(
        WatchMode.persistent,
        '/p/x',
        [created, '/p/x/k'],
        [deleted, '/p/x/k'],
        [deleted, '/p/x'],
        [created, '/p/x'],
      ),
    ).toEqual([['children /p/x'], ['children /p/x'], ['deleted /p/x'], ['created /p/x']]);
  });

  it('tell a recursive watch of the node itself and all below, never of children lists', () => {
    expect(
      hears(
        WatchMode.recursive,
        '/p',
        [created, '/p/x/k'],
        [dataChanged, '/p/x'],
        [deleted, '/p'],
        [created, '/pq'],
      ),
    ).toEqual([['created /p/x/k'], ['changed /p/x'], ['deleted /p'], []]);
    expect(hears(WatchMode.recursive, '/', [created, '/a/b/c'])).toEqual([['created /a/b/c']]);
  });

  it('send at most one event per trigger, and the children event besides', () => {
    const modes = WatchMode.recursive | WatchMode.persistent | WatchMode.data;
    expect(hears(modes, '/p/x', [dataChanged, '/p/x'], [created, '/p/x/k'])).toEqual([
      ['changed /p/x'],
      ['created /p/x/k', 'children /p/x'],
    ]);
  });

  it('say nothing to whoever may not read, and consume the one-shot watch all the same', () => {
    const watches = new Watches();
    const listener = new Listener();
    watches.add(listener, '/p', WatchMode.data | WatchMode.child);
    change(watches, dataChanged, '/p', SECRET);
    change(watches, created, '/p/c', OPEN, SECRET);
    expect(listener.take()).toEqual([]);
    change(watches, dataChanged, '/p');
    change(watches, created, '/p/d');
    expect(listener.take()).toEqual([]);
  });

  it('forget a connection entirely, and count what is left', () => {
    const watches = new Watches();
    const [stays, goes] = [new Listener(), new Listener()];
    for (const mode of [1, 2, 4, 8]) watches.add(goes, '/a', mode);
    watches.add(goes, '/b', WatchMode.recursive);
    watches.add(stays, '/a', WatchMode.data);
    watches.add(stays, '/a', WatchMode.data);
    // One for each path that a connection has in a table, however many modes that is.
    expect([watches.dataCount, watches.childCount, watches.count]).toEqual([3, 1, 4]);
    watches.drop(goes);
    expect([watches.count, watches.pathCount, goes.watched.size]).toEqual([1, 1, 0]);
    change(watches, dataChanged, '/a');
    expect([goes.take(), stays.take()]).toEqual([[], ['changed /a']]);
    expect([watches.count, watches.pathCount]).toEqual([0, 0]);
  });

  it('count how many were told of each type of event', () => {
    const watches = new Watches();
    for (const listener of [new Listener(), new Listener()]) {
      watches.add(listener, '/p', WatchMode.data | WatchMode.recursive);
      watches.add(listener, '/p', WatchMode.child);
    }
    change(watches, dataChanged, '/p');
    change(watches, dataChanged, '/q');
    change(watches, created, '/p/c');
    change(watches, created, '/p/d');
    const told = watches.told.map((summary) => [summary.count, summary.max]);
    expect(told).toEqual([
      [0, 0],
      [2, 2],
      [0, 0],
      [1, 2],
      [1, 2],
    ]);
  });
});
