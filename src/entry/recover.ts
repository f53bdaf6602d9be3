import type { Checksums } from '../io/checksums.ts';
import type { Secrets } from '../io/secrets.ts';
import { replay } from '../replica/replay.ts';
import type { Opened } from '../storage/storage.ts';
import { State, StateLoader } from '../state/state.ts';

export interface Recovered {
  readonly state: State;
  readonly lastSlot: number;
  readonly lastHash: Uint8Array;
  /** The ballot round of the last entry. */
  readonly round: number;
  /** Bytes of log behind the snapshot. */
  readonly logBytes: number;
  readonly snapshotSlot: number;
  readonly loadMs: number;
  readonly replayMs: number;
  readonly replayedCommands: number;
}

/** The newest snapshot and the log behind it, made into a state. */
export async function recover(
  opened: Opened,
  options: { secrets: Secrets; checksums: Checksums; maxTreeBytes: number },
): Promise<Recovered> {
  const startedMs = performance.now();
  const treeOptions = { seed: seedOf(options.secrets), maxBytes: options.maxTreeBytes };
  const { snapshot } = opened;
  let state: State;
  if (snapshot === null) state = new State(treeOptions);
  else {
    const loader = new StateLoader(treeOptions);
    for await (const slice of snapshot.slices) loader.accept(slice);
    state = loader.finish();
    state.applied(snapshot.slot);
  }
  const loadedMs = performance.now();
  const last = { slot: snapshot?.slot ?? 0, hash: snapshot?.hash ?? new Uint8Array(32), round: 0 };
  let logBytes = 0;
  let replayedCommands = 0;
  for await (const entries of opened.entries) {
    replayedCommands += replay(state, entries);
    for (const entry of entries) {
      logBytes += entry.body.length;
      Object.assign(last, { slot: entry.slot, hash: entry.hash, round: entry.round });
    }
  }
  return {
    state,
    lastSlot: last.slot,
    lastHash: last.hash.slice(),
    round: last.round,
    logBytes,
    snapshotSlot: snapshot?.slot ?? 0,
    loadMs: loadedMs - startedMs,
    replayMs: performance.now() - loadedMs,
    replayedCommands,
  };
}

/** Keys of the path index: unpredictable, so that nobody can choose paths that collide. */
function seedOf(secrets: Secrets): readonly [number, number] {
  const bytes = secrets.randomBytes(8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return [view.getInt32(0), view.getInt32(4)];
}
