/** Of CRC-32 (IEEE), bits reversed. */
const POLYNOMIAL = 0xedb88320;

/** What a byte of difference, with nothing behind it, does to the checksum. */
const EFFECTS: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  let effect = byte;
  for (let i = 0; i < 8; i++) effect = (effect >>> 1) ^ (effect & 1 ? POLYNOMIAL : 0);
  return effect;
});

/**
 * The number of the one bit whose flip makes two CRC-32s of `bytes` differ by `difference`, their
 * exclusive or; -1 if no single bit does. A checksum is linear: what a flip does to it depends on
 * its place alone, so one pass from the end tries them all.
 */
export function flippedBit(bytes: Uint8Array, difference: number): number {
  const wanted = difference | 0;
  const effects = Int32Array.from({ length: 8 }, (_, bit) => EFFECTS[1 << bit] as number);
  for (let at = bytes.length - 1; at >= 0; at--) {
    for (let bit = 0; bit < 8; bit++) {
      const effect = effects[bit] as number;
      if (effect === wanted) return at * 8 + bit;
      effects[bit] = (effect >>> 8) ^ (EFFECTS[effect & 0xff] as number);
    }
  }
  return -1;
}
