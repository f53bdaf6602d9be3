import { equalBytes } from '../../base/bytes.ts';
import type { Entry as Carried } from '../../gossip/entry.ts';
import type { Gossip } from '../../gossip/gossip.ts';
import type { Anchor, Entry } from '../../paxos/entry.ts';
import { toCarried } from './entries.ts';

/**
 * Hands decided entries on to the tree, one batch a turn. Without anybody who reads by gossip it
 * remembers where the log stands and copies nothing: that is what most ensembles pay for each slot.
 */
export class Herald {
  private isRoot: boolean;
  private hasReaders = false;
  private slot: number;
  private hash: Uint8Array;
  /** The tree has stood still while the log went on: it has to begin anew, where the log is. */
  private isBehind = false;
  /** The tree keeps entries for others. */
  private isHolding = false;
  private isWrong = false;
  private batch: Carried[] = [];
  private isWaiting = false;

  constructor({ slot, hash }: Anchor, isRoot: boolean) {
    this.slot = slot;
    this.hash = hash;
    this.isRoot = isRoot;
  }

  /** Where the log stands. */
  get anchor(): Anchor {
    return { slot: this.slot, hash: this.hash };
  }

  /** True if `tell` has to be called at the end of this turn, and nobody was told so before. */
  announce(entry: Entry): boolean {
    const { slot, hash } = entry;
    if (!this.isHeard) {
      this.slot = slot;
      this.hash = hash;
      this.isBehind = true;
      return this.isHolding && this.wake();
    }
    if (slot <= this.slot) return this.compare(entry);
    // At a leader the body's buffer serves again once the slot is applied.
    const carried = toCarried(entry, this.hash);
    this.batch.push(carried);
    this.slot = slot;
    this.hash = carried.hash;
    return this.wake();
  }

  /** These came by the tree and are on their way to the log. */
  delivered({ slot, hash }: Anchor): void {
    if (slot <= this.slot) return;
    this.slot = slot;
    this.hash = hash;
    this.isHolding = true;
  }

  reset(anchor: Anchor): void {
    if (anchor.slot <= this.slot) return;
    this.batch = [];
    this.slot = anchor.slot;
    this.hash = anchor.hash;
    this.isBehind = true;
  }

  setRoot(isRoot: boolean): void {
    this.isRoot = isRoot;
  }

  /** Somebody reads by gossip, or nobody any more. Returns what `announce` does. */
  setReaders(hasReaders: boolean): boolean {
    if (hasReaders === this.hasReaders) return false;
    this.hasReaders = hasReaders;
    return hasReaders && this.isBehind && this.wake();
  }

  tell(gossip: Gossip): void {
    this.isWaiting = false;
    if (this.isWrong) throw new Error('the log that gossip has delivered is not the decided one');
    const { batch } = this;
    if (this.isBehind) {
      const [first] = batch;
      const slot = first === undefined ? this.slot : first.slot - 1;
      gossip.reset({ slot, hash: first?.previous ?? new Uint8Array(this.hash) });
      this.isBehind = false;
      this.isHolding = false;
    }
    this.batch = [];
    if (batch.length === 0) return;
    this.isHolding = true;
    gossip.announce(batch);
  }

  /** A member that has the log from gossip keeps its end for others, whoever there is. */
  private get isHeard(): boolean {
    return this.hasReaders || !this.isRoot;
  }

  /** Whoever holds a key could have made up what was delivered: the log's word counts. */
  private compare({ slot, hash }: Entry): boolean {
    if (slot < this.slot || equalBytes(hash, 0, this.hash, 0, hash.length)) return false;
    this.isWrong = true;
    return this.wake();
  }

  private wake(): boolean {
    if (this.isWaiting) return false;
    this.isWaiting = true;
    return true;
  }
}
