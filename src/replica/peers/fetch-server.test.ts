import { expect, test } from 'vitest';
import { Reader } from '../../base/reader.ts';
import { Writer } from '../../base/writer.ts';
import { silentLogger } from '../../io/logger.ts';
import { type Entry, EntryKind } from '../../paxos/entry.ts';
import { type FetchSource, serveFetches } from './fetch-server.ts';
import { type FrameHandler, type FrameStream, FrameType } from './frames.ts';
import type { Greeting } from './hello.ts';
import type { Acceptance, PeerListener } from './listener.ts';

const HASH = new Uint8Array(32);

function entryAt(slot: number): Entry {
  const body = new Uint8Array(1);
  return { slot, round: 1, replica: 1, kind: EntryKind.batch, body, hash: HASH };
}

/** A member whose log and snapshot reach so far, and the types of the frames that it sends. */
class Bench {
  readonly frames: number[] = [];
  written = 0;
  opened = 0;
  private readonly source: FetchSource;
  private end: () => void = () => {};

  constructor(readable: readonly number[], snapshotSlot: number, decidedSlot: number) {
    const read = async (_: Uint8Array, at: number) => 10 - at;
    this.source = {
      beginning: { slot: 0, hash: HASH },
      decidedSlot,
      readLog: async (slot) => {
        const entries = readable.filter((each) => each >= slot).map(entryAt);
        return entries[0]?.slot === slot ? entries : null;
      },
      openNewestSnapshot: async () => {
        this.opened++;
        const close = async () => void this.opened--;
        return { slot: snapshotSlot, hash: HASH, zxid: 1, bytes: 10, read, close };
      },
      writeSnapshot: () => void this.written++,
    };
  }

  async fetch(slot: number): Promise<void> {
    const request = new Writer();
    request.f64(slot);
    const done = new Promise<void>((resolve) => {
      this.end = resolve;
    });
    this.accept().onFrame(FrameType.fetch, new Reader(request.written()));
    await done;
  }

  private accept(): FrameHandler {
    let accept: Acceptance = () => '';
    const listener = {
      serve: (_: number, each: Acceptance) => {
        accept = each;
      },
    };
    serveFetches(listener as unknown as PeerListener, this.source, () => null, silentLogger);
    const stream = {
      bufferedBytes: 0,
      begin: (type: number) => {
        this.frames.push(type);
        return new Writer();
      },
      end: () => {},
      finish: () => this.end(),
    };
    const handler = accept({ serverId: 2 } as Greeting, stream as unknown as FrameStream);
    if (typeof handler === 'string') throw new Error(handler);
    return handler;
  }
}

test('entries are sent as far as the log reaches back', async () => {
  const bench = new Bench([3, 4, 5], 2, 5);
  await bench.fetch(4);
  expect(bench.frames).toEqual([FrameType.entries, FrameType.fetchEnd]);
});

test('a snapshot is sent to who needs more than the log has', async () => {
  const bench = new Bench([5], 4, 5);
  await bench.fetch(3);
  const { snapshot, snapshotChunk, fetchEnd } = FrameType;
  expect(bench.frames).toEqual([snapshot, snapshotChunk, fetchEnd]);
  expect([bench.opened, bench.written]).toEqual([0, 0]);
});

/**
 * Found by seed 253989259: slot 304 could be read, slot 303 was damaged and covered by the snapshot
 * at 303. All others had 303, so the leader had no quorum, and nothing brought the next snapshot.
 */
test('a snapshot is written when neither the log nor the newest one helps', async () => {
  const bench = new Bench([304], 303, 304);
  await bench.fetch(304);
  expect(bench.frames).toEqual([FrameType.fetchEnd]);
  expect([bench.opened, bench.written]).toEqual([0, 1]);
});
