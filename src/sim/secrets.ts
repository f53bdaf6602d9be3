import type { Prng } from '../base/prng.ts';
import type { Secrets } from '../io/secrets.ts';

/** Secrets that come from the seed; hashes are hashes everywhere. */
export class SimSecrets implements Secrets {
  private readonly prng: Prng;
  private readonly hashes: Secrets;

  constructor(prng: Prng, hashes: Secrets) {
    this.prng = prng;
    this.hashes = hashes;
  }

  randomBytes(count: number): Uint8Array {
    return this.prng.bytes(count);
  }

  sha256(bytes: Uint8Array): Uint8Array {
    return this.hashes.sha256(bytes);
  }

  digest(algorithm: string, bytes: Uint8Array): Uint8Array | null {
    return this.hashes.digest(algorithm, bytes);
  }
}
