import { viewOf } from '../base/bytes.ts';

const NOTHING = new Uint8Array(0);

/** Cuts a stream of bytes into frames. */
export class FrameBuffer {
  private bytes: Uint8Array = NOTHING;
  private at = 0;

  append(more: Uint8Array): void {
    const rest = this.bytes.length - this.at;
    const joined = new Uint8Array(rest + more.length);
    if (rest > 0) joined.set(this.bytes.subarray(this.at));
    joined.set(more, rest);
    this.bytes = joined;
    this.at = 0;
  }

  /** The payload of the next frame, which is its taker's; null if it has not come as a whole. */
  next(): Uint8Array | null {
    const { bytes, at } = this;
    if (bytes.length - at < 4) return null;
    const end = at + 4 + viewOf(bytes).getInt32(at);
    if (bytes.length < end) return null;
    this.at = end;
    return bytes.subarray(at + 4, end);
  }
}
