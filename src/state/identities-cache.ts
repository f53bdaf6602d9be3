import { equalBytes } from '../base/bytes.ts';
import { DecodeError } from '../base/reader.ts';
import { Identities } from './identities.ts';

const ENTRIES = 16;
const ENTRY_BYTES_MAX = 4_096;

/** The last few identities that commands carried: most connections have one set for life. */
export class IdentitiesCache {
  private readonly encoded: Uint8Array[] = [];
  private readonly decoded: Identities[] = [];
  private next = 0;

  get(bytes: Uint8Array, from: number, length: number): Identities {
    for (let i = 0; i < this.encoded.length; i++) {
      const known = this.encoded[i] as Uint8Array;
      if (known.length === length && equalBytes(known, 0, bytes, from, length)) {
        return this.decoded[i] as Identities;
      }
    }
    const encoded = bytes.slice(from, from + length);
    const decoded = decode(encoded);
    if (length > ENTRY_BYTES_MAX) return decoded;
    this.encoded[this.next] = encoded;
    this.decoded[this.next] = decoded;
    this.next = (this.next + 1) % ENTRIES;
    return decoded;
  }
}

/** What can't be read names nobody. */
function decode(encoded: Uint8Array): Identities {
  try {
    return Identities.decode(encoded);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return Identities.none;
  }
}
