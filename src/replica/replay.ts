import { Reader } from '../base/reader.ts';
import type { Entry } from '../paxos/entry.ts';
import type { State } from '../state/state.ts';
import { openEntry } from './applier.ts';

/**
 * Applies recovered entries to the state and returns how many commands they held; nobody waits for
 * their outcomes any more.
 */
export function replay(state: State, entries: readonly Entry[]): number {
  const reader = new Reader();
  const command = new Reader();
  let commands = 0;
  for (const entry of entries) {
    openEntry(reader, entry);
    while (reader.remaining > 0) {
      const length = reader.i32();
      const from = reader.at;
      reader.skip(length);
      command.reset(reader.bytes, reader.view, from, from + length);
      state.apply(command);
      commands++;
    }
    state.applied(entry.slot);
  }
  return commands;
}
