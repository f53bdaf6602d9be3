import { assert } from '../base/assert.ts';
import type { Entry } from '../paxos/entry.ts';
import type { HardState } from '../paxos/hard-state.ts';
import type { Write } from '../paxos/output.ts';

type Done = (error: Error | null) => void;

/** A change of the end of the log together with the acceptor's state: both or neither. */
export interface Adoption {
  readonly fromSlot: number;
  readonly entries: readonly Entry[];
  readonly state: HardState;
  readonly decidedSlot: number;
  readonly clearsDamage: boolean;
}

/** What makes things durable. One call is under way at a time; `done` never runs before it returns. */
export interface DurableStore {
  append(entries: readonly Entry[], decidedSlot: number, done: Done): void;
  saveState(state: HardState, done: Done): void;
  adopt(adoption: Adoption, done: Done): void;
}

/** How an append went, for whoever measures. */
export interface AppendReport {
  readonly startedMs: number;
  readonly bytes: number;
}

/**
 * Carries out the writes of the consensus, in order and one at a time. Appends that gathered while
 * the disk was busy become one (group commit).
 */
export class Writes {
  private readonly store: DurableStore;
  private readonly nowMs: () => number;
  private readonly onDurable: (write: number, append: AppendReport | null) => void;
  private readonly onFatal: (error: Error) => void;
  private readonly queue: Write[] = [];
  private done = 0;
  /** Writes in the call under way; 0 if there is none. */
  private underWay = 0;
  private append: AppendReport | null = null;
  private failed = false;
  private readonly onDone: Done = (error) => this.finish(error);

  constructor(options: {
    store: DurableStore;
    nowMs: () => number;
    /** Every write up to this number, counted from 1, is durable. */
    onDurable: (write: number, append: AppendReport | null) => void;
    onFatal: (error: Error) => void;
  }) {
    this.store = options.store;
    this.nowMs = options.nowMs;
    this.onDurable = options.onDurable;
    this.onFatal = options.onFatal;
  }

  get isIdle(): boolean {
    return this.underWay === 0 && this.queue.length === 0;
  }

  /** Nothing more will become durable by itself: it is, or the disk has failed. */
  get isSettled(): boolean {
    return this.failed || this.isIdle;
  }

  /** Bytes of entries that are not durable yet. */
  get pendingBytes(): number {
    let bytes = 0;
    for (const write of this.queue) {
      if (write.kind === 'state') continue;
      for (const { body } of write.entries) bytes += body.length;
    }
    return bytes;
  }

  add(writes: readonly Write[]): void {
    for (const write of writes) this.queue.push(write);
    if (this.underWay === 0) this.next();
  }

  private next(): void {
    const first = this.queue[0];
    if (first === undefined || this.failed) return;
    this.append = null;
    this.underWay = 1;
    if (first.kind === 'append') this.appendAll();
    else if (first.kind === 'state') this.store.saveState(first.state, this.onDone);
    else this.store.adopt({ ...first, decidedSlot: first.decided }, this.onDone);
  }

  private appendAll(): void {
    let entries: readonly Entry[] = [];
    let decided = 0;
    let count = 0;
    for (const write of this.queue) {
      if (write.kind !== 'append') break;
      entries = count === 0 ? write.entries : [...entries, ...write.entries];
      decided = write.decided;
      count++;
    }
    this.underWay = count;
    let bytes = 0;
    for (const { body } of entries) bytes += body.length;
    this.append = { startedMs: this.nowMs(), bytes };
    this.store.append(entries, decided, this.onDone);
  }

  /** After an error nothing is known of the disk: no further write, and no further answer. */
  private finish(error: Error | null): void {
    assert(this.underWay > 0, 'a write ended twice');
    if (error !== null) {
      this.failed = true;
      this.onFatal(error);
      return;
    }
    this.queue.splice(0, this.underWay);
    this.done += this.underWay;
    this.underWay = 0;
    const { append } = this;
    // The next write goes to the disk while what this one made true is carried out.
    const done = this.done;
    this.next();
    this.onDurable(done, append);
  }
}
