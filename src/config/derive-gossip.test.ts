import { describe, expect, it } from 'vitest';
import { configOf, errorsOf, load, messages, warningsOf } from './load.test-helper.ts';

const SERVERS = ['server.1=zk1:2888:3888;2181', 'server.2=zk2:2888:3888', 'server.3=zk3:2888:3888'];
const NOWHERE = { port: 0, address: null, listensEverywhere: false, keyFile: null };
const KEY = `${Buffer.alloc(32, 7).toString('base64')}\n`;

function loadWith(lines: readonly string[], files: Readonly<Record<string, string>> = {}) {
  const file = ['dataDir=/d', ...lines].join('\n');
  return load({ file, files: { '/d/myid': '1\n', ...files } });
}

describe('gossip', () => {
  it('is part of every ensemble, on the ports of its lines, unless it is switched off', () => {
    const on = loadWith(SERVERS);
    expect(on.config?.gossip).toEqual(NOWHERE);
    expect(on.problems).toEqual([]);
    expect(loadWith([...SERVERS, 'gossip.enabled=false']).config?.gossip).toBeNull();
  });

  it('is no part of a server alone, unless it has a port', () => {
    expect(configOf().gossip).toEqual(NOWHERE);
    const lines = ['gossip.port=3888', 'gossip.address=127.0.0.1'];
    expect(configOf(...lines).gossip).toEqual({
      ...{ address: '127.0.0.1', port: 3888, listensEverywhere: false, keyFile: null },
    });
    expect(configOf(...lines, 'quorumListenOnAllIPs=true').gossip).toMatchObject({
      listensEverywhere: true,
    });
  });

  it('of a server alone wants to know where others reach it', () => {
    expect(errorsOf('gossip.port=3888')[0]).toContain('set gossip.address');
    expect(errorsOf('gossip.port=3888', 'clientPortAddress=0.0.0.0')[0]).toContain(
      'gossip.address',
    );
    expect(configOf('gossip.port=3888', 'clientPortAddress=::1').gossip?.address).toBe('::1');
  });

  it('of one that joins is wherever it reaches the others, unless somebody knows better', () => {
    const lines = ['gossip.join=127.0.0.1', 'clientPortAddress=127.0.0.1'];
    expect(configOf(...lines).gossip).toEqual(NOWHERE);
    expect(configOf(...lines, 'gossip.port=3888').gossip).toMatchObject({
      port: 3888,
      address: null,
    });
    const known = configOf(...lines, 'gossip.address=o1').gossip;
    expect(known).toMatchObject({ port: 0, address: 'o1' });
  });

  it('of a server alone stays on this machine without a key, unless somebody insists', () => {
    const lines = ['gossip.port=3888', 'gossip.address=10.0.0.7'];
    expect(errorsOf(...lines)).toEqual([
      expect.stringContaining('10.0.0.7 is beyond this machine, and without gossip.keyFile'),
    ]);
    expect(configOf(...lines, 'gossip.insecure=true').gossip?.address).toBe('10.0.0.7');
    const keyed = loadWith([...lines, 'gossip.keyFile=/k'], { '/k': KEY });
    expect(keyed.config?.gossip).toMatchObject({ keyFile: '/k' });
  });

  it.each([
    ['is not there', {}, 'gossip.keyFile: cannot read /k: no such file'],
    ['holds no key', { '/k': '# none\n' }, 'gossip.keyFile: /k: it holds no key'],
    ['holds something else', { '/k': 'secret\n' }, 'gossip.keyFile: /k: line 1 is no key'],
  ])('does not start with a key file that %s', (_, files, message) => {
    const loaded = loadWith([...SERVERS, 'gossip.keyFile=/k'], files);
    expect(loaded.config).toBeNull();
    expect(messages(loaded, 'error').join()).toContain(message);
    expect(messages(loaded).join()).not.toContain('secret');
  });

  it('has its port from the server lines, and says so', () => {
    const loaded = loadWith([...SERVERS, 'gossip.port=1', 'gossip.address=a']);
    expect(
      messages(loaded, 'warning').filter((text) => text.includes('has no effect')),
    ).toHaveLength(2);
    expect(warningsOf('gossip.enabled=false')).toEqual([]);
  });
});
