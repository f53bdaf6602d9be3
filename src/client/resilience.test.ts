import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../entry/client.ts';
import { TestEnsemble } from '../entry/ensemble.test-helper.ts';
import { TestRun } from '../entry/running-server.test-helper.ts';
import { CuttingProxy } from './client.test-helper.ts';
import type { Client } from './client.ts';
import type { SessionState } from './core/deliveries.ts';
import { ConnectionLossError, SessionExpiredError } from './errors.ts';

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function server(lines: readonly string[] = []): Promise<TestRun> {
  const run = await TestRun.start(lines);
  endings.push(() => run.end());
  return run;
}

async function proxyOf(port: () => number): Promise<CuttingProxy> {
  const proxy = await CuttingProxy.start(port);
  endings.push(() => proxy.close());
  return proxy;
}

async function client(servers: string, sessionTimeoutMs = 10_000): Promise<Client> {
  const zk = await connect(servers, { sessionTimeoutMs });
  endings.push(() => zk.close());
  return zk;
}

/** Until the client enters a state. */
function entering(zk: Client, state: SessionState): Promise<void> {
  return new Promise((resolve) => {
    const stop = zk.onState((change) => {
      if (change.state !== state) return;
      stop();
      resolve();
    });
  });
}

describe('a client whose connection is cut', () => {
  it('comes back with its session, its ephemerals and its watches', async () => {
    const run = await server();
    const proxy = await proxyOf(() => run.server.port);
    const zk = await client(proxy.address);
    const other = await client(`127.0.0.1:${run.server.port}`);
    const { sessionId } = zk;
    await zk.create('/e', 'x', { mode: 'ephemeral' });
    const heard: string[] = [];
    const watch = (event: { type: string; path: string }): void => {
      heard.push(`${event.type} ${event.path}`);
    };
    await zk.getData('/e', { watch });
    await zk.getChildren('/', { watch });
    await zk.exists('/none', { watch });
    const lasting = await zk.watch('/', { recursive: true });
    const suspended = entering(zk, 'suspended');
    proxy.refuse();
    await suspended;
    await other.setData('/e', 'y');
    await other.create('/none');
    const read = zk.getData('/e', { as: 'string' });
    proxy.accept();
    expect((await read).data).toBe('y');
    expect(zk.sessionId).toBe(sessionId);
    expect(heard.sort()).toEqual(['childrenChanged /', 'created /none', 'dataChanged /e']);
    // What one-shot watches are told of the time between, lasting ones on the path hear as well.
    while ((await lasting.next())?.type !== 'resync');
    await other.setData('/e', 'z');
    expect(await lasting.next()).toMatchObject({ type: 'dataChanged', path: '/e' });
    await lasting.close();
  });

  it('says of each write whether it may have happened, and is right', async () => {
    const run = await server();
    const proxy = await proxyOf(() => run.server.port);
    const zk = await client(proxy.address);
    const other = await client(`127.0.0.1:${run.server.port}`);
    await zk.create('/n');
    for (let round = 0; round < 10; round++) {
      const cut = proxy.cutAfter(1 + round * 150);
      const names = Array.from({ length: 40 }, (_, i) => `/n/${round}-${i}`);
      const outcomes = await Promise.allSettled(names.map((name) => zk.create(name)));
      await cut;
      for (const [i, outcome] of outcomes.entries()) {
        const isThere = (await other.exists(names[i] as string)) !== null;
        if (outcome.status === 'fulfilled') expect(isThere).toBe(true);
        else {
          expect(outcome.reason).toBeInstanceOf(ConnectionLossError);
          if (!(outcome.reason as ConnectionLossError).isOutcomeUnknown) {
            expect(isThere).toBe(false);
          }
        }
      }
      await zk.connected();
    }
  });

  it('notices a server that is there and says nothing', async () => {
    const run = await server(['tickTime=100', 'minSessionTimeout=300']);
    const proxy = await proxyOf(() => run.server.port);
    const zk = await client(proxy.address, 600);
    const suspended = entering(zk, 'suspended');
    proxy.stall();
    await suspended;
    proxy.cut();
    proxy.accept();
    await zk.exists('/');
    expect(zk.state).toBe('connected');
  });

  it('loses its session when it is away for too long, and gets another', async () => {
    const run = await server(['tickTime=100', 'minSessionTimeout=300']);
    const proxy = await proxyOf(() => run.server.port);
    const zk = await client(proxy.address, 300);
    const { sessionId } = zk;
    await zk.create('/e', '', { mode: 'ephemeral' });
    expect(zk.sessionSafeMs).toBeGreaterThan(0);
    const lost = entering(zk, 'lost');
    const suspended = entering(zk, 'suspended');
    proxy.refuse();
    await suspended;
    const waiting = expect(zk.exists('/e')).rejects.toBeInstanceOf(SessionExpiredError);
    await lost;
    await waiting;
    expect([zk.sessionId, zk.sessionSafeMs]).toEqual([0n, 0]);
    const next = zk.getEphemerals('/');
    proxy.accept();
    expect(await next).toEqual([]);
    expect(zk.sessionId).not.toBe(sessionId);
  });

  it('goes on with a server that was started again', async () => {
    const first = await TestRun.start([]);
    let current = first;
    const proxy = await proxyOf(() => current.server.port);
    const zk = await client(proxy.address);
    const { sessionId } = zk;
    await zk.create('/e', 'x', { mode: 'ephemeral' });
    await first.end(true);
    const read = zk.getData('/e', { as: 'string' });
    current = await TestRun.start([], { directory: first.directory });
    endings.push(() => current.end());
    expect((await read).data).toBe('x');
    expect(zk.sessionId).toBe(sessionId);
  });
});

describe('a client of an ensemble', () => {
  it('keeps its session while servers stop, and what it was told was written is written', async () => {
    const ensemble = await TestEnsemble.start();
    endings.push(() => ensemble.end());
    const ports = ensemble.ids.map((id) => ensemble.run(id).server.port);
    const zk = await client(ports.map((port) => `127.0.0.1:${port}`).join(','));
    const { sessionId } = zk;
    await zk.create('/n');
    const acknowledged: string[] = [];
    let isOver = false;
    const writing = (async () => {
      for (let i = 0; !isOver; i++) {
        await zk.create(`/n/${i}`).then(
          (path) => acknowledged.push(path),
          (error: unknown) => expect(error).toBeInstanceOf(ConnectionLossError),
        );
      }
    })();
    for (const id of [...ensemble.ids, await ensemble.leader()]) {
      await ensemble.stopServer(id);
      await zk.sync();
      await ensemble.startServer(id);
      await ensemble.run(id).server.serving();
    }
    isOver = true;
    await writing;
    await zk.sync();
    const there = new Set(await zk.getChildren('/n'));
    expect(acknowledged.filter((path) => !there.has(path.slice(3)))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(10);
    expect(zk.sessionId).toBe(sessionId);
  });
});
