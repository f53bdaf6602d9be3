import { assert } from '../base/assert.ts';
import type { ChainHash, Decider, Entry, Output } from './decider.ts';

/**
 * An ensemble of one: its own majority, so an entry is chosen as soon as it is durable here
 * (rule 7: the vote counts only after the sync). It never elects, so its ballot stays what the log
 * says.
 */
export class Solo implements Decider {
  private readonly chain: ChainHash;
  private readonly round: number;
  private readonly replica: number;
  private lastSlot: number;
  private lastHash: Uint8Array;
  private durable: number;
  private readonly accepted: Entry[] = [];
  private output: Output = { writes: [], decided: [] };

  constructor(options: {
    chain: ChainHash;
    round: number;
    replica: number;
    /** Where the recovered log ends. */
    lastSlot: number;
    lastHash: Uint8Array;
  }) {
    this.chain = options.chain;
    this.round = options.round;
    this.replica = options.replica;
    this.lastSlot = options.lastSlot;
    this.lastHash = options.lastHash;
    this.durable = options.lastSlot;
  }

  propose(body: Uint8Array): void {
    const slot = this.lastSlot + 1;
    const hash = this.chain(this.lastHash, slot, this.round, 0, this.replica, body);
    const entry = { slot, round: this.round, replica: this.replica, kind: 0, body, hash };
    this.lastSlot = slot;
    this.lastHash = hash;
    this.accepted.push(entry);
    this.output.writes.push(entry);
  }

  written(slot: number): void {
    assert(slot > this.durable && slot <= this.lastSlot, `slot ${slot} was never handed out`);
    this.durable = slot;
    while (this.accepted.length > 0 && (this.accepted[0] as Entry).slot <= slot) {
      this.output.decided.push(this.accepted.shift() as Entry);
    }
  }

  drain(): Output {
    const output = this.output;
    this.output = { writes: [], decided: [] };
    return output;
  }
}
