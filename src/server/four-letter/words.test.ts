import { describe, expect, it } from 'vitest';
import { Op } from '../../protocol/constants.ts';
import { versionText } from '../facts.ts';
import { createBody, pathBody, request } from '../server.test-helper.ts';
import { ask, received, send, WORDS, wordServer } from './words.test-helper.ts';

const VERSION = '3.9.5-quoll-0.1.0, built on 2026-11-23 05:36 UTC';

/** Lines of the form in which the protocol document quotes them. */
const text = (...lines: string[]): string => lines.map((line) => `${line}\n`).join('');

describe('a four-letter word', () => {
  it('is answered as text, after which the connection closes', () => {
    for (const word of WORDS.filter((name) => name !== 'stmk')) {
      const peer = send(wordServer(), word);
      expect([word, peer.closed]).toEqual([word, true]);
    }
    expect(ask(wordServer(), 'ruok')).toBe('imok');
  });

  it('is not one in capitals or with a byte changed, but the length of a frame far too long', () => {
    for (const word of ['RUOK', 'ruo\0', 'zzzz', 'toSt']) {
      const peer = send(wordServer(), word);
      expect([received(peer), peer.closed]).toEqual(['', true]);
    }
  });

  it('says so where the whitelist lacks it; srvr always answers', () => {
    const server = wordServer({ whitelist: ['mntr'] });
    for (const word of WORDS.filter((name) => name !== 'mntr' && name !== 'srvr')) {
      const refusal = `${word} is not executed because it is not in the whitelist.\n`;
      expect(ask(server, word)).toBe(refusal);
    }
    expect(ask(server, 'srvr')).toContain('Mode: standalone');
    expect(ask(server, 'mntr')).toContain('zk_server_state\tstandalone\n');
  });

  it('says so without a leader, unless it needs none', () => {
    const server = wordServer({ serving: () => false });
    const refusal = 'This ZooKeeper instance is not currently serving requests';
    for (const word of ['srvr', 'stat', 'cons', 'crst', 'srst', 'conf', 'dump', 'mntr', 'dirs']) {
      expect(ask(server, word)).toBe(`${refusal}\n`);
    }
    expect(ask(server, 'hash')).toBe(refusal);
    expect(['ruok', 'isro', 'gtmk'].map((word) => ask(server, word))).toEqual([
      'imok',
      'null',
      '306',
    ]);
    expect(ask(server, 'envi')).toContain('Environment:');
  });

  it('is what telnet sends for an interrupt: the connection closes without a word', () => {
    const server = wordServer({ whitelist: [] });
    const peer = send(server, '\xff\xf4\xff\xfd\x06');
    expect([received(peer), peer.closed]).toEqual(['', true]);
    expect(server.context.counters.framesRefused).toBe(0);
  });

  it('tells whether the server is read-only', () => {
    expect(ask(wordServer(), 'isro')).toBe('rw');
    expect(ask(wordServer({ mode: () => 'read-only' }), 'isro')).toBe('ro');
  });
});

describe('the trace mask', () => {
  const mask = (low: number): string => `\0\0\0\0\0\0\x01${String.fromCharCode(low)}`;

  it('is what ZooKeeper starts with, until stmk sets it', () => {
    const server = wordServer();
    expect(ask(server, 'gtmk')).toBe('306');
    expect(ask(server, `stmk${mask(1)}`)).toBe('257');
    expect(ask(server, 'gtmk')).toBe('257');
    expect(ask(server, `stmk${'\xff'.repeat(8)}`)).toBe('-1');
  });

  it('is waited for when it comes in pieces', () => {
    const server = wordServer();
    const peer = send(server, 'stmk');
    peer.send(Uint8Array.of(0, 0, 0));
    server.clock.settle();
    expect([received(peer), peer.closed]).toEqual(['', false]);
    peer.send(Uint8Array.of(0, 0, 0, 0, 2));
    server.clock.settle();
    expect([received(peer), peer.closed]).toEqual(['2', true]);
  });
});

describe('srvr', () => {
  it('describes a server that nobody has used yet', () => {
    expect(ask(wordServer(), 'srvr')).toBe(
      text(
        `Zookeeper version: ${VERSION}`,
        'Latency min/avg/max: 0/0.0/0',
        'Received: 1',
        'Sent: 0',
        'Connections: 1',
        'Outstanding: 0',
        'Zxid: 0x0',
        'Mode: standalone',
        'Node count: 5',
      ),
    );
  });

  it('tells latencies from the arrival of a request to the sending of its reply', () => {
    const server = wordServer();
    const client = server.client();
    server.log.automatic = false;
    client.send(request(1, Op.create, createBody('/a', 'x')));
    server.clock.settle();
    expect(ask(server, 'srvr')).toContain('Outstanding: 1\n');
    server.clock.advance(7);
    server.log.finish();
    server.clock.settle();
    const answer = ask(server, 'srvr');
    // The opening of the session took no time.
    expect(answer).toContain('Latency min/avg/max: 0/3.5/7\n');
    expect(answer).toContain('Zxid: 0x2\n');
    expect(answer).toContain('Received: 4\nSent: 3\n');
  });

  it('counts the wait behind a write into the latency of a read', () => {
    const server = wordServer();
    const client = server.client();
    server.log.automatic = false;
    client.send(request(1, Op.create, createBody('/a', 'x')));
    server.clock.advance(4);
    client.send(request(2, Op.exists, pathBody('/a', false)));
    server.clock.advance(5);
    server.log.finish();
    server.clock.settle();
    const { readLatencyMs, updateLatencyMs } = server.context.counters;
    expect([readLatencyMs.count, readLatencyMs.max]).toEqual([1, 5]);
    expect([updateLatencyMs.count, updateLatencyMs.max]).toEqual([2, 9]);
  });

  it('names a leader and the sizes of its proposals', () => {
    const server = wordServer({ mode: () => 'leader' });
    expect(ask(server, 'srvr')).toMatch(/\nProposal sizes last\/min\/max: -1\/-1\/-1\n$/);
    server.client();
    const { last, min, max } = server.replica.stats.batchBytes;
    expect(ask(server, 'srvr')).toContain(`last/min/max: ${last}/${min}/${max}\n`);
    expect(last).toBeGreaterThan(0);
  });

  it('names a read-only server below its version', () => {
    const answer = ask(wordServer({ mode: () => 'read-only' }), 'srvr');
    const head = [
      `Zookeeper version: ${VERSION}`,
      'READ-ONLY mode; serving only read-only clients',
    ];
    expect(answer.startsWith(text(...head))).toBe(true);
  });
});

describe('what an operator configured', () => {
  it('is told by conf', () => {
    expect(ask(wordServer(), 'conf')).toBe(
      text(
        'clientPort=22181',
        'secureClientPort=-1',
        'dataDir=/data',
        'dataDirSize=478',
        'dataLogDir=/log',
        'dataLogSize=67109337',
        'tickTime=2000',
        'maxClientCnxns=60',
        'minSessionTimeout=4000',
        'maxSessionTimeout=40000',
        'clientPortListenBacklog=-1',
        'serverId=0',
      ),
    );
  });

  it('and where it runs is told by envi and dirs', () => {
    const lines = ['Environment:', `zookeeper.version=${VERSION}`, 'host.name=localhost'];
    expect(ask(wordServer(), 'envi')).toBe(text(...lines, 'java.version=20.19.0'));
    expect(ask(wordServer(), 'dirs')).toBe(text('datadir_size: 478', 'logdir_size: 67109337'));
  });
});

describe('hash', () => {
  it('tells the digest at every 128th zxid as a signed decimal', () => {
    const server = wordServer();
    const client = server.client();
    expect(ask(server, 'hash')).toBe('');
    for (let xid = 1; xid < 127; xid++) {
      server.exchange(client, request(xid, Op.create, createBody(`/${xid}`, 'x')));
    }
    expect(ask(server, 'hash')).toBe('');
    server.exchange(client, request(127, Op.create, createBody('/127', 'x')));
    const { digestHigh, digestLow } = server.state.tree;
    const digest = new DataView(new ArrayBuffer(8));
    digest.setUint32(0, digestHigh);
    digest.setUint32(4, digestLow);
    server.exchange(client, request(128, Op.create, createBody('/128', 'x')));
    expect(ask(server, 'hash')).toBe(text(`80: ${digest.getBigInt64(0)}`));
  });
});

describe('the version', () => {
  it('begins like a release of ZooKeeper and ends with the minute of the build', () => {
    expect(versionText('1.2.3-rc.1', '2027-01-02T03:04:59Z')).toBe(
      '3.9.5-quoll-1.2.3-rc.1, built on 2027-01-02 03:04 UTC',
    );
  });
});
