import { GOSSIP_KEYS_MAX } from './limits.ts';

const KEY_BYTES = 32;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const KEY_LINE = /^[A-Za-z0-9+/]{43}=$/;

/**
 * Keys of 32 bytes, one a line in base64; empty lines and those that begin with `#` say nothing. A
 * text is what is wrong, and never holds anything of a key (rule 53).
 */
export function parseKeyLines(text: string): Uint8Array[] | string {
  const keys: Uint8Array[] = [];
  const seen = new Set<string>();
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const where = `line ${i + 1}`;
    if (!KEY_LINE.test(line)) {
      return `${where} is no key: 32 random bytes in base64, as "openssl rand -base64 32" prints them`;
    }
    if (seen.has(line)) return `${where} has a key that stands above already`;
    seen.add(line);
    keys.push(decoded(line));
  }
  if (keys.length === 0) return 'it holds no key: one a line, 32 random bytes in base64';
  if (keys.length > GOSSIP_KEYS_MAX) return `it holds more than ${GOSSIP_KEYS_MAX} keys`;
  return keys;
}

/** 43 characters of six bits, the last two of which are beyond the key. */
function decoded(line: string): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  let [bits, count, at] = [0, 0, 0];
  for (const letter of line.slice(0, -1)) {
    bits = ((bits << 6) | ALPHABET.indexOf(letter)) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    key[at++] = (bits >> count) & 255;
  }
  return key;
}
