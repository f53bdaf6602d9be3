import type { Clock } from '../io/clock.ts';
import type { Secrets } from '../io/secrets.ts';
import { NO_BALLOT } from '../paxos/ballot.ts';
import type { Configuration } from '../paxos/configuration.ts';
import type { Anchor, Entry } from '../paxos/entry.ts';
import { decodeHardState, type HardState, stateIn } from '../paxos/hard-state.ts';
import { Quorums } from '../paxos/quorum.ts';
import type { Observer } from '../replica/observer.ts';
import { replay } from '../replica/replay.ts';
import { StateLoader } from '../state/loader.ts';
import { State } from '../state/state.ts';
import { GENESIS_HASH } from '../storage/record.ts';
import type { Storage } from '../storage/storage.ts';
import { configurationIn } from './voters.ts';

export interface Recovered {
  readonly state: State;
  readonly hardState: HardState;
  /** Everything up to here has been applied. */
  readonly applied: Anchor;
  /** What the log holds behind that: nobody knows yet whether it was chosen. */
  readonly undecided: readonly Entry[];
  readonly snapshotSlot: number;
  readonly loadMs: number;
  readonly replayMs: number;
  readonly replayedCommands: number;
}

export interface RecoverOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly serverId: number;
  readonly maxTreeBytes: number;
  /** Holds until the log says otherwise. */
  readonly firstConfiguration: Configuration;
  readonly levelSupported?: number;
  readonly prepare?: (blank: State) => void;
  /** Sees what is replayed. */
  readonly observer?: Observer;
}

/** The newest snapshot and the decided part of the log behind it, made into a state. */
export async function recover(options: RecoverOptions): Promise<Recovered> {
  const { storage, clock, secrets, maxTreeBytes, levelSupported } = options;
  const startedMs = clock.monotonicMs();
  // Storage has checked every slice of its own snapshots.
  const treeOptions = {
    seed: seedOf(secrets),
    maxBytes: maxTreeBytes,
    verifyDigests: false,
    ...(levelSupported === undefined ? {} : { levelSupported }),
  };
  const base = await storage.loadSnapshot(async (snapshot) => {
    const loader = new StateLoader(treeOptions);
    for await (const slice of snapshot.slices) loader.accept(slice);
    const state = loader.finish();
    state.applied(snapshot.slot);
    return { state, slot: snapshot.slot, hash: snapshot.hash.slice() };
  });
  const state = base?.state ?? new State(treeOptions);
  if (base === null) options.prepare?.(state);
  const loadedMs = clock.monotonicMs();
  const start = { slot: base?.slot ?? 0, hash: base?.hash ?? GENESIS_HASH };
  options.observer?.onRecovering(start.slot);
  const log = await replayDecided(options, state, start);
  return {
    state,
    hardState: withLatest(hardStateOf(options), state),
    ...log,
    snapshotSlot: start.slot,
    loadMs: loadedMs - startedMs,
    replayMs: clock.monotonicMs() - loadedMs,
  };
}

/**
 * Applies the entries that are known to be decided and keeps the others. What is durable on a
 * server whose acceptance is a quorum by itself is decided by that.
 */
async function replayDecided(
  options: RecoverOptions,
  state: State,
  start: Anchor,
): Promise<{ applied: Anchor; undecided: Entry[]; replayedCommands: number }> {
  const { storage } = options;
  const { configuration } = hardStateOf(options);
  const decides = new Quorums(configuration.quorums).isWriteQuorum(new Set([options.serverId]));
  let applied = start;
  let waiting: Entry[] = [];
  let replayedCommands = 0;
  for await (const entries of storage.entries()) {
    const decidedSlot = decides ? Number.POSITIVE_INFINITY : storage.decidedSlot;
    waiting = waiting.length === 0 ? entries : [...waiting, ...entries];
    const count = waiting.findIndex(({ slot }) => slot > decidedSlot);
    const decided = count < 0 ? waiting : waiting.slice(0, count);
    waiting = count < 0 ? [] : waiting.slice(count);
    replayedCommands += replay(state, decided);
    const last = decided[decided.length - 1];
    if (last === undefined) continue;
    applied = { slot: last.slot, hash: last.hash.slice() };
    for (const entry of decided) options.observer?.onDecided(entry);
    options.observer?.onApplied(last.slot, state.digestHigh, state.digestLow);
  }
  // The bodies are views of large blocks that were read: those must not stay for a few entries.
  const undecided = waiting.map((entry) => ({ ...entry, body: entry.body.slice() }));
  return { applied, undecided, replayedCommands };
}

/** What the log has made of the configuration since the acceptor's state was saved. */
function withLatest(hardState: HardState, state: State): HardState {
  const { membership } = state;
  return membership === null ? hardState : stateIn(configurationIn(membership), hardState);
}

/** Before the first promise there is nothing but the configuration to begin with. */
function hardStateOf({ storage, firstConfiguration }: RecoverOptions): HardState {
  if (storage.state.length > 0) return decodeHardState(storage.state);
  return { promised: NO_BALLOT, accepted: NO_BALLOT, configuration: firstConfiguration };
}

/** Keys of the path index: unpredictable, so that nobody can choose paths that collide. */
function seedOf(secrets: Secrets): readonly [number, number] {
  const bytes = secrets.randomBytes(8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return [view.getInt32(0), view.getInt32(4)];
}
