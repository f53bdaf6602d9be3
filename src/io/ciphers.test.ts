import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeCiphers } from './node/ciphers.ts';

const ciphers = new NodeCiphers();
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function joined([encrypted, tag]: readonly [Uint8Array, Uint8Array]): Uint8Array {
  return new Uint8Array([...encrypted, ...tag]);
}

describe('the ciphers of Node.js', () => {
  it('seal as the specification of GCM does (test case 16)', () => {
    const key = fromHex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308');
    const plain = fromHex(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
        '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    );
    const associated = fromHex('feedfacedeadbeeffeedfacedeadbeefabaddad2');
    const sealed = ciphers.seal(key, fromHex('cafebabefacedbaddecaf888'), associated, plain);
    expect(Buffer.from(joined(sealed)).toString('hex')).toBe(
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
        '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662' +
        '76fc6ece0f4e1768cddf8853bb2d551b',
    );
  });

  it('open what was sealed with the same key, nonce and company, and nothing else', () => {
    fc.assert(
      fc.property(
        bytes(32),
        bytes(12),
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(),
        (key, nonce, associated, plain, at) => {
          const sealed = joined(ciphers.seal(key, nonce, associated, plain));
          expect(ciphers.open(key, nonce, associated, sealed)).toEqual(plain);
          const flipped = sealed.slice();
          flipped[at % sealed.length] = (flipped[at % sealed.length] ?? 0) ^ 1;
          expect(ciphers.open(key, nonce, associated, flipped)).toBeNull();
          expect(ciphers.open(key, nonce, new Uint8Array([...associated, 0]), sealed)).toBeNull();
          const otherKey = key.slice();
          otherKey[0] = (otherKey[0] ?? 0) ^ 1;
          expect(ciphers.open(otherKey, nonce, associated, sealed)).toBeNull();
        },
      ),
    );
  });

  it('open nothing that is shorter than a tag', () => {
    const [key, nonce] = [new Uint8Array(32), new Uint8Array(12)];
    expect(ciphers.open(key, nonce, new Uint8Array(0), new Uint8Array(15))).toBeNull();
  });

  it('derive keys that differ with the purpose and with the key', () => {
    const [one, other] = [new Uint8Array(32), new Uint8Array(32).fill(1)];
    const purpose = new Uint8Array([1]);
    const keys = [
      ciphers.deriveKey(one, purpose),
      ciphers.deriveKey(other, purpose),
      ciphers.deriveKey(one, new Uint8Array([2])),
    ].map((key) => Buffer.from(key).toString('hex'));
    expect(new Set(keys).size).toBe(3);
    expect(ciphers.deriveKey(one, purpose)).toHaveLength(32);
  });
});
