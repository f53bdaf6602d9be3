import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseKeyLines } from './key-lines.ts';

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const line = base64(new Uint8Array(32).fill(7));

describe('lines of keys', () => {
  it('are read in their order, as they were written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(key, { minLength: 1, maxLength: 8, selector: base64 }), (keys) => {
        expect(parseKeyLines(keys.map(base64).join('\n'))).toEqual(keys);
      }),
    );
  });

  it('may stand between comments, empty lines and spaces', () => {
    expect(parseKeyLines(`# new\r\n\n  ${line} \r\n#old\n`)).toEqual([new Uint8Array(32).fill(7)]);
  });

  it.each([
    ['', /holds no key/],
    ['# none', /holds no key/],
    [line.slice(1), /^line 1 is no key/],
    [`${line}\n${line.replace('=', '')}`, /^line 2 is no key/],
    [base64(new Uint8Array(31)), /^line 1 is no key/],
    [base64(new Uint8Array(64)), /^line 1 is no key/],
    [`${line}\n${line}`, /^line 2 has a key that stands above/],
    [
      Array.from({ length: 9 }, (_, i) => base64(new Uint8Array(32).fill(i))).join('\n'),
      /more than 8/,
    ],
  ])('of %j are refused', (text, reason) => expect(parseKeyLines(text)).toMatch(reason));

  it('are never told when they are refused', () => {
    const secret = base64(new Uint8Array(33).fill(9));
    expect(parseKeyLines(secret)).not.toContain(secret.slice(0, 8));
  });
});
