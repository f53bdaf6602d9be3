// One writer: makes writes whose outcome it knows, keeps many of them under way on one connection,
// and after a crash finds out how far they have come.
import { adoptZxids, Pending, readTree, treeDifference } from './compare.mjs';
import { Model, outcomeDifference } from './model.mjs';
import { Connection, decodeOutcome, encodeWrite, Flag, writeType } from './wire.mjs';

export const sharedRoot = '/load/shared';
export const sequenceRoot = '/load/sequence';
const nodesMax = 150;
const sharedMax = 20;
const dataLengthMax = 300;
const longDataLength = 20_000;

export class Worker {
  ackedCount = 0;
  ackedBytes = 0;
  unknownCount = 0;
  survivedCount = 0;
  /** What this worker has under the shared parents: `path -> data`, and `data -> path`. */
  shared = new Map();
  sharedCreates = 0;
  sharedDeletes = 0;
  sequence = new Map();
  sequenceCreates = 0;
  sequenceDeletes = 0;
  failure = null;
  connection = null;
  #random;
  #pending = [];
  #acked;
  #sent;
  #writeNumber = 0;
  #sharedNumber = 0;
  #depth = 1;
  #isLoading = false;

  constructor(name, random) {
    this.name = name;
    this.root = `/load/${name}`;
    this.#random = random;
  }

  async start(connection) {
    this.connection = connection;
    this.session = { sessionId: connection.sessionId, password: connection.password };
    await connection.write({ kind: 'create', path: this.root, data: '', flags: Flag.persistent });
    this.#acked = new Model(this.root, connection.sessionId);
    this.#settle();
    await this.#run({ kind: 'create', path: this.#counter, data: '', flags: Flag.persistent });
  }

  get #counter() {
    return `${this.root}/counter`;
  }

  /** The models of what was acknowledged and of what was sent are one again. */
  #settle() {
    this.#pending = [];
    this.#sent = this.#acked.copy();
  }

  #run(write) {
    return new Promise((done) => this.#send(write, done));
  }

  /** Keeps `depth` writes under way until `stopLoad`, or until the connection goes. */
  startLoad(depth) {
    this.#depth = depth;
    this.#isLoading = true;
    this.#fill();
  }

  stopLoad() {
    this.#isLoading = false;
  }

  #fill() {
    while (this.#isLoading && this.failure === null && this.#pending.length < this.#depth) {
      this.#send(this.#nextWrite(), () => this.#fill());
    }
  }

  #send(write, done) {
    const entry = { write, expected: this.#sent.apply(write, null) };
    this.#pending.push(entry);
    this.connection.send(writeType(write), encodeWrite(write), (reply) => {
      this.#acknowledge(entry, reply);
      done();
    });
  }

  #acknowledge(entry, reply) {
    const { write, expected } = entry;
    this.#pending.shift();
    const actual = decodeOutcome(write, reply.err, reply.body);
    const difference = outcomeDifference(expected, actual);
    if (difference !== null) {
      this.failure ??= `${this.name}: ${describe(write)}: ${difference}`;
      return;
    }
    if (reply.zxid <= (this.lastZxid ?? 0)) {
      this.failure ??= `${this.name}: zxid ${reply.zxid} comes after ${this.lastZxid}`;
    }
    this.lastZxid = reply.zxid;
    this.#acked.apply(write, reply.zxid);
    this.#account(write, actual);
    this.ackedCount += 1;
    this.ackedBytes += dataLength(write);
  }

  /** Notes what an executed write has left under the shared parents. */
  #account(write, outcome) {
    for (const [index, part] of (write.parts ?? []).entries()) {
      const result = outcome.parts[index];
      if (result.err !== 0 || outcome.parts.some((other) => other.err !== 0)) continue;
      if (part.path.startsWith(`${sharedRoot}/`)) {
        if (part.kind === 'create') this.shared.set(part.path, part.data);
        else this.shared.delete(part.path);
        this[part.kind === 'create' ? 'sharedCreates' : 'sharedDeletes'] += 1;
      } else if (part.path.startsWith(`${sequenceRoot}/`)) {
        // A path that no reply has told yet is found later by the data, which is unique.
        if (part.kind === 'create') this.sequence.set(part.data, result.path);
        else this.#forgetSequence(part.path);
        this[part.kind === 'create' ? 'sequenceCreates' : 'sequenceDeletes'] += 1;
      }
    }
  }

  #forgetSequence(path) {
    for (const [data, known] of this.sequence) if (known === path) this.sequence.delete(data);
  }

  #data() {
    this.#writeNumber += 1;
    const isLong = this.#random.chance(0.02);
    const length = isLong ? longDataLength : this.#random.between(0, dataLengthMax);
    return `${this.name}.${this.#writeNumber}.`.padEnd(length, 'data ');
  }

  #anyPath() {
    return this.#random.pick([...this.#sent.nodes.keys()]);
  }

  #leaf() {
    const leaves = [...this.#sent.nodes].filter(
      ([path, node]) => node.children.size === 0 && path !== this.root && path !== this.#counter,
    );
    return leaves.length === 0 ? null : this.#random.pick(leaves)[0];
  }

  #parent() {
    const parents = [...this.#sent.nodes].filter(([, node]) => node.owner === 0n);
    return this.#random.pick(parents)[0];
  }

  #create(flags = Flag.persistent) {
    const isSequential = (flags & Flag.sequential) !== 0;
    const path = `${this.#parent()}/${isSequential ? 's-' : `n${this.#writeNumber}`}`;
    return { kind: 'create', path, data: this.#data(), flags };
  }

  #set() {
    return { kind: 'set', path: this.#anyPath(), data: this.#data(), version: -1 };
  }

  #delete() {
    const path = this.#leaf();
    return path === null ? this.#create() : { kind: 'delete', path, version: -1 };
  }

  /** Three to six changes of different nodes, which must come and go together. */
  #multi() {
    const parent = this.#parent();
    const data = this.#data();
    const parts = [{ kind: 'create', path: `${parent}/m${this.#writeNumber}`, data, flags: 0 }];
    for (let left = this.#random.between(2, 5); left > 0; left -= 1) parts.push(this.#set());
    if (this.#random.chance(0.5)) {
      parts.push({ kind: 'create', path: `${parts[0].path}/child`, data, flags: 0 });
    }
    return { kind: 'multi', parts };
  }

  /** A change that spans the own subtree and a parent that all workers share. */
  #sharedMulti() {
    this.#sharedNumber += 1;
    const tag = `${this.name}-${this.#sharedNumber}`;
    const parts = [{ kind: 'set', path: this.#counter, data: tag, version: -1 }];
    if (this.#random.chance(0.5)) {
      parts.push({ kind: 'create', path: `${sequenceRoot}/s-`, data: tag, flags: Flag.sequential });
      this.#dropOldest(this.sequence, parts, ([, path]) => path);
    } else {
      parts.push({ kind: 'create', path: `${sharedRoot}/${tag}`, data: tag, flags: 0 });
      this.#dropOldest(this.shared, parts, ([path]) => path);
    }
    return { kind: 'multi', parts };
  }

  #dropOldest(owned, parts, pathOf) {
    if (owned.size < sharedMax) return;
    const pendingDeletes = new Set(
      this.#pending.flatMap(({ write }) => write.parts ?? []).map((part) => part.path),
    );
    const oldest = [...owned].map(pathOf).find((path) => path && !pendingDeletes.has(path));
    if (oldest) parts.push({ kind: 'delete', path: oldest, version: -1 });
  }

  /** A write that must fail and change nothing. */
  #mistake() {
    const path = this.#anyPath();
    const version = this.#sent.nodes.get(path).version + 1;
    const bad = this.#random.pick([
      { kind: 'create', path: this.#counter, data: 'again', flags: 0 },
      { kind: 'set', path, data: 'bad version', version },
      { kind: 'delete', path: `${path}/missing`, version: -1 },
    ]);
    if (this.#random.chance(0.5)) return bad;
    return { kind: 'multi', parts: [this.#set(), this.#create(), bad, this.#set()] };
  }

  #nextWrite() {
    const isFull = this.#sent.nodes.size > nodesMax;
    const kind = this.#random.weighted({
      create: isFull ? 1 : 20,
      sequential: isFull ? 1 : 10,
      ephemeral: isFull ? 1 : 6,
      set: 25,
      delete: isFull ? 60 : 12,
      multi: isFull ? 2 : 14,
      shared: 10,
      mistake: 6,
    });
    switch (kind) {
      case 'create':
        return this.#create();
      case 'sequential':
        return this.#create(Flag.sequential);
      case 'ephemeral':
        return this.#create(this.#random.pick([Flag.ephemeral, Flag.ephemeral | Flag.sequential]));
      case 'set':
        return this.#set();
      case 'delete':
        return this.#delete();
      case 'multi':
        return this.#multi();
      case 'shared':
        return this.#sharedMulti();
      default:
        return this.#mistake();
    }
  }

  get pendingCount() {
    return this.#pending.length;
  }

  /** Goes on on another connection of its session; `recover` finds out what was lost. */
  attached(connection) {
    this.unknownCount += this.#pending.length;
    this.connection = connection;
  }

  /** Attaches the session again after the server has come back. */
  async reattach(port, lastZxidSeen) {
    const connection = await Connection.open(port, this.session, lastZxidSeen).catch((error) => {
      const cause = `it may be behind zxid ${lastZxidSeen}, which clients have seen`;
      throw new Error(`${this.name}: the server refuses the connection: ${cause}`, {
        cause: error,
      });
    });
    if (connection.sessionId !== this.session.sessionId) {
      throw new Error(`${this.name}: its session was acknowledged, and is unknown after the crash`);
    }
    this.attached(connection);
  }

  /** Finds the prefix of the pending writes that the server has executed; throws if none fits. */
  async recover() {
    const tree = await readTree(this.connection, this.root);
    for (let count = 0; count <= this.#pending.length; count += 1) {
      const { model, zxids } = this.#afterPrefix(count);
      if (treeDifference(model, tree) !== null || !isAscending(zxids)) continue;
      for (const { write, expected } of this.#pending.slice(0, count)) {
        this.#account(write, expected);
      }
      adoptZxids(model, tree);
      this.#acked = model;
      this.survivedCount += count;
      this.#settle();
      return;
    }
    throw new Error(this.#lossReport(tree));
  }

  /** The model after the first `count` pending writes, and their zxids, yet to be learnt. */
  #afterPrefix(count) {
    const model = this.#acked.copy();
    const zxids = this.#pending.slice(0, count).map(() => new Pending(this.lastZxid ?? 0));
    for (const [index, zxid] of zxids.entries()) model.apply(this.#pending[index].write, zxid);
    return { model, zxids };
  }

  #lossReport(tree) {
    const lines = [
      `${this.name}: no prefix of its ${this.#pending.length} unanswered writes explains the tree.`,
      `With none of them: ${treeDifference(this.#acked, tree)}.`,
      `With all of them: ${treeDifference(this.#afterPrefix(this.#pending.length).model, tree)}.`,
      `The first of them: ${this.#pending
        .slice(0, 4)
        .map((e) => describe(e.write))
        .join(' | ')}`,
    ];
    return lines.join('\n      ');
  }

  /** The paths of sequential creates whose reply never came, found by their unique data. */
  learnPaths(tree) {
    for (const [path, { data }] of tree) {
      if (this.sequence.has(data)) this.sequence.set(data, path);
    }
  }

  /** Ends the session; its ephemerals must be gone at once. A new session follows. */
  async renewSession(port) {
    await this.connection.closeSession();
    this.#acked.closeSession();
    this.connection = await Connection.open(port, null, this.lastZxid ?? 0);
    this.session = {
      sessionId: this.connection.sessionId,
      password: this.connection.password,
    };
    this.#acked.sessionId = this.connection.sessionId;
    await this.recover();
  }
}

/** Some have left no trace in the tree; those that have must be in the order of the writes. */
function isAscending(zxids) {
  const known = zxids.map(({ zxid }) => zxid).filter((zxid) => zxid !== null);
  return known.every((zxid, index) => index === 0 || zxid > known[index - 1]);
}

function dataLength(write) {
  return (write.parts ?? [write]).reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
}

function describe(write) {
  if (write.kind === 'multi') return `multi(${write.parts.map(describe).join(', ')})`;
  const detail = write.kind === 'create' ? ` flags ${write.flags}` : ` version ${write.version}`;
  return `${write.kind} ${write.path}${detail}`;
}
