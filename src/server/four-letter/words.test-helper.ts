import { Summary } from '../../base/summary.ts';
import type { InstantPeer } from '../../sim/instant-network.ts';
import { type ServerFacts, versionText } from '../facts.ts';
import { TestServer } from '../test-server.test-helper.ts';
import { createFourLetterWords } from './words.ts';

export const WORDS: readonly string[] =
  'ruok isro srvr stat cons crst srst conf envi dump wchs wchc wchp dirs hash gtmk stmk mbrs mntr'.split(
    ' ',
  );

export const FACTS: ServerFacts = {
  version: versionText('0.1.0', '2026-11-23T05:36:07.123Z'),
  whitelist: WORDS,
  conf: {
    clientPort: 22181,
    secureClientPort: -1,
    dataDir: '/data',
    dataLogDir: '/log',
    tickTimeMs: 2_000,
    maxClientCnxns: 60,
    minSessionTimeoutMs: 4_000,
    maxSessionTimeoutMs: 40_000,
    listenBacklog: -1,
    serverId: 0,
  },
  ensemble: null,
  gossip: null,
  startedMs: 0,
  storage: {
    snapshotMs: new Summary(),
    snapshotLoadMs: new Summary(),
    replayedCommands: new Summary(),
    replayMs: new Summary(),
    loadMs: new Summary(),
    snapshotsFailed: () => 1,
    snapshotCount: () => 3,
    logBytes: () => 4_096,
  },
  loopDelay: null,
  mode: () => 'standalone',
  serving: () => true,
  dataDirBytes: () => 478,
  logDirBytes: () => 67_109_337,
  environment: () => [
    ['host.name', 'localhost'],
    ['java.version', '20.19.0'],
  ],
  openFileDescriptors: () => 44,
  maxFileDescriptors: () => 1_024,
};

/** A server that answers four-letter words from known facts. */
export function wordServer(facts: Partial<ServerFacts> = {}): TestServer {
  const server = new TestServer();
  const fourLetterWord = createFourLetterWords({ ...FACTS, ...facts });
  Object.assign(server.context, { fourLetterWord });
  return server;
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** Sends a word on a connection of its own. */
export function send(server: TestServer, word: string): InstantPeer {
  const peer = server.network.dial();
  peer.send(ascii(word));
  server.clock.settle();
  return peer;
}

export function received(peer: InstantPeer): string {
  return new TextDecoder().decode(peer.received);
}

export function ask(server: TestServer, word: string): string {
  return received(send(server, word));
}
