import { viewOf } from '../base/bytes.ts';

/** The rest of what a connection has sent: half a frame, or frames that are not wanted yet. */
export class Input {
  bytes: Uint8Array = EMPTY;
  view: DataView = EMPTY_VIEW;
  from = 0;
  to = 0;

  get length(): number {
    return this.to - this.from;
  }

  /** Appends a copy; `expected` is the length of the whole first frame if it is known. */
  append(source: Uint8Array, from: number, to: number, expected: number): void {
    const added = to - from;
    if (this.to + added > this.bytes.length) this.makeRoom(Math.max(this.length + added, expected));
    this.bytes.set(
      from === 0 && to === source.length ? source : source.subarray(from, to),
      this.to,
    );
    this.to += added;
  }

  /** Everything before `at` has been handled. */
  consume(at: number): void {
    this.from = at;
    if (this.from < this.to) return;
    this.from = this.to = 0;
    // An idle connection keeps no buffer: there may be many thousands of them.
    this.bytes = EMPTY;
    this.view = EMPTY_VIEW;
  }

  private makeRoom(needed: number): void {
    const target = needed <= this.bytes.length ? this.bytes : new Uint8Array(needed + 64);
    target.set(this.bytes.subarray(this.from, this.to));
    this.to -= this.from;
    this.from = 0;
    if (target === this.bytes) return;
    this.bytes = target;
    this.view = viewOf(target);
  }
}

const EMPTY = new Uint8Array(0);
const EMPTY_VIEW = viewOf(EMPTY);
