import { expect, it } from 'vitest';
import { parseJvmFlags, splitDefine, splitWords } from './jvm-flags.ts';

it('splits at blanks outside of quotes', () => {
  expect(splitWords(` -Xmx1g  -Da="x y" '-Db=c d'\t-De=\\ f `)).toEqual([
    '-Xmx1g',
    '-Da=x y',
    '-Db=c d',
    '-De= f',
  ]);
});

it('leaves backslashes in single quotes alone, as a shell does', () => {
  expect(splitWords(`'a\\b' "a\\"b" a\\`)).toEqual(['a\\b', 'a"b', 'a\\']);
});

it('keeps a word that is empty but quoted', () => {
  expect(splitWords(`'' a`)).toEqual(['', 'a']);
});

it('takes -D flags and sets the others aside', () => {
  expect(parseJvmFlags('-Xmx1g -Djute.maxbuffer=1 -server -Da.b')).toEqual({
    properties: [
      { name: 'jute.maxbuffer', value: '1' },
      { name: 'a.b', value: '' },
    ],
    ignored: ['-Xmx1g', '-server'],
    error: null,
  });
});

it('refuses an open quote, behind which anything may be meant', () => {
  expect(parseJvmFlags('-Da="b -Dc=d').error).toMatch('quote');
});

it('splits a definition at its first =', () => {
  expect(splitDefine('a=b=c')).toEqual({ name: 'a', value: 'b=c' });
});
