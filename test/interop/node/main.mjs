// node-zookeeper-client from npm against one server: main.mjs HOST:PORT. The runner installs the
// package outside the project's dependencies.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { check, eventually, proxy, runAll } from '../lib/checks.mjs';
import { projectRoot } from '../lib/servers.mjs';

const require = createRequire(join(projectRoot, '.tmp/interop-node/package.json'));
const zookeeper = require('node-zookeeper-client');
const { ACL, CreateMode, Event, Exception, Id, Permission } = zookeeper;
const [server] = process.argv.slice(2);

/** The client with its callback methods as promises; what it answers beside data is dropped. */
class Client {
  constructor(address = server, sessionTimeout = 15_000) {
    this.raw = zookeeper.createClient(address, { sessionTimeout, retries: 3 });
    this.states = [];
    this.raw.on('state', (state) => this.states.push(state.getName()));
  }

  connect() {
    return new Promise((done) => {
      this.raw.once('connected', () => done(this));
      this.raw.connect();
    });
  }

  call(method, ...args) {
    return promisify(this.raw[method]).call(this.raw, ...args);
  }

  /** Data and Stat; promisify keeps only the first. */
  getData(path, watcher) {
    return new Promise((done, failed) => {
      const answer = (error, data, stat) => (error ? failed(error) : done([data, stat]));
      if (watcher) this.raw.getData(path, watcher, answer);
      else this.raw.getData(path, answer);
    });
  }

  sessionId() {
    return this.raw.getSessionId().toString('hex');
  }

  close() {
    return new Promise((done) => {
      this.raw.once('disconnected', done);
      this.raw.close();
    });
  }
}

function open(address, sessionTimeout) {
  return new Client(address, sessionTimeout).connect();
}

function equal(actual, expected, what = 'value') {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what} is ${left}, should be ${right}`);
}

async function fails(code, promise) {
  const outcome = await promise.then(
    (result) => `result ${result}`,
    (error) => (error.getCode ? error.getCode() : String(error)),
  );
  equal(outcome, code, 'code');
}

check('create, getData, setData, exists, getChildren, remove', async (root) => {
  const zk = await open();
  equal(await zk.call('create', root, Buffer.from('one')), root);
  await fails(Exception.NODE_EXISTS, zk.call('create', root));
  const [data, stat] = await zk.getData(root);
  equal([String(data), stat.version, stat.dataLength], ['one', 0, 3]);
  equal((await zk.call('setData', root, Buffer.from('two'), 0)).version, 1);
  await fails(Exception.BAD_VERSION, zk.call('setData', root, Buffer.from('x'), 0));
  const sequential = CreateMode.PERSISTENT_SEQUENTIAL;
  equal(await zk.call('create', `${root}/s-`, null, sequential), `${root}/s-0000000000`);
  equal(await zk.call('getChildren', root), ['s-0000000000']);
  await fails(Exception.NOT_EMPTY, zk.call('remove', root, -1));
  equal((await zk.call('exists', root)).cversion, 1);
  await zk.call('remove', `${root}/s-0000000000`, 0);
  await zk.call('remove', root, 1);
  equal(await zk.call('exists', root), null);
  await fails(Exception.NO_NODE, zk.getData(root));
  await zk.close();
});

check('mkdirp and a thousand creates at once', async (root) => {
  const zk = await open();
  await zk.call('mkdirp', `${root}/a/b/c`);
  const names = Array.from({ length: 1000 }, (_, i) => `${root}/a/n${i}`);
  await Promise.all(names.map((name) => zk.call('create', name, Buffer.from(name))));
  equal((await zk.call('getChildren', `${root}/a`)).length, 1001);
  await Promise.all(names.map((name) => zk.call('remove', name, 0)));
  for (const name of ['/a/b/c', '/a/b', '/a', '']) await zk.call('remove', root + name, -1);
  equal(await zk.call('exists', root), null);
  await zk.close();
});

check('transactions: all or nothing', async (root) => {
  const zk = await open();
  const commit = (transaction) => promisify(transaction.commit).call(transaction);
  const good = zk.raw.transaction().create(root, Buffer.from('1')).create(`${root}/a`);
  await commit(good.setData(root, Buffer.from('2'), 0).check(root, 1).remove(`${root}/a`, -1));
  const bad = zk.raw.transaction().setData(root, Buffer.from('3'), -1).check(root, 9);
  await fails(Exception.BAD_VERSION, commit(bad));
  equal(String((await zk.getData(root))[0]), '2');
  await zk.call('remove', root, -1);
  await zk.close();
});

check('watches fire once, with type and path', async (root) => {
  const [zk, other] = [await open(), await open()];
  const seen = [];
  const watcher = (event) => seen.push([event.getType(), event.getPath()]);
  equal(await zk.call('exists', root, watcher), null);
  await other.call('create', root);
  await eventually('created', () => seen.length === 1);
  await zk.getData(root, watcher);
  await zk.call('getChildren', root, watcher);
  await other.call('setData', root, Buffer.from('1'), -1);
  await other.call('setData', root, Buffer.from('2'), -1);
  await other.call('create', `${root}/k`);
  await eventually('changed and child', () => seen.length === 3);
  await zk.call('exists', `${root}/k`, watcher);
  await other.call('remove', `${root}/k`, -1);
  await eventually('deleted', () => seen.length === 4);
  equal(seen, [
    [Event.NODE_CREATED, root],
    [Event.NODE_DATA_CHANGED, root],
    [Event.NODE_CHILDREN_CHANGED, root],
    [Event.NODE_DELETED, `${root}/k`],
  ]);
  await other.call('remove', root, -1);
  await zk.close();
  await other.close();
});

check('digest authentication and ACLs', async (root) => {
  const [zk, other] = [await open(), await open()];
  zk.raw.addAuthInfo('digest', Buffer.from('bob:pw'));
  await zk.call('create', root, Buffer.from('s'), ACL.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
  await fails(Exception.NO_AUTH, other.getData(root));
  const [rule] = await zk.call('getACL', root);
  equal(rule.id.id, 'bob:ikIaKsbtGweaHnb/jKn7OHqbunM=', 'id');
  const readers = [new ACL(Permission.READ, new Id('world', 'anyone'))];
  await zk.call('setACL', root, readers, 0);
  equal(String((await other.getData(root))[0]), 's');
  await fails(Exception.NO_AUTH, other.call('setData', root, Buffer.alloc(0), -1));
  await zk.call('remove', root, -1);
  await zk.close();
  await other.close();
});

check('cut connections: session and ephemerals stay', async (root) => {
  const [zk, other] = [await open(process.env.INTEROP_PROXY), await open()];
  await zk.call('create', root, null, CreateMode.EPHEMERAL);
  const session = zk.sessionId();
  for (let i = 0; i < 3; i += 1) {
    const connections = zk.states.filter((name) => name === 'SYNC_CONNECTED').length;
    await proxy('cut');
    const count = () => zk.states.filter((name) => name === 'SYNC_CONNECTED').length;
    await eventually('connected again', () => count() > connections);
  }
  equal(zk.sessionId(), session, 'session');
  equal((await other.call('exists', root)).ephemeralOwner.toString('hex'), session, 'owner');
  await zk.close();
  equal(await other.call('exists', root), null);
  await other.close();
});

check('a silent session expires and is told so', async (root) => {
  const [zk, other] = [await open(process.env.INTEROP_PROXY, 4000), await open()];
  await zk.call('create', root, null, CreateMode.EPHEMERAL);
  await proxy('refuse');
  await eventually('the ephemeral goes', async () => (await other.call('exists', root)) === null);
  await proxy('accept');
  await eventually('told', () => zk.states.includes('EXPIRED'));
  await other.close();
});

await runAll();
