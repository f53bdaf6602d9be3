import { describe, expect, it } from 'vitest';
import { DiskError } from '../io/disk.ts';
import { silentLogger } from '../io/logger.ts';
import { SimClock } from '../sim/clock.ts';
import { State } from '../state/state.ts';
import { Snapshotter } from './snapshotter.ts';

/** A store that fails as it is told, and otherwise reads the image to its end. */
class Store {
  bytesSinceSnapshot = 0;
  readonly slots: number[] = [];
  error: Error | null = null;

  async writeSnapshot(
    point: { slot: number },
    source: { next(maxBytes: number): Uint8Array | null },
  ): Promise<void> {
    if (this.error !== null) throw this.error;
    while (source.next(262_144) !== null) await Promise.resolve();
    this.slots.push(point.slot);
    this.bytesSinceSnapshot = 0;
  }
}

function setUp(): { store: Store; snapshotter: Snapshotter; fatal: Error[] } {
  const store = new Store();
  const fatal: Error[] = [];
  const snapshotter = new Snapshotter({
    state: new State({ seed: [1, 2] }),
    storage: store,
    logger: silentLogger,
    clock: new SimClock(),
    logBytesMax: 100,
    snapshotSlot: 0,
    onFatal: (error) => fatal.push(error),
  });
  return { store, snapshotter, fatal };
}

const HASH = new Uint8Array(32);

describe('snapshots', () => {
  it('follow after so many bytes of log, one at a time', async () => {
    const { store, snapshotter } = setUp();
    for (const [slot, bytes] of [
      [1, 99],
      [2, 100],
      [3, 150],
    ] as const) {
      store.bytesSinceSnapshot = bytes;
      snapshotter.applied(slot, HASH);
    }
    await snapshotter.finish(() => ({ slot: 3, hash: HASH }));
    expect(store.slots).toEqual([2, 3]);
  });

  it('are written at the next slot when one is missing, and then no more than usual', async () => {
    const { store, snapshotter } = setUp();
    snapshotter.applied(1, HASH);
    snapshotter.request();
    snapshotter.applied(2, HASH);
    await snapshotter.settled();
    snapshotter.applied(3, HASH);
    await snapshotter.settled();
    expect(store.slots).toEqual([2]);
  });

  it('at the end name where the state stands once no other is being written any more', async () => {
    for (const [then, slots] of [
      [{ slot: 7, hash: HASH }, [5, 7]],
      // In the middle of a slot there is no place for one.
      [null, [5]],
    ] as const) {
      const { store, snapshotter } = setUp();
      let now: { slot: number; hash: Uint8Array } | null = { slot: 5, hash: HASH };
      snapshotter.request();
      snapshotter.applied(5, HASH);
      const finished = snapshotter.finish(() => now);
      now = then;
      await finished;
      expect(store.slots).toEqual(slots);
    }
  });

  it('are not written at the end when nothing has come since the last', async () => {
    const { store, snapshotter } = setUp();
    await snapshotter.finish(() => ({ slot: 5, hash: HASH }));
    await snapshotter.finish(() => ({ slot: 5, hash: HASH }));
    expect(store.slots).toEqual([5]);
  });

  it('that find no space are tried again after as much log again', async () => {
    const { store, snapshotter, fatal } = setUp();
    store.error = new DiskError('ENOSPC', 'x', 'full');
    store.bytesSinceSnapshot = 100;
    snapshotter.applied(1, HASH);
    await snapshotter.finish(() => ({ slot: 0, hash: HASH }));
    store.error = null;
    store.bytesSinceSnapshot = 150;
    snapshotter.applied(2, HASH);
    await snapshotter.finish(() => ({ slot: 0, hash: HASH }));
    store.bytesSinceSnapshot = 200;
    snapshotter.applied(3, HASH);
    await snapshotter.finish(() => ({ slot: 0, hash: HASH }));
    expect([store.slots, snapshotter.failed, fatal]).toEqual([[3], 1, []]);
  });

  it('that fail otherwise stop the process: what the disk holds is unknown', async () => {
    const { store, snapshotter, fatal } = setUp();
    store.error = new DiskError('EIO', 'x', 'broken');
    await snapshotter.finish(() => ({ slot: 1, hash: HASH }));
    expect(fatal).toEqual([store.error]);
  });
});
