import { expect, it } from 'vitest';
import { bytesText, columns, paint, printProblems, wantsColours } from './terminal.ts';

it('colours are for terminals, unless the environment says otherwise', () => {
  expect(wantsColours(true, {})).toBe(true);
  expect(wantsColours(undefined, {})).toBe(false);
  expect(wantsColours(true, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColours(true, { NO_COLOR: '' })).toBe(true);
  expect(wantsColours(false, { FORCE_COLOR: '1' })).toBe(true);
  expect(wantsColours(true, { FORCE_COLOR: '0' })).toBe(false);
});

it('painting without colours changes nothing', () => {
  expect(paint(false, 'red', 'text')).toBe('text');
  expect(paint(true, 'red', 'text')).toBe('\u001b[31mtext\u001b[0m');
});

it('columns are as wide as their widest cell', () => {
  expect(
    columns([
      ['a', 'bb', 'c'],
      ['aaa', 'b', ''],
    ]),
  ).toBe('a    bb  c\naaa  b\n');
});

it('problems are printed with the gravest last', () => {
  let printed = '';
  printProblems(
    {
      out: () => {},
      err: (text) => {
        printed += text;
      },
      outColours: false,
      errColours: false,
    },
    [
      { severity: 'error', source: { kind: 'default' }, key: 'a', message: 'bad' },
      { severity: 'info', source: { kind: 'property' }, key: 'b', message: 'note' },
      { severity: 'warning', source: { kind: 'flag', flag: '--c' }, key: null, message: 'careful' },
    ],
  );
  expect(printed).toBe('info: -D: b: note\nwarning: --c: careful\nerror: a: bad\n');
});

it('bytes are shown in the unit that people would take', () => {
  expect([0, 1023, 1024, 1_572_864, 3 * 1024 ** 3, 5000 * 1024 ** 3].map(bytesText)).toEqual([
    '0 bytes',
    '1023 bytes',
    '1.0 KiB',
    '1.5 MiB',
    '3.0 GiB',
    '5000.0 GiB',
  ]);
});
