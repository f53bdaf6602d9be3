import { channel } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { connect as connectTcp, createServer as createTcp } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../entry/client.ts';
import { TestRun } from '../entry/running-server.test-helper.ts';
import type { Network, Stream } from '../io/network.ts';
import { NodeClock } from '../io/node/clock.ts';
import { Dialer } from '../io/node/dialer.ts';
import { connectClient, type World } from './open.ts';

let run: TestRun;
let servers: string;

beforeAll(async () => {
  run = await TestRun.start([]);
  servers = `127.0.0.1:${run.server.port}`;
});
afterAll(() => run.end());

/** A network that counts writes, and says that they have not left until it is told to. */
class CountingNetwork implements Pick<Network, 'connect'> {
  writes = 0;
  isSlow = false;
  drain: () => void = () => {};
  private readonly real = new Dialer(null);

  readonly connect: Network['connect'] = (peer, open, failed) =>
    this.real.connect(
      peer,
      (stream) => {
        const handler = open(this.wrap(stream));
        this.drain = () => handler.onDrain();
        return { ...handler, onDrain: () => {} };
      },
      failed,
    );

  private wrap(stream: Stream): Stream {
    return {
      remoteAddress: '',
      remotePort: 0,
      write: (bytes) => {
        this.writes += 1;
        // The buffer is this network's until it is drained: whoever changes it is found out.
        stream.write(bytes.slice());
        if (!this.isSlow) return true;
        bytes.fill(0xff);
        return false;
      },
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      end: () => stream.end(),
      destroy: () => stream.destroy(),
    };
  }
}

function worldOf(network: Pick<Network, 'connect'>): World {
  return { network, clock: new NodeClock(), diagnostics: null, seed: 1 };
}

describe('what is written', () => {
  it('in one turn of the loop leaves at once', async () => {
    const network = new CountingNetwork();
    const zk = await connectClient(servers, {}, worldOf(network));
    const before = network.writes;
    await Promise.all(Array.from({ length: 500 }, () => zk.exists('/')));
    expect(network.writes - before).toBe(1);
    await zk.close();
  });

  it('waits while the socket has not taken what was written before', async () => {
    const network = new CountingNetwork();
    const zk = await connectClient(servers, {}, worldOf(network));
    network.isSlow = true;
    const before = network.writes;
    const first = zk.create('/slow', 'a');
    await first;
    const later = Array.from({ length: 50 }, (_, i) => zk.setData('/slow', `${i}`));
    const turns = Array.from({ length: 5 }, () => new Promise((resolve) => setImmediate(resolve)));
    await Promise.all(turns);
    expect(network.writes - before).toBe(1);
    network.isSlow = false;
    network.drain();
    await Promise.all(later);
    expect(network.writes - before).toBe(2);
    expect((await zk.getData('/slow', { as: 'string' })).data).toBe('49');
    await zk.close();
  });
});

describe('a deadline', () => {
  it('is heeded in time, whatever else the same turn asks for', async () => {
    const delaysMs: number[] = [];
    class RecordingClock extends NodeClock {
      override after(delayMs: number, task: () => void): () => void {
        delaysMs.push(delayMs);
        return super.after(delayMs, task);
      }
    }
    const world = { ...worldOf(new CountingNetwork()), clock: new RecordingClock() };
    const zk = await connectClient(servers, {}, world);
    delaysMs.length = 0;
    const calls = [zk.exists('/'), zk.exists('/', { timeoutMs: 500 })];
    expect(delaysMs).toHaveLength(1);
    expect(delaysMs[0]).toBeLessThanOrEqual(500);
    await Promise.allSettled(calls);
    await zk.close();
  });
});

describe('diagnostics', () => {
  it('tell of calls and states on channels', async () => {
    const records: unknown[] = [];
    const listen = (record: unknown): void => {
      records.push(record);
    };
    channel('quoll:client:call').subscribe(listen);
    channel('quoll:client:state').subscribe(listen);
    const zk = await connect(servers);
    const { sessionId } = zk;
    await zk.exists('/');
    await zk.getData('/none').catch(() => {});
    await zk.close();
    channel('quoll:client:call').unsubscribe(listen);
    channel('quoll:client:state').unsubscribe(listen);
    const durationMs = expect.any(Number);
    expect(records).toEqual([
      { state: 'connected', sessionId, server: servers, code: 0 },
      { operation: 'exists', path: '/', durationMs, code: 0 },
      { operation: 'getData', path: '/none', durationMs, code: -101 },
      { operation: 'closeSession', path: null, durationMs, code: 0 },
      { state: 'closed', sessionId, server: null, code: 0 },
    ]);
  });
});

describe('TLS', () => {
  const pem = (name: string): string =>
    readFileSync(new URL(`./testdata/${name}.pem`, import.meta.url), 'utf8');

  it('goes to servers with a certificate that is trusted, with one of the client’s own', async () => {
    const [cert, key, ca] = [pem('server'), pem('server-key'), pem('ca')];
    const clients: string[] = [];
    const front = createServer({ cert, key, ca, requestCert: true }, (near: TLSSocket) => {
      clients.push(String(near.getPeerCertificate().subject?.CN));
      const far = connectTcp({ host: '127.0.0.1', port: run.server.port });
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const { port } = front.address() as { port: number };
    const address = `localhost:${port}`;
    const own = { cert: pem('client'), key: pem('client-key') };
    const zk = await connect(address, { tls: { ca, ...own } });
    expect(await zk.getChildren('/')).toContain('zookeeper');
    expect(clients).toEqual(['client']);
    await zk.close();
    const stranger = connect(address, { tls: {}, connectTimeoutMs: 100 });
    await expect(stranger).rejects.toMatchObject({ name: 'OperationTimeoutError' });
    await new Promise((resolve) => front.close(resolve));
  });
});

describe('a server that is none', () => {
  it('is left, and the next one is tried', async () => {
    const nonsense = createTcp((socket) => {
      socket.on('error', () => {});
      socket.resume();
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await new Promise<void>((resolve) => nonsense.listen(0, '127.0.0.1', resolve));
    const { port } = nonsense.address() as { port: number };
    for (let i = 0; i < 4; i++) {
      const zk = await connect(`127.0.0.1:${port},${servers}`);
      expect(zk.server).toBe(servers);
      await zk.close();
    }
    await new Promise((resolve) => nonsense.close(resolve));
  });
});
