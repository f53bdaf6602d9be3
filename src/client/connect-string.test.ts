import { describe, expect, it } from 'vitest';
import { parseConnectString } from './connect-string.ts';

describe('a connect string', () => {
  it.each([
    ['a', ['a:2181'], ''],
    ['a:1,b:2', ['a:1', 'b:2'], ''],
    [' a:1 , b ,', ['a:1', 'b:2181'], ''],
    ['a/', ['a:2181'], ''],
    ['a:1,b:2/app/x', ['a:1', 'b:2'], '/app/x'],
    ['[::1]:2182,[fe80::1]/c', ['::1:2182', 'fe80::1:2181'], '/c'],
  ])('%j names hosts and a chroot', (text, hosts, chroot) => {
    const parsed = parseConnectString(text);
    expect(parsed.hosts.map(({ host, port }) => `${host}:${port}`)).toEqual(hosts);
    expect(parsed.chroot).toBe(chroot);
  });

  it.each(['', ',', '/a', 'a:0', 'a:65536', 'a:b', '::1', '[::1', 'a/b/', 'a/b//c', 'a/..'])(
    '%j is none',
    (text) => {
      expect(() => parseConnectString(text)).toThrow(TypeError);
    },
  );
});
