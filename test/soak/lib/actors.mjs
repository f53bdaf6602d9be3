// What keeps the server busy: each actor loops until it is told to stop, at a pace of its own, and
// keeps the size of what it leaves in the server stationary.
import { Client, Code, WatchMode } from './client.mjs';

export const root = '/soak';
const nodesMax = 300;
const watchesPerRound = 40;
const churnTimeoutMs = 1000;

export function pauseMs(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** Counts what the actors did, and keeps errors that nobody expects. */
export class Tally {
  operations = 0;
  sessions = { closed: 0, expiring: 0, moved: 0 };
  watchesSet = 0;
  notifications = 0;
  cuts = 0;
  unexpected = [];

  /** Null when the reply is one of those expected; counts either way. */
  note(what, { err }, ...expected) {
    this.operations += 1;
    if (err === Code.ok || expected.includes(err)) return;
    if (this.unexpected.length < 20) this.unexpected.push(`${what}: code ${err}`);
  }

  get sessionCount() {
    const { closed, expiring, moved } = this.sessions;
    return closed + expiring + moved;
  }
}

class Actor {
  /** Settles once everything that it keeps is in place. */
  isReady;
  #isStopped = false;
  #running;

  constructor(port, tally, random) {
    this.port = port;
    this.tally = tally;
    this.random = random;
  }

  start() {
    this.isReady = this.open();
    this.#running = this.#loop();
  }

  async #loop() {
    try {
      await this.isReady;
      while (!this.#isStopped) {
        await this.round();
        await pauseMs(this.random.between(0, this.restMs));
      }
      await this.end();
    } catch (error) {
      this.tally.unexpected.push(`${this.constructor.name}: ${error.message}`);
    }
  }

  async open() {}

  async end() {}

  async stop() {
    this.#isStopped = true;
    await this.#running;
  }
}

/** Creates, sets and deletes below a node of its own, with values of all sizes. */
export class Writer extends Actor {
  restMs = 12;
  #nodes = [];
  #number = 0;

  async open() {
    this.path = `${root}/data-${this.random.between(0, 1e9)}`;
    this.client = await Client.open(this.port, 30_000);
    this.timer = setInterval(() => this.client.ping(), 5000);
    this.tally.note('create', await this.client.create(this.path, Buffer.alloc(0)));
    // Full from the beginning: what grows later is a leak, not the tree.
    while (this.#nodes.length < nodesMax) this.tally.note('create', await this.#create());
  }

  #create() {
    this.#number += 1;
    const path = `${this.path}/${'n'.repeat(this.random.between(1, 60))}-${this.#number}`;
    this.#nodes.push(path);
    return this.client.create(path, this.#data());
  }

  #data() {
    const kind = this.random.weighted({
      none: 10,
      tiny: 50,
      small: 30,
      page: 12,
      large: 3,
      huge: 1,
    });
    const bounds = {
      none: [0, 0],
      tiny: [1, 100],
      small: [100, 4000],
      page: [4000, 33_000],
      large: [33_000, 150_000],
      huge: [150_000, 512_000],
    };
    return Buffer.alloc(this.random.between(...bounds[kind]), this.#number % 251);
  }

  #any() {
    return this.random.pick(this.#nodes);
  }

  #operation() {
    const isFull = this.#nodes.length >= nodesMax;
    const isEmpty = this.#nodes.length < 10;
    const kind = this.random.weighted({
      create: isFull ? 0 : 30,
      set: isEmpty ? 0 : 40,
      both: isEmpty ? 0 : 5,
      read: isEmpty ? 0 : 20,
      delete: isEmpty ? 0 : 28,
    });
    switch (kind) {
      case 'create':
        return this.#create();
      case 'set':
        return this.client.set(this.#any(), this.#data());
      case 'both':
        return this.client.setBoth(this.#any(), this.#any(), this.#data());
      case 'read':
        return this.client.getData(this.#any());
      default: {
        const index = this.random.between(0, this.#nodes.length - 1);
        return this.client.delete(this.#nodes.splice(index, 1)[0]);
      }
    }
  }

  async round() {
    const operations = Array.from({ length: this.random.between(1, 16) }, () => this.#operation());
    for (const reply of await Promise.all(operations)) this.tally.note('write', reply);
  }

  async end() {
    for (const node of this.#nodes) this.tally.note('delete', await this.client.delete(node));
    this.tally.note('delete', await this.client.delete(this.path));
    clearInterval(this.timer);
    await this.client.close();
  }
}

/** Sessions that come, leave something, and go in every way there is. */
export class Visitor extends Actor {
  restMs = 40;

  async round() {
    const client = await Client.open(this.port, churnTimeoutMs);
    const path = `${root}/visitors/v${client.sessionId}-`;
    const ephemeral = this.random.pick([1, 3]);
    const data = Buffer.alloc(this.random.between(0, 200));
    this.tally.note('ephemeral', await client.create(path, data, ephemeral));
    this.tally.note('watch', await client.children(`${root}/visitors`, true));
    this.tally.watchesSet += 1;
    await this.#leave(client);
    this.tally.notifications += client.notifications;
  }

  async #leave(client) {
    const { sessions } = this.tally;
    const how = this.random.weighted({ close: 50, expire: 25, cutInFrame: 5, move: 20 });
    if (how === 'close') {
      sessions.closed += 1;
      await client.close();
      return;
    }
    this.tally.cuts += 1;
    if (how === 'cutInFrame') client.cutInFrame();
    else client.cut();
    sessions[how === 'move' ? 'moved' : 'expiring'] += 1;
    if (how !== 'move') return;
    const again = await Client.open(this.port, churnTimeoutMs, client);
    await again.close();
  }
}

/** Watches of all kinds: fired, removed, replaced, dropped with their connection. */
export class Watcher extends Actor {
  restMs = 60;
  #number = 0;

  async open() {
    this.path = `${root}/watched-${this.random.between(0, 1e9)}`;
    this.client = await Client.open(this.port, 10_000);
    this.tally.note('create', await this.client.create(this.path, Buffer.alloc(0)));
  }

  async round() {
    const { client, tally, path } = this;
    const own = Array.from({ length: watchesPerRound }, () => `${path}/n${this.#next()}`);
    const half = own.slice(0, watchesPerRound / 2);
    await Promise.all(half.map((node) => client.create(node, Buffer.alloc(10))));
    for (const node of own) await this.#watch(node);
    tally.watchesSet += own.length;
    const removed = own.filter(() => this.random.chance(0.3));
    for (const node of removed) {
      tally.note('remove', await client.removeWatches(node), Code.noWatcher);
    }
    await Promise.all(half.map((node) => client.set(node, Buffer.alloc(20))));
    await Promise.all(half.map((node) => client.delete(node)));
    if (!this.random.chance(0.15)) return;
    tally.notifications += client.notifications;
    tally.cuts += 1;
    client.cut();
    this.client = await Client.open(this.port, 10_000);
  }

  #next() {
    this.#number = (this.#number + 1) % 1000;
    return this.#number;
  }

  async #watch(node) {
    const { client, tally } = this;
    const kind = this.random.pick(['data', 'exists', 'children', 'persistent', 'recursive']);
    if (kind === 'data') tally.note(kind, await client.getData(node, true), Code.noNode);
    else if (kind === 'exists') tally.note(kind, await client.exists(node, true), Code.noNode);
    else if (kind === 'children') tally.note(kind, await client.children(node, true), Code.noNode);
    else tally.note(kind, await client.addWatch(node, WatchMode[kind]));
  }

  async end() {
    this.tally.notifications += this.client.notifications;
    await this.client.close();
    const last = await Client.open(this.port, 10_000);
    await deleteBelow(last, this.path);
    await last.close();
  }
}

/** A client that asks for much and reads nothing. */
export class Glutton extends Actor {
  restMs = 3000;

  async open() {
    this.path = `${root}/large`;
    const client = await Client.open(this.port, churnTimeoutMs);
    await client.create(this.path, Buffer.alloc(400_000), 0);
    await client.close();
  }

  async round() {
    const client = await Client.open(this.port, churnTimeoutMs);
    this.tally.cuts += 1;
    this.tally.sessions.expiring += 1;
    await client.cutUnread(this.path, this.random.between(1, 60));
  }
}

/** Deletes a node and all below it. */
export async function deleteBelow(client, path) {
  const { names } = await client.children(path);
  for (const name of names) await deleteBelow(client, `${path}/${name}`);
  const { err } = await client.delete(path);
  if (err !== Code.ok && err !== Code.noNode) throw new Error(`delete ${path}: code ${err}`);
}
