import { expect, it } from 'vitest';
import { isSpecialHost, parseServerLine, printServerLine, type ServerLine } from './server-line.ts';

it('reads addresses, role and client address', () => {
  expect(parseServerLine('zk1:2888:3888:participant;10.0.0.1:2181')).toEqual({
    addresses: [{ host: 'zk1', quorumPort: 2888, electionPort: 3888 }],
    role: 'participant',
    client: { host: '10.0.0.1', port: 2181 },
  });
});

it('takes a server without role and client port for a voter', () => {
  expect(parseServerLine('zk1:2888:3888')).toMatchObject({ role: 'participant', client: null });
});

it('takes a client port without a host for all addresses', () => {
  expect(parseServerLine('zk1:1:2;2181')).toMatchObject({
    client: { host: undefined, port: 2181 },
  });
});

it('reads IPv6 hosts in brackets', () => {
  expect(parseServerLine('[::1]:2888:3888;[::2]:2181')).toMatchObject({
    addresses: [{ host: '::1' }],
    client: { host: '::2', port: 2181 },
  });
});

it('reads several addresses that agree on the role', () => {
  const line = parseServerLine('a:1:2:observer|b:1:2:observer');
  expect(line).toMatchObject({ role: 'observer', addresses: [{ host: 'a' }, { host: 'b' }] });
  expect(parseServerLine('a:1:2:observer|b:1:2:participant')).toMatch('same role');
});

it('takes the role of any address for all', () => {
  expect(parseServerLine('a:1:2|b:1:2:observer')).toMatchObject({ role: 'observer' });
  expect(parseServerLine('a:1:2:observer|b:1:2')).toMatchObject({ role: 'observer' });
});

it.each([
  ['zk1:2888:3888', 'zk1:2888:3888:participant'],
  ['zk1:2888:3888:OBSERVER;2181', 'zk1:2888:3888:observer;0.0.0.0:2181'],
  ['b:1:2:observer|a:3:4:observer;h:5', 'a:3:4|b:1:2:observer;h:5'],
  ['[::1]:1:2;[fe80::2]:3', '[::1]:1:2:participant;[fe80::2]:3'],
])('writes %j as ZooKeeper does: %j', (text, printed) => {
  const line = parseServerLine(text) as ServerLine;
  expect(printServerLine(line)).toBe(printed);
  expect(printServerLine(parseServerLine(printed) as ServerLine)).toBe(printed);
});

it('knows hosts that name no machine', () => {
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '0.0.0.0', '::', '::1', undefined]) {
    expect(isSpecialHost(host), host).toBe(true);
  }
  expect(isSpecialHost('0:0:0:0:0:0:0:1')).toBe(true);
  for (const host of ['zk1', '10.0.0.1', '128.0.0.1', '2001:db8::1', 'fe80::1', '::2', '127.zk']) {
    expect(isSpecialHost(host), host).toBe(false);
  }
});

it.each([
  ['', 'too little'],
  ['zk1:2888', 'too few parts'],
  ['zk1:2888:3888:observer:x', 'too many parts'],
  ['zk1:2888:3888:leader', 'an unknown role'],
  ['zk1:2888:2888', 'the same port twice'],
  ['zk1:2888:99999', 'a port out of range'],
  ['zk1:2888:0', 'port 0'],
  ['zk1:a:b', 'words for ports'],
  [':1:2', 'no host'],
  ['[::1:2:3', 'an open bracket'],
  ['[::1]2:3', 'a bracket without a colon behind'],
  ['a:1:2;1;2', 'two client parts'],
  ['a:1:2;', 'an empty client part'],
  ['a:1:2;h:1:2', 'a client part with too much'],
])('refuses %j: %s', (text) => {
  expect(parseServerLine(text)).toBeTypeOf('string');
});
