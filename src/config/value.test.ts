import { describe, expect, it } from 'vitest';
import { keyByName } from './keys.ts';
import { parseValue, sizeText, type Value } from './value.ts';

function readAs(name: string, text: string): Value | undefined {
  const key = keyByName(name);
  if (key === undefined) throw new Error(`no key ${name}`);
  const parsed = parseValue(key, text);
  return parsed.ok ? parsed.value : undefined;
}

describe('booleans', () => {
  it('are true or false in any case, and nothing else', () => {
    expect(readAs('enforceQuota', 'TRUE')).toBe(true);
    expect(readAs('enforceQuota', 'False')).toBe(false);
    // Java would take each of these for false without a word.
    for (const text of ['yes', '1', '', 'on']) expect(readAs('enforceQuota', text)).toBeUndefined();
  });
});

describe('integers', () => {
  it('stay inside their range', () => {
    expect(readAs('clientPort', '65535')).toBe(65_535);
    expect(readAs('clientPort', '65536')).toBeUndefined();
    expect(readAs('tickTime', '0')).toBeUndefined();
    expect(readAs('minSessionTimeout', '-1')).toBe(-1);
    expect(readAs('tickTime', '2147483648')).toBeUndefined();
    expect(readAs('fsync.warningthresholdms', '2147483648')).toBe(2_147_483_648);
  });

  it('may be hexadecimal where Java reads a system property', () => {
    expect(readAs('jute.maxbuffer', '0xfffff')).toBe(1_048_575);
    expect(readAs('jute.maxbuffer', '#1000')).toBe(4096);
    expect(readAs('largeRequestThreshold', '-0x1')).toBe(-1);
    expect(readAs('tickTime', '0x10')).toBeUndefined();
  });

  it('with a leading zero are refused where Java would read octal', () => {
    expect(readAs('jute.maxbuffer', '04096')).toBeUndefined();
    expect(readAs('jute.maxbuffer.extrasize', '0')).toBe(0);
    expect(readAs('tickTime', '02000')).toBe(2000);
  });

  it('are nothing but digits', () => {
    for (const text of ['', ' ', '1.5', '1e3', '2s', 'NaN', 'Infinity']) {
      expect(readAs('tickTime', text)).toBeUndefined();
    }
  });
});

describe('sizes', () => {
  it('take k, m and g in any case', () => {
    expect(readAs('quoll.maxTreeBytes', '2g')).toBe(2 * 1024 ** 3);
    expect(readAs('quoll.maxTreeBytes', '512M')).toBe(512 * 1024 ** 2);
    expect(readAs('quoll.maxTreeBytes', '2097152')).toBe(2_097_152);
    expect(readAs('quoll.maxTreeBytes', '33g')).toBeUndefined();
    expect(readAs('quoll.maxTreeBytes', '8 g')).toBeUndefined();
  });

  it('are shown with the largest unit that fits', () => {
    expect([0, 1000, 1024, 1024 ** 2, 8 * 1024 ** 3].map(sizeText)).toEqual([
      '0',
      '1000',
      '1k',
      '1m',
      '8g',
    ]);
  });
});

it('words are taken as they stand', () => {
  expect(readAs('skipACL', 'yes')).toBe('yes');
  // ZooKeeper takes only "yes" for yes: whoever wrote true expects something that won't happen.
  expect(readAs('skipACL', 'true')).toBeUndefined();
});

it('lists drop blanks and empty words', () => {
  expect(readAs('4lw.commands.whitelist', ' ruok , ,mntr,')).toEqual(['ruok', 'mntr']);
});

it('fractions are plain numbers in their range', () => {
  expect(readAs('connection_throttle_drop_increase', '.5')).toBe(0.5);
  expect(readAs('connection_throttle_drop_increase', '1.1')).toBeUndefined();
  expect(readAs('connection_throttle_drop_increase', 'half')).toBeUndefined();
});
