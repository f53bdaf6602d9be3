import { createHash, getHashes, randomBytes } from 'node:crypto';
import type { Secrets } from '../secrets.ts';

export class NodeSecrets implements Secrets {
  randomBytes(count: number): Uint8Array {
    return randomBytes(count);
  }

  sha256(bytes: Uint8Array): Uint8Array {
    return createHash('sha256').update(bytes).digest();
  }

  digest(algorithm: string, bytes: Uint8Array): Uint8Array | null {
    const wanted = algorithm.toLowerCase().replace(/^sha-/, 'sha');
    if (!getHashes().includes(wanted)) return null;
    return createHash(wanted).update(bytes).digest();
  }
}
