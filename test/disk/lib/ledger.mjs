// Writers that keep books: what was acknowledged, what was refused, what was never answered. After
// a crash the server's tree must agree with the books.
import { Connection, Flag } from '../../durability/lib/wire.mjs';

const root = '/ledger';

export class Ledger {
  #writers = [];

  constructor(port, { writers, depth, dataBytes }) {
    this.port = port;
    for (let i = 0; i < writers; i += 1) {
      this.#writers.push(new Writer(`${root}/w${i}`, depth, dataBytes));
    }
  }

  async prepare() {
    const connection = await Connection.open(this.port);
    await create(connection, root, '');
    for (const { path } of this.#writers) await create(connection, path, 'n0.');
    await connection.closeSession();
  }

  /** Opens a connection for each writer and keeps it busy until `stop` or a refusal. */
  async start({ stopAtRefusal = false } = {}) {
    for (const writer of this.#writers) {
      writer.begin(await Connection.open(this.port), stopAtRefusal);
    }
  }

  /** No new writes; waits for the answers of those under way, or for the connections' end. */
  async stop(timeoutMs = 10_000) {
    for (const writer of this.#writers) writer.isRunning = false;
    const late = new Promise((done) => setTimeout(done, timeoutMs, false).unref());
    const settled = Promise.all(this.#writers.map((writer) => writer.settled())).then(() => true);
    const isSettled = await Promise.race([settled, late]);
    for (const writer of this.#writers) writer.connection?.drop();
    return isSettled;
  }

  #sum(key) {
    return this.#writers.reduce((sum, writer) => sum + writer[key], 0);
  }

  get ackedCount() {
    return this.#sum('ackedCount');
  }

  get refusedCount() {
    return this.#sum('refusedCount');
  }

  /** Codes of refusals, each once. */
  get refusalCodes() {
    return [...new Set(this.#writers.flatMap((writer) => [...writer.refusalCodes]))];
  }

  get isRefusedByAll() {
    return this.#writers.every((writer) => writer.refusedCount > 0 && !writer.isRunning);
  }

  forgetRefusals() {
    for (const writer of this.#writers) {
      writer.refusedCount = 0;
      writer.refusalCodes.clear();
    }
  }

  /** What the tree says otherwise than the books; what was in doubt is settled by it. */
  async problems() {
    const connection = await Connection.open(this.port);
    const problems = [];
    for (const writer of this.#writers) problems.push(...(await writer.audit(connection)));
    await connection.closeSession();
    return problems;
  }
}

async function create(connection, path, data) {
  const reply = await connection.write({ kind: 'create', path, data, flags: Flag.persistent });
  if (reply.err !== 0) throw new Error(`create ${path}: code ${reply.err}`);
}

/** Sets the data of one node, and creates a child of it every few writes. */
class Writer {
  ackedCount = 0;
  refusedCount = 0;
  refusalCodes = new Set();
  isRunning = false;
  connection = null;
  #number = 0;
  /** By the number of the write: 'pending', 'acked', 'refused', 'lost'. */
  #sets = new Map([[0, 'acked']]);
  #children = new Map();
  #pendingCount = 0;
  #onSettled = null;

  constructor(path, depth, dataBytes) {
    this.path = path;
    this.depth = depth;
    this.dataBytes = dataBytes;
  }

  begin(connection, stopAtRefusal) {
    this.connection = connection;
    this.stopAtRefusal = stopAtRefusal;
    this.isRunning = true;
    this.#pendingCount = 0;
    this.#fill();
  }

  #fill() {
    while (this.isRunning && !this.connection.isClosed && this.#pendingCount < this.depth) {
      this.#number += 1;
      const isChild = this.#number % 5 === 0;
      this.#send(this.#number, isChild ? this.#children : this.#sets, isChild);
    }
  }

  #send(number, book, isChild) {
    book.set(number, 'pending');
    this.#pendingCount += 1;
    const data = `n${number}.`.padEnd(this.dataBytes, 'data ');
    const write = isChild
      ? { kind: 'create', path: `${this.path}/c${number}`, data: 'd', flags: Flag.persistent }
      : { kind: 'set', path: this.path, data, version: -1 };
    this.connection.write(write).then(
      ({ err }) => this.#answered(number, book, err),
      () => this.#onSettled?.(),
    );
  }

  #answered(number, book, err) {
    this.#pendingCount -= 1;
    book.set(number, err === 0 ? 'acked' : 'refused');
    if (err === 0) this.ackedCount += 1;
    else {
      this.refusedCount += 1;
      this.refusalCodes.add(err);
      if (this.stopAtRefusal) this.isRunning = false;
    }
    this.#fill();
    if (this.#pendingCount === 0) this.#onSettled?.();
  }

  settled() {
    if (this.#pendingCount === 0 || this.connection.isClosed) return Promise.resolve();
    return new Promise((done) => {
      this.#onSettled = done;
    });
  }

  async audit(connection) {
    const node = await connection.getData(this.path);
    const children = await connection.getChildren(this.path);
    if (node === null || children === null) return [`${this.path} is gone`];
    const problems = this.#auditSets(Number(/^n(\d+)\./.exec(node.data)?.[1] ?? -1));
    const present = new Set(children.names.map((name) => Number(name.slice(1))));
    for (const [number, fate] of this.#children) {
      const is = present.has(number);
      if (fate === 'acked' && !is) problems.push(`${this.path}/c${number} is lost`);
      if (fate === 'refused' && is) problems.push(`${this.path}/c${number} was refused, yet is`);
      if (fate === 'pending') this.#children.set(number, is ? 'acked' : 'refused');
      present.delete(number);
    }
    for (const number of present) problems.push(`${this.path}/c${number} was never sent`);
    return problems;
  }

  #auditSets(number) {
    const fate = this.#sets.get(number);
    const lastAcked = [...this.#sets].findLast(([, fate]) => fate === 'acked')[0];
    const what = `${this.path} holds write ${number}`;
    if (fate === undefined) return [`${what}, which was never sent`];
    if (fate === 'refused') return [`${what}, which was refused`];
    if (number < lastAcked) return [`${what}, though ${lastAcked} was acknowledged`];
    this.#sets = new Map([[number, 'acked']]);
    return [];
  }
}
