import { expect, it } from 'vitest';
import { parseJoinAddress, printJoinAddress } from './join-address.ts';

it('a host alone means the usual first port of a server line', () => {
  expect(parseJoinAddress('zk1')).toEqual({ host: 'zk1', port: 2_888 });
  expect(parseJoinAddress(' 10.0.0.7:2999 ')).toEqual({ host: '10.0.0.7', port: 2_999 });
});

it('an IPv6 address stands in brackets', () => {
  expect(parseJoinAddress('[::1]:2999')).toEqual({ host: '::1', port: 2_999 });
  expect(parseJoinAddress('[fe80::1]')).toEqual({ host: 'fe80::1', port: 2_888 });
});

it('what is no address is said to be none', () => {
  for (const text of ['', ':2888', 'a b', 'zk1:', 'zk1:0', 'zk1:70000', '::1', 'zk1:2888:3888']) {
    expect(parseJoinAddress(text)).toContain('HOST[:PORT]');
  }
});

it('what is printed is read again', () => {
  for (const address of [
    { host: 'zk1', port: 1 },
    { host: '::1', port: 65_535 },
  ]) {
    expect(parseJoinAddress(printJoinAddress(address))).toEqual(address);
  }
});
