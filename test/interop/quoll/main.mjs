// Quoll's own client against one server: main.mjs HOST:PORT. From dist, as a user would have it.
import { createHash } from 'node:crypto';
import { check, eventually, proxy, runAll } from '../lib/checks.mjs';
import { projectRoot } from '../lib/servers.mjs';

const {
  AuthFailedError,
  BadVersionError,
  ConnectionLossError,
  connect,
  digestMd5,
  NoAuthError,
  NodeExistsError,
  NoNodeError,
  NotEmptyError,
  NoWatcherError,
  open,
  Perm,
  WatchQueue,
} = await import(`${projectRoot}/dist/client.js`);
const [server] = process.argv.slice(2);
const isZookeeper = process.env.INTEROP_PEER === 'zookeeper';

function equal(actual, expected, what = 'value') {
  const text = (value) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v));
  if (text(actual) !== text(expected)) {
    throw new Error(`${what} is ${text(actual)}, should be ${text(expected)}`);
  }
}

async function fails(errorClass, promise) {
  const error = await promise.then(
    () => null,
    (reason) => reason,
  );
  if (!(error instanceof errorClass)) throw new Error(`${error}, should be ${errorClass.name}`);
  return error;
}

/** Runs with a client that is closed at the end, whatever happens. */
function withClient(body, address = server, options = {}) {
  return async (root) => {
    const zk = await connect(address, options);
    try {
      await body(zk, root);
    } finally {
      await zk.close();
    }
  };
}

check(
  'create, read, change, delete, and their errors',
  withClient(async (zk, root) => {
    equal(await zk.create(root, 'one'), root);
    equal((await fails(NodeExistsError, zk.create(root))).path, root);
    const { data, stat } = await zk.getData(root, { as: 'string' });
    equal([data, stat.version, stat.dataLength], ['one', 0, 3]);
    equal((await zk.setData(root, 'two', { version: 0 })).version, 1);
    await fails(BadVersionError, zk.setData(root, 'x', { version: 0 }));
    await zk.create(`${root}/k`, null);
    equal((await zk.getData(`${root}/k`, { as: 'nullable' })).data, null);
    await fails(NotEmptyError, zk.delete(root));
    const { children, stat: parent } = await zk.getChildrenWithStat(root);
    equal([children, parent.numChildren, parent.cversion], [['k'], 1, 1]);
    equal([await zk.getChildren(root), await zk.getAllChildrenNumber(root)], [['k'], 1]);
    await zk.deleteRecursive(root);
    equal(await zk.exists(root), null);
    await fails(NoNodeError, zk.getData(root));
  }),
);

check(
  'sequential, ephemeral, container and TTL znodes',
  withClient(async (zk, root) => {
    await zk.create(root);
    equal(await zk.create(`${root}/s-`, '', { sequential: true }), `${root}/s-0000000000`);
    const { path, stat } = await zk.createWithStat(`${root}/e`, '', { mode: 'ephemeral' });
    equal([path, stat.ephemeralOwner], [`${root}/e`, zk.sessionId]);
    equal(await zk.getEphemerals(root), [`${root}/e`]);
    equal(await zk.create(`${root}/c`, '', { mode: 'container' }), `${root}/c`);
    await zk.create(`${root}/c/k`);
    await zk.delete(`${root}/c/k`);
    const numbered = await zk.create(`${root}/t`, '', { ttlMs: 300, sequential: true });
    equal(numbered, `${root}/t0000000003`);
    const reapMs = Number(process.env.INTEROP_REAP_MS);
    const isGone = async (one) => (await zk.exists(one)) === null;
    await eventually('container gone', () => isGone(`${root}/c`), reapMs);
    await eventually('TTL gone', () => isGone(numbered), reapMs);
    await zk.deleteRecursive(root);
  }),
);

check(
  'multi and multiRead, good and bad',
  withClient(async (zk, root) => {
    const multi = zk.multi().create(root, '1').check(root, { version: 0 });
    const [path, checked, stat, created, container] = await multi
      .setData(root, '2')
      .createWithStat(`${root}/a`)
      .create(`${root}/c`, '', { mode: 'container' })
      .delete(`${root}/a`)
      .commit();
    equal([path, checked ?? null, stat.version], [root, null, 1]);
    equal([created.path, container], [`${root}/a`, `${root}/c`]);
    if (!isZookeeper) equal(created.stat.version, 0);
    const bad = zk.multi().setData(root, '3').delete(`${root}/none`).check(root).commit();
    const error = await fails(NoNodeError, bad);
    equal([error.path, error.failedPart], [`${root}/none`, { index: 1, codes: [0, -101, -2] }]);
    const reads = zk.multiRead().getData(root, { as: 'string' }).getChildren(root);
    const [data, names, none] = await reads.getData(`${root}/none`).run();
    equal([data.value.data, names.value, none.reason.code], ['2', ['c'], -101]);
    equal(await zk.multi().commit(), []);
    await zk.deleteRecursive(root);
  }),
);

check(
  'thousands of calls at once, large data, trees',
  withClient(async (zk, root) => {
    await zk.createRecursive(`${root}/a/b`);
    const names = Array.from({ length: 3000 }, (_, i) => `${root}/a/n${i}`);
    await Promise.all(names.map((name) => zk.create(name, name)));
    const tree = await zk.readTree(root, { as: 'string' });
    equal([tree.size, tree.get(`${root}/a/n2999`).data], [3003, `${root}/a/n2999`]);
    await zk.setData(root, new Uint8Array(900_000).fill(7));
    equal((await zk.getData(root)).data.length, 900_000);
    await zk.deleteRecursive(root);
    equal(await zk.exists(root), null);
  }),
);

check(
  'one-shot watches come once, before the reply that shows the change',
  withClient(async (zk, root) => {
    const seen = [];
    const watch = ({ type, path }) => seen.push(`${type} ${path.slice(root.length)}`);
    equal(await zk.exists(root, { watch }), null);
    await zk.create(root);
    await zk.getData(root, { watch });
    await zk.getChildren(root, { watch });
    await zk.setData(root, '1');
    await zk.setData(root, '2');
    await zk.create(`${root}/k`);
    equal(seen, ['created ', 'dataChanged ', 'childrenChanged ']);
    const queue = new WatchQueue();
    await zk.getData(`${root}/k`, { watch: queue });
    equal(await zk.checkWatches(`${root}/k`, 'data'), true, 'checkWatches');
    await zk.deleteRecursive(root);
    equal((await queue.next()).type, 'deleted');
  }),
);

check(
  'persistent and recursive watches, and their removal',
  withClient(async (zk, root) => {
    // Debian's ZooKeeper is 3.8, which has one kind of watch for each path: the last that was set.
    await zk.create(root);
    await zk.create(`${root}/one`);
    const all = await zk.watch(root, { recursive: true });
    const one = await zk.watch(isZookeeper ? `${root}/one` : root);
    await zk.create(`${one.path}/k`);
    await zk.setData(`${one.path}/k`, 'x');
    await zk.setData(one.path, 'x');
    const take = async (watch, count) => {
      const types = [];
      for (let i = 0; i < count; i += 1) types.push((await watch.next()).type);
      return types;
    };
    equal(await take(one, 2), ['childrenChanged', 'dataChanged']);
    equal(await take(all, 3), ['created', 'dataChanged', 'dataChanged']);
    await one.close();
    if (!isZookeeper) {
      equal(await zk.checkWatches(root, 'persistent'), false, 'persistent');
      equal(await zk.checkWatches(root, 'recursive'), true, 'recursive');
    }
    await zk.removeWatches(root, 'any');
    equal((await all.next()) ?? null, null);
    await fails(NoWatcherError, zk.removeWatches(root, 'any'));
    const alone = await zk.watch(`${root}/one`);
    equal(await zk.checkWatches(`${root}/one`, 'any'), true, 'any');
    await alone.close();
    equal(await zk.checkWatches(`${root}/one`, 'any'), false, 'any');
    await zk.deleteRecursive(root);
  }),
);

check(
  'digest authentication, ACLs, whoAmI',
  withClient(async (zk, root) => {
    const other = await connect(server);
    await zk.addAuth('digest', 'bob:pw');
    const hash = createHash('sha1').update('bob:pw').digest('base64');
    const acl = [{ scheme: 'digest', id: `bob:${hash}`, perms: Perm.all }];
    await zk.create(root, 's', { acl: [{ scheme: 'auth', id: '', perms: Perm.all }] });
    equal((await zk.getACL(root)).acl, acl);
    await fails(NoAuthError, other.getData(root));
    const open = [{ scheme: 'world', id: 'anyone', perms: Perm.read }];
    equal((await zk.setACL(root, open, { version: 0 })).aversion, 1);
    equal((await other.getData(root, { as: 'string' })).data, 's');
    const names = (await zk.whoAmI()).map(({ scheme, id }) => `${scheme}:${id}`);
    equal(names.includes('digest:bob'), true, 'whoAmI');
    await fails(AuthFailedError, other.addAuth('nonsense', 'x'));
    await other.exists('/');
    await other.close();
    await zk.delete(root);
  }),
);

check(
  'a chroot',
  withClient(async (zk, root) => {
    await zk.create(root);
    const inside = await connect(`${server}${root}`);
    const watch = await inside.watch('/', { recursive: true });
    equal(await inside.create('/a', '', { mode: 'ephemeral' }), '/a');
    equal((await watch.next()).path, '/a');
    equal(await inside.getEphemerals(), ['/a']);
    equal((await inside.multi().create('/b').commit())[0], '/b');
    await inside.sync();
    await inside.close();
    equal(await zk.getChildren(root), ['b']);
    await zk.deleteRecursive(root);
  }),
);

check(
  'quotas are counted',
  withClient(async (zk, root) => {
    await zk.create(root, '12345');
    await zk.setQuota(root, { count: 10, hardBytes: 100 });
    await zk.create(`${root}/k`, '678');
    equal(await zk.getQuota(root), {
      limits: { count: 10, hardBytes: 100 },
      used: { count: 2, bytes: 8 },
    });
    await zk.removeQuota(root);
    equal(await zk.getQuota(root), null);
    await zk.deleteRecursive(root);
  }),
);

check('cut connections: session, ephemerals and watches stay', async (root) => {
  const zk = await connect(process.env.INTEROP_PROXY);
  const other = await connect(server);
  const { sessionId } = zk;
  await zk.create(root, 'x');
  await zk.create(`${root}/e`, '', { mode: 'ephemeral' });
  const seen = [];
  const watch = ({ type, path }) => seen.push(`${type} ${path.slice(root.length)}`);
  await zk.getData(root, { watch });
  await zk.getChildren(root, { watch });
  await zk.exists(`${root}/none`, { watch });
  const lasting = await zk.watch(`${root}/e`);
  await proxy('refuse');
  await eventually('suspended', () => zk.state === 'suspended');
  await other.setData(root, 'y');
  await other.create(`${root}/none`);
  const read = zk.getData(root, { as: 'string' });
  await proxy('accept');
  equal((await read).data, 'y');
  equal(zk.sessionId, sessionId, 'session');
  equal(seen.sort(), ['childrenChanged ', 'created /none', 'dataChanged ']);
  equal((await lasting.next()).type, 'resync');
  await other.setData(`${root}/e`, 'z');
  equal((await lasting.next()).type, 'dataChanged');
  await zk.close();
  equal(await other.exists(`${root}/e`), null);
  await other.deleteRecursive(root);
  await other.close();
});

/** It may be back before anybody looks at its state. */
async function cutAndSeen(zk) {
  let isSeen = false;
  const stop = zk.onState(({ state }) => {
    isSeen ||= state === 'suspended';
  });
  await proxy('cut');
  await eventually('suspended', () => isSeen);
  stop();
}

check('2,000 watches come back after a cut', async (root) => {
  const zk = await connect(process.env.INTEROP_PROXY);
  const other = await connect(server);
  await zk.create(root);
  const names = Array.from({ length: 2000 }, (_, i) => `${root}/${'long-'.repeat(30)}${i}`);
  await Promise.all(names.map((name) => zk.create(name)));
  let seen = 0;
  const watch = () => {
    seen += 1;
  };
  await Promise.all(names.map((name) => zk.getData(name, { watch })));
  await cutAndSeen(zk);
  await zk.connected();
  await Promise.all(names.map((name) => other.setData(name, 'x')));
  await eventually('all told', () => seen === 2000);
  await zk.deleteRecursive(root);
  await zk.close();
  await other.close();
});

check('a write in doubt is a ConnectionLossError that says so', async (root) => {
  const zk = await connect(process.env.INTEROP_PROXY);
  await zk.create(root);
  await proxy('stall');
  const write = fails(ConnectionLossError, zk.setData(root, 'x'));
  await new Promise((done) => setTimeout(done, 100));
  await proxy('cut');
  await proxy('accept');
  equal((await write).isOutcomeUnknown, true, 'in doubt');
  await zk.delete(root);
  await zk.close();
});

check('a silent session is lost, and another begins', async (root) => {
  const zk = await connect(process.env.INTEROP_PROXY, { sessionTimeoutMs: 4000 });
  const other = await connect(server);
  const states = [];
  zk.onState(({ state }) => states.push(state));
  await zk.create(root, '', { mode: 'ephemeral' });
  await proxy('refuse');
  await eventually('the ephemeral goes', async () => (await other.exists(root)) === null);
  await proxy('accept');
  await eventually('another session', () => states.at(-1) === 'connected');
  equal(await zk.exists(root), null);
  equal(states, ['suspended', 'lost', 'connected']);
  await zk.close();
  await other.close();
});

if (process.env.INTEROP_CAN_RESTART === 'yes') {
  check(
    'a server that is killed: reads are answered in the end, the session stays',
    async (root) => {
      const zk = await connect(process.env.INTEROP_PROXY, { sessionTimeoutMs: 20_000 });
      const { sessionId } = zk;
      await zk.create(root, 'x', { mode: 'ephemeral' });
      await proxy('restart');
      equal((await zk.getData(root, { as: 'string' })).data, 'x');
      equal(zk.sessionId, sessionId, 'session');
      await zk.close();
    },
  );
}

if (isZookeeper) {
  check('SASL DIGEST-MD5', async (root) => {
    const sasl = digestMd5({ user: 'bob', password: 'builder' });
    const zk = await connect(server, { sasl });
    const acl = [{ scheme: 'sasl', id: 'bob', perms: Perm.all }];
    await zk.create(root, 's', { acl });
    equal((await zk.getData(root, { as: 'string' })).data, 's');
    const other = await connect(server);
    await fails(NoAuthError, other.getData(root));
    await other.close();
    const wrong = open(server, { sasl: digestMd5({ user: 'bob', password: 'no' }) });
    await fails(AuthFailedError, wrong.exists('/'));
    await zk.delete(root);
    await zk.close();
  });
}

await runAll();
