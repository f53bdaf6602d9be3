const BLOCK_BYTES = 64;
const LENGTH_BYTES = 8;

const SHIFTS: readonly (readonly number[])[] = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];

const SINES = Int32Array.from({ length: 64 }, (_, i) =>
  Number(BigInt.asIntN(32, BigInt(Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32)))),
);

/**
 * MD5 (RFC 1321), for a protocol that asks for it, where no platform offers it. Nothing is safe
 * because of it: collisions are found in seconds.
 */
export function md5(message: Uint8Array): Uint8Array {
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  const view = padded(message);
  for (let at = 0; at < view.byteLength; at += BLOCK_BYTES) addBlock(state, view, at);
  const digest = new Uint8Array(16);
  const out = new DataView(digest.buffer);
  for (let i = 0; i < 4; i++) out.setInt32(4 * i, state[i] as number, true);
  return digest;
}

/** A one, zeros, and the length in bits fill the last block. */
function padded(message: Uint8Array): DataView {
  const blocks = Math.ceil((message.length + 1 + LENGTH_BYTES) / BLOCK_BYTES);
  const bytes = new Uint8Array(blocks * BLOCK_BYTES);
  bytes.set(message);
  bytes[message.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 8, (message.length << 3) >>> 0, true);
  view.setUint32(bytes.length - 4, Math.floor(message.length / 2 ** 29), true);
  return view;
}

function addBlock(state: Int32Array, view: DataView, at: number): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const round = i >> 4;
    const word = view.getInt32(at + 4 * wordOf(round, i), true);
    const sum = (a + mix(round, b, c, d) + word + (SINES[i] as number)) | 0;
    const shift = SHIFTS[round]?.[i & 3] as number;
    [a, d, c] = [d, c, b];
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
  }
  for (const [i, value] of [a, b, c, d].entries()) state[i] = (state[i] as number) + value;
}

function wordOf(round: number, i: number): number {
  if (round === 0) return i;
  if (round === 1) return (5 * i + 1) & 15;
  return round === 2 ? (3 * i + 5) & 15 : (7 * i) & 15;
}

function mix(round: number, b: number, c: number, d: number): number {
  if (round === 0) return (b & c) | (~b & d);
  if (round === 1) return (d & b) | (~d & c);
  return round === 2 ? b ^ c ^ d : c ^ (b | ~d);
}
