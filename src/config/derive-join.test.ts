import { expect, it } from 'vitest';
import { configOf, load, messages } from './load.test-helper.ts';

it('nobody is joined unless an address says so', () => {
  expect(configOf().join.addresses).toEqual([]);
});

it('several members may be named, with or without a port', () => {
  const { addresses } = configOf('gossip.join=zk1, zk2:2999', 'gossip.insecure=true').join;
  expect(addresses).toEqual([
    { host: 'zk1', port: 2_888 },
    { host: 'zk2', port: 2_999 },
  ]);
});

it('what is no address is an error that says what one looks like', () => {
  const loaded = load({ file: 'dataDir=/d\ngossip.join=zk1:2888:3888' });
  expect(messages(loaded, 'error').join()).toContain('HOST[:PORT]');
});

it('a member does not join: its server lines say where it belongs', () => {
  const lines = ['dataDir=/d', 'gossip.join=zk1', 'server.1=zk1:2888:3888'];
  const loaded = load({ file: lines.join('\n'), files: { '/d/myid': '1' } });
  expect(messages(loaded, 'error').join()).toContain('remove the server lines');
});

it('without a key only this machine is trusted, unless the operator says otherwise', () => {
  const open = load({ file: 'dataDir=/d\ngossip.join=zk1' });
  expect(messages(open, 'error').join()).toContain('gossip.insecure=true');
  expect(configOf('gossip.join=127.0.0.1:2888').join.addresses).toHaveLength(1);
});
