const NOTHING = new Uint8Array(0);

/** Cuts a stream of bytes into frames. */
export class FrameBuffer {
  private bytes: Uint8Array = NOTHING;
  private at = 0;

  append(more: Uint8Array): void {
    const rest = this.bytes.length - this.at;
    // Lent for the call, frames are kept: a copy in any case.
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
    const end = at + 4 + lengthAt(bytes, at);
    if (bytes.length < end) return null;
    this.at = end;
    return bytes.subarray(at + 4, end);
  }
}

/** A DataView for four bytes of each frame would cost more than all else here. */
function lengthAt(bytes: Uint8Array, at: number): number {
  let length = 0;
  for (let i = at; i < at + 4; i++) length = (length << 8) | (bytes[i] as number);
  return length;
}
