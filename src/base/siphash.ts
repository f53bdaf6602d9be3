/**
 * HalfSipHash-1-3 (32-bit words, 32-bit result): a keyed hash, so that nobody who lacks the key can
 * choose inputs that collide. The message is `prefix`, as one word, and then `bytes[from, to)`;
 * with the hash of a parent as prefix, hashes of paths chain component by component.
 */
export function sipHash32(
  keyLow: number,
  keyHigh: number,
  prefix: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
  let v0 = keyLow | 0;
  let v1 = keyHigh | 0;
  let v2 = keyLow ^ 0x6c796765;
  let v3 = keyHigh ^ 0x74656462;
  let word = prefix | 0;
  let at = from;
  // One round a word, then the word of the tail, then three rounds to finish: one loop for all of
  // them, because the round is too long to be written out three times.
  for (let roundsAfterTail = -2; ; ) {
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
    if (at + 4 <= to) {
      word =
        (bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24);
      at += 4;
      continue;
    }
    roundsAfterTail++;
    if (roundsAfterTail === -1) {
      word = (to - from + 4) << 24;
      for (let shift = 0; at < to; at++, shift += 8) word |= (bytes[at] as number) << shift;
    } else if (roundsAfterTail === 0) {
      word = 0;
      v2 ^= 0xff;
    } else if (roundsAfterTail === 3) return v1 ^ v3;
  }
}
