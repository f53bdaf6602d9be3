import type { Clock } from '../io/clock.ts';
import type { Secrets } from '../io/secrets.ts';
import { replay } from '../replica/replay.ts';
import { StateLoader } from '../state/loader.ts';
import { State } from '../state/state.ts';
import { GENESIS_HASH } from '../storage/record.ts';
import type { Storage } from '../storage/storage.ts';

export interface Recovered {
  readonly state: State;
  readonly lastSlot: number;
  readonly lastHash: Uint8Array;
  /** The ballot round of the last entry. */
  readonly round: number;
  readonly snapshotSlot: number;
  readonly loadMs: number;
  readonly replayMs: number;
  readonly replayedCommands: number;
}

/** The newest snapshot and the log behind it, made into a state. */
export async function recover(
  storage: Storage,
  clock: Clock,
  secrets: Secrets,
  maxTreeBytes: number,
): Promise<Recovered> {
  const startedMs = clock.monotonicMs();
  // Storage has checked every slice of its own snapshots.
  const treeOptions = { seed: seedOf(secrets), maxBytes: maxTreeBytes, verifyDigests: false };
  const base = await storage.loadSnapshot(async (snapshot) => {
    const loader = new StateLoader(treeOptions);
    for await (const slice of snapshot.slices) loader.accept(slice);
    const state = loader.finish();
    state.applied(snapshot.slot);
    return { state, slot: snapshot.slot, hash: snapshot.hash };
  });
  const state = base?.state ?? new State(treeOptions);
  const loadedMs = clock.monotonicMs();
  const last = { slot: base?.slot ?? 0, hash: base?.hash ?? GENESIS_HASH, round: 0 };
  let replayedCommands = 0;
  for await (const entries of storage.entries()) {
    replayedCommands += replay(state, entries);
    const newest = entries[entries.length - 1];
    if (newest === undefined) continue;
    Object.assign(last, { slot: newest.slot, hash: newest.hash, round: newest.round });
  }
  return {
    state,
    lastSlot: last.slot,
    lastHash: last.hash.slice(),
    round: last.round,
    snapshotSlot: base?.slot ?? 0,
    loadMs: loadedMs - startedMs,
    replayMs: clock.monotonicMs() - loadedMs,
    replayedCommands,
  };
}

/** Keys of the path index: unpredictable, so that nobody can choose paths that collide. */
function seedOf(secrets: Secrets): readonly [number, number] {
  const bytes = secrets.randomBytes(8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return [view.getInt32(0), view.getInt32(4)];
}
