import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { CIPHER_TAG_BYTES, type Ciphers } from '../ciphers.ts';

const ALGORITHM = 'aes-256-gcm';
const OPTIONS = { authTagLength: CIPHER_TAG_BYTES };

/** `node:crypto`. */
export class NodeCiphers implements Ciphers {
  deriveKey(key: Uint8Array, purpose: Uint8Array): Uint8Array {
    return plainBytes(createHmac('sha256', key).update(purpose).digest());
  }

  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    plain: Uint8Array,
  ): readonly [Uint8Array, Uint8Array] {
    const cipher = createCipheriv(ALGORITHM, key, nonce, OPTIONS);
    cipher.setAAD(associated);
    const encrypted = cipher.update(plain);
    // A stream cipher: the end adds nothing.
    cipher.final();
    return [plainBytes(encrypted), plainBytes(cipher.getAuthTag())];
  }

  open(
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | null {
    const end = sealed.length - CIPHER_TAG_BYTES;
    if (end < 0) return null;
    const decipher = createDecipheriv(ALGORITHM, key, nonce, OPTIONS);
    decipher.setAAD(associated);
    decipher.setAuthTag(sealed.subarray(end));
    const plain = decipher.update(sealed.subarray(0, end));
    try {
      decipher.final();
      return plainBytes(plain);
    } catch {
      return null;
    }
  }
}

/** The same bytes: `slice` of a Buffer copies nothing, which nobody expects of a Uint8Array. */
function plainBytes({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}
