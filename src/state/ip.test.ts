import { describe, expect, it } from 'vitest';
import { inCidr, isCidr, parseAddress } from './ip.ts';

describe('an address', () => {
  it.each([
    ['10.1.2.3', [10, 1, 2, 3]],
    ['255.255.255.255', [255, 255, 255, 255]],
    ['::ffff:10.1.2.3', [10, 1, 2, 3]],
    ['::ffff:a01:203', [10, 1, 2, 3]],
    ['::', new Array(16).fill(0)],
    ['::1', [...new Array(15).fill(0), 1]],
    ['1::', [0, 1, ...new Array(14).fill(0)]],
    ['2001:db8::8:800:200c:417a', [32, 1, 13, 184, 0, 0, 0, 0, 0, 8, 8, 0, 32, 12, 65, 122]],
    ['1:2:3:4:5:6:1.2.3.4', [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1, 2, 3, 4]],
  ])('%s is read', (text, bytes) => expect(parseAddress(text)).toEqual(bytes));

  it.each([
    '',
    '10.1.2',
    '10.1.2.256',
    '10.1.2.3.4',
    '10.1.2.-3',
    '10.1.2.0x3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    ':::',
    '::1::',
    ':1:2:3:4:5:6:7:8',
    '12345::',
    'g::',
    '1.2.3.4::',
    'localhost',
  ])('%j is none', (text) => expect(parseAddress(text)).toBeNull());
});

describe('a block', () => {
  it.each(['10.0.0.0/8', '10.1.2.3', '10.1.2.3/0', '10.1.2.3/32', '::1/128', '2001:db8::/32'])(
    '%s is one',
    (text) => expect(isCidr(text)).toBe(true),
  );

  it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '::/129', '/8', '10/8'])(
    '%s is none',
    (text) => expect(isCidr(text)).toBe(false),
  );

  it.each([
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.1.0.0/16', '10.1.255.1', true],
    ['10.1.0.0/16', '10.2.0.1', false],
    ['10.1.2.128/25', '10.1.2.200', true],
    ['10.1.2.128/25', '10.1.2.100', false],
    ['0.0.0.0/0', '200.1.1.1', true],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['10.0.0.0/8', '::ffff:10.1.1.1', true],
    ['::/0', '10.1.1.1', false],
    ['0.0.0.0/0', '::1', false],
    ['10.0.0.0/8', 'unknown', false],
    ['nonsense', '10.0.0.1', false],
  ])('%s against %s: %s', (cidr, address, inside) => expect(inCidr(cidr, address)).toBe(inside));
});
