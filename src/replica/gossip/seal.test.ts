import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GOSSIP_SEAL_BYTES } from '../../base/limits.ts';
import type { Ciphers } from '../../io/ciphers.ts';
import { NodeChecksums } from '../../io/node/checksums.ts';
import { NodeCiphers } from '../../io/node/ciphers.ts';
import { NodeSecrets } from '../../io/node/secrets.ts';
import { Seal } from './seal.ts';

const checksums = new NodeChecksums();
const secrets = new NodeSecrets();
const NONE = new Uint8Array(0);
const CONTENT = new TextEncoder().encode('content');
const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

function newSeal(
  keys: readonly Uint8Array[],
  life = 1,
  ciphers: Ciphers = new NodeCiphers(),
): Seal {
  const seal = new Seal({ ciphers, checksums, secrets, life });
  seal.setKeys(keys);
  return seal;
}

function contentOf(opened: ReturnType<Seal['open']>): number[] | string {
  return typeof opened === 'string' ? opened : [...opened.content];
}

describe('a seal', () => {
  it.each([
    ['with a key', [key(1)]],
    ['without', []],
  ])('is opened by another one %s, and takes no more than its room', (_, keys) => {
    const [one, other] = [newSeal(keys), newSeal(keys)];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_360 }), (content) => {
        const sealed = one.seal(content, NONE);
        expect(sealed.length - content.length).toBeLessThanOrEqual(GOSSIP_SEAL_BYTES);
        expect(contentOf(other.open(sealed, NONE))).toEqual([...content]);
      }),
    );
  });

  it('tells which life a content is from, and the how manieth it is', () => {
    const [one, other] = [newSeal([key(1)], 7), newSeal([key(1)])];
    const opened = [1, 2].map(() => other.open(one.seal(CONTENT, NONE), NONE));
    expect(opened).toMatchObject([
      { life: 7, number: 1 },
      { life: 7, number: 2 },
    ]);
  });

  it('hides what it holds', () => {
    const sealed = newSeal([key(1)]).seal(CONTENT, NONE);
    expect(Buffer.from(sealed).includes('content')).toBe(false);
  });

  it('opens for no other key, no other company, and with no byte changed', () => {
    const [one, other] = [newSeal([key(1)]), newSeal([key(1)])];
    const sealed = one.seal(CONTENT, new Uint8Array([1]));
    expect(newSeal([key(2)]).open(sealed, new Uint8Array([1]))).toBe('wrongKey');
    expect(other.open(sealed, new Uint8Array([2]))).toBe('wrongKey');
    for (let at = 1; at < sealed.length; at++) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(other.open(changed, new Uint8Array([1]))).toBe('wrongKey');
    }
    expect(contentOf(other.open(sealed, new Uint8Array([1])))).toEqual([...CONTENT]);
  });

  it('says why it opens nothing', () => {
    const [keyed, plain] = [newSeal([key(1)]), newSeal([])];
    expect(keyed.open(plain.seal(CONTENT, NONE), NONE)).toBe('noKey');
    expect(plain.open(keyed.seal(CONTENT, NONE), NONE)).toBe('unexpectedKey');
    const damaged = plain.seal(CONTENT, NONE);
    damaged[damaged.length - 1] = 0;
    expect(plain.open(damaged, NONE)).toBe('malformed');
    for (const bytes of [[], [0x10], [0x11], [0x12, 1, 2], [0x11, ...new Uint8Array(38)]]) {
      expect(keyed.open(new Uint8Array(bytes), NONE)).toBe(
        bytes[0] === 0x10 ? 'noKey' : 'malformed',
      );
    }
  });

  it('never encrypts two contents under one key and nonce, in however many lives', () => {
    const used = new Set<string>();
    const node = new NodeCiphers();
    const watching: Ciphers = {
      deriveKey: (...args) => node.deriveKey(...args),
      open: (...args) => node.open(...args),
      seal: (own, nonce, ...rest) => {
        const pair = `${Buffer.from(own).toString('hex')}/${Buffer.from(nonce).toString('hex')}`;
        expect(used.has(pair)).toBe(false);
        used.add(pair);
        return node.seal(own, nonce, ...rest);
      },
    };
    for (let life = 0; life < 20; life++) {
      // A disk that was lost and a file that was restored begin with a life that there was.
      const seal = newSeal([key(1), key(2)], 1, watching);
      for (let i = 0; i < 300; i++) seal.seal(CONTENT, NONE);
      seal.setKeys([key(2), key(1)]);
      for (let i = 0; i < 300; i++) seal.seal(CONTENT, NONE);
      seal.setKeys([key(1)]);
      for (let i = 0; i < 300; i++) seal.seal(CONTENT, NONE);
    }
    expect(used.size).toBe(20 * 900);
  });

  it('rotates keys one member after the other, and everyone understands everyone', () => {
    const seals = [newSeal([key(1)]), newSeal([key(1)]), newSeal([key(1)])];
    const everyoneUnderstands = (): void => {
      for (const from of seals) {
        const sealed = from.seal(CONTENT, NONE);
        for (const to of seals) expect(contentOf(to.open(sealed, NONE))).toEqual([...CONTENT]);
      }
    };
    for (const keys of [[key(1), key(2)], [key(2), key(1)], [key(2)]]) {
      for (const seal of seals) {
        seal.setKeys(keys);
        everyoneUnderstands();
      }
    }
    expect(seals[0]?.open(newSeal([key(1)]).seal(CONTENT, NONE), NONE)).toBe('wrongKey');
  });

  it('refuses keys where nothing can encrypt', () => {
    const seal = new Seal({ ciphers: null, checksums, secrets, life: 1 });
    expect(() => seal.setKeys([key(1)])).toThrow(/can not encrypt/);
  });
});
