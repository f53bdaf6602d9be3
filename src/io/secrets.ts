/** What needs a good source of randomness or a cryptographic hash. */
export interface Secrets {
  /** Unpredictable bytes. */
  randomBytes(count: number): Uint8Array;
  sha256(bytes: Uint8Array): Uint8Array;
  /** A hash by its common name (SHA1, SHA-256, SHA3-256…), or null if there is none such. */
  digest(algorithm: string, bytes: Uint8Array): Uint8Array | null;
}
