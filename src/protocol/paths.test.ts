import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../base/utf8.ts';
import { Writer } from '../base/writer.ts';
import { hasNul, isValidPath, lastSlash, writeSequence } from './paths.ts';

function isValid(path: string | Uint8Array): boolean {
  const bytes = typeof path === 'string' ? utf8Encode(path) : path;
  // Not at offset 0, as inside a request.
  const padded = new Uint8Array(bytes.length + 6).fill(0x2f);
  padded.set(bytes, 3);
  return isValidPath(padded, 3, 3 + bytes.length);
}

function suffix(counter: number): string {
  const writer = new Writer(1);
  writer.u8(0x2d);
  writeSequence(writer, counter);
  return String.fromCharCode(...writer.written().subarray(1));
}

describe('a path', () => {
  it.each(['/', '/a', '/a/b', '/...', '/..b', '/.a', '/a b', '/é', '/中', '/\u00a0', '/\ufb00'])(
    'may be %j',
    (path) => expect(isValid(path)).toBe(true),
  );

  it.each(['', 'a', 'a/b', '/a/', '//', '/a//b', '/.', '/..', '/a/./b', '/a/..', '/./a'])(
    'must not be %j: its names are at fault',
    (path) => expect(isValid(path)).toBe(false),
  );

  it.each(['\0', '\u0001', '\u001f', '\u007f', '\u0080', '\u009f', '\ue000', '\uf8ff'])(
    'must not hold the character %j',
    (character) => expect(isValid(`/a${character}b`)).toBe(false),
  );

  it.each(['\ufff0', '\uffff', '\u{1f600}'])('must not hold %j', (character) =>
    expect(isValid(`/${character}`)).toBe(false),
  );

  it('must be UTF-8: what ZooKeeper would read as U+FFFD is refused', () => {
    const malformed = [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe4, 0xb8], [0x80]];
    for (const bytes of malformed) expect(isValid(Uint8Array.of(0x2f, ...bytes))).toBe(false);
  });

  it('is judged as a plain reading of the rules on UTF-16 judges it', () => {
    const unit = fc.constantFrom('/', '.', 'a', '\0', '\u0085', 'é', '\u07ff', '\u0800', '\ud7ff');
    const other = fc.constantFrom('\uf900', '\uffef', '\ufff0', '\ue001', '\u{10000}', '/', '/');
    const text = fc.array(fc.oneof(unit, other), { maxLength: 8 }).map((units) => units.join(''));
    fc.assert(
      fc.property(text, (path) => {
        expect(isValid(path)).toBe(isValidByUnits(path));
      }),
      { numRuns: 2_000 },
    );
  });
});

function isValidByUnits(path: string): boolean {
  if (path === '/') return true;
  if (!path.startsWith('/') || path.endsWith('/')) return false;
  const names = path.split('/').slice(1);
  if (names.some((name) => ['', '.', '..'].includes(name))) return false;
  return [...Array(path.length - 1).keys()].every((i) => {
    const unit = path.charCodeAt(i + 1);
    const isPlain = (unit >= 0x20 && unit < 0x7f) || (unit > 0x9f && unit < 0xd800);
    return isPlain || (unit > 0xf8ff && unit < 0xfff0);
  });
}

describe('the suffix of a sequential znode', () => {
  it.each([
    [0, '0000000000'],
    [42, '0000000042'],
    [2_147_483_647, '2147483647'],
    [-5, '-000000005'],
    [-999_999_999, '-999999999'],
    [-1_000_000_000, '-1000000000'],
    [-2_147_483_648, '-2147483648'],
  ])('of counter %d is %s', (counter, text) => expect(suffix(counter)).toBe(text));
});

describe('helpers', () => {
  it('finds the slash where the parent ends', () => {
    const bytes = utf8Encode('/a/bc');
    expect(lastSlash(bytes, 0, 5)).toBe(2);
    expect(lastSlash(bytes, 0, 2)).toBe(0);
    expect(lastSlash(bytes, 3, 5)).toBe(-1);
  });

  it('finds a NUL only inside the span', () => {
    const bytes = Uint8Array.of(0, 0x2f, 0x61, 0);
    expect(hasNul(bytes, 1, 3)).toBe(false);
    expect(hasNul(bytes, 1, 4)).toBe(true);
  });
});
