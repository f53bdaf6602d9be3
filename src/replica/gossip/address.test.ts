import { describe, expect, it } from 'vitest';
import { addressText, parseAddress } from './address.ts';

describe('the address of a member', () => {
  it.each(['zk1:3888', '10.0.0.1:1', '[::1]:65535', 'a-b.example:3888'])('%s is read', (text) => {
    const peer = parseAddress(text);
    expect(peer === null ? null : addressText(peer)).toBe(text);
  });

  it.each(['', 'zk1', 'zk1:0', 'zk1:65536', ':3888', '::1:3888', 'a b:1', '[zk1]:1', 'a:1:2'])(
    '%j is none',
    (text) => expect(parseAddress(text)).toBeNull(),
  );

  it('has a host of bounded length', () => {
    expect(parseAddress(`${'a'.repeat(255)}:1`)).not.toBeNull();
    expect(parseAddress(`${'a'.repeat(256)}:1`)).toBeNull();
  });
});
