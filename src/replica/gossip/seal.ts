import { equalBytes, viewOf } from '../../base/bytes.ts';
import type { Checksums } from '../../io/checksums.ts';
import { CIPHER_NONCE_BYTES, CIPHER_TAG_BYTES, type Ciphers } from '../../io/ciphers.ts';
import type { Secrets } from '../../io/secrets.ts';

/** First byte of what travels. A number is never used again for something else. */
const PLAIN = 0x10;
const SEALED = 0x11;

const SALT_BYTES = 12;
const NUMBER_BYTES = 6;
const HEADER_BYTES = 1 + SALT_BYTES + NUMBER_BYTES;
const LIFE_BYTES = 5;
const LIFE_MAX = 2 ** 40 - 1;
const CRC_BYTES = 4;
const SEALED_BYTES_MIN = HEADER_BYTES + LIFE_BYTES + CIPHER_TAG_BYTES;
/** Keys of others' lives that are remembered, so that each packet costs one decryption. */
const KEYS_KNOWN_MAX = 8_192;
const PURPOSE = new Uint8Array([...'quoll gossip 1'].map((letter) => letter.charCodeAt(0)));

/** Why something that came was not even read. */
export type Refusal = 'malformed' | 'noKey' | 'unexpectedKey' | 'wrongKey';

export interface Opened {
  readonly content: Uint8Array;
  /** Which life of its sender it comes from, and the how manieth that life has sealed; 0: plain. */
  readonly life: number;
  readonly number: number;
}

export interface SealOptions {
  /** Null where there is no encryption: then there may be no keys. */
  readonly ciphers: Ciphers | null;
  readonly checksums: Checksums;
  readonly secrets: Secrets;
  /** Higher than in any earlier life of this replica. */
  readonly life: number;
}

/**
 * Seals what leaves and opens what comes, packets and streams' frames alike.
 *
 * ```
 * plain  := 0x10 crc32:u32 content
 * sealed := 0x11 salt:12 number:u48 gcm(life:u40 content) tag:16
 * ```
 * The salt is drawn once in a life. Each life encrypts under a key of its own, HMAC-SHA-256(key,
 * "quoll gossip 1" ‖ salt), and counts what it seals; so no nonce comes twice under one key, however
 * many members share that key and however long they run. Random nonces alone would be used up: of
 * 2^32 under one key a thousand members make that many in five days.
 */
export class Seal {
  /** Whoever finds that it had a higher one, as after a disk was restored, says so from then on. */
  life: number;
  private readonly options: SealOptions;
  private readonly salt: Uint8Array;
  private keys: readonly Uint8Array[] = [];
  private own: Uint8Array | null = null;
  private number = 0;
  private readonly known = new Map<string, Uint8Array>();

  constructor(options: SealOptions) {
    this.options = options;
    this.life = options.life;
    this.salt = options.secrets.randomBytes(SALT_BYTES);
  }

  get isEncrypting(): boolean {
    return this.own !== null;
  }

  /** The first key seals, all open. None: nothing is encrypted, and nothing encrypted is read. */
  setKeys(keys: readonly Uint8Array[]): void {
    const [first] = keys;
    this.keys = keys;
    this.own = first === undefined ? null : this.derive(first, this.salt);
    this.known.clear();
  }

  /** `company` has to be the same at the other end: what the content belongs to. */
  seal(content: Uint8Array, company: Uint8Array): Uint8Array {
    const { own, options } = this;
    if (own === null || options.ciphers === null) return this.plain(content);
    this.number += 1;
    const sealed = new Uint8Array(SEALED_BYTES_MIN + content.length);
    sealed[0] = SEALED;
    sealed.set(this.salt, 1);
    putNumber(sealed, 1 + SALT_BYTES, NUMBER_BYTES, this.number);
    const header = sealed.subarray(0, HEADER_BYTES);
    const inner = new Uint8Array(LIFE_BYTES + content.length);
    putNumber(inner, 0, LIFE_BYTES, Math.min(this.life, LIFE_MAX));
    inner.set(content, LIFE_BYTES);
    const associated = withHeader(header, company);
    const [encrypted, tag] = options.ciphers.seal(own, nonceOf(header), associated, inner);
    sealed.set(encrypted, HEADER_BYTES);
    sealed.set(tag, HEADER_BYTES + encrypted.length);
    return sealed;
  }

  open(bytes: Uint8Array, company: Uint8Array): Opened | Refusal {
    if (bytes[0] === PLAIN) return this.keys.length > 0 ? 'noKey' : this.openPlain(bytes);
    if (bytes[0] !== SEALED || bytes.length < SEALED_BYTES_MIN) return 'malformed';
    if (this.keys.length === 0) return 'unexpectedKey';
    const inner = this.decrypt(bytes, company);
    if (inner === null) return 'wrongKey';
    const life = takeNumber(inner, 0, LIFE_BYTES);
    const number = takeNumber(bytes, 1 + SALT_BYTES, NUMBER_BYTES);
    return { content: inner.subarray(LIFE_BYTES), life, number };
  }

  private plain(content: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(1 + CRC_BYTES + content.length);
    bytes[0] = PLAIN;
    bytes.set(content, 1 + CRC_BYTES);
    const crc = this.options.checksums.crc32(bytes, 1 + CRC_BYTES, bytes.length, 0);
    viewOf(bytes).setUint32(1, crc);
    return bytes;
  }

  private openPlain(bytes: Uint8Array): Opened | Refusal {
    if (bytes.length < 1 + CRC_BYTES) return 'malformed';
    const crc = this.options.checksums.crc32(bytes, 1 + CRC_BYTES, bytes.length, 0);
    if (crc !== viewOf(bytes).getUint32(1)) return 'malformed';
    return { content: bytes.subarray(1 + CRC_BYTES), life: 0, number: 0 };
  }

  private decrypt(bytes: Uint8Array, company: Uint8Array): Uint8Array | null {
    const { ciphers } = this.options;
    if (ciphers === null) return null;
    const header = bytes.subarray(0, HEADER_BYTES);
    const salt = bytes.subarray(1, 1 + SALT_BYTES);
    const body = bytes.subarray(HEADER_BYTES);
    const [nonce, associated] = [nonceOf(header), withHeader(header, company)];
    const name = String.fromCharCode(...salt);
    const known = this.known.get(name);
    if (known !== undefined) {
      const inner = ciphers.open(known, nonce, associated, body);
      if (inner !== null) return inner;
    }
    // Another life, or one that seals with another key since; or somebody without any.
    for (const key of this.keys) {
      const derived = this.derive(key, salt);
      if (known !== undefined && equalBytes(known, 0, derived, 0, derived.length)) continue;
      const inner = ciphers.open(derived, nonce, associated, body);
      if (inner === null) continue;
      this.remember(name, derived);
      return inner;
    }
    return null;
  }

  /** Only what has opened something is remembered: strangers take no memory. */
  private remember(name: string, key: Uint8Array): void {
    this.known.delete(name);
    if (this.known.size >= KEYS_KNOWN_MAX) {
      const [oldest] = this.known.keys();
      if (oldest !== undefined) this.known.delete(oldest);
    }
    this.known.set(name, key);
  }

  private derive(key: Uint8Array, salt: Uint8Array): Uint8Array {
    const { ciphers } = this.options;
    if (ciphers === null) throw new Error('gossip.keyFile: this process can not encrypt');
    const purpose = new Uint8Array(PURPOSE.length + SALT_BYTES);
    purpose.set(PURPOSE);
    purpose.set(salt, PURPOSE.length);
    return ciphers.deriveKey(key, purpose);
  }
}

/** The number at the end; the key is the salt's already. */
function nonceOf(header: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(CIPHER_NONCE_BYTES);
  nonce.set(header.subarray(1 + SALT_BYTES), CIPHER_NONCE_BYTES - NUMBER_BYTES);
  return nonce;
}

function withHeader(header: Uint8Array, company: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(header.length + company.length);
  bytes.set(header);
  bytes.set(company, header.length);
  return bytes;
}

function putNumber(bytes: Uint8Array, at: number, length: number, number: number): void {
  let rest = number;
  for (let i = at + length - 1; i >= at; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

function takeNumber(bytes: Uint8Array, at: number, length: number): number {
  let number = 0;
  for (let i = at; i < at + length; i++) number = number * 256 + (bytes[i] as number);
  return number;
}
