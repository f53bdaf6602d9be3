import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { connect, open } from '../entry/client.ts';
import { digestOf, TestRun } from '../entry/running-server.test-helper.ts';
import { Perm } from '../protocol/constants.ts';
import type { Stat } from '../protocol/records.ts';
import type { Client } from './client.ts';
import { type Codec, json } from './data.ts';
import {
  AuthFailedError,
  BadArgumentsError,
  BadVersionError,
  ClosedError,
  InvalidACLError,
  MarshallingError,
  NoAuthError,
  NoChildrenForEphemeralsError,
  NodeExistsError,
  NoNodeError,
  NotEmptyError,
  NoWatcherError,
  OperationTimeoutError,
  ReconfigDisabledError,
  ZooKeeperError,
} from './errors.ts';
import type { MultiCreated } from './multi.ts';
import type { NodeData } from './reply.ts';

let run: TestRun;
let servers: string;
let zk: Client;
let number = 0;

/** A path that no other test has. */
function fresh(): string {
  number += 1;
  return `/t${number}`;
}

async function errorOf(promise: Promise<unknown>): Promise<ZooKeeperError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ZooKeeperError) return error;
  throw new Error(`no error of ZooKeeper's: ${error}`);
}

beforeAll(async () => {
  run = await TestRun.start(['extendedTypesEnabled=true', 'enforceQuota=true']);
  servers = `127.0.0.1:${run.server.port}`;
  zk = await connect(servers);
});
afterAll(async () => {
  await zk.close();
  await run.end();
});

describe('a client', () => {
  it('creates, reads, changes and deletes a znode', async () => {
    const path = fresh();
    expect(await zk.create(path, 'one')).toBe(path);
    const { data, stat } = await zk.getData(path, { as: 'string' });
    expect([data, stat.version, stat.dataLength]).toEqual(['one', 0, 3]);
    expect((await zk.setData(path, 'two', { version: 0 })).version).toBe(1);
    expect(await zk.getChildren('/')).toContain(path.slice(1));
    expect((await zk.exists(path))?.version).toBe(1);
    await zk.delete(path, { version: 1 });
    expect(await zk.exists(path)).toBeNull();
  });

  it('tells what failed, by class, code, operation and path', async () => {
    const path = fresh();
    await zk.create(`${path}`, '', { mode: 'ephemeral' });
    await zk.create(`${path}p`);
    await zk.create(`${path}p/x`);
    const cases = [
      [zk.getData('/nothing'), NoNodeError, -101, 'getData', '/nothing'],
      [zk.create(path), NodeExistsError, -110, 'create', path],
      [zk.setData(path, '', { version: 7 }), BadVersionError, -103, 'setData', path],
      [zk.delete(`${path}p`), NotEmptyError, -111, 'delete', `${path}p`],
      [zk.create(`${path}/x`), NoChildrenForEphemeralsError, -108, 'create', `${path}/x`],
      [zk.create(`${path}a`, '', { acl: [] }), InvalidACLError, -114, 'create', `${path}a`],
      [zk.reconfig({ leaving: [3] }), ReconfigDisabledError, -123, 'reconfig', null],
    ] as const;
    for (const [promise, errorClass, code, operation, where] of cases) {
      const error = await errorOf(promise);
      expect(error).toBeInstanceOf(errorClass);
      expect([error.code, error.operation, error.path]).toEqual([code, operation, where]);
      expect([error.isOutcomeUnknown, error.name]).toEqual([false, errorClass.name]);
    }
  });

  it.each(['', 'a', '/a/', '/a//b', '/./a', '/a/..', '/a\u0000', '/a\u0001'])(
    'refuses the path %j, and sends nothing',
    async (path) => {
      const error = await errorOf(zk.setData(path, 'x'));
      expect(error).toBeInstanceOf(BadArgumentsError);
      await zk.exists('/');
    },
  );

  it('survives what JavaScript lets through', async () => {
    const wrong = undefined as unknown as string;
    await expect(zk.exists(wrong)).rejects.toBeInstanceOf(TypeError);
    await expect(zk.create('/x', 7 as unknown as string)).rejects.toBeInstanceOf(TypeError);
    const acl = [{ scheme: 'world', perms: 31 }] as never;
    await expect(zk.create('/x', '', { acl })).rejects.toBeInstanceOf(TypeError);
    expect(await zk.exists('/')).not.toBeNull();
  });

  it('keeps the order of calls that are not waited for', async () => {
    const path = fresh();
    const results = await Promise.all([
      zk.create(path, '0'),
      zk.setData(path, '1'),
      zk.getData(path, { as: 'string' }),
      zk.setData(path, '2'),
      zk.getData(path, { as: 'string' }),
      zk.delete(path),
      zk.exists(path),
    ]);
    expect([results[2].data, results[4].data, results[6]]).toEqual(['1', '2', null]);
  });

  it('has thousands of calls under way, and large data among them', async () => {
    const path = fresh();
    await zk.create(path);
    const size = (i: number): number => (i % 500 === 0 ? 700_000 : i % 50);
    const calls = Array.from({ length: 2_000 }, (_, i) =>
      zk.create(`${path}/${i}`, new Uint8Array(size(i)).fill(i)),
    );
    await Promise.all(calls);
    const datas = await Promise.all(calls.map((_, i) => zk.getData(`${path}/${i}`)));
    expect(datas.map(({ data }) => data.length)).toEqual(calls.map((_, i) => size(i)));
    expect(datas.every(({ data }, i) => data.every((byte) => byte === i % 256))).toBe(true);
    await zk.deleteRecursive(path);
  });

  it('copies the data of a call before it returns', async () => {
    const path = fresh();
    const bytes = new Uint8Array([1, 2, 3]);
    const created = zk.create(path, bytes);
    bytes.fill(9);
    await created;
    expect((await zk.getData(path)).data).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('hands out data that later replies do not overwrite', async () => {
    const path = fresh();
    await zk.create(path, 'first');
    const { data } = await zk.getData(path);
    await zk.setData(path, 'other');
    await zk.getData(path);
    expect(new TextDecoder().decode(data)).toBe('first');
  });
});

describe('data', () => {
  it('is bytes, text, JSON or of a codec', async () => {
    const path = fresh();
    const even: Codec<number> = {
      encode: (value) => String(value / 2),
      decode: (bytes) => Number(new TextDecoder().decode(bytes)) * 2,
    };
    await zk.create(path, { a: [1, 'é'] }, { as: 'json' });
    const asJson = await zk.getData(path, { as: 'json' });
    expect(asJson.data).toEqual({ a: [1, 'é'] });
    const typed = await zk.getData(path, { as: json<{ a: unknown[] }>() });
    expect(typed.data.a).toHaveLength(2);
    await zk.setData(path, 84, { as: even });
    expect((await zk.getData(path, { as: 'string' })).data).toBe('42');
    expect((await zk.getData(path, { as: even })).data).toBe(84);
    expectTypeOf(asJson.data).toEqualTypeOf<unknown>();
    expectTypeOf(typed.data).toEqualTypeOf<{ a: unknown[] }>();
    expectTypeOf(zk.getData(path)).toEqualTypeOf<Promise<NodeData<Uint8Array>>>();
    expectTypeOf(zk.getData(path, { as: 'string' })).toEqualTypeOf<Promise<NodeData<string>>>();
    expectTypeOf(zk.getData(path, { as: even })).toEqualTypeOf<Promise<NodeData<number>>>();
    expectTypeOf(zk.exists(path)).toEqualTypeOf<Promise<Stat | null>>();
    // @ts-expect-error: the codec takes numbers.
    await expect(zk.setData(path, new Date(), { as: even })).resolves.toBeDefined();
  });

  it('may be missing, which is not the same as empty', async () => {
    const path = fresh();
    await zk.create(path, null);
    expect((await zk.getData(path, { as: 'nullable' })).data).toBeNull();
    expect((await zk.getData(path)).data).toEqual(new Uint8Array(0));
    await zk.setData(path, '');
    expect((await zk.getData(path, { as: 'nullable' })).data).toEqual(new Uint8Array(0));
    expect((await zk.getData(path, { as: 'string' })).data).toBe('');
  });

  it('that a codec can not read is its error, and hurts no other call', async () => {
    const path = fresh();
    await zk.create(path, 'not JSON');
    const [bad, good] = await Promise.allSettled([
      zk.getData(path, { as: 'json' }),
      zk.getData(path, { as: 'string' }),
    ]);
    expect(bad).toMatchObject({ status: 'rejected', reason: expect.any(SyntaxError) });
    expect(good).toMatchObject({ status: 'fulfilled', value: { data: 'not JSON' } });
  });
});

describe('znodes', () => {
  it('get numbers', async () => {
    const path = fresh();
    await zk.create(path);
    const options = { sequential: true } as const;
    expect(await zk.create(`${path}/s-`, '', options)).toBe(`${path}/s-0000000000`);
    expect(await zk.create(`${path}/`, '', options)).toBe(`${path}/0000000001`);
  });

  it('are ephemeral, containers, or go by themselves', async () => {
    const path = fresh();
    const made = await zk.createWithStat(path, '', { mode: 'ephemeral', sequential: true });
    expect(made.path).toBe(`${path}${made.path.slice(path.length)}`);
    expect(made.stat.ephemeralOwner).toBe(zk.sessionId);
    expect(await zk.getEphemerals(path)).toEqual([made.path]);
    expect(await zk.create(`${path}c`, '', { mode: 'container' })).toBe(`${path}c`);
    expect(await zk.create(`${path}t`, '', { ttlMs: 1_000 })).toBe(`${path}t`);
    const both = zk.create(`${path}x`, '', { mode: 'ephemeral', ttlMs: 1_000 });
    expect(await errorOf(both)).toBeInstanceOf(BadArgumentsError);
    const numbered = zk.create(`${path}x`, '', { mode: 'container', sequential: true });
    expect(await errorOf(numbered)).toBeInstanceOf(BadArgumentsError);
  });

  it('have children, with names and in number', async () => {
    const path = fresh();
    await zk.create(path);
    await Promise.all([zk.create(`${path}/a`), zk.create(`${path}/b`), zk.create(`${path}/a/c`)]);
    const { children, stat } = await zk.getChildrenWithStat(path);
    expect([children.sort(), stat.numChildren]).toEqual([['a', 'b'], 2]);
    expect(await zk.getAllChildrenNumber(path)).toBe(3);
  });

  it('have ACLs, which signing in satisfies', async () => {
    const path = fresh();
    const acl = [{ scheme: 'digest', id: digestOf('bob', 'pw'), perms: Perm.all }];
    await zk.create(path, 'secret', { acl });
    expect(await errorOf(zk.getData(path))).toBeInstanceOf(NoAuthError);
    await using bob = await connect(servers, { auth: [{ scheme: 'digest', auth: 'bob:pw' }] });
    expect((await bob.getACL(path)).acl).toEqual(acl);
    await using other = await connect(servers);
    await other.addAuth('digest', 'bob:pw');
    expect(await other.whoAmI()).toContainEqual({ scheme: 'digest', id: 'bob' });
    const open = [{ scheme: 'world', id: 'anyone', perms: Perm.read }];
    expect((await other.setACL(path, open, { version: 0 })).aversion).toBe(1);
    expect((await zk.getData(path, { as: 'string' })).data).toBe('secret');
  });
});

describe('signing in', () => {
  it('fails for a scheme that is unknown, and the client goes on', async () => {
    await using other = await connect(servers);
    expect(await errorOf(other.addAuth('nonsense', 'x'))).toBeInstanceOf(AuthFailedError);
    await other.exists('/');
    expect(other.state).toBe('connected');
  });

  it('that fails from the start closes the client', async () => {
    const auth = [{ scheme: 'nonsense', auth: 'x' }];
    await using other = open(servers, { auth });
    expect(await errorOf(other.getData('/'))).toBeInstanceOf(AuthFailedError);
    expect([other.state, other.closeReason?.code]).toEqual(['closed', -115]);
  });
});

describe('a chroot', () => {
  it('is in front of every path, and in none that comes back', async () => {
    const root = fresh();
    await zk.create(root);
    await using inside = await connect(`${servers}${root}`);
    expect(await inside.create('/e', '', { mode: 'ephemeral' })).toBe('/e');
    expect(await inside.getEphemerals()).toEqual(['/e']);
    expect(await inside.getChildren('/')).toEqual(['e']);
    const [path] = await inside.multi().create('/m', 'x').check('/e').commit();
    expect(path).toBe('/m');
    expect((await zk.getData(`${root}/m`, { as: 'string' })).data).toBe('x');
    await using watch = await inside.watch('/', { recursive: true });
    await zk.create(`${root}/m/k`);
    expect(await watch.next()).toMatchObject({ type: 'created', path: '/m/k' });
    expect((await inside.getConfig()).data).toBe('');
    expect((await errorOf(inside.getData('/none'))).path).toBe('/none');
    await inside.deleteRecursive('/');
    expect(await zk.exists(root)).toBeNull();
  });
});

describe('limits of a call', () => {
  it('an aborted call rejects with the reason of its signal', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const call = zk.getData('/', { signal: controller.signal });
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await expect(zk.getData('/', { signal: controller.signal })).rejects.toBe(reason);
    expect((await zk.getData('/')).stat.czxid).toBe(0);
  });

  it('listeners do not stay on a signal', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const counting = Object.assign(Object.create(signal) as AbortSignal, {
      addEventListener: () => {
        listeners += 1;
      },
      removeEventListener: () => {
        listeners -= 1;
      },
    });
    Object.defineProperty(counting, 'aborted', { value: false });
    await zk.exists('/', { signal: counting });
    await errorOf(zk.getData('/nothing', { signal: counting }));
    expect(listeners).toBe(0);
  });

  it('a call without a server ends by its deadline, and was not sent', async () => {
    await using lonely = open('127.0.0.1:1', { connectTimeoutMs: 100 });
    const error = await errorOf(lonely.create('/a', '', { timeoutMs: 30 }));
    expect(error).toBeInstanceOf(OperationTimeoutError);
    expect(error.isOutcomeUnknown).toBe(false);
    expect(lonely.pendingCalls).toBe(0);
    await expect(lonely.connected({ timeoutMs: 30 })).rejects.toBeInstanceOf(OperationTimeoutError);
    const failed = connect('127.0.0.1:1', { connectTimeoutMs: 30 });
    await expect(failed).rejects.toBeInstanceOf(OperationTimeoutError);
  });

  it('a reply that is too long concerns its call alone', async () => {
    await using small = await connect(servers, { maxFrameBytes: 1_000 });
    const path = fresh();
    await zk.create(path, new Uint8Array(5_000));
    const [long, short] = await Promise.allSettled([small.getData(path), small.exists(path)]);
    expect(long).toMatchObject({ reason: expect.any(MarshallingError) });
    expect(short).toMatchObject({ value: { dataLength: 5_000 } });
    expect(small.state).toBe('connected');
  });
});

describe('closing', () => {
  it('answers what was asked before, ends the session, and refuses what comes after', async () => {
    const path = fresh();
    const other = await connect(servers);
    const created = other.create(path, '', { mode: 'ephemeral' });
    const closed = other.close();
    const late = errorOf(other.exists('/'));
    expect(await created).toBe(path);
    await closed;
    expect(await late).toBeInstanceOf(ClosedError);
    expect(await zk.exists(path)).toBeNull();
    await other.close();
    expect(other.state).toBe('closed');
  });

  it('tells all states, and ends whoever iterates', async () => {
    const other = open(servers);
    const heard: string[] = [];
    other.onState(({ state }) => heard.push(state));
    const iterated = (async () => {
      const states: string[] = [];
      for await (const { state } of other.stateChanges()) states.push(state);
      return states;
    })();
    await other.connected();
    await other.close();
    expect(await iterated).toEqual(['connected', 'closed']);
    expect(heard).toEqual(['connected', 'closed']);
  });
});

describe('multi', () => {
  it('returns a tuple of the types that its operations have', async () => {
    const path = fresh();
    const results = await zk
      .multi()
      .create(path, '1')
      .check(path, { version: 0 })
      .setData(path, '2', { version: 0 })
      .createWithStat(`${path}/s-`, '', { sequential: true })
      .delete(`${path}/s-0000000000`)
      .commit();
    expectTypeOf(results).toEqualTypeOf<[string, undefined, Stat, MultiCreated, undefined]>();
    expect(results[0]).toBe(path);
    expect(results[2].version).toBe(1);
    expect(results[3].path).toBe(`${path}/s-0000000000`);
    expect(await zk.multi().commit()).toEqual([]);
  });

  it('fails as a whole, with the error of the one that failed', async () => {
    const path = fresh();
    const failing = zk.multi().create(path).delete('/nothing').check(path).commit();
    const error = await errorOf(failing);
    expect(error).toBeInstanceOf(NoNodeError);
    expect([error.operation, error.path]).toEqual(['multi delete', '/nothing']);
    expect(error.failedPart).toEqual({ index: 1, codes: [0, -101, -2] });
    expect(await zk.exists(path)).toBeNull();
  });

  it('takes containers and znodes with a TTL, and can be committed again', async () => {
    const path = fresh();
    const multi = zk.multi().create(`${path}/c`, '', { mode: 'container' });
    expect(await errorOf(multi.commit())).toBeInstanceOf(NoNodeError);
    await zk.create(path);
    expect(await multi.create(`${path}/t`, '', { ttlMs: 500 }).commit()).toEqual([
      `${path}/c`,
      `${path}/t`,
    ]);
    expect(() => zk.multi().check('bad')).toThrow(BadArgumentsError);
  });

  it('reads of one moment stand for themselves', async () => {
    const path = fresh();
    await zk.create(path, '7');
    const results = await zk
      .multiRead()
      .getData(path, { as: 'json' })
      .getChildren(path)
      .getData('/nothing', { as: 'string' })
      .run();
    expect(results[0]).toMatchObject({ status: 'fulfilled', value: { data: 7 } });
    expect(results[1]).toEqual({ status: 'fulfilled', value: [] });
    expect(results[2]).toMatchObject({ status: 'rejected', reason: { code: -101 } });
    if (results[1].status === 'fulfilled') {
      expectTypeOf(results[1].value).toEqualTypeOf<string[]>();
    }
  });
});

describe('trees', () => {
  it('are created with their parents and deleted with their children', async () => {
    const path = fresh();
    expect(await zk.createRecursive(`${path}/a/b/c`, 'x')).toBe(`${path}/a/b/c`);
    const again = zk.createRecursive(`${path}/a/b/c`);
    expect(await errorOf(again)).toBeInstanceOf(NodeExistsError);
    const many = Array.from({ length: 600 }, (_, i) => zk.create(`${path}/a/n${i}`, `${i}`));
    await Promise.all(many);
    const paths: string[] = [];
    for await (const found of zk.walk(path)) paths.push(found);
    expect(paths).toHaveLength(604);
    expect(paths[0]).toBe(path);
    const tree = await zk.readTree(path, { as: 'string' });
    expect(tree.get(`${path}/a/n599`)?.data).toBe('599');
    await zk.deleteRecursive(path);
    expect(await zk.exists(path)).toBeNull();
    await zk.deleteRecursive(path);
    expect(await errorOf(zk.deleteRecursive('/'))).toBeInstanceOf(BadArgumentsError);
  });

  it('are created by many at once', async () => {
    const path = fresh();
    const made = Array.from({ length: 20 }, (_, i) => zk.createRecursive(`${path}/x/y/${i}`));
    await Promise.all(made);
    expect(await zk.getChildren(`${path}/x/y`)).toHaveLength(20);
  });
});

describe('quotas', () => {
  it('are set, told, changed and removed', async () => {
    const path = fresh();
    await zk.createRecursive(`${path}/sub`, '12345');
    const sub = `${path}/sub`;
    expect(await zk.getQuota(sub)).toBeNull();
    await zk.setQuota(sub, { hardCount: 2, bytes: 100 });
    expect(await zk.getQuota(sub)).toEqual({
      limits: { hardCount: 2, bytes: 100 },
      used: { count: 1, bytes: 5 },
    });
    await zk.create(`${sub}/a`);
    expect((await errorOf(zk.create(`${sub}/b`))).name).toBe('QuotaExceededError');
    await zk.setQuota(sub, { hardCount: 3 });
    await zk.create(`${sub}/b`);
    await zk.removeQuota(sub);
    expect(await zk.getQuota(sub)).toBeNull();
    expect(await zk.exists(`/zookeeper/quota${path}`)).toBeNull();
  });
});

describe('watches', () => {
  it('of data, existence and children are told once', async () => {
    const path = fresh();
    const heard: string[] = [];
    const listen = (event: { type: string; path: string }): void => {
      heard.push(`${event.type} ${event.path}`);
    };
    expect(await zk.exists(path, { watch: listen })).toBeNull();
    await zk.create(path);
    await zk.getData(path, { watch: listen });
    await zk.getChildren(path, { watch: listen });
    await zk.setData(path, '1');
    await zk.setData(path, '2');
    await zk.create(`${path}/k`);
    await zk.exists(`${path}/k`, { watch: listen });
    await zk.delete(`${path}/k`);
    expect(heard).toEqual([
      `created ${path}`,
      `dataChanged ${path}`,
      `childrenChanged ${path}`,
      `deleted ${path}/k`,
    ]);
  });

  it('are told before the change can be seen, with its zxid', async () => {
    const path = fresh();
    await zk.create(path);
    const order: string[] = [];
    let zxid: number | null = 0;
    await zk.getData(path, {
      watch: (event) => {
        order.push('event');
        zxid = event.zxid;
      },
    });
    const stat = await zk.setData(path, 'x').finally(() => order.push('reply'));
    expect(order).toEqual(['event', 'reply']);
    expect(zxid).toBe(stat.mzxid);
  });

  it('that last are iterated, and end when the loop is left', async () => {
    const path = fresh();
    const watch = await zk.watch(path);
    await zk.create(path);
    await zk.create(`${path}/k`);
    await zk.setData(path, 'x');
    const heard: string[] = [];
    for await (const event of watch) {
      heard.push(event.type);
      if (event.type === 'dataChanged') break;
    }
    expect(heard).toEqual(['created', 'childrenChanged', 'dataChanged']);
    expect(await zk.checkWatches(path, 'persistent')).toBe(false);
  });

  it('that last see everything below when they are recursive', async () => {
    const path = fresh();
    const heard: string[] = [];
    const onEvent = (event: { type: string; path: string }): void => {
      heard.push(`${event.type} ${event.path}`);
    };
    await using watch = await zk.watch(path, { recursive: true, onEvent });
    await zk.createRecursive(`${path}/a`);
    await zk.setData(`${path}/a`, '');
    await zk.delete(`${path}/a`);
    expect(heard).toEqual([
      `created ${path}`,
      `created ${path}/a`,
      `dataChanged ${path}/a`,
      `deleted ${path}/a`,
    ]);
    await watch.close();
    await zk.setData(path, '');
    expect(heard).toHaveLength(4);
  });

  it('that share a path do not end one another', async () => {
    const path = fresh();
    const first = await zk.watch(path);
    const second = await zk.watch(path);
    // While one is being removed, another one is on its way.
    const third = zk.watch(path);
    await Promise.all([first.close(), second.close()]);
    const watch = await third;
    await zk.create(path);
    expect((await watch.next())?.type).toBe('created');
    await watch.close();
    expect(await watch.next()).toBeUndefined();
  });

  it('are removed', async () => {
    const path = fresh();
    await zk.create(path);
    let calls = 0;
    const watch = (): void => {
      calls += 1;
    };
    await zk.getData(path, { watch });
    expect(await zk.checkWatches(path, 'data')).toBe(true);
    // One that is under way when they are removed does not stay behind.
    const reading = zk.getData(path, { watch });
    await zk.removeWatches(path, 'data');
    await reading;
    expect(await zk.checkWatches(path, 'data')).toBe(false);
    expect(await errorOf(zk.removeWatches(path, 'data'))).toBeInstanceOf(NoWatcherError);
    await zk.setData(path, '');
    expect(calls).toBe(0);
  });

  it('end with the client', async () => {
    const other = await connect(servers);
    const watch = await other.watch('/');
    const next = watch.next();
    await other.close();
    expect(await next).toBeUndefined();
    await watch.close();
  });

  it('whose listener throws leave the client as it was', async () => {
    const path = fresh();
    await zk.create(path);
    const thrown = new Error('of a listener');
    const caught = new Promise((resolve) => {
      const others = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const other of others) process.on('uncaughtException', other);
        resolve(error);
      });
    });
    await zk.getData(path, {
      watch: () => {
        throw thrown;
      },
    });
    await zk.setData(path, '');
    expect(await caught).toBe(thrown);
    expect(await zk.exists(path)).not.toBeNull();
  });
});
