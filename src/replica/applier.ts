import { viewOf } from '../base/bytes.ts';
import { Reader } from '../base/reader.ts';
import type { Clock } from '../io/clock.ts';
import { type Entry, EntryKind } from '../paxos/entry.ts';
import type { Outcome } from '../state/outcome.ts';
import type { State } from '../state/state.ts';

/** Apply yields to the loop after this long, so that reads and pings wait no longer than that. */
const APPLY_SLICE_MS = 4;
const CLOCK_EVERY_COMMANDS = 64;

/** Applies decided entries in slices of time. Between two commands anything else may happen. */
export class Applier {
  /** About when the outcome that is being delivered came to be, on the monotonic clock. */
  appliedMs = 0;
  private readonly state: State;
  private readonly clock: Clock;
  private readonly onOutcome: (outcome: Outcome) => void;
  private readonly onEntry: (entry: Entry) => void;
  private readonly onIdle: () => void;
  private readonly decided: Entry[] = [];
  private readonly reader = new Reader();
  private readonly command = new Reader();
  private readonly more: () => void = () => this.slice();
  private running = false;

  constructor(options: {
    state: State;
    clock: Clock;
    /** Valid during the call. */
    onOutcome: (outcome: Outcome) => void;
    /** All commands of the entry have been applied. */
    onEntry: (entry: Entry) => void;
    /** Everything that is decided has been applied. */
    onIdle: () => void;
  }) {
    this.state = options.state;
    this.clock = options.clock;
    this.onOutcome = options.onOutcome;
    this.onEntry = options.onEntry;
    this.onIdle = options.onIdle;
  }

  get isBusy(): boolean {
    return this.running || this.decided.length > 0;
  }

  add(entries: readonly Entry[]): void {
    for (const entry of entries) this.decided.push(entry);
  }

  run(): void {
    if (!this.running && this.decided.length > 0) this.slice();
  }

  private slice(): void {
    this.appliedMs = this.clock.monotonicMs();
    const deadlineMs = this.appliedMs + APPLY_SLICE_MS;
    this.running = true;
    while (this.decided.length > 0) {
      const entry = this.decided[0] as Entry;
      if (!this.apply(entry, deadlineMs)) {
        this.clock.afterTurn(this.more);
        return;
      }
      this.decided.shift();
      this.state.applied(entry.slot);
      this.onEntry(entry);
    }
    this.running = false;
    this.onIdle();
  }

  /** False if time ran out before the entry's last command; call again to go on. */
  private apply(entry: Entry, deadlineMs: number): boolean {
    const { reader, command } = this;
    if (reader.bytes !== entry.body) openEntry(reader, entry);
    for (let count = 1; reader.remaining > 0; count++) {
      const length = reader.i32();
      const from = reader.at;
      reader.skip(length);
      command.reset(reader.bytes, reader.view, from, from + length);
      this.onOutcome(this.state.apply(command));
      if (count % CLOCK_EVERY_COMMANDS !== 0) continue;
      this.appliedMs = this.clock.monotonicMs();
      if (this.appliedMs > deadlineMs && reader.remaining > 0) return false;
    }
    return true;
  }
}

/** Leaves the reader at the entry's first command. */
export function openEntry(reader: Reader, { body, kind }: Entry): void {
  reader.reset(body, viewOf(body), 0, body.length);
  // A stop-sign names the next configuration ahead of its commands.
  if (kind === EntryKind.configuration) reader.skip(reader.i32());
}
