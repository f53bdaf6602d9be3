import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProperties } from './properties.ts';

function pairs(text: string): Record<string, string> {
  return Object.fromEntries(parseProperties(text).lines.map(({ key, value }) => [key, value]));
}

describe('the properties syntax', () => {
  it('separates key and value by =, by : or by blanks', () => {
    expect(pairs('a=1\nb: 2\nc 3\nd\t=\t4\ne')).toEqual({ a: '1', b: '2', c: '3', d: '4', e: '' });
  });

  it('leaves every separator but the first in the value', () => {
    expect(pairs('server.1=host:2888:3888;2181')).toEqual({ 'server.1': 'host:2888:3888;2181' });
    expect(pairs('a==b')).toEqual({ a: '=b' });
  });

  it('takes # and ! for comments only at the beginning of a line', () => {
    expect(pairs('# a=1\n  ! b=2\nc=3 # not a comment')).toEqual({ c: '3 # not a comment' });
  });

  it('joins lines that end in a backslash, without the indent of the next', () => {
    expect(pairs('a=one,\\\n    two\nb=2')).toEqual({ a: 'one,two', b: '2' });
  });

  it('takes two backslashes at the end for one that means itself', () => {
    expect(pairs('a=c:\\\\dir\\\\\nb=2')).toEqual({ a: 'c:\\dir\\', b: '2' });
  });

  it('joins a comment line to a value when a backslash stood before it', () => {
    expect(pairs('a=1\\\n#2')).toEqual({ a: '1#2' });
  });

  it('does not let a comment continue', () => {
    expect(pairs('# a\\\nb=2')).toEqual({ b: '2' });
  });

  it('ends quietly when the last line wants to continue', () => {
    expect(pairs('a=1\\')).toEqual({ a: '1' });
  });

  it('undoes escapes in keys and values', () => {
    expect(pairs('a\\=b\\ c=\\u00e4\\x\\:')).toEqual({ 'a=b c': 'äx:' });
  });

  it('reports a broken Unicode escape with its line and goes on', () => {
    const parsed = parseProperties('a=1\nb=\\u12g4\nc=3');
    expect(parsed.errors.map((error) => error.line)).toEqual([2]);
    expect(parsed.lines.map((line) => line.key)).toEqual(['a', 'c']);
  });

  it('knows where a key begins, whatever ends the lines', () => {
    const { lines } = parseProperties('a=1\r\n\r\n#\rb=2\\\n  3\nc=4');
    expect(lines.map(({ key, line }) => [key, line])).toEqual([
      ['a', 1],
      ['b', 4],
      ['c', 6],
    ]);
  });

  it('ignores a byte order mark', () => {
    expect(pairs('\uFEFFa=1')).toEqual({ a: '1' });
  });

  it('takes any text without an exception', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { lines, errors } = parseProperties(text);
        return lines.length + errors.length <= text.split(/\r\n|\r|\n/).length;
      }),
    );
  });

  it('reads back what Java would have written', () => {
    const word = fc.string({ unit: 'grapheme' }).map((text) => text.trim());
    const escaped = (text: string): string => text.replace(/[\\=:#! \t\n\r\f]/g, escapeChar);
    fc.assert(
      fc.property(word, word, (key, value) => {
        fc.pre(key !== '');
        expect(parseProperties(`${escaped(key)}=${escaped(value)}`).lines).toEqual([
          { line: 1, key, value },
        ]);
      }),
    );
  });
});

function escapeChar(char: string): string {
  const names: Record<string, string> = { '\t': 't', '\n': 'n', '\r': 'r', '\f': 'f' };
  return `\\${names[char] ?? char}`;
}
