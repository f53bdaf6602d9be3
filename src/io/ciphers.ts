/** Encryption that authenticates, with keys of 32 bytes. */
export interface Ciphers {
  /** A key for one purpose, of which nothing leads back to `key`: HMAC-SHA-256 of `purpose`. */
  deriveKey(key: Uint8Array, purpose: Uint8Array): Uint8Array;
  /**
   * AES-256-GCM: the encrypted bytes, then the tag of 16. `associated` is not in the result, and
   * `open` wants the same. Two texts under one key must never share a nonce of 12 bytes.
   */
  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    plain: Uint8Array,
  ): readonly [encrypted: Uint8Array, tag: Uint8Array];
  /** Null for what was not sealed with exactly these. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | null;
}

export const CIPHER_KEY_BYTES = 32;
export const CIPHER_NONCE_BYTES = 12;
export const CIPHER_TAG_BYTES = 16;
