import { expect, it } from 'vitest';
import { loadConfig } from '../config/load.ts';
import { NodeSecrets } from '../io/node/secrets.ts';
import { TestServer } from '../server/test-server.test-helper.ts';
import { createContext } from './context.ts';

it('a hash that this Node.js lacks ends the start, not the first sign-in', () => {
  const none = { readFile: () => '', environment: {}, definitions: [], flags: [] };
  const { config } = loadConfig({ file: null, memoryBytes: 2 ** 32, ...none });
  if (config === null) throw new Error('the defaults are allowed');
  const { replica } = new TestServer();
  const usual = {
    replica,
    hasRoom: () => true,
    isExhausted: () => false,
    role: null,
    localToken: null,
    fourLetterWord: () => null,
  };
  const secrets = new NodeSecrets();
  expect(createContext({ config, secrets, ...usual }).limits.outstandingMax).toBe(65_536);
  const lacking = { ...config, digestAlg: 'SHA3-999' };
  expect(() => createContext({ config: lacking, secrets, ...usual })).toThrow(
    'DigestAuthenticationProvider.digestAlg: the cryptography of this Node.js has no SHA3-999',
  );
});
