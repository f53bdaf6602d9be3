// What one worker's part of the tree must look like. A worker alone writes below its own root, and
// one connection's writes take effect in the order sent; so the outcome of each is known when it is
// sent, and after a crash the tree must equal the model after some prefix of what was sent, which
// holds at least everything that was acknowledged.

const code = { noNode: -101, badVersion: -103, exists: -110, notEmpty: -111 };

/** Long data is kept as its own text; a megabyte per worker is no burden. */
function newNode(data, zxid, owner) {
  return {
    data,
    version: 0,
    creates: 0,
    deletes: 0,
    children: new Set(),
    owner,
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
  };
}

function parentOf(path) {
  return path.slice(0, path.lastIndexOf('/'));
}

export class Model {
  nodes = new Map();

  /** `root` exists from the start; its zxids become known when it is first compared. */
  constructor(root, sessionId) {
    this.root = root;
    this.sessionId = sessionId;
    this.nodes.set(root, newNode('', null, 0n));
  }

  /** An independent copy, to try how far a crash has let the writes come. */
  copy() {
    const copy = new Model(this.root, this.sessionId);
    for (const [path, node] of this.nodes) {
      copy.nodes.set(path, { ...node, children: new Set(node.children) });
    }
    return copy;
  }

  /** Carries out `write` as the server must; answers its outcome. */
  apply(write, zxid) {
    if (write.kind !== 'multi') return this.#one(write, zxid, []);
    const undo = [];
    const parts = [];
    for (const [index, part] of write.parts.entries()) {
      const outcome = this.#one(part, zxid, undo);
      if (outcome.err !== 0) {
        for (const step of undo.reverse()) step();
        return { err: 0, parts: failedParts(write.parts.length, index, outcome.err) };
      }
      parts.push(outcome);
    }
    return { err: 0, parts };
  }

  /** Nodes outside the own root belong to nobody's model: the shared checks look after them. */
  #isForeign(path) {
    return path !== this.root && !path.startsWith(`${this.root}/`);
  }

  #one(write, zxid, undo) {
    if (this.#isForeign(write.path)) return { err: 0, path: null };
    if (write.kind === 'create') return this.#create(write, zxid, undo);
    const node = this.nodes.get(write.path);
    if (node === undefined) return { err: code.noNode };
    if (write.version !== -1 && write.version !== node.version) return { err: code.badVersion };
    if (write.kind === 'check') return { err: 0 };
    if (write.kind === 'delete') return this.#delete(write.path, node, zxid, undo);
    this.#keep(write.path, undo);
    node.data = write.data;
    node.version += 1;
    node.mzxid = zxid;
    return { err: 0, version: node.version };
  }

  #create(write, zxid, undo) {
    const parent = this.nodes.get(parentOf(write.path));
    if (parent === undefined) return { err: code.noNode };
    const isSequential = (write.flags & 2) !== 0;
    const path = isSequential ? write.path + String(parent.creates).padStart(10, '0') : write.path;
    if (this.nodes.has(path)) return { err: code.exists };
    this.#keep(parentOf(write.path), undo);
    this.#keep(path, undo);
    const owner = (write.flags & 1) !== 0 ? this.sessionId : 0n;
    this.nodes.set(path, newNode(write.data, zxid, owner));
    parent.children.add(path);
    parent.creates += 1;
    parent.pzxid = zxid;
    return { err: 0, path };
  }

  #delete(path, node, zxid, undo) {
    if (node.children.size > 0) return { err: code.notEmpty };
    const parent = this.nodes.get(parentOf(path));
    this.#keep(parentOf(path), undo);
    this.#keep(path, undo);
    this.nodes.delete(path);
    parent.children.delete(path);
    parent.deletes += 1;
    parent.pzxid = zxid;
    return { err: 0 };
  }

  /** Remembers how to bring a node back to what it is now. */
  #keep(path, undo) {
    const node = this.nodes.get(path);
    const before = node && { ...node, children: new Set(node.children) };
    undo.push(() => {
      if (before === undefined) this.nodes.delete(path);
      else Object.assign(node, before) && this.nodes.set(path, node);
    });
  }

  /** The ephemerals of the session go when it is closed. */
  closeSession() {
    for (const [path, node] of [...this.nodes]) {
      if (node.owner !== this.sessionId) continue;
      this.#delete(path, node, null, []);
    }
  }
}

function failedParts(count, failedAt, err) {
  return Array.from({ length: count }, (_, index) => {
    if (index < failedAt) return { err: 0 };
    return { err: index === failedAt ? err : -2 };
  });
}

/** Compares a reply with what the model expects; null when they agree, else what differs. */
export function outcomeDifference(expected, actual) {
  if (expected.err !== actual.err) return `code ${actual.err}, should be ${expected.err}`;
  if (expected.parts !== undefined) {
    for (const [index, part] of expected.parts.entries()) {
      const difference = outcomeDifference(part, actual.parts[index] ?? { err: 'none' });
      if (difference !== null) return `part ${index}: ${difference}`;
    }
    return null;
  }
  for (const key of ['path', 'version']) {
    const wanted = expected[key] ?? null;
    if (
      wanted !== null &&
      actual.err === 0 &&
      actual[key] !== undefined &&
      actual[key] !== wanted
    ) {
      return `${key} ${actual[key]}, should be ${wanted}`;
    }
  }
  return null;
}
