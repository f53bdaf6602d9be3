import { describe, expect, it } from 'vitest';
import type { Writer } from '../../base/writer.ts';
import { AddWatchMode, Op } from '../../protocol/constants.ts';
import type { InstantPeer } from '../../sim/instant-network.ts';
import { createBody, pathBody, rawFrames, request } from '../server.test-helper.ts';
import type { TestServer } from '../test-server.test-helper.ts';
import { Lines } from './text.ts';
import { ask, wordServer } from './words.test-helper.ts';

const text = (...lines: string[]): string => lines.map((line) => `${line}\n`).join('');

/** Session id from the ConnectResponse, as ZooKeeper prints it. */
function sessionId(peer: InstantPeer): string {
  const bytes = rawFrames(peer)[0] ?? new Uint8Array(0);
  return `0x${new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(8).toString(16)}`;
}

function watchBody(path: string, mode: number): (writer: Writer) => void {
  return (writer) => {
    writer.ustring(path);
    writer.i32(mode);
  };
}

/** Two clients, of whom the first owns /a/e and watches three paths, the second watches /a. */
function busyServer(): { server: TestServer; first: InstantPeer; second: InstantPeer } {
  const server = wordServer();
  const [first, second] = [server.client(), server.client(6_000)];
  server.exchange(
    first,
    request(1, Op.create, createBody('/a', 'x')),
    request(2, Op.create, createBody('/a/e', 'yy', 1)),
    request(3, Op.getData, pathBody('/a', true)),
    request(4, Op.exists, pathBody('/nope', true)),
    request(5, Op.getChildren, pathBody('/a', true)),
    request(6, Op.addWatch, watchBody('/r', AddWatchMode.persistentRecursive)),
  );
  server.exchange(second, request(1, Op.getData, pathBody('/a', true)));
  return { server, first, second };
}

describe('connections', () => {
  it('are listed by stat in brief, the asker without interest', () => {
    const { server } = busyServer();
    const answer = ask(server, 'stat');
    const [, clients] = answer.split('UTC\n');
    expect(clients?.startsWith('Clients:\n')).toBe(true);
    expect(answer.split('\n').slice(1, 7)).toEqual([
      'Clients:',
      ' /127.0.0.1:40000[1](queued=0,recved=7,sent=7)',
      ' /127.0.0.1:40000[1](queued=0,recved=2,sent=2)',
      ' /127.0.0.1:40000[0](queued=0,recved=1,sent=0)',
      '',
      'Latency min/avg/max: 0/0.0/0',
    ]);
  });

  it('are listed by cons with their sessions', () => {
    const { server, first, second } = busyServer();
    server.clock.advance(250);
    const established = `est=1700000000000`;
    const latencies = 'lresp=0,llat=0,minlat=0,avglat=0,maxlat=0)';
    const [one, two] = [sessionId(first), sessionId(second)];
    expect(ask(server, 'cons')).toBe(
      text(
        ` /127.0.0.1:40000[1](queued=0,recved=7,sent=7,sid=${one},lop=ADDW,${established},to=10000,lcxid=0x6,lzxid=0x4,${latencies}`,
        ` /127.0.0.1:40000[1](queued=0,recved=2,sent=2,sid=${two},lop=GETD,${established},to=6000,lcxid=0x1,lzxid=0x4,${latencies}`,
        ' /127.0.0.1:40000[0](queued=0,recved=1,sent=0)',
        '',
      ),
    );
  });

  it('show a new session until its first request, and what its last write took', () => {
    const server = wordServer();
    const client = server.client();
    expect(ask(server, 'cons')).toContain(
      ',lop=SESS,est=1700000000000,to=10000,lcxid=0x0,lzxid=0x1,',
    );
    server.log.automatic = false;
    server.clock.advance(100);
    client.send(request(1, Op.create, createBody('/a', 'x')));
    server.clock.settle();
    expect(ask(server, 'cons')).toContain('[1](queued=1,recved=2,sent=1,');
    server.clock.advance(9);
    server.log.finish();
    server.clock.settle();
    expect(ask(server, 'cons')).toContain(
      'lop=CREA,est=1700000000000,to=10000,lcxid=0x1,lzxid=0x2,lresp=100,llat=9,minlat=0,avglat=4,maxlat=9)',
    );
  });

  it('start anew with crst, and the server with srst', () => {
    const { server, first } = busyServer();
    expect(ask(server, 'crst')).toBe('Connection stats reset.\n');
    expect(ask(server, 'cons')).toContain(
      `[1](queued=0,recved=0,sent=0,sid=${sessionId(first)},lop=NA,est=1700000000000,to=10000,lzxid=0xffffffffffffffff,lresp=0,llat=0,minlat=0,avglat=0,maxlat=0)\n`,
    );
    expect(ask(server, 'srst')).toBe('Server stats reset.\n');
    // The reset itself is the packet sent.
    expect(ask(server, 'srvr')).toContain('Received: 1\nSent: 1\n');
  });

  it('that cannot keep up are waited for, not read', () => {
    const server = wordServer();
    const client = server.client();
    client.reading = false;
    server.exchange(client, request(1, Op.getChildren, pathBody('/', false)));
    expect(ask(server, 'cons')).toContain('[5](queued=0,');
  });
});

describe('dump', () => {
  it('tells when sessions expire, who owns ephemerals, and connections', () => {
    const { server, first, second } = busyServer();
    expect(ask(server, 'dump')).toBe(
      text(
        'SessionTracker dump:',
        'Session Sets (2)/(2):',
        '1 expire at Tue Nov 14 22:13:27 UTC 2023:',
        `\t${sessionId(second)}`,
        '1 expire at Tue Nov 14 22:13:31 UTC 2023:',
        `\t${sessionId(first)}`,
        'ephemeral nodes dump:',
        'Sessions with Ephemerals (1):',
        `${sessionId(first)}:`,
        '\t/a/e',
        'Connections dump:',
        'Connections Sets (2)/(3):',
        '2 expire at Tue Nov 14 22:13:30 UTC 2023:',
        `\tip: /127.0.0.1:40000 sessionId: ${sessionId(second)}`,
        '\tip: /127.0.0.1:40000 sessionId: 0x0',
        '1 expire at Tue Nov 14 22:13:40 UTC 2023:',
        `\tip: /127.0.0.1:40000 sessionId: ${sessionId(first)}`,
      ),
    );
  });
});

describe('watches', () => {
  it('of the data table are counted by wchs', () => {
    const { server } = busyServer();
    expect(ask(server, 'wchs')).toBe(text('2 connections watching 3 paths', 'Total watches:4'));
  });

  it('are listed by session and by path, without child watches', () => {
    const { server, first, second } = busyServer();
    const [one, two] = [sessionId(first), sessionId(second)];
    expect(ask(server, 'wchc')).toBe(text(one, '\t/a', '\t/nope', '\t/r', two, '\t/a', ''));
    const byPath = ['/a', `\t${one}`, `\t${two}`, '/nope', `\t${one}`, '/r', `\t${one}`, ''];
    expect(ask(server, 'wchp')).toBe(text(...byPath));
  });

  it('leave an empty line where there are none but child watches', () => {
    const server = wordServer();
    const client = server.client();
    server.exchange(client, request(1, Op.getChildren, pathBody('/', true)));
    expect([ask(server, 'wchc'), ask(server, 'wchp')]).toEqual(['\n', '\n']);
    expect(ask(server, 'wchs')).toBe(text('0 connections watching 0 paths', 'Total watches:0'));
  });
});

describe('lines of an answer', () => {
  it('end where memory would, and say how many are left out', () => {
    const lines = new Lines(10);
    for (const line of ['1234', '56789', 'a']) lines.add(line);
    expect(`${lines}`).toBe('1234\n... and 2 more lines\n');
  });
});
